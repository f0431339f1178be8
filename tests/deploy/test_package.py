"""The Debian package: what is in it, and its life in a Debian of its own."""

import re
import shutil
import subprocess

import pytest

from support.build import ROOT
from support.client import Client, new_chat
from support.debian import Inside

pytestmark = pytest.mark.only_long

UNIT = (ROOT / "deploy" / "systemd" / "parley.service").read_text()
CONFFILE = "/etc/parley/parley.toml"


def setting(name):
    return re.search(rf"^{name}=(.*)$", UNIT, re.M)[1]


def newer(package, folder):
    """The same package, of a later version and with another configuration file."""
    tree = folder / "newer"
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: (\S+)", r"Version: \1+1", control.read_text(), flags=re.M))
    with open(tree / CONFFILE.lstrip("/"), "a") as file:
        file.write("# a later version's\n")
    path = folder / "parley_newer.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, path], check=True, stdout=subprocess.DEVNULL)
    return path


def install(root, package):
    shutil.copy(package, root.path / "tmp" / "parley.deb")
    root.run(
        "apt-get update -q; apt-get install -qq --no-install-recommends -o Dpkg::Options::=--force-confold "
        "/tmp/parley.deb; apt-get clean"
    )


def serving(root, folder):
    """The program as the unit starts it: its command line, its user, a file system that is read-only but for its folder."""
    shutil.rmtree(folder / "run", ignore_errors=True)
    data = root.path.parent / "data"
    if not data.exists():
        data.mkdir()
        owner = root.run("stat -c %u:%g /var/lib/parley").stdout.strip()
        subprocess.run(["chown", owner, data], check=True)
    free = ["--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    user = f"{setting('User')}:{setting('Group')}"
    return Inside(folder / "run", root, [*setting("ExecStart").split(), *free], user, data).start()


def test_lintian_finds_no_error(package):
    done = subprocess.run(
        ["lintian", "--fail-on", "error", "--no-tag-display-limit", package], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_it_needs_is_computed_and_what_it_configures_is_known(package):
    def field(name):
        return subprocess.run(["dpkg-deb", "--field", package, name], capture_output=True, text=True, check=True).stdout

    depends = field("Depends")
    assert "libprotobuf32" in depends and "libssl3" in depends and "adduser" in depends
    assert (
        field("Version").strip()
        == re.search(r"VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text().split("project(parley")[1])[1]
    )
    listing = subprocess.run(["dpkg-deb", "--contents", package], capture_output=True, text=True, check=True).stdout
    for path in ("usr/bin/parley", "lib/systemd/system/parley.service", CONFFILE.lstrip("/")):
        assert re.search(rf"root/root .* \./{path}$", listing, re.M), listing


def test_a_purge_empties_a_disk_of_its_own():
    """Its mount point cannot be removed."""
    script = (
        "mount -t tmpfs none /var/lib && mkdir /var/lib/parley && mount -t tmpfs none /var/lib/parley && "
        'touch /var/lib/parley/kept && sh "$0" purge && ls -A /var/lib/parley && umount /var/lib/parley && '
        'sh "$0" purge && ls -A /var/lib'
    )
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script, ROOT / "deploy" / "debian" / "postrm"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and done.stdout == "", done.stdout + done.stderr


def test_install_start_upgrade_remove_purge(package, new_root, tmp_path):
    root, (chat, _) = new_root(), new_chat()
    install(root, package)
    assert root.owner("/var/lib/parley") == "parley:parley 750"
    assert root.owner("/usr/bin/parley") == "root:root 755"
    assert root.run("dpkg-query --show --showformat='${Conffiles}' parley").stdout.split()[0] == CONFFILE
    assert root.exists("/etc/systemd/system/multi-user.target.wants/parley.service")

    server = serving(root, tmp_path)
    client = Client(server)
    client.send(chat, "before the upgrade")
    client.close()
    server.stop()

    with open(root.path / CONFFILE.lstrip("/"), "a") as file:
        file.write("log-format = 'json'\n")
    install(root, newer(package, tmp_path))
    assert root.run("dpkg-query --show --showformat='${Version}' parley").stdout.endswith("+1")
    assert "json" in (root.path / CONFFILE.lstrip("/")).read_text()
    server = serving(root, tmp_path)
    client = Client(server)
    client.send(chat, "after it")
    assert client.texts(chat) == ["before the upgrade", "after it"]
    client.close()
    server.stop()
    assert '"level"' in server.stderr  # what the operator changed is in force

    root.run("touch /var/lib/parley/kept; apt-get remove -qq parley")
    assert not root.exists("/usr/bin/parley") and not root.exists("/lib/systemd/system/parley.service")
    assert root.exists(CONFFILE) and root.exists("/var/lib/parley/kept")
    root.run("apt-get purge -qq parley")
    assert not root.exists("/etc/parley") and not root.exists("/var/lib/parley")
    assert not root.exists("/etc/systemd/system/multi-user.target.wants/parley.service")
    assert root.run("dpkg --status parley", check=False).returncode != 0
