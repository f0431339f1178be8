"""parley serve --backend: a gateway in front of RPC nodes, ours and foreign ones."""

import pathlib
import signal
import socket
import threading
import time

import pytest

import support
from support import rpc
from support.build import duration
from support.command import parley
from support.deployment import Gateway, Node, Relay
from support.errors import check_error
from support.foreign_node import INTERNAL_ERROR, ForeignNode
from support.prometheus import Metrics
from support.shim import compile_shim, preload
from support.wait import eventually

HUNG_NAME = pathlib.Path(support.__file__).with_name("hung_name.c")


@pytest.fixture
def node(tmp_path):
    """node(*options) is a node, not started yet, with a store of its own."""
    yield from _made(Node, tmp_path)


@pytest.fixture
def gateway(tmp_path):
    """gateway(*options, nodes=…) is a gateway, not started yet."""
    yield from _made(Gateway, tmp_path)


@pytest.fixture
def relay(tmp_path):
    """relay(nodes=…) is a node in front of nodes, not started yet."""
    yield from _made(Relay, tmp_path)


def _made(kind, folder):
    made = []

    def make(*options, **settings):
        settings = {"store": "memory:", **settings} if kind is Node else settings
        made.append(kind(folder / f"{kind.__name__}{len(made)}", *options, **settings))
        return made[-1]

    yield make
    for one in made:
        one.kill()


def free_address():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()


def backend(*addresses):
    return "thrift://" + ",".join(f"{host}:{port}" for host, port in addresses)


# Starting ------------------------------------------------------------------------------------------------------------


def test_without_a_node_it_does_not_start():
    address = free_address()
    outcome = parley("serve", "--http", "127.0.0.1:0", "--backend", backend(address), "--backend-timeout", "300ms")
    assert outcome.code == 1, outcome
    assert outcome.out == ""
    assert f"127.0.0.1:{address[1]}" in outcome.err.splitlines()[-1], outcome


def test_it_waits_for_a_node_that_starts_later(node, gateway, client_of):
    later = node("--rpc", "%s:%d" % free_address())
    later.rpc = tuple(later.options[1].rsplit(":", 1))
    running = gateway(nodes=[later]).spawn()
    later.start()
    running.await_ready()
    client_of(running).send("a:b")
    running.stop()


def test_a_name_that_is_never_found_holds_up_nothing(node, gateway, client_of, tmp_path):
    hung = preload(compile_shim(HUNG_NAME, tmp_path))
    behind = node().start()
    running = gateway("--backend-timeout", duration(3), backend=backend(("hung.test", 1), behind.rpc), env=hung).start()
    client_of(running).send("a:b")
    running.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_wait_for_a_node(gateway, number):
    waiting = gateway("--backend-timeout", "1h", backend=backend(free_address())).spawn()
    eventually(lambda: "a node is left out" in waiting.stderr, "it to look for its node")
    waiting.send_signal(number)
    assert waiting.wait() == 128 + number


def test_nodes_over_different_stores_are_refused(node):
    nodes = [node().start(), node().start()]
    outcome = parley("serve", "--http", "127.0.0.1:0", "--backend", backend(*(n.rpc for n in nodes)))
    assert outcome.code == 1, outcome
    assert "do not share one store" in outcome.err.splitlines()[-1], outcome


def test_a_store_and_a_backend_exclude_each_other():
    outcome = parley("serve", "--store", "memory:", "--backend", "thrift://127.0.0.1:1")
    assert outcome.code == 2, outcome


# Nodes of ours -------------------------------------------------------------------------------------------------------


def test_a_gateway_of_gateways_is_one_service(node, relay, gateway, client_of):
    """Nodes may stand on nodes, and are still over one store."""
    core = node().start()
    relays = [relay(nodes=[core]).start() for _ in range(2)]
    running = gateway(nodes=relays).start()
    client = client_of(running)
    for n in range(20):
        client.send("a:b", str(n))
    assert client.texts("a:b") == [str(n) for n in range(20)]
    for one in (running, *relays):
        one.stop()


def test_without_its_node_it_is_unavailable_and_then_not(node, gateway, client_of):
    behind = node(store=None).start()
    running = gateway("--backend-wait", "100ms", nodes=[behind]).start()
    client = client_of(running)
    client.send("a:b", "1")
    behind.kill()
    check_error(client.try_send("a:b", "2"), "unavailable")
    check_error(client.try_pull("a:b"), "unavailable")
    assert client.get("/readyz", admin=True).status_code == 503
    behind.keep_port()
    behind.start()
    eventually(lambda: client.get("/readyz", admin=True).status_code == 200, "the gateway to find its node again")
    client.send("a:b", "3")
    assert client.texts("a:b") == ["1", "3"]
    running.stop()


