"""Few file descriptors: what is connected goes on, nothing spins, accepting resumes, and the store keeps its own."""

import resource
import time

from support.build import scaled
from support.client import Client
from support.server import Server
from support.wait import eventually
from support.wire import Closed, Connection, get, post

LIMIT = 120


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))


def take_descriptors(server):
    """Fewer than it saw at its start, when it set some aside."""
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (LIMIT, LIMIT))


def ping(connection):
    connection.send(get())
    return connection.answer().status == 200


def served(address):
    """A new connection that is served at once; None where it has to wait."""
    connection = Connection(address, timeout=0.5)
    try:
        if ping(connection):
            return connection
    except (Closed, OSError):
        pass
    connection.close()
    return None


def fill(server):
    """Connections that are served, until one is not."""
    held = []
    while len(held) < LIMIT:
        connection = served(server.http)
        if connection is None:
            return held
        held.append(connection)
    raise AssertionError("the limit was never reached")


def test_accepting_pauses_and_resumes(tmp_path):
    server = Server(tmp_path).start()
    take_descriptors(server)
    held = []
    try:
        held = fill(server)
        assert held, "not one connection was served"
        before = server.cpu_seconds()
        waited = [Connection(server.http) for _ in range(5)]
        began = time.monotonic()
        while time.monotonic() - began < 2:  # a stretch to measure over
            assert all(ping(connection) for connection in held[:5]), "what is connected goes on"
            time.sleep(0.1)
        assert server.cpu_seconds() - before < scaled(0.8), "it spins"
        held[0].send(post({"chat": "a:b", "text": "x", "sender": "a"}))
        assert held[0].answer().status == 200
        for connection in held[5:]:
            connection.close()
        for connection in waited:
            assert ping(connection), "those that waited are served"
            connection.close()
        eventually(lambda: served(server.http), "accepting to resume").close()
    finally:
        for connection in held:
            connection.close()
        if server.running():
            server.stop()


def test_a_low_limit_leaves_descriptors_for_the_store(tmp_path):
    server = Server(tmp_path, "--store-memory", "8MiB", preexec=few_descriptors).start()
    client = Client(server)
    held = []
    try:
        most = LIMIT // 2 // 3  # half of them, for three listeners
        server.await_log(f"connections_of_each_listener={most}\n")
        client.send("a:b")
        held = fill(server)
        assert 0 < len(held) <= most
        while not list(server.data.glob("*.sst")):  # which needs descriptors
            client.send("a:b", "x" * 60_000)
        assert client.get("/readyz", admin=True).status_code == 200
    finally:
        client.close()
        for connection in held:
            connection.close()
        server.stop()


def test_a_limit_that_does_not_bind_is_not_mentioned(tmp_path):
    server = Server(tmp_path, "--max-connections", 5, preexec=few_descriptors).start()
    server.stop()
    assert "limit of open files" not in server.stderr
