"""The Kitex programs as tests use them."""

import itertools
import json
import subprocess
import threading

from support.build import scaled
from support.wait import PATIENCE


class KitexClient:
    """A Kitex client in a process of its own; use it from one thread."""

    def __init__(self, program, address, transport="framed", connections="pool", idl="current"):
        command = [
            program,
            "-address",
            "%s:%d" % address,
            "-transport",
            transport,
            "-connections",
            connections,
            "-idl",
            idl,
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._watchdog = threading.Timer(scaled(6 * PATIENCE), self._process.kill)
        self._watchdog.daemon = True
        self._watchdog.start()
        self._ids = itertools.count(1)
        self._outcomes = {}

    def close(self):
        self._watchdog.cancel()
        self._process.kill()
        self._process.communicate()

    def submit(self, method, **fields):
        """Begins a call; its id."""
        number = next(self._ids)
        self._process.stdin.write(json.dumps({"ID": number, "Method": method, **fields}) + "\n")
        self._process.stdin.flush()
        return number

    def outcome(self, number):
        """What became of the call: {"Answer": …} or {"Error": …, "Type": of the exception}."""
        while number not in self._outcomes:
            line = self._process.stdout.readline()
            assert line, f"the client ended with {self._process.wait()}"
            outcome = json.loads(line)
            self._outcomes[outcome["ID"]] = outcome
        return self._outcomes.pop(number)

    def attempt(self, method, **fields):
        return self.outcome(self.submit(method, **fields))

    def call(self, method, **fields):
        """The server's answer, with its fields' names as keys; fails where there was none."""
        outcome = self.attempt(method, **fields)
        assert "Answer" in outcome, outcome
        return outcome["Answer"]

    def send(self, chat, text="hi", sender=None, key=None):
        return self.call("Send", Chat=chat, Text=text, Sender=chat.split(":")[0] if sender is None else sender, Key=key)

    def pull(self, chat, cursor=0, limit=0, reverse=None):
        return self.call("Pull", Chat=chat, Cursor=cursor, Limit=limit, Reverse=reverse)


class KitexServer:
    """A Kitex server with the template's IDL; `rpc` is where it listens."""

    def __init__(self, program, *options):
        self._command = [program, *options]
        self.rpc = None
        self.start()

    def start(self):
        """Starts it, where it was before if it was."""
        listen = ["-listen", "%s:%d" % self.rpc] if self.rpc else []
        self.process = subprocess.Popen([*self._command, *listen], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("ready rpc="), line
        host, port = line.strip().removeprefix("ready rpc=").rsplit(":", 1)
        self.rpc = host, int(port)

    def terminate(self):
        self.process.terminate()

    def wait(self):
        assert self.process.wait(scaled(PATIENCE)) == 0

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
