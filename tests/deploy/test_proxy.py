"""The proxy that docs/operating.md shows: nginx with TLS in front of a server on loopback."""

import json
import re
import shlex
import subprocess

import pytest

from support import pki
from support.build import ROOT, scaled
from support.wait import eventually

PAGE = (ROOT / "docs" / "operating.md").read_text()
BLOCKS = re.findall(r"^```\w+\n(.*?)^```", PAGE, re.M | re.S)


def replaced(text, old, new):
    assert text.count(old) == 1, old
    return text.replace(old, new)


@pytest.fixture
def call(start, tmp_path):
    """call(path, *options of curl) through nginx to a server, each configured as the page has it: (status, body)."""
    (options,) = [shlex.split(block)[2:] for block in BLOCKS if block.startswith("parley serve --allow-host")]
    server = start(*options)
    pki.authority(tmp_path, "chat.example")
    text = next(block for block in BLOCKS if block.startswith("upstream"))
    text = replaced(text, "127.0.0.1:8080", server.url.removeprefix("http://"))
    text = replaced(text, "listen 443", f"listen unix:{tmp_path}/socket")
    text = text.replace("/etc/nginx/", f"{tmp_path}/")
    folders = "".join(f"{n}_temp_path {tmp_path}/{n};" for n in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = tmp_path / "nginx.conf"
    config.write_text(f"pid {tmp_path}/pid; events {{}} http {{ access_log off; {folders}\n{text} }}")
    command = ["nginx", "-p", tmp_path, "-e", "stderr", "-c", config, "-g", "daemon off;"]
    with open(tmp_path / "log", "wb") as log:
        nginx = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    eventually(lambda: (tmp_path / "socket").exists() or nginx.poll() is not None, "nginx listens")

    def call(path, *arguments):
        ask = ["curl", "-sS", "--insecure", "--unix-socket", tmp_path / "socket", "-w", "\n%{http_code}"]
        done = subprocess.run(
            [*ask, f"https://chat.example{path}", *arguments], capture_output=True, text=True, timeout=scaled(20)
        )
        assert done.returncode == 0, done.stderr + (tmp_path / "log").read_text()
        body, status = done.stdout.rsplit("\n", 1)
        return int(status), json.loads(body)

    yield call
    nginx.terminate()
    assert nginx.wait(scaled(20)) == 0, (tmp_path / "log").read_text()


MESSAGE = json.dumps({"chat": "alice:bob", "sender": "alice", "text": "hi"})


def test_clients_and_pages_of_the_public_name_are_served(call):
    status, answer = call("/api/send", "--json", MESSAGE, "-H", "Origin: https://chat.example")
    assert (status, answer["chat"]) == (200, "alice:bob")
    status, answer = call("/api/pull?chat=alice:bob")
    assert (status, [message["text"] for message in answer["messages"]]) == (200, ["hi"])


def test_pages_of_others_are_not(call):
    status, answer = call("/api/send", "--json", MESSAGE, "-H", "Origin: https://elsewhere.example")
    assert (status, answer["code"]) == (403, "origin_not_allowed")
