"""The messages of idl/api.proto, compiled by protoc when a test first asks."""

import functools
import importlib
import subprocess
import sys
import tempfile

from support.build import IDL

MEDIA_TYPE = "application/x-protobuf"


@functools.lru_cache(maxsize=None)
def messages():
    """The generated module: messages().SendRequest(chat=…).SerializeToString()."""
    with tempfile.TemporaryDirectory() as folder:
        files = ["options.proto", "api.proto"]
        subprocess.run(["protoc", f"--proto_path={IDL}", f"--python_out={folder}", *files], check=True)
        sys.path.insert(0, folder)
        try:
            return importlib.import_module("api_pb2")
        finally:
            sys.path.remove(folder)