def test_a_short_absence_of_the_node_is_waited_out(node, gateway, client_of):
    behind = node(store=None).start()
    running = gateway("--request-timeout", duration(20), "--backend-wait", duration(20), nodes=[behind]).start()
    client = client_of(running)
    client.send("a:b", "1")
    behind.stop()
    behind.keep_port()
    threading.Timer(0.2, behind.start).start()
    client.send("a:b", "2")
    assert client.texts("a:b") == ["1", "2"]
    running.stop()


def test_calls_are_counted_by_node(node, gateway, client_of):
    behind = node().start()
    running = gateway(nodes=[behind]).start()
    client = client_of(running)
    name = f"{behind.rpc[0]}:{behind.rpc[1]}"
    for n in range(5):
        client.send("a:b", str(n))
    now = Metrics(client.get("/metrics", admin=True).text)
    assert now.total("parley_backend_calls_total", node=name, outcome="answered") == 5
    assert now.total("parley_backend_calls_total", node=name, outcome="lost") == 0
    assert now.total("parley_backend_up", node=name) >= 1
    assert now.total("parley_backend_connections", node=name) >= 1
    assert now.total("parley_backend_in_flight", node=name) == 0
    assert now.total("parley_backend_retries_total") == 0
    running.stop()


# Foreign servers -----------------------------------------------------------------------------------------------------


@pytest.fixture
def foreign(gateway, client_of):
    """foreign(answer) is a client of a gateway in front of a ForeignNode."""
    made = []

    def make(answer, *options):
        made.append(ForeignNode(answer))
        return client_of(gateway(*options, nodes=[made[-1]]).start())

    yield make
    for one in made:
        one.__exit__()


def types():
    return rpc.generated().ttypes


def test_a_foreign_server_is_taken_as_it_is(foreign):
    seen = []

    def answer(method, request):
        seen.append((method, request))
        if method == "Send":
            return types().SendResponse(0, "success")
        messages = [types().Message("a:b", "old", "a", 17), types().Message("a:b", "older", "b", 12)]
        return types().PullResponse(0, "success", messages, True, 11)

    client = foreign(answer)
    sent = client.send("b:a", "hi", key="k")
    assert sent == {"chat": "a:b", "send_time": 0, "duplicate": False}
    page = client.pull("b:a", cursor=20, limit=2, reverse="true")
    assert [(m["chat"], m["text"], m["sender"], m["send_time"]) for m in page["messages"]] == [
        ("a:b", "old", "a", 17),
        ("a:b", "older", "b", 12),
    ]
    assert page["has_more"] is True
    assert page["next_cursor"] == 11
    (_, send), (_, pull) = seen
    assert (send.message.Chat, send.message.Text, send.message.Sender, send.IdempotencyKey) == ("a:b", "hi", "b", "k")
    assert (pull.Chat, pull.Cursor, pull.Limit, pull.Reverse) == ("a:b", 20, 2, True)


MOST = 2**63 - 1


@pytest.mark.parametrize("cursor", [0, -1, -12345, 1, 17, MOST, -MOST - 1])
@pytest.mark.parametrize("reverse", ["false", "true"])
def test_any_cursor_that_it_gives_passes_as_it_is(foreign, cursor, reverse):
    """And comes back to it as it was: only it knows what its cursors mean."""
    asked = []

    def answer(method, request):
        asked.append(request.Cursor)
        return types().PullResponse(0, "success", [types().Message("a:b", "hi", "a", 17)], True, cursor)

    client = foreign(answer)
    page = client.pull("a:b", cursor=5, reverse=reverse)
    assert (page["has_more"], page["next_cursor"]) == (True, cursor)
    assert client.pull("a:b", cursor=page["next_cursor"], reverse=reverse)["next_cursor"] == cursor
    assert asked == [5, cursor]


@pytest.mark.parametrize(
    ("times", "reverse", "expected"),
    [
        ([], "false", 5),
        ([17, 19], "false", 20),
        ([19, 17], "true", 16),
        ([None], "false", 1),
        ([None], "true", -1),
        ([MOST], "false", MOST),
        ([-MOST - 1], "true", -MOST - 1),
    ],
)
def test_a_cursor_that_it_does_not_give_is_worked_out(foreign, times, reverse, expected):
    def answer(method, request):
        messages = [types().Message("a:b", "hi", "a", time) for time in times]
        return types().PullResponse(0, "success", messages or None)

    page = foreign(answer).pull("a:b", cursor=5, reverse=reverse)
    assert [m["send_time"] for m in page["messages"]] == [time or 0 for time in times]
    assert (page["has_more"], page["next_cursor"]) == (False, expected)


