"""An RPC server that is not ours: TTHeader, the template's methods and no Ready, each answered as the test says."""

import contextlib
import socket
import struct
import threading

from support import rpc

UNKNOWN_METHOD, INTERNAL_ERROR = 1, 6


class ForeignNode:
    """`answer(method, request)` returns a response, or raises a TApplicationException, or returns bytes to be written as
    they are, or None to close the connection unanswered. As a Kitex server does, it closes a connection after a method that it does not know."""

    def __init__(self, answer):
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.rpc = self._listener.getsockname()
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError, EOFError):
            while self._serve_one(connection):
                pass

    def _serve_one(self, connection):
        frame = rpc.parse_ttheader(_take(connection, struct.unpack(">I", _take(connection, 4))[0]))
        method, request = rpc.parse_call(frame.payload)
        answer, go_on = self._reply(method, request, frame.sequence_id)
        if answer is None:
            return False
        if isinstance(answer, rpc.Message):
            answer = rpc.ttheader(answer.data, frame.sequence_id)
        connection.sendall(answer)
        return go_on

    def _reply(self, method, request, sequence_id):
        from thrift.Thrift import TApplicationException

        if method not in ("Send", "Pull"):
            error = TApplicationException(UNKNOWN_METHOD, f"unknown method {method}")
            return rpc.reply(method, error, sequence_id), False
        try:
            response = self._answer(method, request)
        except TApplicationException as error:
            response = error
        as_it_is = response is None or isinstance(response, bytes)
        return (response if as_it_is else rpc.reply(method, response, sequence_id)), True


def _take(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data
