"""A TCP link between a gateway and a node that can break in the middle of what the node answers."""

import contextlib
import socket
import struct
import threading


class FaultyLink:
    """Listens on an address of its own and carries bytes to and from `node`; stands for it in Gateway(nodes=…)."""

    def __init__(self, node):
        self._node = node
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.rpc = self._listener.getsockname()
        self._break_next = threading.Event()
        self.breaks = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def break_next(self):
        """The next bytes of the node are cut in half, and the connection is reset."""
        self._break_next.set()

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._node.rpc)
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._carry, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, True), daemon=True).start()

    def _carry(self, source, target, answers):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if answers and self._break_next.is_set():
                    self._break_next.clear()
                    self.breaks += 1
                    target.sendall(data[: len(data) // 2])
                    target.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    break
                target.sendall(data)
        for one in (source, target):  # wakes the other direction's thread, which waits in recv()
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RD)
            one.close()
