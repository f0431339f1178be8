"""Writers and followers that go on while the server is killed under them, and write down what they saw."""

import http.client
import json
import random
import threading
import time
import urllib.parse

from history import ACKED, REFUSED, UNKNOWN, History, Message, Page, Send, violations
from support.build import scaled
from support.client import Client
from support.wait import eventually


class Workload:
    """Start it on running servers, each call goes to any of them; call servers_moved() after a restart; stop() settles
    and joins."""

    def __init__(self, servers, seed, chats, writers=6, followers_per_chat=1):
        self.seed, self.chats = seed, chats
        self.history = History()
        self.problems = []  # answers that no server should give, a line each
        self.failures = []  # sends that were answered 503 or 504: allowed, where a test does not say otherwise
        self.acknowledged = 0
        self.servers_moved(*servers)
        self._stop_writing = threading.Event()
        self._stop_reading = threading.Event()
        randoms = random.Random(seed)
        self._writers = [_Thread(self, Writer, f"w{n}", randoms.random(), chats) for n in range(writers)]
        self._followers = [
            _Thread(self, Follower, f"f{n}-{chat}", randoms.random(), chat)
            for chat in chats
            for n in range(followers_per_chat)
        ]
        for thread in self._writers + self._followers:
            thread.start()

    def servers_moved(self, *servers):
        self.addresses = [server.http for server in servers]

    def stop(self):
        """With the server running: keyed sends are settled, followers read to the end."""
        self._stop_writing.set()
        for thread in self._writers:
            thread.finish()
        self._stop_reading.set()
        for thread in self._followers:
            thread.finish()

    def progress(self, sends=50):
        """Waits until the load has gone on for a while; the usual patience is for each 500."""
        end = self.acknowledged + sends
        while self.acknowledged < end:
            step = min(end, self.acknowledged + 500)
            eventually(lambda: self.acknowledged >= step, "sends to be acknowledged")

    def check(self, server, may_vanish=False):
        """After stop(): whether what was seen can be true of what is stored. What it tells of failed sends, sorted by
        whether they had a key."""
        client = Client(server)
        final = final_state(client, self.chats)
        client.close()
        found = self.problems + violations(self.history, final, may_vanish)
        assert not found, f"seed {self.seed}, {len(self.history.sends)} sends:\n" + "\n".join(found[:20])
        assert self.acknowledged > 0
        keyed = [f for f in self.failures if f.startswith("keyed")]
        return keyed, [f for f in self.failures if not f.startswith("keyed")]

    def abandon(self):
        """After a failure: ends the threads without settling."""
        self._stop_writing.set()
        self._stop_reading.set()
        self.addresses = []

    def writing(self):
        return not self._stop_writing.is_set()

    def reading(self):
        return not self._stop_reading.is_set()


class _Thread(threading.Thread):
    """Runs one actor and keeps what it died of."""

    def __init__(self, workload, kind, name, seed, chats):
        super().__init__(name=name, daemon=True)
        self._actor = kind(workload, name, random.Random(seed), chats)
        self._died_of = None

    def run(self):
        try:
            self._actor.run()
        except Exception as error:  # told by finish(), in the test's thread
            self._died_of = error

    def finish(self):
        self.join(scaled(60))
        assert not self.is_alive(), f"{self.name} did not finish"
        if self._died_of:
            raise self._died_of


