"""What `x` decides: whether something is missing, what counts as a passed test, what runs."""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def logs(x, monkeypatch, tmp_path):
    """The folder of the logs of what this test runs."""
    monkeypatch.setattr(x, "BUILD", tmp_path / "build")
    x.log.cache_clear()
    yield tmp_path / "build" / "logs"
    x.log.cache_clear()


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
    report.write_text('<testsuite tests="1"><testcase name="a"/><testcase name="interrupted"/></testsuite>')
    assert x.count_junit(report) == x.Count(passed=1)
    assert str(x.Count(2, 2, 2)) == "2 passed, 2 failed, 2 skipped"
    assert str(x.Count(2, 0)) == "2 passed, 0 failed"


def test_what_runs(x):
    def plan(*suites, preset=None, all=False, long=False):
        return x.planned(argparse.Namespace(suites=list(suites), preset=preset, all=all, long=long))

    assert list(plan()) == ["release"] and list(plan(all=True)) == ["release", "asan", "tsan"]
    assert plan(all=True)["asan"] == ("unit", "functional", "fuzz")
    assert plan(all=True)["release"] == plan()["release"]
    assert list(plan(long=True)) == ["release", "asan", "tsan"]
    assert set(plan(long=True)["release"]) == {*plan()["release"], *x.LONG}
    assert {suite for suites in plan(long=True).values() for suite in suites} == set(x.SUITES)
    assert plan("kitex") == {"release": ["kitex"]}
    assert plan("unit", "fuzz") == {"release": ["unit"], "asan": ["fuzz"]}
    assert plan("unit", preset="tsan") == {"tsan": ["unit"]}
    assert plan(preset="debug") == {"debug": ["unit", "functional"]}
    with pytest.raises(SystemExit):
        plan("nothing")


def test_each_preset_of_cmake_is_one_of_x(x):
    presets = json.loads((ROOT / "CMakePresets.json").read_text())
    named = [preset["name"] for preset in presets["configurePresets"] if not preset.get("hidden")]
    assert named == [preset["name"] for preset in presets["buildPresets"]] == list(x.PRESETS)


def test_each_suite_is_counted_as_it_ends_and_when_it_is_cut_short(x, monkeypatch, capsys):
    def suite(args, preset, scratch):
        (scratch / "report.xml").write_text("<t><testcase name='a'/><testcase name='b'/></t>")
        (scratch / "half.xml").write_text("<t><testcase")
        if args.interrupted:
            raise KeyboardInterrupt
        return x.counted(scratch)

    monkeypatch.setattr(x, "SUITES", {"unit": suite})
    results = []
    x.run_one_by_one(argparse.Namespace(k=None, interrupted=False), "release", ["unit"], results)
    assert capsys.readouterr().out.splitlines()[-1] == "x: unit (release): 2 passed, 0 failed"
    with pytest.raises(KeyboardInterrupt):
        x.run_one_by_one(argparse.Namespace(k=None, interrupted=True), "release", ["unit"], results)
    assert x.report("counted so far:", results) == x.Count(4, 0)
    out = capsys.readouterr().out
    assert re.search(r"^counted so far:$", out, re.M)
    assert re.search(r"^unit \(release\) cut short +2 passed, 0 failed$", out, re.M)


def test_only_suites_that_wait_run_two_at_a_time(x, monkeypatch):
    def two(*suites, preset="release", long=False, cores=2):
        monkeypatch.setattr(x, "cores", lambda: cores)
        return x.may_run_two_at_a_time(argparse.Namespace(long=long), preset, suites)

    assert two(*x.EVERY_CHANGE["release"]) and two("unit", "fault")
    assert not two("unit") and not two("unit", "unit") and not two("unit", "fault", cores=1)
    assert (
        not two("unit", "kitex")
        and not two("unit", "fault", long=True)
        and not two("unit", "functional", preset="tsan")
    )


