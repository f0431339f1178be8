"""A Debian 12 of its own below a folder, as the image and the package find it. Needs root."""

import os
import pathlib
import shutil
import stat
import subprocess

from support.server import Server

# What debian:12-slim leaves out of its files.
SLIM = [
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-include=/usr/share/locale/locale.alias",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/groff/*",
    "path-exclude=/usr/share/lintian/*",
    "path-exclude=/usr/share/linda/*",
]

# What a login there sets, and how this machine's programs reach the network.
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    **{k: v for k, v in os.environ.items() if k.lower().endswith("_proxy") or "CERT" in k or "TIMEOUT" in k},
}


def bootstrap(tar, include=(), options=SLIM, hooks=()):
    """Writes the files of a minimal system, and of the packages `include`, to `tar`.

    `options` are dpkg's. The packages come from where this machine's own do. Each hook is a shell command that changes the
    system at last: "$1" is its folder.
    """
    assert os.geteuid() == 0, "a Debian root can only be made by root"
    words = [f"--dpkgopt={line}" for line in options]
    words += [f"--aptopt={line}" for line in _apt_settings()]
    words += [f"--customize-hook={hook}" for hook in hooks]
    merged = ["--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"]  # as its images are
    packages = ",".join(["usr-is-merged", *include])
    command = ["mmdebstrap", "--quiet", "--variant=minbase", *merged, f"--include={packages}", *words, "bookworm", tar]
    sources = _apt_sources()
    subprocess.run([*command, *(["-"] if sources else [])], input=sources, text=True, check=True)


def _apt_sources():
    """The lines of this machine's apt for Debian 12 itself. None if it has no lists, or is another system."""
    ask = ["apt-get", "indextargets", "--format", "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"]
    found = subprocess.run([*ask, "Created-By: Packages", "Origin: Debian"], capture_output=True, text=True).stdout
    lines = [line for line in found.splitlines(keepends=True) if line.split()[2].startswith("bookworm")]
    return "".join(lines) if any(line.split()[2] == "bookworm" for line in lines) else None


def _apt_settings():
    """How this machine's apt reaches them: proxies, and what it does about clocks."""
    names = ("http", "https", "Check-Date", "Check-Valid-Until", "Retries")
    ask = ["apt-config", "dump", "--format", '%f "%v";%n', *(f"Acquire::{name}" for name in names)]
    return subprocess.run(ask, capture_output=True, text=True, check=True).stdout.splitlines()


class Root:
    """The files of `tar`, below `folder`."""

    def __init__(self, tar, folder):
        self.path = pathlib.Path(folder)
        self.path.mkdir(parents=True)
        subprocess.run(["tar", "-xf", tar, "-C", self.path, "--exclude=./dev/*"], check=True)
        for name, minor in (("null", 3), ("zero", 5), ("urandom", 9)):
            os.mknod(self.path / "dev" / name, stat.S_IFCHR | 0o666, os.makedev(1, minor))
            (self.path / "dev" / name).chmod(0o666)
        resolver = self.path / "etc" / "resolv.conf"
        resolver.unlink(missing_ok=True)
        resolver.write_bytes(pathlib.Path("/etc/resolv.conf").read_bytes())
        certificates = sorted(pathlib.Path("/usr/local/share/ca-certificates").glob("*.crt"))
        if certificates and self.exists("/usr/sbin/update-ca-certificates"):
            for path in certificates:  # this machine's own, without which it may reach nothing
                shutil.copy(path, self.path / "usr/local/share/ca-certificates")
            self.run("update-ca-certificates")

    def run(self, script, check=True, user="root"):
        """`sh -ec script` inside."""
        done = subprocess.run(
            self.command("sh", "-ec", script, user=user),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=ENVIRONMENT | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"},
        )
        assert not check or done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done

    def command(self, *words, user="root"):
        """The command line, for this machine, that runs `words` inside. Their process has the id of its own."""
        script = f'mount -t proc proc {self.path}/proc && exec chroot --userspec={user} {self.path} "$@"'
        return ["unshare", "--mount", "sh", "-ec", script, "sh", *words]

    def exists(self, path):
        return os.path.lexists(self.path / path.lstrip("/"))

    def owner(self, path):
        """USER:GROUP MODE, by the names that are known inside."""
        return self.run(f"stat -c '%U:%G %a' {path}").stdout.strip()

    def size(self):
        """Bytes in files, each once."""
        seen = {}
        for folder, _, names in os.walk(self.path):
            for name in names:
                status = os.lstat(os.path.join(folder, name))
                seen[status.st_dev, status.st_ino] = status.st_size
        return sum(seen.values())


class Inside(Server):
    """The program of a Root, as `user`, with its file system read-only but for `data`, a folder outside of it."""

    def __init__(self, folder, root, command, user, data):
        super().__init__(folder)
        self._words = command
        self._root = root
        self._user = user
        self.data = data

    def _command(self):
        root = self._root.path
        script = (
            f"mount --bind {root} {root} && mount -o remount,ro,bind {root} && mount -t proc proc {root}/proc && "
            f"mount --bind {self.data} {root}/var/lib/parley && "
            f'exec chroot --userspec={self._user} {root} "$@"'
        )
        return ["unshare", "--mount", "sh", "-ec", script, "sh", *self._words]
