"""The HTTP API through python3-requests."""

import itertools
import uuid

import requests

from support.build import scaled

_serial = itertools.count()


def new_chat(prefix=""):
    """A chat that no other test uses, and its first member."""
    tag = f"{prefix}{next(_serial)}-{uuid.uuid4().hex[:12]}"
    return f"{tag}:z", tag


class Client:
    """One keep-alive connection; use it from one thread."""

    def __init__(self, deployment):
        self._deployment = deployment
        self._session = requests.Session()
        self._session.trust_env = False  # no proxies from the environment

    def close(self):
        self._session.close()

    def request(self, method, path, admin=False, **arguments):
        base = self._deployment.admin_url if admin else self._deployment.url
        return self._session.request(method, base + path, timeout=scaled(30), **arguments)

    def get(self, path, **arguments):
        return self.request("GET", path, **arguments)

    def post(self, path, **arguments):
        return self.request("POST", path, **arguments)

    # Calls -----------------------------------------------------------------------------------------------------------

    def try_send(self, chat, text="hi", sender=None, key=None, headers=None, **more):
        """The answer, whatever it is. The sender is the first member where none is given."""
        body = {"chat": chat, "text": text, "sender": chat.split(":")[0] if sender is None else sender, **more}
        headers = dict(headers or {})
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.post("/api/send", json=body, headers=headers)

    def send(self, chat, text="hi", sender=None, key=None, **more):
        """The body of a successful answer."""
        answer = self.try_send(chat, text, sender, key, **more)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        return answer.json()

    def try_pull(self, chat, **parameters):
        return self.get("/api/pull", params={"chat": chat, **parameters})

    def pull(self, chat, **parameters):
        answer = self.try_pull(chat, **parameters)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        return answer.json()

    def pages(self, chat, limit=1000, reverse=False, cursor=0):
        """Every page from `cursor` on until has_more is false."""
        while True:
            page = self.pull(chat, limit=limit, reverse=str(reverse).lower(), cursor=cursor)
            yield page
            if not page["has_more"]:
                return
            cursor = page["next_cursor"]

    def read_all(self, chat, **how):
        return [message for page in self.pages(chat, **how) for message in page["messages"]]

    def texts(self, chat, **how):
        return [message["text"] for message in self.read_all(chat, **how)]
