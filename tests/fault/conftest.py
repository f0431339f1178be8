"""Servers whose disk, or whose Redis, can be made to fail; and a load on them."""

import pytest

from faulty_disk import SOURCE as FAULTY_DISK
from faulty_disk import FaultyDisk
from redis_link import RedisLink
from support.clock import SOURCE as SHIFTED_CLOCK
from support.redis import RedisServer
from support.redis_cluster import Cluster
from support.redis_sentinel import SentinelSet
from support.server import Server
from support.shim import compile_shim
from workload import Workload


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    return compile_shim(FAULTY_DISK, tmp_path_factory.mktemp("shim"))


@pytest.fixture(scope="session")
def clock_shim(tmp_path_factory):
    return compile_shim(SHIFTED_CLOCK, tmp_path_factory.mktemp("clock"))


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


@pytest.fixture
def started(tmp_path):
    """started(*options, store=…) is a server (or another `kind` of process) that runs, killed after the test."""
    made = []

    def make(*options, kind=Server, **settings):
        made.append(kind(tmp_path / f"{kind.__name__.lower()}{len(made)}", *options, **settings))
        return made[-1].start()

    yield make
    for one in made:
        one.kill()


@pytest.fixture
def redis_server(tmp_path):
    server = RedisServer(tmp_path / "redis").start()
    yield server
    server.kill()


# A test names these three before `started` and `load`, so that the servers of Redis end last.


@pytest.fixture
def sentinels(tmp_path):
    """sentinels(password=…) is a SentinelSet that runs."""
    made = []

    def make(**settings):
        made.append(SentinelSet(tmp_path / "sentinels", **settings))
        return made[-1].start()

    yield make
    for one in made:
        one.kill()


@pytest.fixture
def cluster(tmp_path):
    running = Cluster(tmp_path / "cluster").start()
    yield running
    running.kill()


@pytest.fixture
def masters_alone(tmp_path):
    """A cluster without replicas: none takes the place of a master that a busy machine makes slow."""
    running = Cluster(tmp_path / "cluster", replicas=0).start()
    yield running
    running.kill()


@pytest.fixture
def link_to(seed):
    """link_to(redis_server) is a RedisLink, closed after the test."""
    made = []

    def make(server):
        made.append(RedisLink(server, seed + len(made)))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def load(seed):
    """load(*servers) is a Workload on them, which ends with the test at the latest."""
    made = []

    def make(*servers, chats=("a:b", "a:c", "c:d"), **settings):
        made.append(Workload(servers, seed, chats, **settings))
        return made[-1]

    yield make
    for one in made:
        one.abandon()


@pytest.fixture
def figure(capsys):
    """figure(name, value) tells whoever looks on what was measured."""

    def note(name, value):
        with capsys.disabled():
            print(f"\n{name}: {value}")

    return note
