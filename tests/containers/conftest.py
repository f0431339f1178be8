"""The machine that all tests of this folder share, with the image in its engine."""

import time

import documented
import images
import pytest
from machine import Machine

from support.build import ROOT
from support.golang import run_go

COMPOSE = ROOT / "build" / "tools" / "containers" / "docker-compose"
BUILD_LIMIT = 5400  # seconds, on a machine that has other work


@pytest.fixture(scope="session")
def machine():
    """A Docker engine that has the base images."""
    # Debian 12 has no Compose 2, so it is built of its Go module.
    sources = ROOT / "tests" / "containers" / "tools"
    version = "-X github.com/docker/compose/v2/internal.Version=v2.24.7"
    flags = ["-ldflags", version, "-o", COMPOSE]
    run_go(sources, "build", *flags, "github.com/docker/compose/v2/cmd", CGO_ENABLED="0")
    with Machine(COMPOSE) as running:
        images.import_bases(running)
        yield running


@pytest.fixture(scope="session")
def engine(machine):
    """The same once the documented command has built the image."""
    begin = time.monotonic()
    machine.run(documented.BUILD, timeout=BUILD_LIMIT)
    print(f"{documented.BUILD}: {time.monotonic() - begin:.0f} s")
    return machine


@pytest.fixture
def up(machine):
    """up(command) runs a documented `docker compose … up` and waits until everything is healthy.

    It returns what the command printed. After the test all of it is removed, the volumes too.
    """
    projects = set()

    def make(command):
        projects.add(command.split(" up ")[0])
        printed = machine.run(command, timeout=BUILD_LIMIT)
        machine.await_healthy(command)
        return printed

    yield make
    for project in projects:
        machine.run(f"{project} down --volumes --remove-orphans")
