"""A parley process: started on free ports in a folder of its own, stopped, killed and started again."""

import os
import pathlib
import re
import select
import signal
import subprocess
import time

from support.build import binary, scaled
from support.wait import PATIENCE, eventually

_REPORT = re.compile(r"(ERROR|WARNING): \w+Sanitizer|runtime error: |SUMMARY: \w+Sanitizer")


def clean_environment(extra=None):
    """Ours without PARLEY_* (which would be options), with what a sanitizer needs to speak up."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PARLEY_")}
    environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    environment.update(extra or {})
    return environment


class Server:
    """`folder` keeps the store (folder/data) and the process' standard error (folder/stderr).

    `store` None is RocksDB in folder/data. `options` are given as they are; naming --http, --rpc, --admin or --store
    there replaces ours.
    """

    listeners = ("http", "rpc", "admin")

    def __init__(self, folder, *options, store=None, env=None, preexec=None, prefix=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "data"
        self.store = store or f"rocksdb:{self.data}"
        self.options = [str(o) for o in options]
        self.env = dict(env or {})
        self.preexec = preexec
        self.prefix = list(prefix)
        self.process = None
        self.ready_line = ""
        self.http = None
        self.rpc = None
        self.admin = None

    # Addresses -------------------------------------------------------------------------------------------------------

    @property
    def url(self):
        return f"http://{self.http[0]}:{self.http[1]}"

    @property
    def admin_url(self):
        return f"http://{self.admin[0]}:{self.admin[1]}"

    @property
    def pid(self):
        return self.process.pid

    # Life ------------------------------------------------------------------------------------------------------------

    def spawn(self):
        """Starts the process and does not wait for it to be ready."""
        assert not self.running(), "it runs already"
        self._stderr_start = self._stderr_path.stat().st_size if self._stderr_path.exists() else 0
        with open(self._stderr_path, "ab") as stderr:
            self.process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=self.folder,
                env=clean_environment(self.env),
                preexec_fn=self.preexec,
            )
        return self

    def start(self):
        """Starts the process and waits for its ready line."""
        self.spawn()
        return self.await_ready()

    def await_ready(self):
        try:
            self.ready_line = self._read_line()
            found = dict(part.split("=", 1) for part in self.ready_line.split()[1:])
            assert self.ready_line.startswith("ready "), f"instead of the ready line: {self.ready_line!r}"
        except BaseException as error:
            self.kill()
            raise AssertionError(f"{' '.join(self._command())}\n{error}\nstderr: {self.stderr}") from error
        self.http = _address(found.get("http"))
        self.rpc = _address(found.get("rpc"))
        self.admin = _address(found.get("admin"))
        return self

    def send_signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, timeout=PATIENCE):
        """The exit code, 128 + n where signal n ended it."""
        try:
            code = self.process.wait(scaled(timeout))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it did not end within {scaled(timeout):.0f} s\nstderr: {self.stderr}") from None
        finally:
            if self.process.stdout:
                self.process.stdout.close()
        self.check_sanitizers()
        return 128 - code if code < 0 else code

    def stop(self, number=signal.SIGTERM):
        """Ends it in good order; fails where it does not exit with 0."""
        if not self.running():
            return
        self.send_signal(number)
        code = self.wait()
        assert code == 0, f"exit {code} after signal {number}\nstderr: {self.stderr}"

    def kill(self):
        """kill -9."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def restart(self, same_port=False):
        """Stops it in good order where it runs, and starts it on the same folder."""
        self.stop()
        if same_port:
            self.keep_port()
        return self.start()

    def keep_port(self):
        """Later starts listen where the last one did."""
        for name in self.listeners:
            if name != "admin":
                host, port = getattr(self, name)
                self.options = without(self.options, f"--{name}") + [f"--{name}", f"{host}:{port}"]

    def running(self):
        return self.process is not None and self.process.poll() is None

    # What it leaves behind -------------------------------------------------------------------------------------------

    @property
    def stderr(self):
        """What this process (not its predecessors on the folder) wrote to standard error."""
        with open(self._stderr_path, "rb") as file:
            file.seek(self._stderr_start)
            return file.read().decode(errors="replace")

    def await_log(self, text):
        """Waits until it has logged `text`: a line is written behind the event that it tells of."""
        eventually(lambda: text in self.stderr, f"{text!r} in the log")

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def check_sanitizers(self):
        found = _REPORT.search(self.stderr)
        assert not found, f"a sanitizer reported\n{self.stderr}"

    # Private ---------------------------------------------------------------------------------------------------------

    @property
    def _stderr_path(self):
        return self.folder / "stderr"

    def _command(self):
        command = [*self.prefix, binary(), "serve"]
        for listener in self.listeners:
            if f"--{listener}" not in self.options:
                command += [f"--{listener}", "127.0.0.1:0"]
        return command + self._behind() + self.options

    def _behind(self):
        """The options that say what the service stands on."""
        return [] if "--store" in self.options else ["--store", self.store]

    def _read_line(self):
        deadline = time.monotonic() + scaled(PATIENCE)
        line = b""
        descriptor = self.process.stdout.fileno()
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise AssertionError("no ready line in time")
            more = os.read(descriptor, 4096)
            if not more:
                raise AssertionError(f"it ended with {self.process.wait()} before it was ready")
            line += more
        return line.decode().rstrip("\n")


def _address(text):
    if text is None:
        return None
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


def without(options, name):
    """The options but for this one and its value."""
    if name not in options:
        return list(options)
    at = options.index(name)
    return options[:at] + options[at + 2 :]
