"""A compose file, and the topology that it describes as processes on loopback instead of containers.

What a container would be told, the processes are told: the command, the environment, the health check, the order of the
start. Only addresses are others, since a name of a service is an address of its own in a network of containers.
"""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess

import requests
import yaml

from support.build import ROOT, binary, scaled
from support.redis import free_port
from support.server import Server, clean_environment
from support.wait import eventually

ADMIN = "8081"  # where `parley health` asks unless told otherwise


def load(*paths, environment=None):
    """The model of these files, the later over the earlier, as `docker compose -f … -f …` reads them."""
    model = {}
    for path in paths:
        text = pathlib.Path(path).read_text()
        model = _merged(model, yaml.safe_load(_interpolated(text, environment or {})))
    return model


def _interpolated(text, environment):
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda m: environment.get(m[1]) or m[2], text)


def _merged(below, above, key=None):
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {k: _merged(below[k], v, k) if k in below else v for k, v in above.items()}
    if isinstance(below, list) and isinstance(above, list) and key != "command":
        return below + above
    return above


def options_of(command):
    """{option: value} of `--option=value` words."""
    return dict(word.removeprefix("--").split("=", 1) for word in command if word.startswith("--") and "=" in word)


def start_order(services):
    """The services, each after those that it depends on."""
    order = []
    while len(order) < len(services):
        able = [
            name
            for name, service in services.items()
            if name not in order and set(service.get("depends_on", [])) <= set(order)
        ]
        assert able, f"services that wait for each other: {sorted(set(services) - set(order))}"
        order += able
    return order


@dataclasses.dataclass
class Addresses:
    """Where the replicas of the services listen: {(service, port in the container): [address]}."""

    known: dict = dataclasses.field(default_factory=dict)

    def translate(self, word):
        """`word` with each NAME:PORT replaced by the addresses behind it."""
        for (name, port), addresses in self.known.items():
            word = re.sub(rf"(?<![\w.-]){name}:{port}\b", ",".join(addresses), word)
        return word


class ParleyReplica(Server):
    """A container of the image, whose listeners are on loopback."""

    def __init__(self, folder, service, addresses):
        super().__init__(folder, env=service.get("environment"))
        self._service = service
        self._addresses = addresses
        self._kept = {}

    def _command(self):
        words = []
        for word in self._service["command"]:
            word = re.sub(
                r"^--(http|rpc|admin)=0\.0\.0\.0:\d+$",
                lambda m: f"--{m[1]}={self._kept.get(m[1], '127.0.0.1:0')}",
                word,
            )
            word = word.replace("rocksdb:/var/lib/parley", f"rocksdb:{self.data}")
            words.append(self._addresses.translate(word))
        return [binary(), *words]

    def keep_port(self):
        for name in ("http", "rpc", "admin"):
            if address := getattr(self, name):
                self._kept[name] = f"{address[0]}:{address[1]}"

    def offers(self):
        """{port in the container: address}."""
        named = options_of(self._service["command"])
        listeners = {name: getattr(self, name) for name in ("http", "rpc", "admin") if name in named}
        return {named[name].rsplit(":", 1)[1]: f"{host}:{port}" for name, (host, port) in listeners.items()}

    def check(self, test):
        assert test[:3] == ["CMD", "parley", "health"], test
        assert options_of(self._service["command"])["admin"].endswith(f":{ADMIN}"), "the check asks elsewhere"
        environment = clean_environment({"PARLEY_ADMIN": "{}:{}".format(*self.admin)})
        return (
            subprocess.run([binary(), *test[2:]], env=environment, capture_output=True, timeout=scaled(20)).returncode
            == 0
        )


class ForeignReplica:
    """A container of another image: a process on a port of ours."""

    port_in_container = None

    def __init__(self, folder, service, addresses):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self._service = service
        self._addresses = addresses
        self.port = free_port()
        self.process = None

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(scaled(20)) == 0, (self.folder / "log").read_text()

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def restart(self):
        self.stop()
        return self.start()

    def offers(self):
        return {self.port_in_container: f"127.0.0.1:{self.port}"}

    def mounted(self, target):
        """The file of the repository that is mounted at `target`."""
        for volume in self._service["volumes"]:
            source, place = volume.split(":")[:2]
            if place == target:
                return ROOT / source
        raise AssertionError(f"nothing is mounted at {target}")


