"""A gateway in front of Kitex' own server, which has the template's methods, no Ready and no store id."""

import concurrent.futures
import threading
import time

import pytest

from support.build import duration, scaled
from support.client import Client
from support.command import parley
from support.deployment import Gateway
from support.errors import check_error
from support.prometheus import Metrics
from support.wait import eventually


@pytest.fixture(params=["plain", "mux"])
def options(request):
    return ["-mux"] if request.param == "mux" else []


@pytest.fixture
def gateway(tmp_path, client_of):
    """gateway(*servers) is a client of a gateway in front of them."""
    made = []

    def make(*servers, options=()):
        made.append(Gateway(tmp_path / f"gateway{len(made)}", *options, nodes=servers).start())
        return client_of(made[-1])

    yield make
    for one in made:
        one.stop()


def test_send_and_pull(kitex_server, options, gateway):
    client = gateway(kitex_server(*options))
    for text in ("one", "two 🙂", "x" * 65536):
        assert client.send("b:a", text, key="k") == {"chat": "a:b", "send_time": 0, "duplicate": False}
    page = client.pull("a:b", limit=2)
    assert [(m["chat"], m["sender"], m["text"]) for m in page["messages"]] == [
        ("a:b", "b", "one"),
        ("a:b", "b", "two 🙂"),
    ]
    assert (page["has_more"], page["next_cursor"]) == (True, 2), "a foreign server's cursors pass through"
    rest = client.pull("a:b", cursor=page["next_cursor"])
    assert [m["text"] for m in rest["messages"]] == ["x" * 65536]
    back = client.pull("a:b", reverse="true", limit=1)
    assert [m["text"] for m in back["messages"]] == ["x" * 65536]


@pytest.mark.parametrize(
    "text, detail",
    [
        ("throw", "it was thrown"),
        ("panic", "it panicked"),
        ("business 777", ""),
        ("code 500", "it has a code"),
        ("code -1", "it has a code"),
        ("nothing", ""),
    ],
)
def test_what_it_throws_is_bad_upstream(kitex_server, options, gateway, text, detail):
    client = gateway(kitex_server(*options))
    for _ in range(3):
        answer = client.try_send("a:b", text)
        check_error(answer, "bad_upstream")
        assert detail in answer.json()["detail"], answer.text
        client.send("a:b", "the next one is well")


@pytest.mark.parametrize("chat", ["throw:z", "nothing:z", "bad:utf8", "not:there"])
def test_a_page_that_it_cannot_give_is_bad_upstream(kitex_server, options, gateway, chat):
    client = gateway(kitex_server(*options))
    for _ in range(3):
        check_error(client.try_pull(chat), "bad_upstream")


def test_the_deadline_travels(kitex_server, options, gateway):
    client = gateway(kitex_server(*options), options=("--request-timeout", "5s"))
    detail = client.try_send("a:b", "timeout").json()["detail"]
    told = int(detail.split("told ")[1].split(" ms")[0])
    assert 4000 < told < 5000, detail


def test_many_at_once(kitex_server, options, gateway):
    client = gateway(kitex_server(*options), options=("--request-timeout", duration(20)))
    client.send("a:b", "0")

    def some(first):
        mine = Client(client._deployment)
        for n in range(first, first + 25):
            mine.send("a:b", str(n))
        mine.close()

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(some, range(1, 401, 25)))
    texts = [m["text"] for m in client.pull("a:b", limit=1000)["messages"]]
    assert sorted(texts, key=int) == [str(n) for n in range(401)]


def test_a_slow_answer_leaves_the_outcome_unknown(kitex_server, options, gateway):
    client = gateway(kitex_server(*options), options=("--request-timeout", duration(0.3)))
    began = time.monotonic()
    check_error(client.try_send("a:b", f"sleep {int(scaled(1000))}"), "outcome_unknown")
    assert time.monotonic() - began < scaled(1)
    eventually(lambda: client.try_send("a:b", "well again").status_code == 200, "the server to answer again")


def test_with_multiplexed_connections_a_slow_answer_holds_up_nobody(kitex_server, gateway):
    client = gateway(kitex_server("-mux"), options=("--request-timeout", duration(20)))
    slow = threading.Thread(target=lambda: Client(client._deployment).send("a:b", f"sleep {int(scaled(3000))}"))
    slow.start()
    served = 0
    while slow.is_alive() and served < 50:
        client.send("a:c", str(served))
        served += 1
    assert served == 50
    slow.join()


def test_a_server_that_goes_answers_what_it_has(kitex_server, options, gateway):
    """And all that comes later goes to the other one."""
    servers = [kitex_server(*options), kitex_server(*options)]
    client = gateway(*servers, options=("--request-timeout", duration(20)))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        slow = [
            pool.submit(lambda: Client(client._deployment).try_send("a:b", f"sleep {int(scaled(1000))}").status_code)
            for _ in range(8)
        ]
        time.sleep(scaled(0.3))
        servers[0].terminate()
        assert [one.result() for one in slow] == [200] * 8
    servers[0].wait()
    for n in range(50):
        client.send("a:b", str(n))


def test_a_server_that_was_killed_is_found_again(kitex_server, options, gateway):
    server = kitex_server(*options)
    client = gateway(server, options=("--backend-wait", "100ms"))
    client.send("a:b", "1")
    server.kill()
    check_error(client.try_send("a:b", "2"), "unavailable")
    server.start()
    eventually(lambda: client.try_send("a:b", "3").status_code == 200, "the server to be found")


def test_a_key_that_it_does_not_know_is_no_reason_to_send_twice(kitex_server, options, gateway):
    servers = [kitex_server(*options), kitex_server(*options)]
    client = gateway(*servers, options=("--request-timeout", duration(20)))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        sends = [
            pool.submit(
                lambda n=n: (
                    Client(client._deployment).try_send("a:b", f"sleep {int(scaled(3000))}", key=f"{n}").status_code
                )
            )
            for n in range(4)
        ]
        eventually(lambda: sum(in_flight(client, server) for server in servers) == 4, "all to be in flight")
        victim = max(servers, key=lambda server: in_flight(client, server))
        lost = in_flight(client, victim)
        victim.kill()
        assert sorted(one.result() for one in sends) == [200] * (4 - lost) + [504] * lost
    if lost < 4:
        assert len(client.pull("a:b")["messages"]) == 4 - lost


def in_flight(client, server):
    name = f"{server.rpc[0]}:{server.rpc[1]}"
    return int(Metrics(client.get("/metrics", admin=True).text).total("parley_backend_in_flight", node=name))


def test_the_command_line_works_through_it(kitex_server, options, gateway):
    client = gateway(kitex_server(*options))
    url = client._deployment.url
    sent = parley("send", "a:b", "--as", "a", "hello", "--url", url)
    assert sent.code == 0, sent
    pulled = parley("pull", "a:b", "--url", url)
    assert pulled.code == 0 and "hello" in pulled.out, pulled
