"""Senders that go on until each message is acknowledged, while things happen to the service."""

import itertools
import threading
import time

import requests

from support.client import Client, new_chat
from support.wait import eventually

SENDERS = 4
PAUSE = 0.01  # seconds between two sends of a sender: the load is to be steady, not high
PATIENCE = 120  # seconds until a message must be acknowledged


class Published:
    """What a Client talks to."""

    url = "http://127.0.0.1:8080"


def call(machine, act):
    """What act(client) returns, with a client in the machine's network."""

    def run():
        client = Client(Published)
        try:
            return act(client)
        finally:
            client.close()

    with machine.threads(1) as pool:
        return pool.submit(run).result()


class Load:
    """Inside of a with statement it sends, with idempotency keys. After it, check() compares what was stored."""

    def __init__(self, machine):
        self.chat = new_chat()[0]
        self.errors = []  # of single attempts; each is repeated
        self._acknowledged = []
        self._stop = threading.Event()
        self._machine = machine
        self._pool = machine.threads(SENDERS)

    def __enter__(self):
        self._senders = [self._pool.submit(self._send, number) for number in range(SENDERS)]
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._pool.shutdown()

    def await_more(self, count=100):
        """Waits until so many more messages are acknowledged."""
        wanted = len(self._acknowledged) + count
        eventually(lambda: len(self._acknowledged) >= wanted or self._ended(), "sends to be acknowledged", PATIENCE)
        assert not self._ended(), [sender.exception() for sender in self._senders if sender.done()]

    def _ended(self):
        return any(sender.done() for sender in self._senders)

    def _send(self, number):
        client = Client(Published)
        for serial in itertools.count():
            if self._stop.wait(PAUSE):
                break
            text = f"{number}-{serial}"
            deadline = time.monotonic() + PATIENCE
            while error := self._attempt(client, text):
                self.errors.append(error)
                assert time.monotonic() < deadline, f"{text}: {error}"
                time.sleep(PAUSE)
            self._acknowledged.append(text)
        client.close()

    def _attempt(self, client, text):
        """None, or what went wrong."""
        try:
            answer = client.try_send(self.chat, text, key=text)
        except requests.RequestException as error:
            return repr(error)
        return None if answer.status_code == 200 else f"{answer.status_code} {answer.text[:300]}"

    def check(self):
        """Every message that was acknowledged is there once, each sender's in order, and nothing else is."""
        for sender in self._senders:
            sender.result()
        texts = call(self._machine, lambda client: client.texts(self.chat))
        assert sorted(texts) == sorted(self._acknowledged)
        for number in range(SENDERS):
            serials = [int(text.split("-")[1]) for text in texts if text.startswith(f"{number}-")]
            assert serials == sorted(serials)
        return len(texts)
