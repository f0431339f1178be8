"""Small C files that are preloaded into the server."""

import os
import pathlib
import shutil
import subprocess

from support.build import SANITIZED


def _compiler():
    found = os.environ.get("CC") or shutil.which("cc") or shutil.which("clang-19")
    assert found, "a C compiler is missing: install clang-19"
    return found


def compile_shim(source, folder):
    """The shared object made from `source`, in `folder`."""
    target = pathlib.Path(folder).resolve() / f"{pathlib.Path(source).stem}.so"
    subprocess.run(
        [
            _compiler(),
            "-std=c11",
            "-O1",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-shared",
            "-fPIC",
            "-o",
            target,
            source,
            "-ldl",
        ],
        check=True,
    )
    return target


def preload(shim):
    """The environment that loads it into a process."""
    environment = {"LD_PRELOAD": str(shim)}
    if SANITIZED:  # else AddressSanitizer objects to whatever is loaded before it
        environment["ASAN_OPTIONS"] = f"{os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0"
    return environment
