"""A Debian 12 of its own below a folder, as the image and the package find it. Needs root."""

import os
import pathlib
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


def bootstrap(tar):
    """Writes a minimal system's files to `tar`."""
    assert os.geteuid() == 0, "a Debian root can only be made by root"
    options = [f"--dpkgopt={line}" for line in SLIM]
    merged = ["--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr", "--include=usr-is-merged"]  # as its images are
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", *merged, *options, "bookworm", tar], check=True)


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

    def run(self, script, check=True):
        """`sh -ec script` inside, as root."""
        done = subprocess.run(
            ["chroot", self.path, "sh", "-ec", script],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"},
        )
        assert not check or done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done

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
