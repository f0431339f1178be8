"""What a newcomer types, in a Debian 12 that has nothing but git and CA certificates. Needs root and a network."""

import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import threading

import pytest

from support.build import ROOT
from support.debian import ENVIRONMENT, Root, bootstrap

MINUTES = 60  # for what builds: far more than it takes
FREE_PORTS = "--http 127.0.0.1:0 --rpc 127.0.0.1:0 --admin 127.0.0.1:0"
NOT_OURS = ("nginx", "prometheus", "redis-server", "redis-sentinel")


@pytest.fixture(scope="session")
def bare_system(tmp_path_factory):
    path = tmp_path_factory.mktemp("system") / "bookworm.tar"
    bootstrap(path, include=["git", "ca-certificates"], options=[])
    return path


@pytest.fixture
def bare(bare_system, tmp_path):
    """A bare system with a clone of what is committed here, in /home/parley."""
    root = Root(bare_system, tmp_path / "bare")
    clone = ["git", "clone", "-q", "--bare", "--depth=1", f"file://{ROOT}", root.path / "tmp" / "parley.git"]
    subprocess.run(clone, check=True)
    root.run("git clone -q file:///tmp/parley.git /home/parley")
    return root


class Run:
    """`./x run`, or a line like it, typed in `folder` inside: its output line by line, and Ctrl-C."""

    def __init__(self, root, folder, line):
        words = root.command("sh", "-c", f"cd {folder} && exec {line}")
        self.lines = []
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=ENVIRONMENT,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background ignores it
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()

    def until(self, pattern):
        """The match of the first line from here on that has `pattern`."""
        limit = threading.Timer(MINUTES * 60, os.killpg, (self._process.pid, signal.SIGKILL))
        limit.start()
        try:
            for line in self._process.stdout:
                self.lines.append(line)
                if found := re.search(pattern, line):
                    return found
        finally:
            limit.cancel()
        raise AssertionError(f"no line has {pattern!r}:\n{''.join(self.lines)}")

    def interrupt(self):
        """The exit code after Ctrl-C, which a terminal sends to all of them."""
        os.killpg(self._process.pid, signal.SIGINT)
        self.lines += self._process.stdout
        return self._process.wait()


def test_from_a_clone_to_a_message_and_to_the_installed_package(bare, bare_system, tmp_path):
    with Run(bare, "/home/parley", f"./x run {FREE_PORTS}") as run:
        packages = run.until(
            r"^x: installing (\d+) Debian packages: [\d.]+ MB to fetch, [\d.]+ MB on disk, some \d+ min$"
        )
        assert int(packages[1]) > 50
        kept = run.until(r"^x: Parley is running\. It keeps messages in (.*?)\. ")[1]
        send = run.until(r"^x: send:  (.*)$")[1]
        pull = run.until(r"^x: pull:  (.*)$")[1]
        assert len(run.lines) < 100, "a flood:\n" + "".join(run.lines)
        bare.run(f"cd /home/parley && {send}")
        assert "hello" in bare.run(f"cd /home/parley && {pull}").stdout
        assert run.interrupt() == 0
    assert kept == "/home/parley/parley-data" and bare.exists(kept)

    with Run(bare, "/", f"/home/parley/x run {FREE_PORTS}") as run:
        pull = run.until(r"^x: pull:  (.*)$")[1]
        assert "hello" in bare.run(pull).stdout
        assert run.interrupt() == 0
    assert not bare.exists("/parley-data")

    bare.run("cd /home/parley && ./x package")
    package = next((bare.path / "home/parley/build/package").glob("parley_*.deb"))
    user = Root(bare_system, tmp_path / "user")
    shutil.copy(package, user.path / "tmp" / "parley.deb")
    user.run("apt-get update -q; apt-get install -qq --no-install-recommends /tmp/parley.deb; parley --version")
    assert user.exists("/etc/systemd/system/multi-user.target.wants/parley.service")


def enabled(root):
    """The services of packages that start with the system: as systemd is told, and in the old way. Not systemd's own."""
    units = (root.path / "var/lib/systemd/deb-systemd-helper-enabled").rglob("*.service.dsh-also")
    scripts = (root.path / "etc/rc2.d").glob("S*")
    own = root.run("dpkg --listfiles systemd 2>/dev/null || true").stdout.split()
    names = {path.name.removesuffix(".dsh-also") for path in (*units, *scripts)}
    return names - {os.path.basename(path) for path in own}


def processes(root):
    """Those that live in there."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "root") == str(root.path):
                found.append((process / "cmdline").read_text())
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            pass
    return found


def test_what_the_tests_need_neither_starts_nor_enables_a_service(bare):
    before = enabled(bare)
    bare.run("cd /home/parley && ./x deps build test && ./x deps --check build test")
    assert enabled(bare) - before == set()
    assert processes(bare) == []
    for package in NOT_OURS:
        status = bare.run(f"dpkg-query --show --showformat='${{db:Status-Status}}' {package}", check=False).stdout
        assert status != "installed", package
    programs = "nginx -v; redis-server --version; redis-sentinel --version; promtool --version"
    folder = "/home/parley/build/tools/debian/usr"
    bare.run(f"PATH=$PATH:{folder}/bin:{folder}/sbin; {programs}")


def test_what_each_command_needs_can_be_installed(bare):
    bare.run("cd /home/parley && ./x deps && ./x deps --check")


def test_who_may_not_install_is_told_what_root_must_run(bare):
    bare.run("chown -R nobody /home/parley")

    def refused():
        done = bare.run("cd /home/parley && ./x run", check=False, user="nobody")
        assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
        return re.search(r"^x: needs .* Run as root: (apt-get update && apt-get install .*)$", done.stderr, re.M)[1]

    for wanted in ("python3", "cmake"):
        command = refused()
        assert wanted in shlex.split(command)
        bare.run(
            f"DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; {command.replace('install', 'install -y', 1)}"
        )
    with Run(bare, "/home/parley", "setpriv --reuid=nobody --regid=nogroup --clear-groups ./x build parley") as build:
        build.until(r"^x: building ")