class RedisReplica(ForeignReplica):
    port_in_container = "6379"

    def command(self):
        words = list(self._service["command"])
        words[1] = str(self.mounted(words[1]))
        words[words.index("--bind") + 1] = "127.0.0.1"
        words[words.index("--dir") + 1] = str(self.folder)
        return [*words, "--port", str(self.port)]

    def check(self, test):
        assert test[0] == "CMD-SHELL"
        tools = self.folder / "tools"  # with a redis-cli that asks ours
        tools.mkdir(exist_ok=True)
        (tools / "redis-cli").write_text(f'#!/bin/sh\nexec {shutil.which("redis-cli")} -p {self.port} "$@"\n')
        (tools / "redis-cli").chmod(0o755)
        return (
            subprocess.run(
                ["sh", "-c", test[1]],
                capture_output=True,
                timeout=scaled(20),
                env=os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"},
            ).returncode
            == 0
        )


class NginxReplica(ForeignReplica):
    port_in_container = "8080"

    def command(self):
        temporary = " ".join(
            f"{name}_temp_path {self.folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        text = self.mounted("/etc/nginx/nginx.conf").read_text()
        for pattern, replacement in (
            (r"^pid [^;]+;", f"pid {self.folder}/pid;"),
            (r"^ +resolver [^;]+;", temporary),
            (r"^ +listen 8080\b", f"listen 127.0.0.1:{self.port}"),
            # A name that is resolved again and again stands for the addresses that it has.
            (
                r"^ +server (\w+):(\d+) resolve ([^;]+);",
                lambda m: " ".join(f"server {a} {m[3]};" for a in self._addresses.known[m[1], m[2]]),
            ),
        ):
            text, count = re.subn(pattern, replacement, text, flags=re.M)
            assert count == 1, f"{count} of {pattern} in the configuration"
        config = self.folder / "nginx.conf"
        config.write_text(text)
        return ["nginx", "-p", str(self.folder), "-e", "stderr", "-c", str(config), "-g", "daemon off;"]

    def check(self, test):
        assert test[0] == "CMD"
        words = [word.replace("127.0.0.1:8080", f"127.0.0.1:{self.port}") for word in test[1:]]
        return subprocess.run(words, capture_output=True, timeout=scaled(20)).returncode == 0


def _replica_of(service):
    if "build" in service:
        return ParleyReplica
    return {"redis": RedisReplica, "nginx": NginxReplica}[service["image"].split(":")[0]]


class Stack:
    """`docker compose up`, with `scale` {service: replicas}. Stops what it started at the end of a with statement."""

    def __init__(self, model, folder, scale=None):
        self.services = model["services"]
        self._folder = pathlib.Path(folder)
        self._scale = scale or {}
        self._addresses = Addresses()
        self.replicas = {}

    def __enter__(self):
        try:
            for name in start_order(self.services):
                self._start(name)
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.kill()
        for name in reversed(start_order(self.services)):
            for replica in self.replicas[name]:
                replica.stop()

    def kill(self):
        for replicas in self.replicas.values():
            for replica in replicas:
                replica.kill()

    def _start(self, name):
        service = self.services[name]
        self.replicas[name] = []
        for number in range(self._scale.get(name, 1)):
            replica = _replica_of(service)(self._folder / f"{name}-{number}", service, self._addresses)
            self.replicas[name].append(replica)
            replica.start()
            self.await_healthy(name, replica)
            for port, address in replica.offers().items():
                self._addresses.known.setdefault((name, port), []).append(address)

    def await_healthy(self, name, replica):
        test = self.services[name]["healthcheck"]["test"]
        eventually(lambda: replica.check(test), f"{name} to be healthy", timeout=60)

    def published(self):
        """The address of what the files publish, which must be one port."""
        ports = [(name, port) for name, service in self.services.items() for port in service.get("ports", [])]
        assert len(ports) == 1, ports
        name, port = ports[0]
        return self._addresses.known[name, port.rsplit(":", 1)[1]][0]

    @property
    def url(self):
        return f"http://{self.published()}"

    def get(self, path):
        return requests.get(self.url + path, timeout=scaled(20))
