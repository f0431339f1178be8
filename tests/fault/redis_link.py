"""A link between Parley and a Redis server that understands what it carries (RESP2): it can cut a reply in the middle,
hold or swallow it, deliver a command late, and answer in the server's place."""

import contextlib
import queue
import random
import socket
import struct
import threading
import time

WRITES = ("EVALSHA", "EVAL", "ZADD")
READS = ("XRANGE", "XREVRANGE")


class RedisLink:
    """Listens on an address of its own and carries commands to `server` (anything with an address) and replies back."""

    def __init__(self, server, seed=0):
        self._server = server
        self._random = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._carrying = threading.Event()
        self._carrying.set()
        self._connections = set()
        self._instead = None
        self.cut_share = 0.0  # of the replies, that are cut somewhere, the connection with them
        self.late_share = 0.0  # of the writes, that reach the server `late` seconds after their connection has ended
        self.late = 0.3
        self.delay = 0.0  # seconds that each reply takes
        self.cuts = 0
        self.overtaken = 0  # writes that were delivered late
        self.answered = 0  # commands that were answered in the server's place
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def url(self, database=0):
        return f"redis://127.0.0.1:{self.port}/{database}"

    def close(self):
        self.black_hole(False)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.break_all()

    def break_all(self):
        """Resets every connection."""
        for one in list(self._connections):
            one.reset()

    def black_hole(self, on=True):
        """Connections are made and stay, and nothing comes through; what was held comes through afterwards."""
        self._carrying.clear() if on else self._carrying.set()

    def heal(self):
        self.cut_share = self.late_share = self.delay = 0.0
        self._instead = None
        self.black_hole(False)

    def instead(self, reply, *commands, count=None, close=False):
        """The next `count` (None: all) of these commands get `reply` and do not reach the server; `close`: and then the
        connection is reset. `reply` may be a function of the command, a list of its words."""
        self._instead = (reply, {name.upper() for name in commands}, close)
        self._left = count

    # What its connections ask ----------------------------------------------------------------------------------------

    def answer_to(self, command):
        """(reply, close) where the link answers this command itself."""
        instead = self._instead
        if instead is None or command[0].decode().upper() not in instead[1]:
            return None
        if self._left is not None:
            if self._left == 0:
                return None
            self._left -= 1
        self.answered += 1
        reply = instead[0]
        return reply(command) if callable(reply) else reply, instead[2]

    def is_late(self, command):
        return command[0].decode().upper() in WRITES and self._random.random() < self.late_share

    def cut_of(self, reply):
        """How much of the reply goes through before the connection is reset; None: all, and it stays."""
        if self._random.random() >= self.cut_share:
            return None
        self.cuts += 1
        return self._random.choice((0, self._random.randrange(len(reply)), len(reply)))

    def carrying(self):
        self._carrying.wait()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._server.address)
            except OSError:  # the server is not there: nor is the link
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                near.close()
                continue
            self._connections.add(_Connection(self, near, far, self._connections.discard))


class _Connection:
    """Two threads: one carries the commands, the other the replies, in the commands' order."""

    def __init__(self, link, near, far, forget):
        self._link, self._near, self._far, self._forget = link, near, far, forget
        for one in (near, far):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._due = (
            queue.SimpleQueue()
        )  # for each command: None (the server answers it), or (reply, close); False: the end
        threading.Thread(target=self._carry_commands, daemon=True).start()
        threading.Thread(target=self._carry_replies, daemon=True).start()

    def reset(self):
        """Towards Parley."""
        with contextlib.suppress(OSError):
            self._near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._near.shutdown(socket.SHUT_RD)  # wakes the thread that reads it, so that the reset is not put off
        with contextlib.suppress(OSError):
            self._near.close()

    def _carry_commands(self):
        commands = Reader(self._near)
        with contextlib.suppress(OSError, EOFError):
            while True:
                raw, command = commands.command()
                self._link.carrying()
                answer = self._link.answer_to(command)
                if answer is None and self._link.is_late(command):
                    self._deliver_late(raw)
                    break
                self._due.put(answer)
                if answer is None:
                    self._far.sendall(raw)
        self._due.put(False)
        with contextlib.suppress(OSError):
            self._far.shutdown(socket.SHUT_WR)  # it executes what it has

    def _deliver_late(self, raw):
        self.reset()
        self._link.overtaken += 1
        time.sleep(self._link.late)  # the fault itself
        self._far.sendall(raw)

    def _carry_replies(self):
        replies = Reader(self._far)
        with contextlib.suppress(OSError, EOFError):
            while (due := self._due.get()) is not False:
                reply, close = due if due else (replies.reply(), False)
                self._link.carrying()
                if self._link.delay:
                    time.sleep(self._link.delay)
                size = self._link.cut_of(reply) if not due else None
                self._near.sendall(reply if size is None else reply[:size])
                if close or size is not None:
                    break
        self.reset()
        with contextlib.suppress(OSError):
            while self._far.recv(1 << 16):  # what the server still answers: a reset would make it drop commands
                pass
        self._far.close()
        self._forget(self)


class Reader:
    """RESP2 from a socket; EOFError where it ends."""

    def __init__(self, source):
        self._source = source
        self._buffer = bytearray()
        self._at = 0

    def command(self):
        """(its bytes, its words)"""
        start = self._line()
        words = []
        if start[:1] != b"*":
            raise EOFError  # an inline command: not Parley's
        for _ in range(int(start[1:])):
            words.append(self._bulk(self._line()))
        return self._taken(), words

    def reply(self):
        """Its bytes."""
        left = 1
        while left:
            line = self._line()
            left -= 1
            if line[:1] == b"$":
                self._bulk(line)
            elif line[:1] == b"*":
                left += max(0, int(line[1:]))
        return self._taken()

    def _line(self):
        while (end := self._buffer.find(b"\r\n", self._at)) < 0:
            self._more()
        line = bytes(self._buffer[self._at : end])
        self._at = end + 2
        return line

    def _bulk(self, line):
        size = int(line[1:])
        if size < 0:
            return None
        while len(self._buffer) < self._at + size + 2:
            self._more()
        data = bytes(self._buffer[self._at : self._at + size])
        self._at += size + 2
        return data

    def _more(self):
        more = self._source.recv(1 << 16)
        if not more:
            raise EOFError
        self._buffer += more

    def _taken(self):
        data = bytes(self._buffer[: self._at])
        del self._buffer[: self._at]
        self._at = 0
        return data
