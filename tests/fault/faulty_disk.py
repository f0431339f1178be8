"""The test's side of faulty_disk.c: arms faults in a running server's writes and syncs."""

import mmap
import pathlib
import struct

from support.shim import preload

WRITE, PWRITE, WRITEV, FSYNC, FDATASYNC, SYNC_FILE_RANGE, FALLOCATE = (1 << n for n in range(7))
WRITES = WRITE | PWRITE | WRITEV
SYNCS = FSYNC | FDATASYNC | SYNC_FILE_RANGE
EVERYTHING = WRITES | SYNCS | FALLOCATE
_FAIL, _FALL_SHORT, _TAKE_LONG = 1, 2, 3

_FIELDS = ("mask", "action", "error", "first", "count", "delay", "calls", "hits", "inside")
SOURCE = pathlib.Path(__file__).with_name("faulty_disk.c")


class FaultyDisk:
    """One server's disk. Nothing is wrong with it until a fault is armed."""

    def __init__(self, shim, folder, store, suffix=""):
        """`folder` for the control file; concerned are the files below `store` whose names end in `suffix`."""
        self._shim = shim
        self._suffix = suffix
        self._store = pathlib.Path(store)
        self._store.mkdir(parents=True, exist_ok=True)
        self._path = pathlib.Path(folder) / "faults"
        self._path.write_bytes(bytes(4 * len(_FIELDS)))
        with open(self._path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def environment(self):
        return {
            **preload(self._shim),
            "PARLEY_FAULT_CONTROL": str(self._path),
            "PARLEY_FAULT_FOLDER": str(self._store),
            "PARLEY_FAULT_SUFFIX": self._suffix,
        }

    def count(self, mask):
        """Counts the calls from here on, and hits none."""
        self._arm(mask=mask)

    def fail(self, mask, error, first=1, count=-1):
        """The first-th of these calls and the following, `count` in all (-1: for good), fail with `error`."""
        self._arm(mask=mask, action=_FAIL, error=error, first=first, count=count)

    def fall_short(self, mask, first=1, count=1):
        """They write only a part."""
        self._arm(mask=mask, action=_FALL_SHORT, first=first, count=count)

    def take_long(self, mask, seconds, first=1, count=1):
        self._arm(mask=mask, action=_TAKE_LONG, delay=int(seconds * 1000), first=first, count=count)

    def heal(self):
        self._arm(mask=0)

    def __getattr__(self, name):
        """calls, hits, inside: see faulty_disk.c."""
        if name not in _FIELDS:
            raise AttributeError(name)
        return struct.unpack_from("=i", self._map, 4 * _FIELDS.index(name))[0]

    def _arm(self, mask, **fields):
        self._set("mask", 0)  # nothing is hit by half of an order
        for name in ("calls", "hits", "action", "error", "first", "count", "delay"):
            self._set(name, fields.get(name, 0))
        self._set("mask", mask)

    def _set(self, name, value):
        struct.pack_into("=i", self._map, 4 * _FIELDS.index(name), value)
