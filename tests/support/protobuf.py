"""The messages of idl/im.proto, compiled by protoc when a test first asks."""

import functools
import importlib.util
import subprocess
import tempfile

from support.build import IDL

MEDIA_TYPE = "application/x-protobuf"


@functools.lru_cache(maxsize=None)
def messages():
    """The generated module: messages().SendRequest(chat=…).SerializeToString()."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["protoc", f"--proto_path={IDL.parent}", f"--python_out={folder}", IDL.name], check=True)
        spec = importlib.util.spec_from_file_location("im_pb2", f"{folder}/im_pb2.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
