"""Redis loses its data, or is replaced, under running nodes and gateways: what was stored there is gone, but nobody has
to restart anything, nothing is doubled, and nothing of the old store shows."""

import shutil
import time

import pytest

from history import ACKED
from support.client import Client
from support.deployment import Gateway, Node
from support.redis import RedisServer
from support.wait import eventually
from workload import final_state

CHATS = ("a:b", "a:c", "c:d")


@pytest.fixture
def tiers(redis_server, started):
    """A gateway and two nodes over one Redis."""
    nodes = [started(kind=Node, store=redis_server.url()) for _ in range(2)]
    return started(kind=Gateway, nodes=nodes), nodes


def readyz(server):
    client = Client(server)
    answer = client.get("/readyz", admin=True)
    client.close()
    return answer


def ready(server):
    return readyz(server).status_code == 200


def wipe(server):
    """It has lost its file when it starts again."""
    server.kill()
    for path in server.folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def restart_empty(server):
    wipe(server)
    server.start()


def flush(server):
    server.call("FLUSHALL")


def store_id(server):
    return server.call("GET", "parley:id")


def notice(nodes, before):
    """Waits until the nodes know the store of today."""
    for node in nodes:
        found = eventually(
            lambda node=node: [line for line in node.stderr.splitlines() if "until that is settled" in line],
            "the node to notice",
        )
        assert before in found[0], found
        eventually(lambda node=node: ready(node), "the node to be ready again")


def check(workload, final, lost_at, settled_at):
    """What was seen can be true of a store that lost everything at one moment."""
    # A repeat whose first send was lost with the store is a new message.
    assert not [p for p in workload.problems if " repeated is " not in p]
    history = workload.history
    texts = [m.text for chat in CHATS for m in final[chat]]
    assert len(texts) == len(set(texts)), "doubled"
    for chat in CHATS:
        assert [m.send_time for m in final[chat]] == sorted({m.send_time for m in final[chat]})
    stored = {(chat, m.text, m.send_time) for chat in CHATS for m in final[chat]}
    acked = [s for s in history.sends if s.outcome == ACKED and s.began > lost_at]
    assert acked, "nothing was acknowledged after it"
    lost = [s for s in acked if (s.chat, s.text, s.send_time) not in stored]
    assert not lost, f"acknowledged and lost although begun after the loss: {lost[:5]}"
    for name, pages in history.followers.items():
        late = [page for page in pages if page.began > settled_at]
        seen = [m for page in late for m in page.messages]
        assert seen, f"{name} saw nothing any longer"
        expected = final[late[0].chat]
        assert seen[0] in expected, f"{name} was shown what is not there: {seen[0]}"
        start = expected.index(seen[0])
        assert seen == expected[start : start + len(seen)], f"{name} skipped, repeated or saw what is not there"
        assert seen[-1] == expected[-1], f"{name} stopped reading"


@pytest.mark.parametrize("lose", [flush, restart_empty])
def test_lost_data_are_noticed_by_nodes_and_gateway(tiers, redis_server, load, lose):
    gateway, nodes = tiers
    workload = load(gateway, chats=CHATS)
    workload.progress(200)
    before = store_id(redis_server)
    lose(redis_server)
    lost_at = time.monotonic()
    notice(nodes, before)
    eventually(lambda: ready(gateway), "the gateway to be ready again")
    settled_at = time.monotonic()
    workload.progress(200)
    workload.stop()
    client = Client(gateway)
    check(workload, final_state(client, CHATS), lost_at, settled_at)
    client.close()
    assert store_id(redis_server) not in (None, before)
    for node in nodes:
        node.await_log(store_id(redis_server))
    eventually(lambda: both_used(gateway, nodes), "both nodes to be used again")


def both_used(gateway, nodes):
    client = Client(gateway)
    lines = client.get("/metrics", admin=True).text.splitlines()
    client.close()
    names = [f'parley_backend_up{{node="{node.rpc[0]}:{node.rpc[1]}"}}' for node in nodes]
    return all(any(line.startswith(name) and not line.endswith(" 0") for line in lines) for name in names)


def test_readyz_says_what_was_found(redis_server, started):
    node = started(kind=Node, store=redis_server.url())
    before = store_id(redis_server)
    flush(redis_server)
    answer = eventually(lambda: (a := readyz(node)).status_code == 503 and a, "the node to notice")
    detail = answer.json()["detail"]
    assert before in detail and ("lost or replaced" in detail or "another store" in detail), detail
    eventually(lambda: ready(node), "the node to be ready again")


def test_no_page_of_the_old_store_is_shown(redis_server, started):
    server = started(store=redis_server.url())
    client = Client(server)
    for n in range(5):
        client.send("a:b", f"old {n}")
    for _ in range(3):  # so that it is kept
        assert client.pull("a:b", limit=2)["has_more"]
    before = store_id(redis_server)
    flush(redis_server)
    notice([server], before)
    assert client.try_pull("a:b", limit=2).status_code == 404
    client.send("a:b", "new")
    assert client.texts("a:b") == ["new"]
    assert client.send("a:b", "again", key="k")["duplicate"] is False
    client.close()


def test_a_reader_goes_on_with_its_cursor(redis_server, started):
    server = started(store=redis_server.url())
    client = Client(server)
    cursor = client.send("a:b", "old")["send_time"] + 1
    before = store_id(redis_server)
    flush(redis_server)
    notice([server], before)
    client.send("a:b", "new")
    assert [m["text"] for m in client.pull("a:b", cursor=cursor)["messages"]] == ["new"]
    client.close()


