"""kill -9 anywhere between a row of an index and the record that it tells of, over every engine: whenever the store can be
read, its index tells of all that it has, and the history is one that can be true."""

import random
import shutil

import pytest

from index_check import RestlessClock, missing_rows, some_time
from redis_patience import PATIENT
from support.client import Client
from support.clock import ShiftedClock
from support.wait import eventually

CHATS = [f"a:{n}" for n in range(30)] + [f"b:{n}" for n in range(10)]  # each has few records between two jumps
WINDOW = ("--idempotency-window", "8784h")  # the most: the clock passes many days


@pytest.fixture
def clock(clock_shim, tmp_path, seed):
    """A clock that jumps for as long as the test runs."""
    clock = ShiftedClock(clock_shim, tmp_path)
    with RestlessClock(clock, random.Random(seed)):
        yield clock


def whole(store, *options):
    assert missing_rows(store, CHATS, *options) == []


def test_rocksdb_is_killed(tmp_path, started, clock, load, seed, long):
    randoms = random.Random(seed)
    server = started(*WINDOW, env=clock.environment())
    workload = load(server, chats=CHATS, followers_per_chat=0)
    for _ in range(300 if long else 15):
        workload.progress(20)
        some_time(randoms)
        server.kill()
        killed = shutil.copytree(server.data, tmp_path / "killed")  # the server opens what it left itself
        whole(f"rocksdb:{killed}")
        shutil.rmtree(killed)
        server.start()
        workload.servers_moved(server)
    workload.stop()
    workload.check(server)


@pytest.mark.parametrize("victim", ["node", "redis"])
def test_redis_or_its_node_is_killed(redis_server, started, clock, load, seed, long, victim):
    randoms = random.Random(seed)
    nodes = [started(*PATIENT, *WINDOW, store=redis_server.url(), env=clock.environment()) for _ in range(2)]
    for node in nodes:
        node.keep_port()
    workload = load(*nodes, chats=CHATS, followers_per_chat=0)
    for n in range(200 if long else 10):
        workload.progress(20)
        some_time(randoms)
        killed = nodes[n % 2] if victim == "node" else redis_server
        killed.kill()
        if victim == "redis":
            killed.start()
        whole(redis_server.url())
        if victim == "node":
            killed.start()
            workload.servers_moved(*nodes)
    workload.stop()
    workload.check(nodes[0])


def test_a_master_under_sentinel_is_killed(sentinels, started, clock, load, seed, long):
    randoms = random.Random(seed)
    replicas = ("--redis-replicas", "1")
    servers = sentinels()
    nodes = [started(*PATIENT, *WINDOW, *replicas, store=servers.url(), env=clock.environment()) for _ in range(2)]
    workload = load(*nodes, chats=CHATS, followers_per_chat=0)
    for _ in range(15 if long else 2):
        workload.progress(50)
        some_time(randoms)
        lost = servers.master()
        lost.kill()
        servers.promoted(but=lost)
        whole(servers.url(), *replicas)
        servers.rejoin(lost)
    workload.progress(50)
    workload.stop()
    whole(servers.url(), *replicas)
    workload.check(nodes[0], may_vanish=True)


def test_masters_of_a_cluster_are_killed(cluster, started, clock, load, seed, long):
    randoms = random.Random(seed)
    replicas = ("--redis-replicas", "1")
    nodes = [started(*PATIENT, *WINDOW, *replicas, store=cluster.url(), env=clock.environment()) for _ in range(2)]
    workload = load(*nodes, chats=CHATS, followers_per_chat=0)
    for n in range(10 if long else 2):
        workload.progress(50)
        some_time(randoms)
        lost = cluster.masters()[n % 3]
        lost.kill()
        cluster.promoted(but=lost)
        lost.start()
        whole(cluster.url(), *replicas)
        eventually(cluster.whole, "the lost master to be a replica in step")
    workload.progress(50)
    workload.stop()
    whole(cluster.url(), *replicas)
    workload.check(nodes[0], may_vanish=True)


def test_a_row_that_is_lost_is_seen(redis_server, started):
    client = Client(started(store=redis_server.url()))
    client.send("a:b", "text")
    client.close()
    store = redis_server.url()
    assert missing_rows(store, ["a:b", "b:c"]) == []
    (key,) = redis_server.call("KEYS", "parley:{*}:ia")
    redis_server.call("ZINCRBY", key, -601e6, "a:b")
    assert [line.split()[:2] for line in missing_rows(store, ["a:b"])] == [["a:b:", "a"]]
    redis_server.call("ZREM", key, "a:b")
    assert [line.split()[:2] for line in missing_rows(store, ["b:c", "a:b"])] == [["a:b:", "a"]]
