"""What the tests of the package and of the image share: the package, and a Debian to install it in."""

import itertools
import subprocess

import pytest

from support.build import ROOT
from support.debian import Root, bootstrap


@pytest.fixture(scope="session")
def package():
    """The package, as ./x package makes it."""
    subprocess.run([ROOT / "x", "package"], check=True, stdout=subprocess.DEVNULL)
    return next(p for p in (ROOT / "build" / "package").glob("parley_*.deb"))


@pytest.fixture(scope="session")
def minimal_system(tmp_path_factory):
    path = tmp_path_factory.mktemp("system") / "bookworm.tar"
    bootstrap(path)
    return path


@pytest.fixture
def new_root(minimal_system, tmp_path):
    """new_root() is a Debian root of the test's own."""
    serial = itertools.count()
    return lambda: Root(minimal_system, tmp_path / f"root{next(serial)}")
