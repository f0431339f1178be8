"""Which binary is under test, and how much slower than a release it is."""

import os
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("PARLEY_BIN", ROOT / "build" / "release" / "parley")).resolve()
PRESET = os.environ.get("PARLEY_PRESET", "release")
SANITIZED = PRESET in ("asan", "tsan")
SCALE = 8 if SANITIZED else 1
IDL = ROOT / "idl"


def binary():
    """The program's path; ends the whole run where it has not been built."""
    if not BINARY.exists():
        pytest.exit(f"there is no binary at {BINARY}: build it, or name one in PARLEY_BIN", returncode=4)
    return str(BINARY)


def scaled(seconds):
    """A time limit of a release build, stretched for the build under test."""
    return seconds * SCALE


def duration(seconds):
    """The same as an option's value: `--header-timeout`, duration(0.5)."""
    return f"{int(scaled(seconds) * 1000)}ms"
