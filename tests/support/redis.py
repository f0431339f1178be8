"""A redis-server process on loopback: durable, as Parley asks of it, and to be killed, stopped and started again."""

import contextlib
import pathlib
import random
import shutil
import signal
import socket
import subprocess

import redis

from support.build import scaled
from support.wait import PATIENCE, eventually

# Below the range from which the kernel takes the ports of outgoing connections, so that a server finds its port free
# again after a restart.
PORTS = range(10_000, 32_000)
DATABASES = 10_000


def free_port():
    """A port of loopback that nobody listens on now."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port


class RedisProcess:
    """What a server and a sentinel share. `folder` keeps what it writes, and its log."""

    def __init__(self, folder, password=None, tls=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.password = password
        self.tls = tls  # None, or a folder with ca.pem, redis.pem and redis.key
        self.port = None
        self.process = None
        self.paused = False

    def command(self):
        """The command that starts it on `self.port`."""
        raise NotImplementedError

    # Life ------------------------------------------------------------------------------------------------------------

    def start(self):
        """Starts it and waits until it answers: on the port that it had, the first time on one that is free."""
        if self.port is not None:
            return self.spawn().await_answer()
        for _ in range(20):
            self.pick_ports()
            with contextlib.suppress(PortTaken):
                return self.spawn().await_answer()
        raise AssertionError(f"{self.name} found no port\n{self.log}")

    def pick_ports(self):
        self.port = free_port()

    def spawn(self):
        """Starts it and does not wait. Its log begins anew."""
        assert not self.running(), f"{self.name} runs already"
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )
        return self

    def await_answer(self):
        eventually(self._answers, f"{self.name} to answer")
        return self

    def _answers(self):
        if not self.running():
            self.process.wait()
            if "Address already in use" in self.log:
                raise PortTaken
            raise AssertionError(f"{self.name} ended at its start\n{self.log}")
        with contextlib.suppress(redis.RedisError), self.client() as client:
            return client.ping() and client.info("server")["process_id"] == self.process.pid  # and it has its data
        return False

    def kill(self):
        """kill -9, also of a stopped one."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.paused = False

    def stop(self):
        """Ends it in good order; whoever tests its end wants kill()."""
        if not self.running():
            return
        self.resume()
        self.process.terminate()
        try:
            self.process.wait(scaled(PATIENCE))
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end\n{self.log}") from None

    def restart(self):
        self.stop()
        return self.start()

    def pause(self):
        """SIGSTOP: connections stay, and nothing is answered."""
        self.process.send_signal(signal.SIGSTOP)
        self.paused = True

    def resume(self):
        self.process.send_signal(signal.SIGCONT)
        self.paused = False

    def running(self):
        return self.process is not None and self.process.poll() is None

    def answering(self):
        return self.running() and not self.paused

    # What others need ------------------------------------------------------------------------------------------------

    @property
    def name(self):
        return f"{self.command()[0]} on port {self.port}"

    @property
    def address(self):
        return "127.0.0.1", self.port

    @property
    def log(self):
        return (self.folder / "log").read_text(errors="replace")[-4000:]

    def client(self, database=0, timeout=5):
        """A client of it for the test itself; close it, or use it in a with statement."""
        tls = {"ssl": True, "ssl_ca_certs": str(self.tls / "ca.pem")} if self.tls else {}
        return redis.Redis(
            "127.0.0.1",
            self.port,
            database,
            password=self.password,
            decode_responses=True,
            socket_timeout=scaled(timeout),
            **tls,
        )

    def call(self, *arguments):
        """One command on a connection of its own; the reply as it comes, which the client would make something of."""
        with self.client() as client:
            client.response_callbacks.clear()
            return client.execute_command(*arguments)


class RedisServer(RedisProcess):
    """A server that keeps what it has acknowledged: an append-only file, synced with each write.

    `options` as on its command line, "--maxmemory-policy", "allkeys-lru"; they go over ours.
    """

    def __init__(self, folder, *options, **settings):
        super().__init__(folder, **settings)
        self.options = [str(o) for o in options]
        self._databases = iter(range(1, DATABASES))

    def command(self):
        listen = ["--port", str(self.port)]
        if self.tls:
            listen = [
                "--port",
                "0",
                "--tls-port",
                str(self.port),
                "--tls-cert-file",
                str(self.tls / "redis.pem"),
                "--tls-key-file",
                str(self.tls / "redis.key"),
                "--tls-ca-cert-file",
                str(self.tls / "ca.pem"),
                "--tls-auth-clients",
                "no",
            ]
        secret = ["--requirepass", self.password, "--masterauth", self.password] if self.password else []
        return [
            program("redis-server"),
            "--bind",
            "127.0.0.1",
            *listen,
            *secret,
            "--dir",
            str(self.folder),
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--databases",
            str(DATABASES),
            "--repl-diskless-sync-delay",
            "0",
            *self.options,
        ]

    def url(self, database=0, user_info=None):
        """What `--store` takes. `user_info` where it is not the password's."""
        if user_info is None:
            user_info = f":{self.password}@" if self.password else ""
        return f"{'rediss' if self.tls else 'redis'}://{user_info}127.0.0.1:{self.port}/{database}"

    def new_store(self):
        """The URL of a database that nobody has used."""
        return self.url(next(self._databases))


def log_key(chat, *servers):
    """The key of a chat's log, which one of these servers has."""
    found = {key for server in servers for key in server.call("KEYS", f"parley:{{*}}:l{chat}")}
    assert len(found) == 1, f"{chat} lies in {found}"
    return found.pop()


class PortTaken(AssertionError):
    """Somebody else was quicker."""


def program(name):
    found = shutil.which(name)
    assert found, f"{name} is missing: ./x deps installs it"
    return found
