"""The RPC service as a foreign client knows it: Apache Thrift's own library over idl/im.thrift, and frames by hand."""

import contextlib
import dataclasses
import functools
import importlib
import struct
import subprocess
import sys
import tempfile

from support.build import ROOT, scaled
from support.wire import Connection

IDL = ROOT / "idl" / "im.thrift"

# The wire forms of Apache Thrift, (framed, compact).
FORMS = {"framed": (True, False), "unframed": (False, False), "compact": (True, True)}


@functools.lru_cache(maxsize=None)
def generated():
    """The generated package: generated().ttypes, generated().IMService."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["thrift", "--gen", "py", "-out", folder, IDL], check=True)
        sys.path.insert(0, folder)
        try:
            package = importlib.import_module("im")
            for name in ("ttypes", "IMService"):
                importlib.import_module(f"im.{name}")
        finally:
            sys.path.remove(folder)
    return package


def send_request(chat, text="hi", sender=None, key=None):
    types = generated().ttypes
    sender = chat.split(":")[0] if sender is None else sender
    return types.SendRequest(types.Message(chat, text, sender), key)


def pull_request(chat, cursor=0, limit=0, reverse=None):
    return generated().ttypes.PullRequest(chat, cursor, limit, reverse)


@contextlib.contextmanager
def thrift_client(address, form="framed"):
    """A generated client on a connection of its own."""
    from thrift.protocol import TBinaryProtocol, TCompactProtocol
    from thrift.transport import TSocket, TTransport

    framed, compact = FORMS[form]
    socket = TSocket.TSocket(*address)
    socket.setTimeout(int(scaled(20) * 1000))
    transport = (TTransport.TFramedTransport if framed else TTransport.TBufferedTransport)(socket)
    protocol = (TCompactProtocol.TCompactProtocol if compact else TBinaryProtocol.TBinaryProtocol)(transport)
    transport.open()
    try:
        yield generated().IMService.Client(protocol)
    finally:
        transport.close()


# By hand ------------------------------------------------------------------------------------------------------------

BINARY, COMPACT = 0, 2
OUT_OF_ORDER = 1
LOG_ID, RPC_TIMEOUT = 2, 12


def call(method, request, sequence_id=1, protocol=BINARY):
    """The message that a generated client would send."""
    return _written(protocol, lambda client: getattr(client, f"send_{method}")(request), sequence_id)


def ready(sequence_id=1, method=b"Ready"):
    """A binary call of Ready, or of another method, with an empty argument."""
    return (
        b"\x80\x01\x00\x01"
        + struct.pack(">I", len(method))
        + method
        + struct.pack(">I", sequence_id)
        + b"\x0c\x00\x01\x00\x00"
    )


def result(method, message, protocol=BINARY):
    """What a generated client makes of an answer: the response, or the exception that it throws."""
    from thrift.Thrift import TApplicationException
    from thrift.transport import TTransport

    client = generated().IMService.Client(_protocol(protocol, TTransport.TMemoryBuffer(message)))
    try:
        return getattr(client, f"recv_{method}")()
    except TApplicationException as error:
        return error


def framed(message):
    return struct.pack(">I", len(message)) + message


def ttheader(payload, sequence_id, flags=0, protocol=BINARY, ints=None, strings=None, token=None):
    """A TTHeader frame, byte by byte as Kitex' documentation has it."""
    header = bytes([protocol, 0])
    if strings:
        header += b"\x01" + struct.pack(">H", len(strings))
        header += b"".join(_string(k.encode()) + _string(v.encode()) for k, v in strings.items())
    if ints:
        header += b"\x10" + struct.pack(">H", len(ints))
        header += b"".join(struct.pack(">H", k) + _string(str(v).encode()) for k, v in ints.items())
    if token:
        header += b"\x11" + _string(token.encode())
    header += b"\0" * (-len(header) % 4)
    rest = b"\x10\x00" + struct.pack(">HiH", flags, sequence_id, len(header) // 4) + header + payload
    return framed(rest)


@dataclasses.dataclass
class Frame:
    """A TTHeader frame that came."""

    sequence_id: int
    protocol: int
    ints: dict
    strings: dict
    payload: bytes


class RpcConnection(Connection):
    """A socket to the RPC port."""

    def frame(self):
        """The next frame's content."""
        (size,) = struct.unpack(">I", self._take(4))
        return self._take(size)

    def ttheader(self):
        return parse_ttheader(self.frame())

    def _take(self, size):
        while len(self._buffer) < size:
            if not self._more():
                raise EOFError(f"the server closed after {self._buffer!r}")
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken


def lives(connection):
    connection.send(framed(ready()))
    assert result("Ready", connection.frame()).Code == 0
    return True


def parse_ttheader(data):
    assert data[:2] == b"\x10\x00", data
    _flags, sequence_id, words = struct.unpack(">HiH", data[2:10])
    header, payload = data[10 : 10 + 4 * words], data[10 + 4 * words :]
    frame = Frame(sequence_id, header[0], {}, {}, payload)
    assert header[1] == 0, "no transforms"
    at = 2
    while at < len(header):
        kind, at = header[at], at + 1
        if kind == 0:
            continue
        assert kind in (0x01, 0x10), kind
        (count,), at = struct.unpack(">H", header[at : at + 2]), at + 2
        for _ in range(count):
            if kind == 0x01:
                key, at = _read_string(header, at)
                key = key.decode()
            else:
                (key,), at = struct.unpack(">H", header[at : at + 2]), at + 2
            value, at = _read_string(header, at)
            (frame.strings if kind == 0x01 else frame.ints)[key] = value.decode()
    return frame


# The other side: what a server reads and answers ---------------------------------------------------------------------


@dataclasses.dataclass
class Message:
    """A Thrift message, to be put into a frame."""

    data: bytes


def parse_call(message):
    """The method's name and its request, of a call in the binary protocol; None where the method is not the template's."""
    from thrift.transport import TTransport

    protocol = _protocol(BINARY, TTransport.TMemoryBuffer(message))
    method, _, _ = protocol.readMessageBegin()
    if method not in ("Send", "Pull"):
        return method, None
    arguments = getattr(generated().IMService, f"{method}_args")()
    arguments.read(protocol)
    return method, arguments.req


def reply(method, response, sequence_id):
    """The message that answers with `response`, or with an exception."""
    from thrift.Thrift import TApplicationException, TMessageType
    from thrift.transport import TTransport

    buffer = TTransport.TMemoryBuffer()
    protocol = _protocol(BINARY, buffer)
    thrown = isinstance(response, TApplicationException)
    protocol.writeMessageBegin(method, TMessageType.EXCEPTION if thrown else TMessageType.REPLY, sequence_id)
    (response if thrown else getattr(generated().IMService, f"{method}_result")(response)).write(protocol)
    protocol.writeMessageEnd()
    return Message(buffer.getvalue())


def _string(data):
    return struct.pack(">H", len(data)) + data


def _read_string(data, at):
    (size,) = struct.unpack(">H", data[at : at + 2])
    return data[at + 2 : at + 2 + size], at + 2 + size


def _protocol(protocol, transport):
    from thrift.protocol import TBinaryProtocol, TCompactProtocol

    return (TCompactProtocol.TCompactProtocol if protocol == COMPACT else TBinaryProtocol.TBinaryProtocol)(transport)


def _written(protocol, write, sequence_id):
    from thrift.transport import TTransport

    buffer = TTransport.TMemoryBuffer()
    client = generated().IMService.Client(_protocol(protocol, buffer))
    client._seqid = sequence_id
    write(client)
    return buffer.getvalue()
