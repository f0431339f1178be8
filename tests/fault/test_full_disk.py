"""A disk that is full: a small file system of its own where we may mount one, else the shim's ENOSPC."""

import errno
import os
import subprocess

import pytest

from faulty_disk import FALLOCATE, WRITES, FaultyDisk
from history import ACKED, UNKNOWN, History, violations
from support.client import Client
from support.errors import check_error
from support.server import Server
from test_disk import CHAT, acknowledged, check_after_restart, fails_with_one_line, send
from workload import final_state

TEXT = "x" * 60_000


class SmallFileSystem:
    """A tmpfs of 24 MiB over the folder."""

    def __init__(self, folder):
        self._folder = folder
        self.environment = {}
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24m", "parley-test", folder], check=True, capture_output=True
        )

    def fill(self, send_one):
        """Sends until one fails; the outcome of that one."""
        for _ in range(1000):
            outcome = send_one()
            if outcome != ACKED:
                return outcome
        raise AssertionError("24 MiB took 60 MB")

    def make_room(self):
        subprocess.run(["mount", "-o", "remount,size=256m", self._folder], check=True)

    def close(self):
        subprocess.run(["umount", "-l", self._folder], check=True)


class ShimmedDisk:
    """Where mounting is not allowed: every write fails with ENOSPC once some have gone through."""

    def __init__(self, shim, folder, store):
        self._disk = FaultyDisk(shim, folder, store)
        self.environment = self._disk.environment()

    def fill(self, send_one):
        self._disk.fail(WRITES | FALLOCATE, errno.ENOSPC, first=100)
        for _ in range(1000):
            outcome = send_one()
            if outcome != ACKED:
                return outcome
        raise AssertionError("a thousand sends made less than a hundred writes")

    def make_room(self):
        self._disk.heal()

    def close(self):
        pass


@pytest.fixture
def small_disk(tmp_path, shim):
    folder = tmp_path / "server" / "data"
    folder.mkdir(parents=True)
    try:
        disk = SmallFileSystem(folder)
    except (subprocess.CalledProcessError, FileNotFoundError):
        disk = ShimmedDisk(shim, tmp_path, folder)
    yield disk
    disk.close()


def test_a_full_disk_loses_nothing_and_recovers_with_room(tmp_path, small_disk):
    server = Server(tmp_path / "server", env=small_disk.environment).start()
    try:
        client = Client(server)
        history = History()
        outcome = small_disk.fill(lambda: send(client, history, f"m{len(history.sends)} {TEXT}"))
        assert outcome == UNKNOWN
        check_error(client.try_send(CHAT, "late"), "unavailable")
        assert client.texts(CHAT) == acknowledged(history)
        problem = check_error(client.get("/readyz", admin=True), "unavailable")
        assert os.strerror(errno.ENOSPC).lower() in problem["detail"].lower()
        client.close()
        server.kill()
        start_on_a_full_disk(server, history)
        small_disk.make_room()
        check_after_restart(server, history)
    finally:
        server.kill()


def start_on_a_full_disk(server, history):
    """It says in a line that it cannot, or it starts and has everything."""
    if fails_with_one_line(server):
        return
    server.kill()
    server.start()
    client = Client(server)
    assert violations(history, final_state(client, [CHAT])) == []
    client.close()
    server.kill()
