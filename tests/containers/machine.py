"""A Debian 12 machine of its own, with a Docker engine and a copy of this repository, in namespaces. Needs root.

It stands for the machine of a user who types what the documents say. Its processes, mounts, addresses and firewall
rules are in namespaces, so they end with its first process, and nothing of the machine around it changes.
"""

import concurrent.futures
import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from support.build import ROOT
from support.debian import bootstrap
from support.wait import eventually

CLONE = "/root/parley"
COMMAND_LIMIT = 300  # seconds
_CLONE_NEWNET = 0x40000000
_ADDRESS_OF_DNS = "10.0.2.3"  # where slirp4netns answers

# Makes $1 the root of this mount namespace, and starts the engine in it.
_START = """
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mkdir around
pivot_root . around
umount -l /around
rmdir /around
shift
exec tini -- dockerd "$@" </dev/null
"""


class Machine:
    """Use it in a with statement: the machine runs inside of it."""

    def __init__(self, compose):
        """`compose` is the program that becomes `docker compose`."""
        self._compose = compose
        self._cgroup = f"/parley-containers-{os.getpid()}"
        self._processes = []
        self._first = None  # the id of the machine's first process

    def __enter__(self):
        (ROOT / "build").mkdir(exist_ok=True)  # on a disk, as /tmp need not be
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="containers-", dir=ROOT / "build"))
        self.root = self._folder / "root"
        try:
            self._install()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._first and self._processes[0].poll() is None:
            os.kill(self._first, signal.SIGKILL)  # the kernel ends every process of its namespace with it
            self._processes[0].wait()
        for process in reversed(self._processes):
            process.terminate()
            process.wait()
        self._remove_cgroups()
        shutil.rmtree(self._folder)

    # Making it -------------------------------------------------------------------------------------------------------

    def _install(self):
        tar = self._folder / "machine.tar"
        bootstrap(tar, ["docker.io", "iptables", "tini"])
        self.root.mkdir()
        subprocess.run(["tar", "-xf", tar, "-C", self.root, "--exclude=./dev/*"], check=True)
        tar.unlink()
        (self.root / "etc" / "resolv.conf").unlink(missing_ok=True)
        (self.root / "etc" / "resolv.conf").write_text(f"nameserver {_ADDRESS_OF_DNS}\n")
        settings = self.root / "root" / ".docker"
        (settings / "cli-plugins").mkdir(parents=True)
        shutil.copy(self._compose, settings / "cli-plugins" / "docker-compose")
        (settings / "config.json").write_text(json.dumps({"proxies": {"default": _proxies()}}))
        _copy_repository(self.root / CLONE.lstrip("/"))

    def _start(self):
        options = ["--exec-opt=native.cgroupdriver=cgroupfs", f"--cgroup-parent={self._cgroup}"]
        namespaces = ["--mount", "--propagation=private", "--net", "--pid", "--uts", "--ipc", "--fork", "--kill-child"]
        machine = self._spawn("engine", ["unshare", *namespaces, "sh", "-ec", _START, "sh", self.root, *options])
        children = pathlib.Path(f"/proc/{machine.pid}/task/{machine.pid}/children")
        self._first = int(eventually(lambda: children.read_text().split(), "the machine's first process")[0])
        self._network = os.open(f"/proc/{self._first}/ns/net", os.O_RDONLY)
        # A network in user space: it needs no rule of a firewall, and no forwarding, on the machine around.
        self._spawn("slirp", ["slirp4netns", "--configure", "--disable-host-loopback", str(self._first), "tap0"])
        eventually(lambda: self._runs("docker version"), "the engine to answer", timeout=60)
        eventually(lambda: self._runs("grep -q tap0 /proc/net/route"), "the machine's network")

    def _spawn(self, name, command):
        with open(self._folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._processes.append(process)
        return process

    def _runs(self, script):
        for process in self._processes:
            assert process.poll() is None, "\n".join(path.read_text() for path in self._folder.glob("*.log"))[-4000:]
        try:
            self.run(script)
        except AssertionError:
            return False
        return True

    def _remove_cgroups(self):
        base = pathlib.Path("/sys/fs/cgroup")
        for made in [base / self._cgroup[1:], *base.glob(f"*{self._cgroup}")]:
            for folder, _, _ in os.walk(made, topdown=False):
                os.rmdir(folder)

    # Using it --------------------------------------------------------------------------------------------------------

    def run(self, script, timeout=COMMAND_LIMIT):
        """What `sh -ec script` prints, as root, in the copy of the repository. Fails unless it exits with 0."""
        done = subprocess.run(
            ["nsenter", f"--target={self._first}", "--mount", "--net", "--pid", "--uts", "--ipc", "--root"]
            + ["sh", "-ec", f"cd {CLONE}\n{script}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
            env={"HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        )
        assert done.returncode == 0, f"{script}: exit {done.returncode}\n{done.stdout[-8000:]}"
        return done.stdout

    def await_healthy(self, command):
        """Waits until all containers of a documented `docker compose … up` are healthy."""
        self.run(f"{command} --wait --wait-timeout 300", timeout=360)

    def threads(self, count):
        """A pool of threads that are in the machine's network: 127.0.0.1 is the machine's."""
        return concurrent.futures.ThreadPoolExecutor(count, initializer=self._enter_network)

    def _enter_network(self):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(self._network, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def import_image(self, name, *packages, hooks=(), command=None):
        """Gives the engine a Debian with these packages, as the image `name`."""
        tar = self._folder / "image.tar"
        bootstrap(tar, packages, hooks=hooks)
        tar.rename(self.root / "image.tar")
        change = f"--change 'CMD {json.dumps(command)}' " if command else ""
        self.run(f"docker import {change}/image.tar {name}")
        (self.root / "image.tar").unlink()


def _proxies():
    """This machine's proxies, as Docker's command line is told of them."""
    names = {"http_proxy": "httpProxy", "https_proxy": "httpsProxy", "no_proxy": "noProxy"}
    found = {key: os.environ.get(name) or os.environ.get(name.upper()) for name, key in names.items()}
    return {key: value for key, value in found.items() if value}


def _copy_repository(folder):
    """What a clone of this repository would have, as it is in the work tree."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in names:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