# Runs suites that are played. `first` and `second` end when both have begun, `hangs` and `stays` when interrupted.
PLAYED = r"""
import argparse, importlib.machinery, importlib.util, pathlib, signal, subprocess, sys
loader = importlib.machinery.SourceFileLoader("x", sys.argv[1])
x = importlib.util.module_from_spec(importlib.util.spec_from_loader("x", loader))
sys.modules["x"], sys.dont_write_bytecode = x, True
loader.exec_module(x)
here = pathlib.Path.cwd()
x.BUILD = here / "build"

class Waited(subprocess.Popen):  # tells when x is ready for an interrupt
    def wait(self, timeout=None):
        (here / f"{self.pid}.waits").touch()
        return super().wait(timeout)

subprocess.Popen = Waited
WAITS = "n=0; while [ $((n += 1)) -lt 600 ]; do %s; sleep 0.1; done; exit 1"

def suite(name, result, ends):
    def run(args, preset, scratch):
        print(f"output of {name}", flush=True)
        (scratch / "report.xml").write_text(f"<t><testcase name='a'>{result}</testcase></t>")
        x.call(["sh", "-c", f"trap ': >{name}.ended; exit 1' INT; : >{name}.began; {WAITS % ends}"], cwd=here)
        return x.counted(scratch)
    return run

both = "[ -e first.began ] && [ -e second.began ] && exit"
x.SUITES = {
    "first": suite("first", "<failure/>", both), "second": suite("second", "", both), "last": suite("last", "", "exit"),
    "hangs": suite("hangs", "", ":"), "stays": suite("stays", "", ":"), "dies": lambda *args: sys.exit(3),
}
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
results = []
try:
    x.run_two_at_a_time(argparse.Namespace(k=None), "release", sys.argv[2:], results)
finally:
    x.report("results:", results)
"""


