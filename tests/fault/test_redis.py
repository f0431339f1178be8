"""Redis restarted, stopped and cut off under load: every send, with a key or without, is stored once and in order."""

import time

import pytest

from redis_patience import PATIENT
from support.build import duration, scaled
from support.client import Client
from support.clock import ShiftedClock
from support.errors import check_error
from support.prometheus import Metrics
from support.wait import eventually


def metric(server, name, **labels):
    client = Client(server)
    value = Metrics(client.get("/metrics", admin=True).text).total(name, **labels)
    client.close()
    return value


# The server -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_server_that_is_restarted_costs_nothing_but_time(redis_server, started, load, long, end):
    node = started(*PATIENT, store=redis_server.url())
    workload = load(node)
    for _ in range(30 if long else 3):
        workload.progress()
        getattr(redis_server, end)()
        redis_server.start()
    workload.progress()
    workload.stop()
    assert workload.check(node) == ([], [])


def test_a_server_that_is_stopped_costs_nothing_but_time(redis_server, started, load, long):
    node = started(*PATIENT, store=redis_server.url())
    workload = load(node)
    for _ in range(20 if long else 3):
        workload.progress()
        redis_server.pause()
        time.sleep(scaled(0.5))  # the fault
        redis_server.resume()
    workload.progress()
    workload.stop()
    assert workload.check(node) == ([], [])


def test_a_server_that_is_stopped_past_the_deadline_doubles_nothing(redis_server, started, load, long):
    """What it has in its sockets is executed when it goes on, after the client was told that the outcome is unknown, or
    after the same was sent again on another connection."""
    node = started("--request-timeout", duration(0.5), store=redis_server.url())
    workload = load(node)
    for _ in range(20 if long else 3):
        workload.progress()
        redis_server.pause()
        before = len(workload.failures)
        eventually(lambda: len(workload.failures) > before + 5, "sends to fail")
        redis_server.resume()
    workload.progress()
    workload.stop()
    workload.check(node)


def test_commands_that_were_overtaken_double_nothing(redis_server, started, link_to, load, long):
    """Connections end while the server is stopped; it executes what they brought when it goes on."""
    link = link_to(redis_server)
    node = started(*PATIENT, store=link.url())
    workload = load(node)
    for _ in range(20 if long else 3):
        workload.progress()
        redis_server.pause()
        time.sleep(scaled(0.1))  # so that something is on its way
        link.break_all()
        time.sleep(scaled(0.1))
        redis_server.resume()
    workload.progress()
    workload.stop()
    assert workload.check(node) == ([], [])


# The link -------------------------------------------------------------------------------------------------------------


def test_replies_that_are_cut_cost_nothing_but_time(redis_server, started, link_to, load, long):
    link = link_to(redis_server)
    node = started(*PATIENT, store=link.url())
    link.cut_share = 0.05
    workload = load(node)
    workload.progress(20_000 if long else 1000)
    workload.stop()
    assert link.cuts > 20
    link.heal()
    assert workload.check(node) == ([], [])
    assert metric(node, "parley_store_replies_settled_total") > 0


def test_writes_that_arrive_late_double_nothing(redis_server, started, link_to, load, long):
    """The connection ends first, and the same is sent again on another."""
    link = link_to(redis_server)
    node = started(*PATIENT, store=link.url())
    link.late_share = 0.02
    workload = load(node)
    workload.progress(10_000 if long else 500)
    workload.stop()
    assert link.overtaken > 5
    link.heal()
    assert workload.check(node) == ([], [])


def test_slow_replies_are_waited_for(redis_server, started, link_to, load):
    link = link_to(redis_server)
    node = started(*PATIENT, store=link.url())
    link.delay = 0.02
    workload = load(node)
    workload.progress(200)
    workload.stop()
    link.heal()
    assert workload.check(node) == ([], [])