class _Caller:
    """A keep-alive connection to each server."""

    def __init__(self, workload, randoms):
        self._workload, self._random = workload, randoms
        self._connections = {}

    def call(self, method, path, body=None, key=None):
        """(status, decoded body); None where no connection was made; raises where one broke."""
        addresses = self._workload.addresses
        if not addresses:
            return None
        address = self._random.choice(addresses)
        connection = self._connections.get(address) or self._connect(address)
        if connection is None:
            return None
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        try:
            connection.request(method, path, body and json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            self._connections.pop(address).close()
            raise

    def _connect(self, address):
        connection = http.client.HTTPConnection(*address, timeout=scaled(20))
        try:
            connection.connect()
        except OSError:
            return None
        self._connections[address] = connection
        return connection


class Writer:
    def __init__(self, workload, name, randoms, chats):
        self._workload, self._name, self._random, self._chats = workload, name, randoms, chats
        self._caller = _Caller(workload, randoms)

    def run(self):
        number = 0
        while self._workload.writing():
            number += 1
            chat = self._random.choice(self._chats)
            text = f"{self._name}.{number}" + "." * self._random.choice((0, 0, 0, 100, 5000))
            key = f"{self._name}.{number}" if self._random.random() < 0.5 else None
            self._send(chat, text, key)

    def _send(self, chat, text, key):
        """A keyed send is repeated until it is acknowledged; one without a key is tried once."""
        body = {"chat": chat, "text": text, "sender": self._random.choice(chat.split(":"))}
        began = time.monotonic()
        give_up = began + scaled(60)
        may_be_stored = False
        while True:
            outcome, answer = self._attempt(body, key)
            if outcome == ACKED:
                break
            may_be_stored = may_be_stored or outcome == UNKNOWN
            if not key or time.monotonic() > give_up or not self._workload.addresses:
                self._record(body, UNKNOWN if may_be_stored else REFUSED, began)
                return
            time.sleep(0.005)
        self._record(body, ACKED, began, answer)
        self._workload.acknowledged += 1
        if key and self._random.random() < 0.3:
            self._repeat(body, key, answer)

    def _attempt(self, body, key):
        try:
            answer = self._caller.call("POST", "/api/send", body, key)
        except (OSError, http.client.HTTPException, ValueError):
            return UNKNOWN, None
        if answer is None:
            time.sleep(0.005)  # nobody listens: the server is being started
            return REFUSED, None
        status, content = answer
        if status == 200:
            return ACKED, content
        self._workload.failures.append(f"{'keyed' if key else 'keyless'} at {time.monotonic():.3f}: {content}")
        if status == 504:
            return UNKNOWN, None
        if status != 503:
            self._workload.problems.append(f"{self._name}: {status} {content}")
        return REFUSED, None

    def _repeat(self, body, key, first):
        outcome, answer = self._attempt(body, key)
        if outcome == ACKED and answer != {**first, "duplicate": True}:
            self._workload.problems.append(f"{self._name}: {first} repeated is {answer}")

    def _record(self, body, outcome, began, answer=None):
        self._workload.history.add_send(
            Send(
                body["chat"],
                body["text"],
                body["sender"],
                outcome,
                answer["send_time"] if answer else 0,
                began,
                time.monotonic(),
                1 if answer is None or not answer["duplicate"] else 0,
            )
        )


class Follower:
    """Reads one chat from its beginning, going on from each page's next_cursor, across restarts."""

    def __init__(self, workload, name, randoms, chat):
        self._workload, self._name, self._random, self._chat = workload, name, randoms, chat
        self._caller = _Caller(workload, randoms)
        self._cursor = 0

    def run(self):
        while True:
            last_round = not self._workload.reading()
            page = self._pull()
            if page is None or not page.messages:
                if last_round and (page is not None or not self._workload.addresses):
                    return
                time.sleep(0.005)

    def _pull(self):
        """The next page, None where there was no answer (or no chat yet)."""
        query = urllib.parse.urlencode(
            {"chat": self._chat, "cursor": self._cursor, "limit": self._random.choice((1, 7, 100, 1000))}
        )
        began = time.monotonic()
        try:
            answer = self._caller.call("GET", f"/api/pull?{query}")
        except (OSError, http.client.HTTPException, ValueError):
            return None
        if answer is None or answer[0] in (503, 404):
            return Page(self._chat, began, ()) if answer and answer[0] == 404 else None
        status, content = answer
        if status != 200:
            self._workload.problems.append(f"{self._name}: {status} {content}")
            return None
        messages = tuple(Message(m["text"], m["sender"], m["send_time"]) for m in content["messages"])
        page = Page(self._chat, began, messages, content["has_more"])
        self._workload.history.add_page(self._name, page)
        self._cursor = content["next_cursor"]
        return page


def final_state(client, chats):
    """Chat → its messages, as checked forward and backward."""
    final = {}
    for chat in chats:
        forward = client.read_all(chat) if client.try_pull(chat).status_code != 404 else []
        backward = client.read_all(chat, reverse=True) if forward else []
        assert forward == backward[::-1], f"{chat} differs between forward and reverse"
        final[chat] = [Message(m["text"], m["sender"], m["send_time"]) for m in forward]
    return final
