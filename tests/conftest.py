"""What every test may ask for: a deployment of the real binary, and clients of it."""

import itertools
import random

import pytest

from support.build import BINARY, PRESET, SANITIZED
from support.client import Client, new_chat
from support.deployment import TOPOLOGIES, Topology


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="hundreds of rounds where a few are the default")
    parser.addoption(
        "--seed", type=int, default=random.randrange(2**32), help="of what is random; printed at the start"
    )
    parser.addoption("--topology", choices=sorted(TOPOLOGIES), default="one-process", help="what stands behind HTTP")


def pytest_configure(config):
    config.addinivalue_line("markers", "own_store: what only a process with a store of its own tells")
    config.addinivalue_line("markers", "only_long: needs minutes, or tools that only --long fetches")
    config.addinivalue_line("markers", "memory: measures memory, of which a sanitizer takes its own")


def pytest_collection_modifyitems(config, items):
    """Leaves out what means nothing for this topology, build or run, and what no topology changes."""
    meaningless = {"memory"} if SANITIZED else set()
    if not config.getoption("long"):
        meaningless.add("only_long")
    if config.getoption("topology") != "one-process":
        meaningless.add("own_store")
        items[:] = [item for item in items if "topology" in item.fixturenames]
    items[:] = [item for item in items if not any(item.get_closest_marker(name) for name in meaningless)]


def pytest_report_header(config):
    return f"parley: {BINARY} ({PRESET}), topology {config.getoption('topology')}, seed {config.getoption('seed')}"


@pytest.fixture(scope="session")
def long(request):
    return request.config.getoption("long")


@pytest.fixture
def seed(request):
    return request.config.getoption("seed")


@pytest.fixture(scope="session")
def topology(request, tmp_path_factory):
    with Topology(request.config.getoption("topology"), tmp_path_factory.mktemp("keeper")) as running:
        yield running


@pytest.fixture(scope="session")
def deployment(tmp_path_factory, topology):
    """The deployment with default options that cheap tests share: use chats of your own (the `chat` fixture)."""
    running = topology.deploy(tmp_path_factory.mktemp("shared"))
    yield running
    running.stop()


@pytest.fixture
def client(deployment):
    made = Client(deployment)
    yield made
    made.close()


@pytest.fixture
def chat():
    """The name of a chat that nobody else uses; its first member is the part before the colon."""
    return new_chat()[0]


@pytest.fixture
def start(tmp_path, topology):
    """start(*options) is a new deployment in a folder of its own, stopped after the test (exit 0 or the test fails)."""
    yield from _starter(tmp_path, topology)


@pytest.fixture(scope="module")
def start_shared(tmp_path_factory, topology):
    """The same for deployments that a module's tests share."""
    yield from _starter(tmp_path_factory.mktemp("module"), topology)


@pytest.fixture
def client_of():
    """client_of(deployment) is a client of it, closed after the test."""
    made = []

    def make(running):
        made.append(Client(running))
        return made[-1]

    yield make
    for one in made:
        one.close()


def _starter(folder, topology):
    serial = itertools.count()
    running = []

    def make(*options, **settings):
        running.append(topology.deploy(folder / f"server{next(serial)}", *options, **settings))
        return running[-1]

    yield make
    failures = []
    for one in running:
        try:
            one.stop()
        except AssertionError as error:
            failures.append(str(error))
    assert not failures, "\n".join(failures)