def test_a_black_hole_is_told_from_a_store(redis_server, started, link_to, load):
    """Nothing comes back, and no connection ends: sends are told so by their deadline, and go on when it is over."""
    link = link_to(redis_server)
    node = started("--request-timeout", duration(0.5), store=link.url())
    client = Client(node)
    workload = load(node)
    for key in ("first", "second"):
        workload.progress()
        link.black_hole()
        began = time.monotonic()
        answer = eventually(lambda: failed(client.try_send("x:y", key, key=key)), "a failure")
        assert answer.headers["Parley-Code"] in ("outcome_unknown", "overloaded", "unavailable")
        assert time.monotonic() - began < scaled(5)
        link.black_hole(False)
        eventually(lambda: client.try_send("x:y", key, key=key).status_code == 200, "sends to go on")
    workload.progress()
    workload.stop()
    workload.check(node)
    assert client.texts("x:y") == ["first", "second"]
    client.close()


def failed(answer):
    return None if answer.status_code == 200 else answer


# Readiness ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_readyz_follows_the_server(redis_server, started, fault):
    node = started("--request-timeout", duration(1), "--redis-patience", duration(0.2), store=redis_server.url())
    client = Client(node)
    client.send("a:b", "1")
    assert client.get("/readyz", admin=True).status_code == 200
    getattr(redis_server, fault)()

    def ready():
        return client.get("/readyz", admin=True)

    eventually(lambda: failed(ready()), "/readyz to turn 503")
    check_error(ready(), "unavailable")
    assert client.get("/healthz", admin=True).status_code == 200
    check_error(eventually(lambda: at_once(client), "an answer that does not wait"), "unavailable")
    redis_server.resume() if fault == "pause" else redis_server.start()
    eventually(lambda: ready().status_code == 200, "/readyz to turn 200")
    client.send("a:b", "3")
    assert [t for t in client.texts("a:b") if t != "2"] == ["1", "3"]
    client.close()


def at_once(client):
    """What a send is answered without waiting for its deadline; None where it waited."""
    began = time.monotonic()
    answer = client.try_send("a:b", "2")
    return answer if time.monotonic() - began < scaled(0.5) else None


# Several nodes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [3600, -3600])
def test_two_nodes_with_clocks_an_hour_apart_and_replies_cut(
    redis_server, started, link_to, load, long, clock_shim, tmp_path, shift
):
    links = [link_to(redis_server), link_to(redis_server)]
    clock = ShiftedClock(clock_shim, tmp_path)
    clock.jump(shift)
    nodes = [started(*PATIENT, store=links[0].url()), started(*PATIENT, store=links[1].url(), env=clock.environment())]
    for link in links:
        link.cut_share = 0.05
    workload = load(*nodes, chats=("a:b", "a:c"), writers=32 if long else 8, followers_per_chat=2)
    sends = 100_000 if long else 1500
    eventually(lambda: workload.acknowledged >= sends, "the sends", timeout=3600 if long else 120)
    workload.stop()
    assert all(link.cuts > 20 for link in links)
    for link in links:
        link.heal()
    # An answer that is lost while the other node's clock passes the send's limit can no longer be settled.
    assert [
        f for failures in workload.check(nodes[0]) for f in failures if "its time would be too late now" not in f
    ] == []
    behind, own_clock = (nodes[0], time.time()) if shift > 0 else (nodes[1], time.time() + shift)
    client = Client(behind)
    ahead = client.send("a:b", "late")["send_time"] / 1e6 - own_clock
    client.close()
    assert ahead > abs(shift) / 2, "the nodes never met"


def test_two_nodes_see_each_others_sends_and_keys(redis_server, started):
    nodes = [started(store=redis_server.url()) for _ in range(2)]
    one, other = (Client(node) for node in nodes)
    first = one.send("a:b", "hi", key="k")
    assert other.send("b:a", "hi", sender="a", key="k") == {**first, "duplicate": True}
    check_error(other.try_send("a:b", "ho", key="k"), "idempotency_conflict")
    other.send("a:b", "ho")
    assert one.texts("a:b") == other.texts("a:b") == ["hi", "ho"]
    for client in (one, other):
        client.close()
