"""Running parley as a command, to its end."""

import os
import pty
import subprocess

from support.build import binary, scaled
from support.server import clean_environment


class Outcome:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"exit {self.code}\nstdout: {self.out}\nstderr: {self.err}"


def parley(*arguments, env=None, cwd=None, stdin=b"", timeout=30):
    """Runs `parley arguments…`; one that does not end fails the test."""
    done = subprocess.run(
        [binary(), *map(str, arguments)],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env=clean_environment(env),
        timeout=scaled(timeout),
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def on_terminal(*arguments):
    """What `parley arguments…` writes to a terminal."""
    ours, its = pty.openpty()
    with subprocess.Popen(
        [binary(), *map(str, arguments)], stdin=its, stdout=its, stderr=its, env=clean_environment({"TERM": "xterm"})
    ) as process:
        os.close(its)
        written = b""
        try:
            while more := os.read(ours, 4096):
                written += more
        except OSError:  # EIO: the last writer has closed the terminal
            pass
        os.close(ours)
        assert process.wait(scaled(30)) == 0, written
    return written.decode()


class Background:
    """A parley command that goes on until it is stopped; its standard output is read line by line."""

    def __init__(self, folder, *arguments, env=None):
        self._out = open(folder / "out", "w+b")
        self._err = open(folder / "err", "w+b")
        self._process = subprocess.Popen(
            [binary(), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            env=clean_environment(env),
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._out.close()
        self._err.close()

    def lines(self):
        """The whole lines so far."""
        self._out.seek(0)
        return self._out.read().decode().split("\n")[:-1]

    @property
    def err(self):
        self._err.seek(0)
        return self._err.read().decode()

    def running(self):
        return self.code is None

    @property
    def code(self):
        """Its exit code; None while it runs."""
        return self._process.poll()

    def signal(self, number):
        self._process.send_signal(number)

    def interrupt(self, number):
        """Its exit code."""
        self.signal(number)
        return self._process.wait(scaled(20))
