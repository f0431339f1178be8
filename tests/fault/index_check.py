"""What an index must be whenever a store is looked at: for each record, its members and who follows its lane have a row
of it, at most a grain below it. It is read through the program's own seam, by the test program index_check."""

import subprocess
import threading
import time

from support.build import BINARY, scaled
from support.server import clean_environment

PROGRAM = BINARY.parent / "src" / "app" / "index_check"
GRAIN = 600  # seconds


def missing_rows(store, chats, *options):
    """Lines about the chats that somebody is not told of. Of a folder, no server may have it open."""
    done = subprocess.run(
        [PROGRAM, "--store", store, *options],
        input="\n".join(chats),
        capture_output=True,
        text=True,
        timeout=scaled(120),
        env=clean_environment(),
    )
    assert done.returncode in (0, 1), f"the index could not be read: {done.stderr}"
    assert (done.returncode == 1) == bool(done.stdout), done.stderr
    return done.stdout.splitlines()


class RestlessClock:
    """Jumps forward by more than a grain again and again, so that every chat's rows have to be raised again."""

    def __init__(self, clock, randoms):
        self._clock, self._random = clock, randoms
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        self._thread.join()

    def _run(self):
        shift = 0
        while not self._ends.wait(scaled(0.05)):
            shift += self._random.choice((0, 1, GRAIN // 2, GRAIN, 2 * GRAIN))
            self._clock.jump(shift)


def some_time(randoms, most=0.3):
    """Until the moment of a fault: it is no wait for anything."""
    time.sleep(scaled(randoms.uniform(0, most)))