@pytest.mark.parametrize("through", ["gateway", "relay"])
def test_its_page_passes_whole_or_not_at_all(gateway, relay, client_of, through):
    """A gateway cannot know which cursor leads to the rest of a page that it cuts."""

    def answer(method, request):
        messages = [types().Message("a:b", "x" * 600, "a", time) for time in range(1, request.Limit + 1)]
        return types().PullResponse(0, "success", messages, True, 777)

    with ForeignNode(answer) as behind:
        nodes = [behind] if through == "gateway" else [relay(nodes=[behind]).start()]
        running = gateway("--max-page-bytes", "1200", nodes=nodes).start()
        client = client_of(running)
        for limit in (1, 2):
            page = client.pull("a:b", limit=limit)
            assert (len(page["messages"]), page["has_more"], page["next_cursor"]) == (limit, True, 777)
        detail = check_error(client.try_pull("a:b", limit=3), "bad_upstream")["detail"]
        assert "--max-page-bytes" in detail and "limit" in detail
        running.stop()


def test_one_large_message_of_it_passes(foreign):
    def answer(method, request):
        return types().PullResponse(0, "success", [types().Message("a:b", "x" * 5000, "a", 3)], True, -3)

    page = foreign(answer, "--max-page-bytes", "1024").pull("a:b")
    assert (len(page["messages"]), page["next_cursor"]) == (1, -3)


def test_a_page_of_ours_is_cut_and_goes_on_where_it_was_cut(node, gateway, client_of):
    running = gateway("--max-page-bytes", "1200", nodes=[node().start()]).start()
    client = client_of(running)
    for n in range(5):
        client.send("a:b", str(n) * 600)
    assert len(client.pull("a:b")["messages"]) == 2
    assert client.texts("a:b") == [str(n) * 600 for n in range(5)]
    check_error(client.try_pull("a:b", cursor=-1), "invalid_cursor")
    running.stop()


def thrown(method, request):
    from thrift.Thrift import TApplicationException

    raise TApplicationException(INTERNAL_ERROR, "oops")


def coded(code):
    return lambda method, request: getattr(types(), f"{method}Response")(code, "oops")


def garbage(method, request):
    return b"HTTP/1.1 400 Bad Request\r\n\r\n"


def huge(method, request):
    return b"\x7f\xff\xff\xff\x10\x00" + bytes(100)


@pytest.mark.parametrize("answer", [thrown, coded(500), coded(-1), garbage, huge])
def test_nonsense_is_bad_upstream(foreign, answer):
    client = foreign(answer)
    check_error(client.try_send("a:b"), "bad_upstream")
    check_error(client.try_pull("a:b"), "bad_upstream")


@pytest.mark.parametrize("code", range(1, 16))
def test_its_codes_are_its_own(foreign, code):
    """They are no rows of our error table, whatever their numbers."""
    client = foreign(coded(code))
    for answer in (client.try_send("a:b", key="k"), client.try_pull("a:b")):
        assert "oops" in check_error(answer, "bad_upstream")["detail"]


def test_nothing_is_sent_to_it_twice_through_relays(relay, gateway, client_of):
    """A relay in front of it is a node, but one that knows no keys either."""
    stored = []

    def lose(method, request):
        stored.append(request)

    with ForeignNode(lose) as behind:
        relays = [relay(nodes=[behind]).start() for _ in range(2)]
        running = gateway(nodes=relays).start()
        check_error(client_of(running).try_send("a:b", key="k"), "outcome_unknown")
        assert len(stored) == 1


def test_beside_a_node_of_ours_it_is_refused(node):
    """What was sent to the one with a key would be stored once more by the other."""
    with ForeignNode(thrown) as other:
        outcome = parley("serve", "--http", "127.0.0.1:0", "--backend", backend(node().start().rpc, other.rpc))
    assert outcome.code == 1, outcome
    assert "foreign servers" in outcome.err.splitlines()[-1], outcome


def test_what_is_invalid_does_not_reach_the_node(foreign):
    client = foreign(thrown)
    check_error(client.try_send("a:b", ""), "invalid_text")
    check_error(client.try_send("a:b", sender="c"), "sender_not_in_chat")
    check_error(client.try_send("ab", sender="a"), "invalid_chat")
    check_error(client.try_pull("ab", cursor=-1), "invalid_chat")
    check_error(client.try_pull("a:b", limit=-1), "invalid_limit")


def test_a_node_that_is_too_slow_leaves_the_outcome_unknown(foreign):
    release = threading.Event()

    def slow(method, request):
        release.wait(60)
        return types().SendResponse(0, "success")

    client = foreign(slow, "--request-timeout", duration(0.3))
    began = time.monotonic()
    check_error(client.try_send("a:b"), "outcome_unknown")
    assert time.monotonic() - began < 10
    check_error(client.try_pull("a:b"), "overloaded")
    release.set()
