"""Nodes over one Redis behind a gateway: one may be lost, and all may be replaced in turn, while clients notice
nothing."""

import json
import subprocess
import threading

import pytest

from redis_patience import PATIENT
from support.build import BINARY, scaled
from support.client import Client
from support.deployment import Gateway, Node
from support.prometheus import Metrics
from support.wait import eventually

PATIENT_GATEWAY = (*PATIENT[:2], "--backend-wait", PATIENT[1])
RATE = 5000  # a second


@pytest.fixture
def tiers(redis_server, started):
    """A gateway and its two nodes, whose ports stay theirs."""
    nodes = [started(*PATIENT, kind=Node, store=redis_server.url()) for _ in range(2)]
    gateway = started(*PATIENT_GATEWAY, kind=Gateway, nodes=nodes)
    for node in nodes:
        node.keep_port()
    return gateway, nodes


def used(gateway, node):
    """Waits until the gateway sends to this node again."""
    client = Client(gateway)
    name = f'parley_backend_up{{node="{node.rpc[0]}:{node.rpc[1]}"}}'

    def up():
        lines = client.get("/metrics", admin=True).text.splitlines()
        return next((line for line in lines if line.startswith(name)), " 0").rsplit(" ", 1)[1] != "0"

    eventually(up, f"{name} to be up")
    client.close()


def test_nodes_that_are_killed_cost_a_keyed_send_nothing_but_time(tiers, load, long):
    gateway, nodes = tiers
    workload = load(gateway)
    for n in range(50 if long else 4):
        workload.progress()
        nodes[n % 2].kill()
        workload.progress()
        nodes[n % 2].start()
        used(gateway, nodes[n % 2])
    workload.stop()
    keyed, _ = workload.check(gateway)
    assert not keyed


def test_a_store_that_is_away_is_told_once_and_not_for_each_probe(redis_server, started):
    node = started(kind=Node, store=redis_server.url())
    gateway = started(kind=Gateway, nodes=[node])
    client = Client(node)

    def probes():
        return Metrics(client.get("/metrics", admin=True).text).total("parley_rpc_requests_total", method="Ready")

    redis_server.kill()
    eventually(lambda: "gateways hear that this node is not ready" in node.stderr, "the node to notice")
    before = probes()
    for _ in range(20):
        assert client.get("/readyz", admin=True).status_code == 503
    eventually(lambda: probes() > before + 20, "the gateway to go on asking")
    warnings = [line for line in node.stderr.splitlines() if " WARN " in line]
    # It is away, refuses connections, and each of the two kinds of probe hears so; the reasons may change once.
    assert len(warnings) <= 12, "\n".join(warnings)
    lost = [line for line in gateway.stderr.splitlines() if " WARN " in line]
    assert len(lost) <= 6, "\n".join(lost)
    redis_server.start()
    eventually(lambda: "gateways hear that this node is ready again" in node.stderr, "the node to be back")
    client.close()


def test_nodes_that_are_replaced_in_turn_fail_nothing(tiers, load, long):
    gateway, nodes = tiers
    workload = load(gateway)
    for n in range(50 if long else 4):
        workload.progress()
        nodes[n % 2].restart()
        used(gateway, nodes[n % 2])
    workload.stop()
    assert workload.check(gateway) == ([], [])


class KeyedSends(threading.Thread):
    """Keyed sends at a fixed rate, whatever becomes of them; `figures` at the end."""

    def __init__(self, server, rate, seconds):
        super().__init__(daemon=True)
        self._command = [
            BINARY,
            "bench",
            "--json",
            "--url",
            server.url,
            "--rate",
            str(rate),
            "--requests",
            str(rate * seconds),
            "--keyed",
            "--connections",
            "256",
            "--chats",
            "500",
        ]
        self.figures = None
        self.start()

    def run(self):
        done = subprocess.run(self._command, capture_output=True, text=True, timeout=scaled(300))
        self.figures = json.loads(done.stdout) if done.returncode == 0 else done.stderr

    def finish(self):
        self.join()
        assert isinstance(self.figures, dict), self.figures
        return self.figures


def test_a_node_killed_under_many_keyed_sends_is_not_noticed(tiers, figure, long):
    gateway, nodes = tiers
    client = Client(gateway)
    sends = KeyedSends(gateway, RATE, 60 if long else 8)

    def stored():
        answer = client.try_pull("u000000:v000000", limit=1000)
        return len(answer.json()["messages"]) if answer.status_code == 200 else 0

    eventually(lambda: stored() > 5, "the load")
    nodes[0].kill()
    figures = sends.finish()
    client.close()
    figure(
        f"keyed sends at {RATE}/s through two nodes, one killed",
        f"the latest answer came {figures['max_us'] / 1e6:.3f} s after its send was due, "
        f"{figures['errors']} errors of {figures['requests']}",
    )
    assert figures["errors"] == 0 and figures["verified"] and figures["violations"] == {}
    assert count(gateway, 500) == figures["requests"], "each is stored once"


def count(gateway, chats):
    client = Client(gateway)
    total = sum(len(client.read_all(f"u{n:06}:v{n:06}")) for n in range(chats))
    client.close()
    return total
