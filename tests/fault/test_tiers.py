"""Gateways and nodes lost under load: nothing is lost or doubled, and a send with a key does not even fail.

RocksDB belongs to one process, so two nodes over one store are two relays: nodes that stand on a core node.
"""

import signal
import time

import pytest

from faulty_link import FaultyLink
from support.build import duration
from support.client import Client
from support.deployment import Gateway, Node, Relay
from support.wait import eventually
from workload import Workload

CHATS = ["a:b", "a:c", "c:d"]


class Tiers:
    """A gateway in front of `relays` relays (none: of the core itself), and a load on it. With `links` each node is
    reached through a FaultyLink."""

    def __init__(self, folder, seed, relays=2, links=False):
        self.core = Node(folder / "core").start()
        self.relays = [Relay(folder / f"relay{n}", nodes=[self.core]).start() for n in range(relays)]
        # A busy machine takes its time to start a process; what is shown is that this costs time and nothing else.
        patience = ("--request-timeout", duration(20), "--backend-wait", duration(20))
        nodes = self.relays or [self.core]
        self.links = [FaultyLink(node) for node in nodes] if links else []
        self.gateway = Gateway(folder / "gateway", *patience, nodes=self.links or nodes).start()
        for one in self.all():
            one.keep_port()
        self.workload = Workload([self.gateway], seed, CHATS)

    def all(self):
        return [self.gateway, *self.relays, self.core]

    def is_up(self, node, up=True):
        """Waits until the gateway uses the node, on each of its loops, or on none."""
        name = f'node="{node.rpc[0]}:{node.rpc[1]}"'
        client = Client(self.gateway)

        def seen():
            lines = client.get("/metrics", admin=True).text.splitlines()
            loops = max(int(l.rsplit(" ", 1)[1]) for l in lines if l.startswith("parley_backend_connections{"))
            now = next(int(l.rsplit(" ", 1)[1]) for l in lines if l.startswith("parley_backend_up{") and name in l)
            return now == loops if up else now == 0

        eventually(seen, f"{name} to be {'up' if up else 'left out'}")
        client.close()

    def settle(self):
        """Ends the load and checks the history; what it tells of failed sends, sorted by whether they had a key."""
        self.workload.stop()
        return self.workload.check(self.gateway)


@pytest.fixture
def tiers(tmp_path, seed):
    made = []

    def make(**settings):
        made.append(Tiers(tmp_path, seed, **settings))
        return made[-1]

    yield make
    for one in made:
        one.workload.abandon()
        for link in one.links:
            link.close()
        for server in one.all():
            server.kill()


def test_a_killed_node_costs_a_keyed_send_nothing_but_time(tiers, long):
    running = tiers()
    for n in range(50 if long else 4):
        relay = running.relays[n % 2]
        running.workload.progress()
        relay.kill()
        running.workload.progress()
        relay.start()
        running.is_up(relay)
    keyed, _ = running.settle()
    assert not keyed


def test_a_node_restarted_in_good_order_fails_nothing(tiers, long):
    running = tiers()
    for n in range(50 if long else 4):
        relay = running.relays[n % 2]
        running.workload.progress()
        relay.stop()
        running.workload.progress()
        relay.start()
        running.is_up(relay)
    assert running.settle() == ([], [])


def test_a_stopped_node_costs_a_keyed_send_nothing_but_time(tiers, long):
    running = tiers()
    for n in range(20 if long else 2):
        relay = running.relays[n % 2]
        running.workload.progress()
        relay.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        running.is_up(relay, up=False)
        assert time.monotonic() - began < 5
        running.workload.progress()
        relay.send_signal(signal.SIGCONT)
        running.is_up(relay)
    keyed, _ = running.settle()
    assert not keyed


@pytest.mark.parametrize("relays", [0, 2])
def test_a_link_reset_in_the_middle_of_an_answer_costs_a_keyed_send_nothing_but_time(tiers, long, relays):
    running = tiers(relays=relays, links=True)
    for n in range(50 if long else 10):
        link = running.links[n % len(running.links)]
        before = link.breaks
        link.break_next()
        eventually(lambda: link.breaks > before, "the link to break")
        running.workload.progress()
    keyed, _ = running.settle()
    assert not keyed


def test_the_only_node_restarted_in_good_order_fails_nothing(tiers, long):
    running = tiers(relays=0)
    for _ in range(20 if long else 3):
        running.workload.progress()
        running.core.restart()
        running.is_up(running.core)
    assert running.settle() == ([], [])


def test_the_only_node_killed_loses_and_doubles_nothing(tiers, long):
    running = tiers(relays=0)
    for _ in range(20 if long else 3):
        running.workload.progress()
        running.core.kill()
        running.core.start()
        running.is_up(running.core)
    keyed, _ = running.settle()
    assert not keyed


def test_everything_restarted_in_turn(tiers, long):
    """A new version is rolled out: each gateway and node once, under load."""
    running = tiers()
    for _ in range(10 if long else 1):
        for one in running.all():
            running.workload.progress()
            one.restart()
    keyed, _ = running.settle()
    assert not keyed
