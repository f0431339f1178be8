"""The Kitex client and server, built from the sources here: with the system's Go, or with one that is installed for it.

Everything that is fetched or generated stays in build/.
"""

import pathlib
import re
import shutil

from support.build import IDL, ROOT
from support.golang import run_go

SOURCES = pathlib.Path(__file__).resolve().parent
BUILD = ROOT / "build" / "kitex"


def build():
    """The folder of the programs `client` and `server`. Fails where Go, or a module, cannot be had."""
    shutil.copytree(SOURCES, BUILD, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    # A method that the client knows and no server.
    idl = (IDL / "im.thrift").read_text()
    erase, count = re.subn(r"service IMService {", r"\g<0>\n  SendResponse Erase(1: SendRequest req)", idl)
    assert count == 1
    (BUILD / "im.thrift").write_text(erase)
    for name in ("im.thrift", "template.thrift"):
        run_go(BUILD, "tool", "kitex", "-module", "kitextest", name)
    run_go(BUILD, "build", "-ldflags=-checklinkname=0", "-o", "bin/", "./client", "./server")
    return BUILD / "bin"
