"""HTTP/1.1 as bytes on a socket: for what no well-behaved client would send."""

import dataclasses
import json
import select
import socket

from support.build import scaled


@dataclasses.dataclass
class Answer:
    status: int
    version: str
    fields: list  # (lower-case name, value) in their order
    body: bytes

    def header(self, name):
        """The value, None if absent; fails where it came more than once."""
        values = [v for n, v in self.fields if n == name.lower()]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.header("Parley-Code")


class Closed(Exception):
    """The server closed where an answer was due."""


class Connection:
    """A client's socket. Reads fail with TimeoutError after `timeout` seconds (of a release build)."""

    def __init__(self, address, timeout=20, receive_buffer=None):
        self._socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(scaled(timeout))
        self._socket.connect(address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._socket.close()

    def send(self, data):
        self._socket.sendall(data)

    def send_while_taken(self, data):
        """As much as the server takes; False where it closed before the end."""
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def half_close(self):
        self._socket.shutdown(socket.SHUT_WR)

    def answer(self, head=False):
        """The next answer; Closed where the server closed before its first byte."""
        start = self._until(b"\r\n\r\n")
        lines = start.decode("latin-1").split("\r\n")
        version, status = lines[0].split(" ")[:2]
        fields = [(n.lower(), v.strip()) for n, v in (line.split(":", 1) for line in lines[1:])]
        answer = Answer(int(status), version, fields, b"")
        if not head and answer.status >= 200 and answer.status not in (204, 304):
            answer.body = self._body(answer)
        return answer

    def rest(self):
        """Every byte up to the server's close."""
        while self._more():
            pass
        data, self._buffer = self._buffer, b""
        return data

    def closed(self):
        """Waits for the server's close; fails where bytes come instead."""
        rest = self.rest()
        assert rest == b"", f"more bytes instead of the close: {rest[:300]!r}"
        return True

    def is_open(self):
        """Whether the server has neither closed nor sent anything."""
        return not self._buffer and not select.select([self._socket], [], [], 0)[0]

    def _more(self):
        try:
            data = self._socket.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        self._buffer += data
        return data

    def _until(self, mark):
        while mark not in self._buffer:
            if not self._more():
                raise Closed(self._buffer)
        found, self._buffer = self._buffer.split(mark, 1)
        return found

    def _body(self, answer):
        length = answer.header("Content-Length")
        if length is None:
            return self.rest()
        while len(self._buffer) < int(length):
            if not self._more():
                raise Closed(self._buffer)
        body, self._buffer = self._buffer[: int(length)], self._buffer[int(length) :]
        return body


def raw(address, data, half_close=True):
    """Sends `data` and returns everything that comes until the server closes."""
    with Connection(address) as connection:
        if connection.send_while_taken(data) and half_close:
            connection.half_close()
        return connection.rest()


def answers(data, heads=()):
    """The answers that `data` consists of; fails on anything that is not a whole answer. `heads`: which are to HEAD."""
    reader = _Recorded(data)
    found = []
    while reader.left():
        found.append(reader.answer(head=len(found) in heads))
    return found


class _Recorded(Connection):
    def __init__(self, data):
        self._buffer = data

    def left(self):
        return len(self._buffer)

    def _more(self):
        return b""


def post(body, *fields, path="/api/send", host="localhost", length=True):
    """A POST of a JSON `body` (bytes, or what json.dumps takes), with further header lines."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", *fields]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def get(path="/ping", *fields, host="localhost", method="GET", version="HTTP/1.1"):
    return "\r\n".join([f"{method} {path} {version}", f"Host: {host}", *fields, "", ""]).encode("latin-1")


def chunked(body, size=7, extension="", trailers=()):
    """`body` in chunks of `size` bytes."""
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    chunks = b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension.encode(), part) for part in parts)
    return chunks + b"0\r\n" + "".join(f"{t}\r\n" for t in trailers).encode() + b"\r\n"
