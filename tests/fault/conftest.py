"""Servers whose disk can be made to fail."""

import pytest

from faulty_disk import SOURCE, FaultyDisk
from support.server import Server
from support.shim import compile_shim


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    return compile_shim(SOURCE, tmp_path_factory.mktemp("shim"))


@pytest.fixture
def faulty(shim, tmp_path):
    """faulty(*options) is a server (not started) and its disk; suffix="…" names the files that may fail.

    What still runs is killed after the test.
    """
    made = []

    def make(*options, suffix="", **settings):
        folder = tmp_path / f"faulty{len(made)}"
        folder.mkdir()
        disk = FaultyDisk(shim, folder, folder / "data", suffix)
        made.append(Server(folder, *options, env=disk.environment(), **settings))
        return made[-1], disk

    yield make
    for server in made:
        server.kill()