@pytest.fixture
def played(tmp_path):
    """played(suites…) starts x over suites that are played."""
    made = []

    def start(*suites):
        made.append(
            subprocess.Popen(
                [sys.executable, "-c", PLAYED, ROOT / "x", *suites],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        )
        return made[-1]

    yield start
    for process in made:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_two_suites_run_at_a_time_and_the_output_of_one_that_fails_is_shown(played, tmp_path):
    out, err = played("first", "second", "last", "dies").communicate(timeout=120)
    assert err == ""
    assert "output of first" in out and "output of second" not in out and "output of last" not in out
    assert "output of second" in (tmp_path / "build" / "logs" / "second-release.log").read_text()
    assert "x: first (release): 0 passed, 1 failed" in out.splitlines()
    assert [re.split(" {2,}", line) for line in out.partition("results:\n")[2].splitlines()] == [
        ["first (release)", "0 passed, 1 failed"],
        ["second (release)", "1 passed, 0 failed"],
        ["last (release)", "1 passed, 0 failed"],
        ["dies (release)", "0 passed, 1 failed"],
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_both_suites(played, tmp_path, number):
    """The terminal sends Ctrl-C to all that runs, and whoever sends SIGTERM to x alone."""
    process = played("hangs", "stays", "last")
    deadline = time.monotonic() + 60
    while any(len(list(tmp_path.glob(f"*.{what}"))) < 2 for what in ("began", "waits")) and time.monotonic() < deadline:
        time.sleep(0.02)
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    out = process.communicate(timeout=60)[0]
    assert process.returncode != 0
    assert {path.name for path in tmp_path.glob("*.ended")} == {"hangs.ended", "stays.ended"}
    assert [re.split(" {2,}", line) for line in out.partition("results:\n")[2].splitlines()] == [
        ["hangs (release) cut short", "1 passed, 0 failed"],
        ["stays (release) cut short", "1 passed, 0 failed"],
    ]


@pytest.mark.parametrize(
    "command", ["run", "test", "build", "package", "manifests", "bench", "fmt", "lint", "deps", "clean"]
)
def test_each_command_has_help(command):
    done = subprocess.run([ROOT / "x", command, "--help"], capture_output=True, text=True, check=True)
    assert f"./x {command}" in done.stdout


def test_the_script_says_what_to_do_without_python_and_apt_get(tmp_path):
    done = subprocess.run(["/bin/sh", ROOT / "x", "build"], env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Python" in done.stderr and "container image" in done.stderr and done.stderr.count("\n") == 1


def test_the_script_says_what_root_must_run_without_python_and_sudo(tmp_path):
    for name, text in {"apt-get": "exit 1", "id": "echo 1000"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(["/bin/sh", ROOT / "x", "build"], env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "Run as root: apt-get update && apt-get install -y --no-install-recommends python3" in done.stderr


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


def test_a_tool_is_installed_once_and_again_when_its_pins_change(x, logs, monkeypatch, tmp_path):
    pins = tmp_path / "tools" / "some" / "requirements.txt"
    pins.parent.mkdir(parents=True)
    ran = []
    monkeypatch.setattr(x, "ROOT", tmp_path)

    def quietly(name, command):
        ran.append(command)
        (tmp_path / "build" / "tools" / "some").mkdir(parents=True, exist_ok=True)
        return 0

    monkeypatch.setattr(x, "quietly", quietly)
    monkeypatch.setattr(x, "test_python", lambda: sys.executable)
    for text, installs in (("a==1", 1), ("a==1", 1), ("a==2", 2)):
        pins.write_text(text)
        assert x.tool("some") == tmp_path / "build" / "tools" / "some"
        assert sum("venv" in command for command in ran) == installs


def test_a_tool_that_cannot_be_installed_is_named(x, logs, monkeypatch):
    monkeypatch.setattr(x, "test_python", lambda: "false")
    with pytest.raises(SystemExit) as exit:
        x.tool("swagger-ui")
    assert "swagger-ui" in exit.value.code and "network" in exit.value.code


def test_ci_runs_what_the_readme_names(tmp_path):
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci/run").write_bytes((ROOT / ".ci/run").read_bytes())
    (tmp_path / "x").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "x").chmod(0o755)

    def arguments(*options):
        return subprocess.run(
            ["sh", tmp_path / ".ci/run", *options], capture_output=True, text=True, check=True
        ).stdout.split()

    assert arguments() == ["test"] and arguments("--long") == ["test", "--long"]
    assert re.search(r"^(?: {4})?(?:\$ )?\./x test\b", (ROOT / "README.md").read_text(), re.M)
    workflow = (ROOT / ".github/workflows/test.yml").read_text()
    assert re.search(
        r"- run: \./x test \$\{\{ github.event_name == 'schedule' && '--long' \|\| '' \}\}$", workflow, re.M
    )


# What is installed ----------------------------------------------------------------------------------------------------


def test_what_dpkg_asks_of_who_makes_the_package_is_what_the_package_needs(x, tmp_path):
    """An empty database of packages has nothing, so all that is asked for is named. Developers have it by habit."""
    (tmp_path / "status").touch()
    control = ROOT / "deploy" / "debian" / "control"
    command = ["dpkg-checkbuilddeps", f"--admindir={tmp_path}", control]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"})
    asked = re.search(r"Unmet build dependencies: (.*)$", done.stderr, re.M)[1]
    names = {
        re.sub(r"-compat$", "", name) for name in re.findall(r"([a-z0-9][a-z0-9.+-]+)(?::\w+)?(?: \([^)]*\))?", asked)
    }
    assert {"build-essential", "debhelper"} <= names
    installed = {package for group, _, _, package in x.NEEDS if group in ("build", "package")}
    assert names - installed == set()


def test_no_package_that_is_installed_starts_a_service(x):
    """The programs of those that would are taken out of their packages. Every Debian has util-linux already."""
    asked = {package for *_, package in x.NEEDS} - {"systemd", "util-linux"}
    listed = 0
    for package in sorted(asked - set(x.WITH_SERVICES)):
        done = subprocess.run(["dpkg-query", "--listfiles", package], capture_output=True, text=True)
        listed += done.returncode == 0
        found = re.findall(r"^(?:/usr)?/lib/systemd/system/.*\.service$|^/etc/init\.d/.+$", done.stdout, re.M)
        assert found == [], package
    assert listed > 20
    assert set(x.WITH_SERVICES) <= asked


APT = """Reading package lists...
The following NEW packages will be installed:
  a b
0 upgraded, 137 newly installed, 0 to remove and 0 not upgraded.
Need to get 1,153 kB/153 MB of archives.
After this operation, 826 MB of additional disk space will be used.
Do you want to continue? [Y/n] N
Abort.
"""


@pytest.fixture
def apt(x, logs, monkeypatch):
    """A machine without these packages: `steps` are the commands that it ran, `plans` what apt-get plans each time."""
    state = argparse.Namespace(steps=[], plans=[APT], codes={}, user=1000, sudo=True)

    def run(command, **options):
        return subprocess.CompletedProcess(command, 1, stdout=state.plans.pop(0) if state.plans else APT)

    def quietly(name, command, progress=None, **options):
        state.steps.append(" ".join(map(str, command)))
        step = next(word for word in ("update", "install", "download", "extract") if word in state.steps[-1])
        x.log(name).write_text("E: why it failed\n")
        return state.codes.get(step, [0]).pop(0) if state.codes.get(step) else 0

    monkeypatch.setattr(x.subprocess, "run", run)
    monkeypatch.setattr(x, "quietly", quietly)
    monkeypatch.setattr(x.os, "geteuid", lambda: state.user)
    monkeypatch.setattr(x, "program", lambda name: name != "sudo" or state.sudo)
    return state


def test_how_much_is_installed_is_said_before_sudo_asks(x, apt, capsys):
    x.install(["cmake"])
    out = capsys.readouterr().out
    assert "137 Debian packages: 1153 kB to fetch, 826 MB on disk, some 1 min, by sudo" in out and "password" in out
    assert len(apt.steps) == 1 and apt.steps[0].startswith("sudo env ") and apt.steps[0].endswith(" cmake")


def test_lists_are_fetched_if_there_are_none_or_old_ones(x, apt, capsys):
    apt.plans[:] = ["E: Unable to locate package cmake\n", APT]
    x.install(["cmake"])
    assert [step.split("apt-get ")[1].split()[0] for step in apt.steps] == ["update", "install"]
    assert "137 Debian packages" in capsys.readouterr().out
    apt.steps.clear()
    apt.codes["install"] = [100, 0]
    x.install(["cmake"])
    assert [step.split("apt-get ")[1].split()[0] for step in apt.steps] == ["install", "update", "install"]


def test_what_failed_is_shown_with_the_name_of_its_log(x, apt, logs, capsys):
    apt.codes["install"] = [100, 100]
    with pytest.raises(SystemExit) as exit:
        x.install(["cmake"])
    assert "apt-get could not install" in exit.value.code and str(logs / "apt.log") in exit.value.code
    assert "E: why it failed" in capsys.readouterr().out


def test_scripts_of_packages_have_a_standard_output(x, logs, tmp_path, monkeypatch):
    """apt-get closes the file of its status before it runs them. Without a pseudo-terminal they have no other."""
    played = tmp_path / "apt-get"
    played.write_text(
        """#!/bin/sh
status=$(printf '%s\\n' "$@" | sed -n 's/^APT::Status-Fd=//p')
eval "echo pmstatus:cmake:50.0:Installing cmake >&$status; exec $status>&-"
echo said by a script || exit 1
"""
    )
    played.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(x, "as_root", lambda: [])
    assert x.apt_install(["cmake"]) == 0
    said = (logs / "apt.log").read_text()
    assert "said by a script" in said
    assert "pmstatus" not in said, "it was not taken for progress"


def test_without_root_and_sudo_it_says_what_root_must_run(x, apt):
    apt.sudo = False
    with pytest.raises(SystemExit) as exit:
        x.install(["cmake", "ninja-build"])
    assert "137 Debian packages" in exit.value.code and apt.steps == []
    assert exit.value.code.endswith(
        "Run as root: apt-get update && apt-get install --no-install-recommends cmake ninja-build"
    )


def test_of_a_package_with_a_service_only_the_programs_are_taken(x, apt, logs, monkeypatch):
    programs = logs.parent / "tools" / "debian" / "usr" / "bin"
    programs.mkdir(parents=True)
    (programs / "redis-server").symlink_to("redis-check-rdb")
    there = iter([False, True])
    monkeypatch.setattr(x, "NEEDS", (("test", lambda name: next(there), "redis-server", "redis-server"),))
    monkeypatch.setattr(x, "program", lambda name: f"/usr/bin/{name}")
    x.require("test")
    assert [step.split()[:2] for step in apt.steps] == [["apt-get", "download"]]
    assert os.readlink(programs / "redis-server") == "/usr/bin/redis-check-rdb"


def test_a_program_that_was_taken_in_part_is_not_there(x, logs, monkeypatch):
    interrupted = iter([True, False])

    def quietly(name, command, *rest, cwd=None):
        if "download" in command:
            (cwd / "nginx.deb").touch()
        else:
            place = command[-1] / "usr" / "sbin" / "nginx"
            place.parent.mkdir(parents=True)
            place.write_text("half of it")
            if next(interrupted):
                raise KeyboardInterrupt
            place.write_text("all of it")
        return 0

    monkeypatch.setattr(x, "quietly", quietly)
    program = logs.parent / "tools" / "debian" / "usr" / "sbin" / "nginx"
    with pytest.raises(KeyboardInterrupt):
        x.extract(["nginx"])
    assert not program.exists()
    x.extract(["nginx"])
    assert program.read_text() == "all of it"


def test_apt_s_status_is_read(x):
    assert x.apt_progress("dlstatus:1:20.4:Retrieving file 3 of 60 (10s remaining)\n") == "fetching packages: 20 %"
    assert x.apt_progress("pmstatus:cmake:55.5555:Installing cmake (amd64)\n") == "installing packages: 56 %"
    assert x.apt_progress("Get:1 http://deb.debian.org/debian bookworm/main amd64 cmake\n") is None


# ./x run and ./x build, in a repository of their own whose ninja and parley are played ---------------------------------

NINJA = """#!/bin/sh
printf '[0/200] Building CXX object a.o\n[1/200] Building CXX object b.o\n'
"""
PARLEY = r"""#!/bin/sh
echo "$@" >>"${0%/*}/../../called"
case "$1" in
config)
  store='store = "rocksdb:parley-data"'
  case "$*" in
  *--store*) store="store = \"${*##*--store }\"  # on the command line" ;;
  *--backend*) store="backend = \"${*##*--backend }\"  # on the command line" ;;
  esac
  printf '# Store\n# backend is not set\n%s\n' "$store" ;;
serve) echo 'ready http=127.0.0.1:8080 rpc=127.0.0.1:8888 admin=127.0.0.1:8081' ;;
esac
"""


@pytest.fixture
def elsewhere(tmp_path):
    """A repository with nothing but x: `elsewhere.x(words…)` runs it."""

    class Elsewhere:
        path = tmp_path / "repository"
        bin = tmp_path / "bin"
        environment = os.environ | {"PATH": f"{bin}:{os.environ['PATH']}"}

        def script(self, path, text):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)

        def x(self, *words, cwd=None):
            return subprocess.run(
                [self.path / "x", *words], cwd=cwd or self.path, env=self.environment, capture_output=True, text=True
            )

        def start(self, *words):
            """The same in a session of its own, to be interrupted or left."""
            return subprocess.Popen(
                [self.path / "x", *words],
                cwd=self.path,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background ignores it
            )

        def called(self):
            return (self.path / "called").read_text().splitlines()

    made = Elsewhere()
    made.path.mkdir()
    for name in ("x", "CMakePresets.json"):
        shutil.copy(ROOT / name, made.path)
    pins = made.path / "tools" / "swagger-ui" / "requirements.txt"
    pins.parent.mkdir(parents=True)
    pins.write_text("a==1\n")
    built = made.path / "build" / "release"
    built.mkdir(parents=True)
    (built / "build.ninja").touch()
    shutil.copy(ROOT / "CMakePresets.json", built / "presets-used.json")
    stamp = made.path / "build" / "tools" / "swagger-ui" / "installed"
    stamp.parent.mkdir(parents=True)
    shutil.copy(pins, stamp)
    made.script(made.bin / "ninja", NINJA)
    made.script(built / "parley", PARLEY)
    return made


def test_run_says_where_messages_are_and_how_to_send_and_pull(elsewhere):
    done = elsewhere.x("run")
    assert done.returncode == 0, done.stderr
    for line in (
        "ready http=127.0.0.1:8080 rpc=127.0.0.1:8888 admin=127.0.0.1:8081",
        f"x: Parley is running. It keeps messages in {elsewhere.path}/parley-data. Ctrl-C ends it.",
        "x: send:  build/release/parley send alice:bob --as alice hello",
        "x: pull:  build/release/parley pull alice:bob",
        "x:        curl 'http://127.0.0.1:8080/api/pull?chat=alice:bob'",
        "x: try every call in a browser: http://127.0.0.1:8080/docs",
        "x: metrics: http://127.0.0.1:8081/metrics",
    ):
        assert line in done.stdout.splitlines()
    assert "cannot" not in done.stdout and len(done.stdout.splitlines()) < 12


def test_run_keeps_messages_in_one_folder_from_wherever_it_is_called(elsewhere, tmp_path):
    for folder in (elsewhere.path, tmp_path):
        done = elsewhere.x("run", cwd=folder)
        assert elsewhere.called()[-1] == f"serve --store rocksdb:{elsewhere.path}/parley-data"
    assert f"x: send:  {'repository/build/release/parley'} send" in done.stdout


@pytest.mark.parametrize(
    "words", [["--store", "memory:"], ["--", "--store", "memory:"], ["--preset", "release", "--store", "memory:"]]
)
def test_options_behind_run_are_the_server_s(elsewhere, words):
    done = elsewhere.x("run", *words)
    assert elsewhere.called()[-1] == "serve --store memory:", done.stderr
    assert "It keeps messages in memory, until the server ends." in done.stdout


def test_run_says_where_other_stores_are(elsewhere):
    backend = "thrift://127.0.0.1:8888"
    assert f"messages in {backend}." in elsewhere.x("run", "--backend", backend).stdout
    assert elsewhere.called()[-1] == f"serve --backend {backend}"
    assert f"messages in {elsewhere.path}/there." in elsewhere.x("run", "--store", "rocksdb:there").stdout


def test_run_leaves_no_server_behind_if_the_reader_of_its_output_leaves(elsewhere):
    serves = "trap ': >ended; exit 0' INT\nn=0\nwhile [ $((n += 1)) -lt 300 ]; do echo line; sleep 0.1; done\n"
    parley = elsewhere.path / "build" / "release" / "parley"
    elsewhere.script(parley, f'#!/bin/sh\n[ "$1" = serve ] || exit 0\n{serves}')
    process = elsewhere.start("run")
    assert any(line == "line\n" for line in process.stdout)
    process.stdout.close()
    process.stdout = None
    assert "Traceback" not in process.communicate(timeout=60)[1]
    assert process.returncode != 0
    assert (elsewhere.path / "ended").exists()


def test_a_build_that_fails_shows_why_and_names_its_log(elsewhere):
    error = "a.cc:1:1: error: expected expression"
    elsewhere.script(
        elsewhere.bin / "ninja", f"#!/bin/sh\necho '[1/2] a.o'\necho 'FAILED: a.o'\necho '{error}'\nexit 1\n"
    )
    done = elsewhere.x("run")
    assert done.returncode == 1
    assert done.stdout.splitlines() == ["FAILED: a.o", error]
    assert done.stderr == "x: the preset release does not build. All of the output is in build/logs/build-release.log\n"
    assert error in (elsewhere.path / "build/logs/build-release.log").read_text()


def test_a_build_says_where_it_is(elsewhere):
    assert elsewhere.x("build", "parley").stdout.splitlines()[-1] == "x: built parley in build/release"
    assert elsewhere.x("build").stdout.splitlines()[-1] == "x: built everything in build/release"


def test_ctrl_c_during_a_build_is_an_interrupt(elsewhere):
    """Whether it reaches x, or only the build."""
    stops = "trap 'echo \"ninja: build stopped: interrupted by user.\"; exit 2' INT\n"
    waits = f"{stops}: >started\nn=0\nwhile [ $((n += 1)) -lt 600 ]; do sleep 0.1; done\n"
    elsewhere.script(elsewhere.bin / "ninja", f"#!/bin/sh\necho $$ >{elsewhere.path}/pid\n{waits}")
    for only_build in (False, True):
        process = elsewhere.start("build")
        deadline = time.monotonic() + 60
        while not (elsewhere.path / "started").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        (elsewhere.path / "started").unlink()
        if only_build:
            os.kill(int((elsewhere.path / "pid").read_text()), signal.SIGINT)
        else:
            os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (130, "x: interrupted\n"), out


def test_progress_is_one_line_on_a_terminal_and_some_lines_elsewhere(x, monkeypatch, capsys):
    line = x.ProgressLine()
    for number in range(100):
        line.show(f"building: {number} of 100 steps")
    line.clear()
    assert capsys.readouterr().out == ""  # it was over within half a minute
    now = iter(range(0, 3000, 10))
    monkeypatch.setattr(x.time, "monotonic", lambda: next(now))
    line = x.ProgressLine()
    for number in range(12):
        line.show(f"building: {number} of 12 steps")
    assert capsys.readouterr().out.count("\n") <= 4
    monkeypatch.setattr(x.sys.stdout, "isatty", lambda: True)
    line = x.ProgressLine()
    line.show("building: 1 of 2 steps")
    line.clear()
    assert capsys.readouterr().out == "\r\033[Kx: building: 1 of 2 steps\r\033[K"


def test_a_long_build_says_how_long(x, monkeypatch, capsys):
    monkeypatch.setattr(x, "cores", lambda: 2)
    now = iter([100.0, 100.0, 160.0])
    monkeypatch.setattr(x.time, "monotonic", lambda: next(now))
    progress = x.BuildProgress("release")
    assert progress("[0/200] Building CXX object a.o\n") == "building: 0 of 200 steps"
    assert capsys.readouterr().out == "x: building the preset release: 200 steps, some 4 min on 2 cores\n"
    assert progress("[50/200] Building CXX object b.o\n") == "building: 50 of 200 steps, some 3 min left"
    assert progress("ninja: no work to do.\n") is None
