"""Kitex clients and servers, built once a run and ended after each test."""

import pytest

import programs
from kitex import KitexClient, KitexServer


@pytest.fixture(scope="session")
def built():
    return programs.build()


@pytest.fixture
def kitex_client(built):
    """kitex_client(address, …) is a KitexClient."""
    made = []

    def make(*arguments, **settings):
        made.append(KitexClient(built / "client", *arguments, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def kitex_server(built):
    """kitex_server(*options) is a running KitexServer."""
    made = []

    def make(*options):
        made.append(KitexServer(built / "server", *options))
        return made[-1]

    yield make
    for one in made:
        one.kill()
