"""A wall clock that a running server can be made to see jump: libfaketime, preloaded."""

import os
import pathlib
import time

from support.build import SANITIZED

LIBRARY = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")  # Debian's package libfaketime


class FakeClock:
    """The server's clock is the real one, shifted by what jump() last said. The steady clock is left alone."""

    def __init__(self, folder):
        self._file = folder / "faketime"
        self.jump(0)

    def environment(self):
        assert LIBRARY.exists(), f"{LIBRARY} is missing: install the package libfaketime"
        environment = {
            "LD_PRELOAD": str(LIBRARY), "FAKETIME_TIMESTAMP_FILE": str(self._file), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1"}
        if SANITIZED:  # a static sanitizer runtime comes after a preloaded library
            environment["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        return environment

    def jump(self, seconds):
        """From now on the server's clock is `seconds` ahead of the real one (negative: behind)."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}s\n")
        new.rename(self._file)
        self._shift = seconds

    def now_us(self):
        return int((time.time() + self._shift) * 1e6)
