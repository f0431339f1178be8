"""A wall clock that a running server can be made to see jump: shifted_clock.c, preloaded."""

import mmap
import pathlib
import struct
import time

from support.shim import preload

SOURCE = pathlib.Path(__file__).with_name("shifted_clock.c")


class ShiftedClock:
    """The server's clock is the real one, shifted by what jump() last said. The steady clock is left alone."""

    def __init__(self, shim, folder):
        self._shim = shim
        self._path = folder / "clock-shift"
        self._path.write_bytes(bytes(8))
        with open(self._path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._shift = 0

    def environment(self):
        return {**preload(self._shim), "PARLEY_CLOCK_SHIFT": str(self._path)}

    def jump(self, seconds):
        """From now on the server's clock is `seconds` ahead of the real one (negative: behind)."""
        struct.pack_into("=q", self._map, 0, seconds)
        self._shift = seconds

    def now_us(self):
        return int((time.time() + self._shift) * 1e6)
