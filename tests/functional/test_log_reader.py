"""A reader of standard error or output who stops reading, or leaves, holds nothing up."""

import fcntl
import json
import os
import pty
import resource
import signal
import socket
import subprocess
import termios

import pytest

from support.build import scaled
from support.client import Client
from support.prometheus import Metrics
from support.server import Server, clean_environment
from support.wait import eventually

KIB = 1024
# The lines that wait in the server (1 MiB), and what stands in the pipe or terminal before them.
MORE_THAN_FITS = 1400 * KIB


class Piped(Server):
    """A server whose standard error (or output) is one of ours."""

    def __init__(self, folder, *options, stderr=None, stdout=None, **settings):
        super().__init__(folder, "--log-level", "debug", *options, **settings)
        self.given = {"stderr": stderr, "stdout": stdout}

    def spawn(self):
        self._stderr_start = 0
        with open(self._stderr_path, "ab") as log:
            self.process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if self.given["stdout"] is None else self.given["stdout"],
                stderr=log if self.given["stderr"] is None else self.given["stderr"],
                cwd=self.folder,
                env=clean_environment(self.env),
                preexec_fn=self.preexec,
            )
        return self


class Reader:
    """Our end of what a server writes to."""

    def __init__(self, ours, its):
        self.ours, self.its = ours, its

    @classmethod
    def pipe(cls):
        return cls(*os.pipe())

    @classmethod
    def socket(cls):
        ours, its = socket.socketpair()
        return cls(ours.detach(), its.detach())

    @classmethod
    def terminal(cls):
        ours, its = pty.openpty()
        attributes = termios.tcgetattr(its)
        attributes[1] &= ~termios.OPOST
        termios.tcsetattr(its, termios.TCSANOW, attributes)
        return cls(ours, its)

    def fill(self):
        """Until it takes no more, as others who share it may have done."""
        flags = fcntl.fcntl(self.its, fcntl.F_GETFL)
        fcntl.fcntl(self.its, fcntl.F_SETFL, flags | os.O_NONBLOCK)
        for size in (4 * KIB, 1):
            try:
                while True:
                    os.write(self.its, b"." * size)
            except BlockingIOError:
                pass
        fcntl.fcntl(self.its, fcntl.F_SETFL, flags)

    def read_until(self, text):
        """All that comes, up to this."""
        read = b""
        while text not in read:
            more = os.read(self.ours, 64 * KIB)
            assert more, f"it ended without {text!r}"
            read += more
        return read

    def close(self):
        for descriptor in (self.ours, self.its):
            if descriptor is not None:
                os.close(descriptor)
        self.ours = self.its = None

    def leave(self):
        os.close(self.ours)
        self.ours = None


@pytest.fixture(params=["pipe", "socket", "terminal"])
def reader(request):
    made = getattr(Reader, request.param)()
    yield made
    made.close()


@pytest.fixture
def piped(tmp_path):
    running = []

    def make(*options, **settings):
        running.append(Piped(tmp_path / f"s{len(running)}", *options, **settings).start())
        return running[-1]

    yield make
    for one in running:
        one.kill()


def dropped(client):
    return Metrics(client.get("/metrics", admin=True).text).total("parley_log_dropped_lines_total")


