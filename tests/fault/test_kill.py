"""kill -9 under load, again and again: what was promised must hold."""

import random
import time

import pytest

from support.server import Server
from support.wait import eventually
from workload import Workload

CHATS = ["a:b", "a:c", "c:d"]


def kill_somewhere(server, randoms, workload):
    """Kills at a random moment of a running load, and now and then again while the store opens."""
    before = workload.acknowledged
    eventually(lambda: workload.acknowledged > before, "a send to be acknowledged after the restart")
    time.sleep(randoms.uniform(0, 0.4))  # the moment of the fault, not a wait for anything
    server.kill()
    if randoms.random() < 0.25:
        server.spawn()
        time.sleep(randoms.uniform(0, 0.1))
        server.kill()
    server.start()
    workload.servers_moved(server)


@pytest.mark.parametrize("durability, rounds", [("fsync", 5), ("os", 3)])
def test_nothing_acknowledged_is_lost_doubled_or_reordered(tmp_path, seed, long, durability, rounds):
    randoms = random.Random(seed)
    server = Server(tmp_path, "--durability", durability, "--store-memory", "8MiB").start()
    workload = Workload([server], seed, CHATS)
    try:
        for _ in range(rounds * 40 if long else rounds):
            kill_somewhere(server, randoms, workload)
        workload.stop()
    except BaseException:
        workload.abandon()
        server.kill()
        raise
    workload.check(server)
    server.restart()
    workload.check(server)
    server.stop()


def test_a_store_that_forgets_is_seen(tmp_path, seed):
    """The same load over the memory store, whose messages a kill takes away: the checker must object."""
    server = Server(tmp_path, store="memory:").start()
    workload = Workload([server], seed, CHATS)
    try:
        kill_somewhere(server, random.Random(seed), workload)
        workload.stop()
        with pytest.raises(AssertionError, match="lost: "):
            workload.check(server)
    finally:
        workload.abandon()
        server.kill()
