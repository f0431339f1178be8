"""The servers that are measured: each one process, on a free port, pinned, with what it uses read from /proc."""

import contextlib
import os
import pathlib
import re
import resource
import socket
import subprocess
import time

from load import BINARY, SERVER_CPU, pinned


class Process:
    def __init__(self, command, cpu, **settings):
        self.process = subprocess.Popen(
            [str(word) for word in pinned(command, cpu)], preexec_fn=_raise_descriptor_limit, **settings
        )

    def cpu_us(self):
        """User and system time so far, of all threads."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1_000_000 // os.sysconf("SC_CLK_TCK")

    def memory_kib(self, name):
        """VmRSS now, or VmHWM: the peak since forget_peak()."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
        raise RuntimeError(f"no {name} of process {self.process.pid}")

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Nginx(Process):
    """One process without a master, answering 17 bytes from memory (`return`), nothing logged."""

    CONFIG = """
        daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
        worker_rlimit_nofile 20000;
        events {{ worker_connections 16384; }}
        http {{
          access_log off; keepalive_requests 1000000000; keepalive_timeout 600;
          client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
          uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
          server {{ listen 127.0.0.1:{port} {tls}; location / {{ return 200 "hello from nginx\\n"; }} }}
        }}
    """

    def __init__(self, folder, cpu, certificate=None, key=None):
        port = free_port()
        config = pathlib.Path(folder) / "nginx.conf"
        keys = f"ssl_certificate {certificate}; ssl_certificate_key {key}"
        tls = f"ssl; ssl_protocols TLSv1.2 TLSv1.3; {keys}" if certificate else ""  # as ours
        config.write_text(self.CONFIG.format(folder=folder, port=port, tls=tls))
        super().__init__(["nginx", "-p", folder, "-e", f"{folder}/error.log", "-c", config], cpu)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
        await_port(port, self.process)


class Redis(Process):
    """With the configuration that we recommend, fsync included, and what the lines say on top of it."""

    CONFIG = pathlib.Path(__file__).resolve().parent.parent / "deploy" / "redis" / "redis.conf"

    def __init__(self, folder, cpu, *lines):
        self.port = free_port()
        config = pathlib.Path(folder) / "redis.conf"
        config.write_text(
            "\n".join(
                [
                    self.CONFIG.read_text(),
                    f"port {self.port}",
                    f"dir {folder}",
                    f"logfile {folder}/redis.log",
                    *lines,
                    "",
                ]
            )
        )
        super().__init__(["redis-server", config], cpu)
        self.address = f"127.0.0.1:{self.port}"
        await_port(self.port, self.process)

    def ask(self, *words):
        return subprocess.run(
            ["redis-cli", "-p", str(self.port), *map(str, words)], capture_output=True, text=True, check=True
        ).stdout

    def used_bytes(self):
        """Without what it has for connections, which it gives back when they are idle."""
        info = dict(re.findall(r"^(\w+):(\d+)", self.ask("INFO", "memory"), re.M))
        return int(info["used_memory"]) - int(info["mem_clients_normal"])


class Parley(Process):
    def __init__(self, folder, cpu, *arguments, binary=BINARY):
        begun = time.monotonic()
        self.log = open(pathlib.Path(folder) / "parley.log", "ab")
        super().__init__([binary, "serve", *arguments], cpu, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        self.seconds_to_ready = time.monotonic() - begun
        if not line.startswith("ready "):
            self.process.wait()
            raise RuntimeError(f"parley did not start: {pathlib.Path(self.log.name).read_text()}")
        listeners = dict(word.split("=", 1) for word in line.split()[1:])
        self.address = listeners.get("http")
        self.rpc = listeners.get("rpc")
        self.url = f"http://{self.address}"

    def stop(self):
        super().stop()
        self.process.stdout.close()
        self.log.close()


class Foreign(Process):
    """Another program that is told its address by `-addr` and takes no port 0."""

    def __init__(self, program, folder, cpu, *arguments):
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        self.url = f"http://{self.address}"
        with open(pathlib.Path(folder) / f"{pathlib.Path(program).name}.log", "ab") as log:
            super().__init__([program, "-addr", self.address, *arguments], cpu, stdout=log, stderr=log)
        await_port(port, self.process)


@contextlib.contextmanager
def running(server):
    try:
        yield server
    finally:
        server.stop()


def start(folder, args, *options, listeners=("http",), store="rocksdb"):
    """A Parley on the folder's store, or on one in memory, with durability as asked unless the options say more."""
    named = [word for name in listeners for word in (f"--{name}", "127.0.0.1:0")]
    return Parley(
        folder,
        SERVER_CPU,
        *named,
        "--store",
        f"rocksdb:{folder}/data" if store == "rocksdb" else "memory:",
        *(options or ("--durability", args.durability)),
    )


def appendfsync(args):
    """The setting of Redis that keeps what --durability promises."""
    return "always" if args.durability == "fsync" else "everysec"


def redis_for(args, folder, cpu, *lines):
    """A Redis that syncs its file as the durability asks."""
    return Redis(folder, cpu, f"appendfsync {appendfsync(args)}", *lines)


def store_options(args, redis, scheme="redis"):
    """Options of a Parley over it, with durability as asked."""
    return ("--store", f"{scheme}://{redis.address}", "--durability", args.durability)


def free_port():
    """For programs that take no port 0 themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_port(port, process):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
    raise RuntimeError(f"{process.args[0]} did not start")


def _raise_descriptor_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