def log_more_than_fits(client):
    """Each line names the path that was asked for."""
    path = "/" + "x" * (8 * KIB)
    for _ in range(MORE_THAN_FITS // len(path)):
        assert client.get(path).status_code == 404
    assert client.send("a:b", "hi")["send_time"] > 0


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_that_nobody_reads_holds_up_nothing(piped, reader, form):
    running = piped("--log-format", form, stderr=reader.its)
    client = Client(running)
    log_more_than_fits(client)
    lines = dropped(client)
    assert lines > 0
    assert client.get("/healthz", admin=True).status_code == 200
    read = reader.read_until(b"were dropped").decode()
    client.get("/later")
    read += reader.read_until(b"/later").decode()
    told = [line for line in read.splitlines() if "were dropped" in line]
    assert len(told) == 1
    if form == "json":
        event = json.loads(told[0])
        assert event["level"] == "warn" and int(event["lines"]) == lines
    else:
        assert told[0].endswith(f" lines={lines:.0f}")
    client.close()
    running.stop()


def test_a_full_log_does_not_hold_up_the_end(piped, reader):
    running = piped(stderr=reader.its)
    client = Client(running)
    log_more_than_fits(client)
    client.close()
    running.stop()


def test_a_start_and_its_failure_do_not_wait_for_a_reader(piped, reader, tmp_path):
    reader.fill()
    running = piped(stderr=reader.its)
    failed = Piped(tmp_path / "failed", stderr=reader.its, store=running.store).spawn()
    assert failed.process.wait(scaled(20)) == 1
    failed.kill()
    running.stop()


def test_a_start_that_fails_by_an_exception_does_not_wait_for_a_reader_either(reader, tmp_path):
    """Such as one that may open too few files for its event loops."""
    reader.fill()
    failed = Piped(
        tmp_path,
        stderr=reader.its,
        store="memory:",
        preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8)),
    ).spawn()
    try:
        assert failed.process.wait(scaled(20)) == 1
    finally:
        failed.kill()


def test_standard_output_that_nobody_reads_holds_up_nothing(tmp_path, reader):
    reader.fill()
    running = Piped(tmp_path, stdout=reader.its).spawn()
    try:
        eventually(lambda: " ready " in running.stderr.replace("INFO", " "), "the server to be ready")
        listeners = running.stderr.split('listeners="')[1].split('"')[0]
        running.http, running.rpc, running.admin = (
            (address.rsplit(":", 1)[0], int(address.rsplit(":", 1)[1]))
            for address in (part.split("=")[1] for part in listeners.split())
        )
        client = Client(running)
        client.send("a:b")
        assert client.get("/readyz", admin=True).status_code == 200
        client.close()
        running.send_signal()
        assert running.process.wait(scaled(20)) == 0
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


def test_a_reader_who_left_is_counted(piped, reader):
    running = piped(stderr=reader.its)
    client = Client(running)
    reader.leave()
    client.get("/anything")
    eventually(lambda: dropped(client) > 0, "the lines to be counted")
    client.send("a:b")
    client.close()
    running.stop()


def test_the_descriptor_keeps_its_flags(piped):
    """Other processes write to the same pipe, and do not expect O_NONBLOCK."""
    reader = Reader.pipe()
    before = fcntl.fcntl(reader.its, fcntl.F_GETFL)
    running = piped(stderr=reader.its)
    assert fcntl.fcntl(reader.its, fcntl.F_GETFL) == before
    running.stop()
    reader.close()


def test_the_lines_before_an_abort_come_out(piped, tmp_path):
    running = piped()
    running.send_signal(signal.SIGABRT)
    assert running.process.wait(scaled(20)) == -signal.SIGABRT
    assert " ready " in running.stderr


def test_the_last_lines_come_out(piped):
    running = piped()
    running.stop()
    assert running.stderr.splitlines()[-1].endswith("INFO stopped")


# Signals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGPIPE", "SIGXFSZ", "SIGTTOU", "SIGWINCH"]
)
def test_signals_of_supervisors_are_ignored(piped, name):
    running = piped()
    client = Client(running)
    running.send_signal(getattr(signal, name))
    client.send("a:b", "still here")
    assert client.texts("a:b") == ["still here"]
    client.close()
    running.stop()


@pytest.mark.parametrize("name", ["SIGHUP", "SIGUSR1"])
def test_during_the_drain_too(piped, name):
    running = piped("--drain-delay", "1s")
    running.send_signal()
    eventually(lambda: "draining" in running.stderr, "the drain")
    running.send_signal(getattr(signal, name))
    assert running.wait() == 0
    assert running.stderr.splitlines()[-1].endswith("INFO stopped")