def test_data_of_another_store_take_its_place(tmp_path, tiers, redis_server, started, load):
    gateway, nodes = tiers
    other = RedisServer(tmp_path / "other").start()
    server = started(store=other.url())
    client = Client(server)
    client.send("a:b", "of the other store")
    client.close()
    server.stop()
    theirs = store_id(other)
    other.stop()

    client = Client(gateway)
    client.send("a:b", "of this store")
    before = store_id(redis_server)
    redis_server.stop()
    shutil.move(redis_server.folder / "appendonlydir", tmp_path / "kept")
    shutil.copytree(other.folder / "appendonlydir", redis_server.folder / "appendonlydir")
    redis_server.start()
    notice(nodes, before)
    eventually(lambda: ready(gateway), "the gateway to be ready again")
    assert client.texts("a:b") == ["of the other store"]
    for node in nodes:
        node.await_log(theirs)

    redis_server.stop()  # and back
    shutil.rmtree(redis_server.folder / "appendonlydir")
    shutil.move(tmp_path / "kept", redis_server.folder / "appendonlydir")
    redis_server.start()
    eventually(lambda: all(before in node.stderr.rsplit(theirs, 1)[1] for node in nodes), "the nodes to notice")
    for one in (*nodes, gateway):
        eventually(lambda one=one: ready(one), "all to be ready again")
    assert client.texts("a:b") == ["of this store"]
    client.close()


def test_nodes_that_are_restarted_in_turn_over_a_new_store_take_the_gateway_along(tmp_path, redis_server, started):
    """While one is over the old store and one over the new, the gateway uses one of the stores and never both."""
    nodes = [started(kind=Node, store=redis_server.url()) for _ in range(2)]
    gateway = started(kind=Gateway, nodes=nodes)
    client = Client(gateway)
    client.send("a:b", "old")
    other = RedisServer(tmp_path / "other").start()
    try:
        for node in nodes:
            node.keep_port()
            node.store = other.url()
        nodes[0].restart()
        eventually(lambda: "the node serves another store than the nodes in use" in gateway.stderr, "it to be refused")
        for n in range(50):
            client.send("a:b", f"between {n}")
        assert other.call("KEYS", "parley:{*}:l*") == []
        nodes[1].restart()
        eventually(lambda: both_used(gateway, nodes), "the gateway to follow")
        assert client.try_pull("a:b").status_code == 404
        client.send("a:b", "new")
        assert client.texts("a:b") == ["new"]
    finally:
        client.close()
        other.kill()


@pytest.mark.parametrize("back", [flush, restart_empty])
def test_what_is_lost_again_and_again_is_noticed_each_time(tiers, redis_server, back):
    gateway, nodes = tiers
    for _ in range(3):
        before = store_id(redis_server)
        back(redis_server)
        now = eventually(lambda: (s := store_id(redis_server)) not in (None, before) and s, "a new store to be begun")
        for node in nodes:  # who has not noticed yet is ready, too
            node.await_log(now)
        for one in (*nodes, gateway):
            eventually(lambda one=one: ready(one), "all to be ready again")
        eventually(lambda: both_used(gateway, nodes), "both nodes to be used again")
    client = Client(gateway)
    client.send("a:b", "hi")
    assert client.texts("a:b") == ["hi"]
    client.close()


def test_a_cluster_that_lost_its_data_is_noticed(masters_alone, started):
    cluster = masters_alone
    nodes = [started(kind=Node, store=cluster.url()) for _ in range(2)]
    gateway = started(kind=Gateway, nodes=nodes)
    client = Client(gateway)
    chats = [f"a:{name}" for name in "bcdefghi"]
    for chat in chats:
        for n in range(4):
            client.send(chat, f"old {n}")
        for _ in range(3):  # so that it is kept
            assert client.pull(chat, limit=2)["has_more"]
    for master in cluster.masters():
        flush(master)
    for node in nodes:
        eventually(lambda node=node: "until that is settled" in node.stderr, "the node to notice")
    for one in (*nodes, gateway):
        eventually(lambda one=one: ready(one), "all to be ready again")
    for chat in chats:
        assert client.try_pull(chat, limit=2).status_code == 404
        client.send(chat, "new")
        assert client.texts(chat) == ["new"]
    client.close()


def test_a_master_of_a_cluster_that_lost_its_data_shows_none_of_them_for_long(masters_alone, started):
    """The id may lie on another master, and then stays."""
    cluster = masters_alone
    client = Client(started(store=cluster.url()))
    chats = [f"a:{name}" for name in "bcdefghi"]
    for chat in chats:
        for n in range(4):
            client.send(chat, f"old {n}")
        for _ in range(3):
            assert client.pull(chat, limit=2)["has_more"]
    slots = {chat: cluster.slot_of(chat) for chat in chats}
    keeps_id = cluster.owner(cluster.nodes[-1].call("CLUSTER", "KEYSLOT", "parley:id"))
    others = [master for master in cluster.masters() if master.port != keeps_id.port]
    for master in others:
        flush(master)
    lost = [chat for chat in chats if cluster.owner(slots[chat]).port != keeps_id.port]
    assert lost
    for chat in lost:
        eventually(lambda chat=chat: client.try_pull(chat, limit=2).status_code == 404, "the page to be forgotten")
    client.close()
