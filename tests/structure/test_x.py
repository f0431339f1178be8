"""What `x` decides: whether something is missing, what counts as a passed test, what runs."""

import argparse
import importlib.machinery
import importlib.util
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def x():
    loader = importlib.machinery.SourceFileLoader("x", str(ROOT / "x"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("x", loader))
    sys.modules["x"] = module  # dataclasses look their module up
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.exec_module(module)
    sys.dont_write_bytecode = writes
    return module


def test_each_probe_tells_what_is_there_from_what_is_not(x):
    assert x.program("sh") and not x.program("no-such-program")
    assert x.header("stdio.h") and not x.header("no/such/header.h")
    assert x.cmake_package("RocksDB") and x.cmake_package("prometheus-cpp") and not x.cmake_package("NoSuchPackage")
    assert x.python_module("json") and not x.python_module("no_such_module")


def test_every_package_that_cmake_looks_for_is_looked_for(x):
    found = set(re.findall(r"find_package\((\S+)", (ROOT / "cmake" / "Dependencies.cmake").read_text()))
    elsewhere = {"Threads": "clang++-19", "OpenSSL": "openssl/ssl.h", "Protobuf": "protoc", "Boost": "boost_json"}
    names = {name for _, _, name, _ in x.NEEDS}
    assert len(found) > 8
    assert sorted(f for f in found if elsewhere.get(f, f) not in names) == []


def test_what_is_missing_is_named_with_its_package(x, monkeypatch):
    monkeypatch.setattr(x, "NEEDS", (("build", lambda name: name == "there", "there", "a"),
                                     ("build", lambda name: False, "gone", "b"),
                                     ("bench", lambda name: False, "unasked", "c")))
    assert x.missing(["build"]) == [("gone", "b")]


def test_without_apt_get_one_line_says_what_is_needed(x, monkeypatch):
    monkeypatch.setattr(x, "NEEDS", (("build", lambda name: False, "gone", "b"),))
    monkeypatch.setattr(x, "program", lambda name: None)
    with pytest.raises(SystemExit) as exit:
        x.require("build")
    assert "gone" in exit.value.code and "container image" in exit.value.code and "\n" not in exit.value.code


def test_reports_are_counted(x, tmp_path):
    report = tmp_path / "report.xml"
    report.write_text("""<testsuites><testsuite>
        <testcase name="a"/><testcase name="b" status="run"/>
        <testcase name="c"><failure/></testcase><testcase name="d"><error/><failure/></testcase>
        <testcase name="e"><skipped/></testcase><testcase name="f" status="notrun"/>
        </testsuite></testsuites>""")
    assert x.count_junit(report) == x.Count(passed=2, failed=2, skipped=2)
    assert str(x.Count(2, 2, 2)) == "2 passed, 2 failed, 2 skipped"
    assert str(x.Count(2, 0)) == "2 passed, 0 failed"


def test_what_runs(x):
    def plan(*suites, preset=None):
        return x.planned(argparse.Namespace(suites=list(suites), preset=preset))
    assert list(plan()) == ["release", "asan", "tsan"]
    assert plan("unit", "fuzz") == {"release": ["unit"], "asan": ["fuzz"]}
    assert plan("unit", preset="tsan") == {"tsan": ["unit"]}
    assert plan(preset="debug") == {"debug": ["unit", "functional"]}
    with pytest.raises(SystemExit):
        plan("nothing")


@pytest.mark.parametrize("command", ["run", "test", "build", "package", "manifests", "bench", "fmt", "lint", "deps",
                                     "clean"])
def test_each_command_has_help(command):
    done = subprocess.run([ROOT / "x", command, "--help"], capture_output=True, text=True, check=True)
    assert f"./x {command}" in done.stdout


def test_the_script_says_so_where_there_is_no_python_and_no_apt_get(tmp_path):
    done = subprocess.run(["/bin/sh", ROOT / "x", "build"], env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Python" in done.stderr and "container image" in done.stderr and done.stderr.count("\n") == 1
