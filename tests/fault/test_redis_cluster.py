"""A Redis Cluster whose masters are lost, and whose slots move, under load."""

import time

import pytest

from redis_link import RedisLink
from redis_patience import PATIENT
from support.build import scaled
from support.client import Client
from support.prometheus import Metrics
from support.redis_cluster import Cluster
from support.wait import eventually

CHATS = [f"a:{name}" for name in "bcdefghi"]


def metric(node, name, **labels):
    client = Client(node)
    value = Metrics(client.get("/metrics", admin=True).text).total(name, **labels)
    client.close()
    return value


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_a_master_is_lost(cluster, started, load, long, fault):
    node = started(*PATIENT, "--redis-replicas", "1", store=cluster.url())
    workload = load(node, chats=CHATS)
    for n in range(10 if long else 2):
        workload.progress()
        lost = cluster.owner(cluster.slot_of(CHATS[n % len(CHATS)]))
        getattr(lost, fault)()
        cluster.promoted(but=lost)
        eventually(lambda: not metric(node, "parley_redis_up", server="%s:%d" % lost.address), "the node to leave it")
        # The new master has no replica before the lost one is back: until then its sends wait.
        lost.resume() if fault == "pause" else lost.start()
        workload.progress()
        eventually(cluster.whole, "the lost master to be a replica in step")
    workload.progress()
    workload.stop()
    workload.check(node, may_vanish=True)


def test_slots_move(masters_alone, started, load, long):
    """Each chat's slot goes from master to master, with sends and pulls in every state that it passes through."""
    cluster = masters_alone
    node = started(*PATIENT, store=cluster.url())
    workload = load(node, chats=CHATS)
    workload.progress()
    for n in range(20 if long else 3):
        masters = cluster.masters()
        for number, chat in enumerate(CHATS):
            cluster.move(
                cluster.slot_of(chat), masters[(number + n) % len(masters)], pause=lambda: time.sleep(scaled(0.03))
            )  # in which sends meet the slot in this state
            workload.progress(5)
    workload.stop()
    assert workload.check(node) == ([], [])
    for error in ("MOVED", "ASK"):
        assert metric(node, "parley_redis_errors_total", error=error) > 0, "no slot was met on its way"


# Errors that a cluster answers in passing ---------------------------------------------------------------------------


@pytest.fixture
def linked(tmp_path):
    """A cluster without replicas whose nodes are reached through RedisLinks, and the links."""
    running = Cluster(tmp_path / "linked", replicas=0)
    links = []
    for node in running.nodes:
        links.append(RedisLink(node))
        node.announced = links[-1].port
    running.start()
    yield running, links
    for link in links:
        link.close()
    running.kill()


def test_each_passing_error_is_followed_or_waited_out(linked, started):
    running, links = linked
    node = started(*PATIENT, store=running.url())
    client = Client(node)
    sent = {}
    for chat in CHATS:
        client.send(chat, "first")
        sent[chat] = ["first"]
        slot = running.slot_of(chat)
        owner = running.nodes.index(running.owner(slot))
        for error in (
            f"MOVED {slot} 127.0.0.1:{links[owner].port}",
            f"ASK {slot} 127.0.0.1:{links[owner].port}",
            "TRYAGAIN Multiple keys request during rehashing of slot",
            "CLUSTERDOWN The cluster is down",
            f"MOVED {slot} 127.0.0.1:{links[owner - 1].port}",
            "LOADING Redis is loading",
        ):
            for key in (None, error):
                links[owner].instead(f"-{error}\r\n".encode(), "EVALSHA", "XRANGE", count=1)
                client.send(chat, error, key=key)
                sent[chat].append(error)
                assert links[owner].answered == 1, "it was asked"
                links[owner].answered = 0
        assert client.texts(chat) == sent[chat]
    client.close()
