"""Waiting for a condition, never for luck: every wait ends as soon as what it waits for is there."""

import time

from support.build import scaled

PATIENCE = 20.0  # seconds of a release build on a busy machine


def eventually(probe, what, timeout=PATIENCE):
    """What probe() returns once that is not None, False or empty; fails, naming `what`, when the deadline passes."""
    deadline = time.monotonic() + scaled(timeout)
    while True:
        value = probe()
        if value is not None and value is not False and value != []:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {scaled(timeout):.0f} s: {what} (last seen: {value!r})")
        time.sleep(0.01)
