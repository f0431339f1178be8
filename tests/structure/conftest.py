"""What the tests of the repository itself share."""

import importlib.machinery
import importlib.util
import sys

import pytest

from support.build import ROOT


@pytest.fixture(scope="module")
def x():
    """The script `x`, as a module."""
    loader = importlib.machinery.SourceFileLoader("x", str(ROOT / "x"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("x", loader))
    sys.modules["x"] = module  # dataclasses look their module up
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.exec_module(module)
    sys.dont_write_bytecode = writes
    return module
