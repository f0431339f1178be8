"""What `x` decides: whether something is missing, what counts as a passed test, what runs."""

import argparse
import json
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_each_probe_tells_what_is_there_from_what_is_not(x):
    assert x.program("sh") and not x.program("no-such-program")
    assert x.header("stdio.h") and not x.header("no/such/header.h")
    assert x.cmake_package("RocksDB") and x.cmake_package("prometheus-cpp") and not x.cmake_package("NoSuchPackage")
    assert x.python_module("json") and not x.python_module("no_such_module")


def test_tests_run_where_every_module_is(x, monkeypatch):
    """Modules that are spread over two interpreters serve neither: then packages are installed for the system's."""

    def choose(having):
        x.test_python.cache_clear()
        monkeypatch.setattr(x, "has_modules", lambda python, names: set(names) <= having.get(python, set()))
        return x.test_python()

    monkeypatch.setattr(x.sys, "executable", "/opt/python3")
    all_modules = {name for _, probe, name, _ in x.NEEDS if probe is x.python_module}
    assert choose({"/opt/python3": all_modules}) == "/opt/python3"
    assert choose({"/opt/python3": {"pytest"}, "/usr/bin/python3": {"thrift"}}) == "/usr/bin/python3"
    assert not x.python_module("pytest")
    x.test_python.cache_clear()


def test_every_package_that_cmake_looks_for_is_looked_for(x):
    found = set(re.findall(r"find_package\((\S+)", (ROOT / "cmake" / "Dependencies.cmake").read_text()))
    elsewhere = {"Threads": "clang++-19", "OpenSSL": "openssl/ssl.h", "Protobuf": "protoc", "Boost": "boost_json"}
    names = {name for _, _, name, _ in x.NEEDS}
    assert len(found) > 8
    assert sorted(f for f in found if elsewhere.get(f, f) not in names) == []


def test_what_is_missing_is_named_with_its_package(x, monkeypatch):
    monkeypatch.setattr(
        x,
        "NEEDS",
        (
            ("build", lambda name: name == "there", "there", "a"),
            ("build", lambda name: False, "gone", "b"),
            ("bench", lambda name: False, "unasked", "c"),
        ),
    )
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
    def plan(*suites, preset=None, long=False):
        return x.planned(argparse.Namespace(suites=list(suites), preset=preset, long=long))

    assert list(plan()) == ["release", "asan", "tsan"]
    assert "kitex" in plan(long=True)["release"] and "kitex" not in plan()["release"]
    assert plan("kitex") == {"release": ["kitex"]}
    assert plan("unit", "fuzz") == {"release": ["unit"], "asan": ["fuzz"]}
    assert plan("unit", preset="tsan") == {"tsan": ["unit"]}
    assert plan(preset="debug") == {"debug": ["unit", "functional"]}
    with pytest.raises(SystemExit):
        plan("nothing")


@pytest.mark.parametrize(
    "command", ["run", "test", "build", "package", "manifests", "bench", "fmt", "lint", "deps", "clean"]
)
def test_each_command_has_help(command):
    done = subprocess.run([ROOT / "x", command, "--help"], capture_output=True, text=True, check=True)
    assert f"./x {command}" in done.stdout


def test_the_script_says_so_where_there_is_no_python_and_no_apt_get(tmp_path):
    done = subprocess.run(["/bin/sh", ROOT / "x", "build"], env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Python" in done.stderr and "container image" in done.stderr and done.stderr.count("\n") == 1


def test_every_tool_is_pinned():
    folders = sorted((ROOT / "tools").iterdir())
    assert folders
    for folder in folders:
        if (folder / "package.json").exists():
            lock = json.loads((folder / "package-lock.json").read_text())["packages"]
            assert all("integrity" in package for name, package in lock.items() if name)
            continue
        lines = (folder / "requirements.txt").read_text().splitlines()
        wanted = [line for line in lines if line and not line.startswith("#")]
        assert wanted and all("==" in line for line in wanted), folder


def test_what_ends_up_in_the_program_is_pinned_by_its_hash():
    text = (ROOT / "tools" / "swagger-ui" / "requirements.txt").read_text()
    assert re.search(r"^\S+==\S+ --hash=sha256:[0-9a-f]{64}$", text, re.M)


def test_a_tool_is_installed_once_and_again_when_its_pins_change(x, monkeypatch, tmp_path):
    pins = tmp_path / "tools" / "some" / "requirements.txt"
    pins.parent.mkdir(parents=True)
    ran = []
    monkeypatch.setattr(x, "ROOT", tmp_path)
    monkeypatch.setattr(x, "BUILD", tmp_path / "build")

    def run(command):
        ran.append(command)
        (tmp_path / "build" / "tools" / "some").mkdir(parents=True, exist_ok=True)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(x.subprocess, "run", run)
    monkeypatch.setattr(x, "test_python", lambda: sys.executable)
    for text, installs in (("a==1", 1), ("a==1", 1), ("a==2", 2)):
        pins.write_text(text)
        assert x.tool("some") == tmp_path / "build" / "tools" / "some"
        assert sum("venv" in command for command in ran) == installs


def test_a_tool_that_cannot_be_installed_is_named(x, monkeypatch, tmp_path):
    monkeypatch.setattr(x, "BUILD", tmp_path)
    monkeypatch.setattr(x, "test_python", lambda: "false")
    with pytest.raises(SystemExit) as exit:
        x.tool("swagger-ui")
    assert "swagger-ui" in exit.value.code and "network" in exit.value.code


def test_ci_runs_what_it_names_and_with_options_everything(x, tmp_path):
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci/run").write_bytes((ROOT / ".ci/run").read_bytes())
    (tmp_path / "x").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "x").chmod(0o755)

    def arguments(*options):
        out = subprocess.run(["sh", tmp_path / ".ci/run", *options], capture_output=True, text=True, check=True).stdout
        return out.split()

    command, *suites = arguments()
    assert command == "test" and tuple(suites) == x.EVERYTHING["release"]
    assert arguments("--long") == ["test", "--long"]
