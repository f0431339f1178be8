"""Whatever Redis answers: what a client is told stays right, memory stays bounded, errors are counted."""

import pytest

from redis_link import READS, WRITES, RedisLink
from redis_patience import PATIENT
from support.build import duration
from support.client import Client
from support.errors import check_error
from support.prometheus import Metrics
from support.redis import RedisServer
from support.wait import eventually

PASSING = [
    "LOADING Redis is loading the dataset in memory",
    "BUSY Redis is busy running a script.",
    "READONLY You can't write against a read only replica.",
    "MASTERDOWN Link with MASTER is down",
    "CLUSTERDOWN The cluster is down",
    "TRYAGAIN Multiple keys request during rehashing of slot",
]
LASTING = [
    "OOM command not allowed when used memory > 'maxmemory'.",
    "MISCONF Errors writing to the AOF file",
    "NOREPLICAS Not enough good replicas to write.",
    "NOAUTH Authentication required.",
]
NONSENSE = {
    "integer": b":5\r\n",
    "status": b"+OK\r\n",
    "string": b"$3\r\nabc\r\n",
    "nil": b"$-1\r\n",
    "no array": b"*-1\r\n",
    "array": b"*2\r\n:7\r\n$1\r\nx\r\n",
    "nested": b"*1\r\n*1\r\n*1\r\n:1\r\n",
}
BROKEN = {
    "512 MB string": b"$536870912\r\nx",
    "a thousand million elements": b"*1000000000\r\n:1\r\n",
    "many millions of arrays": b"*10000000\r\n" * 2,
    "deep": b"*1\r\n" * 100_000,
    "length too long": b"$" + b"9" * 40 + b"\r\n",
    "negative": b"*-5\r\n",
    "no number": b":x\r\n",
    "no type": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "no line": b"+" + b"x" * 200_000,
    "half a string": b"$20\r\nabc",
}


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.kill()


@pytest.fixture
def link(behind):
    with RedisLink(behind) as made:
        yield made


@pytest.fixture
def node(started, behind, link):
    database = behind.new_store().rsplit("/", 1)[1]
    return started("--request-timeout", duration(2), "--redis-patience", duration(0.2), store=link.url(database))


@pytest.fixture
def patient(started, behind, link):
    """A client of a node that waits for an outage to end."""
    database = behind.new_store().rsplit("/", 1)[1]
    made = Client(started(*PATIENT, store=link.url(database)))
    yield made
    made.close()


@pytest.fixture
def client(node):
    made = Client(node)
    yield made
    made.close()


def metric(client, name, **labels):
    return Metrics(client.get("/metrics", admin=True).text).total(name, **labels)


def recovered(link, client, chat="c:d"):
    """After the link healed: a send that is acknowledged, and the chat's texts but for that."""
    link.heal()
    eventually(lambda: client.try_send(chat, "after").status_code == 200, "sends to be taken again")
    return [text for text in client.texts(chat) if text != "after"]


def keyed(key):
    return pytest.mark.parametrize("key", key, ids=["plain", "keyed"])


@pytest.mark.parametrize("error", PASSING + LASTING, ids=lambda e: e.split()[0])
@keyed([None, "k"])
def test_what_is_refused_is_unavailable_and_not_stored(link, client, error, key):
    client.send("c:d", "before")
    link.instead(f"-{error}\r\n".encode(), *WRITES)
    check_error(client.try_send("c:d", "refused", key=key), "unavailable")
    assert link.answered >= 1
    assert metric(client, "parley_redis_errors_total", error=error.split()[0]) >= 1
    assert recovered(link, client) == ["before"]
    link.instead(f"-{error}\r\n".encode(), *READS, "EVALSHA", "EVAL")
    check_error(client.try_pull("c:d"), "unavailable")
    link.heal()
    assert eventually(lambda: client.try_pull("c:d").status_code == 200, "pulls to be answered again")


@pytest.mark.parametrize("error", PASSING, ids=lambda e: e.split()[0])
@keyed([None, "k"])
def test_what_passes_by_itself_is_waited_out(link, patient, error, key):
    link.instead(f"-{error}\r\n".encode(), *WRITES, count=2)
    assert patient.send("c:d", "once", key=key)["duplicate"] is False
    assert link.answered == 2
    assert patient.texts("c:d") == ["once"]


def test_a_script_that_was_forgotten_is_loaded_again(behind, link, client):
    client.send("c:d", "1", key="1")
    behind.call("SCRIPT", "FLUSH")
    assert client.send("c:d", "2", key="2")["duplicate"] is False
    assert metric(client, "parley_redis_errors_total", error="NOSCRIPT") >= 1
    assert client.texts("c:d") == ["1", "2"]


@pytest.mark.parametrize("reply", NONSENSE.values(), ids=NONSENSE)
@keyed([None, "k"])
def test_nonsense_is_never_an_acknowledgement(link, client, reply, key):
    client.send("c:d", "before", key="before")  # from here on a send with a key is one step
    link.instead(reply, *WRITES)
    check_error(client.try_send("c:d", "lost", key=key), "outcome_unknown")
    assert recovered(link, client) == ["before"], "the link did not let it through"
    link.instead(reply, *READS, "EVALSHA", "EVAL")
    answer = client.try_pull("c:d")
    assert answer.status_code in (404, 503), f"{answer.status_code} {answer.text}"
    link.heal()
    assert eventually(lambda: client.try_pull("c:d").status_code == 200, "pulls to be answered again")


@pytest.mark.memory
@pytest.mark.parametrize("reply", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("close", [True, False], ids=["closed", "open"])
@keyed([None, "k"])
def test_what_is_broken_takes_neither_memory_nor_time(link, client, reply, close, key):
    client.send("c:d", "before", key="before")  # from here on a send with a key is one step
    before = metric(client, "process_resident_memory_bytes")
    link.instead(reply, *WRITES, *READS, close=close)
    check_error(client.try_send("c:d", "lost", key=key), "outcome_unknown")
    assert client.try_pull("c:d").status_code == 503
    assert metric(client, "process_resident_memory_bytes") - before < 64e6
    assert recovered(link, client) == ["before"]


@keyed([None, "k"])
def test_a_broken_reply_that_comes_once_is_settled(link, patient, key):
    for number, reply in enumerate(BROKEN.values()):
        link.instead(reply, *WRITES, count=1, close=True)
        assert patient.send("c:d", str(number), key=key and str(number))["duplicate"] is False
    assert patient.texts("c:d") == [str(n) for n in range(len(BROKEN))]


@pytest.mark.memory
def test_an_endless_reply_is_not_kept(link, patient):
    """512 MB announced, and 100 of them sent."""
    client = patient
    client.send("c:d", "before")
    before = metric(client, "process_resident_memory_bytes")
    link.instead(b"$536870912\r\n" + bytes(100 << 20), *WRITES, count=1, close=True)
    client.send("c:d", "once")
    assert metric(client, "process_resident_memory_bytes") - before < 64e6
    assert client.texts("c:d") == ["before", "once"]
