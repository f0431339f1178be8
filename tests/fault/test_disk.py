"""A disk that fails: EIO, ENOSPC and short writes at each write and sync of the store."""

import concurrent.futures
import errno

import pytest
import requests

from faulty_disk import EVERYTHING, FALLOCATE, FDATASYNC, FSYNC, SYNCS, WRITES
from history import ACKED, REFUSED, UNKNOWN, History, Send, violations
from support.client import Client
from support.deployment import Gateway
from support.errors import check_error
from support.wait import eventually
from workload import final_state

CHAT = "a:b"
ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC}


def outcome_of(answer):
    if answer.status_code == 200:
        return ACKED
    code = answer.headers["Parley-Code"]
    assert code in ("outcome_unknown", "unavailable", "overloaded"), answer.text
    check_error(answer, code)
    return UNKNOWN if code == "outcome_unknown" else REFUSED


def send(client, history, text, key=None):
    answer = client.try_send(CHAT, text, key=key)
    outcome = outcome_of(answer)
    history.add_send(Send(CHAT, text, "a", outcome, answer.json()["send_time"] if outcome == ACKED else 0))
    return outcome


def send_until_failure(client, history, most):
    """What the sends came to; the last one was not acknowledged."""
    outcomes = []
    while not outcomes or outcomes[-1] == ACKED:
        assert len(outcomes) < most, "the fault was not hit"
        outcomes.append(send(client, history, f"m{len(history.sends)}"))
    return outcomes


def acknowledged(history):
    return [s.text for s in history.sends if s.outcome == ACKED]


def check_after_failure(client, history):
    """No acknowledgement any more; pulls go on and show what was acknowledged and nothing else; /readyz says why."""
    for _ in range(5):
        answer = client.try_send(CHAT, f"late {len(history.sends)}")
        check_error(answer, "unavailable")
        history.add_send(Send(CHAT, f"late {len(history.sends)}", "a", REFUSED))
    assert client.texts(CHAT) == acknowledged(history)
    problem = check_error(client.get("/readyz", admin=True), "unavailable")
    assert len(problem["detail"]) > 10
    assert client.get("/healthz", admin=True).status_code == 200


def check_after_restart(server, history):
    """On a healed disk: every acknowledged message once and in order, and it takes new ones."""
    server.start()
    client = Client(server)
    final = final_state(client, [CHAT])
    assert violations(history, final) == []
    last = final[CHAT][-1].send_time if final[CHAT] else 0
    assert client.send(CHAT, "after")["send_time"] > last
    client.close()
    server.stop()


def end(server):
    """SIGTERM; with a failed disk it may say so by its exit code."""
    server.send_signal()
    assert server.wait() in (0, 1)


def begin(faulty, *options):
    server, disk = faulty(*options)
    server.start()
    client = Client(server)
    history = History()
    for n in range(3):
        assert send(client, history, f"m{n}") == ACKED
    return server, disk, client, history


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("number", range(1, 7))
def test_a_write_or_sync_that_fails(faulty, number, error):
    server, disk, client, history = begin(faulty)
    disk.fail(WRITES | SYNCS, ERRORS[error], first=number, count=1)
    outcomes = send_until_failure(client, history, most=20)
    assert disk.hits == 1
    assert outcomes[-1] == UNKNOWN, "the send that was hit may have been stored"
    check_after_failure(client, history)
    client.close()
    end(server)
    check_after_restart(server, history)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("call", [FDATASYNC | FSYNC, WRITES])
def test_a_disk_that_fails_for_good(faulty, call, error):
    server, disk, client, history = begin(faulty)
    disk.fail(call, ERRORS[error])
    assert send_until_failure(client, history, most=20) == [UNKNOWN]
    check_after_failure(client, history)
    client.close()
    server.kill()
    disk.heal()
    check_after_restart(server, history)


def test_behind_a_gateway_pulls_and_repeats_go_on_too(faulty, started):
    server, disk, client, history = begin(faulty)
    gateway = Client(started(kind=Gateway, nodes=[server]))
    first = gateway.send(CHAT, "keyed", key="k")
    disk.fail(FDATASYNC | FSYNC, errno.EIO)
    assert send_until_failure(client, history, most=20) == [UNKNOWN]
    eventually(lambda: "takes no writes" in gateway.get("/readyz", admin=True).text, "the gateway to know of it")
    assert gateway.texts(CHAT) == [*acknowledged(history), "keyed"]
    assert gateway.send(CHAT, "keyed", key="k") == {**first, "duplicate": True}
    check_error(gateway.try_send(CHAT, "late", key="another"), "unavailable")
    gateway.close()
    client.close()


def test_a_write_that_fails_without_fsync(faulty):
    server, disk, client, history = begin(faulty, "--durability", "os")
    disk.fail(WRITES, errno.EIO, count=1)
    assert send_until_failure(client, history, most=20)[-1] == UNKNOWN
    check_after_failure(client, history)
    client.close()
    end(server)
    check_after_restart(server, history)


@pytest.mark.parametrize("number", range(1, 4))
def test_a_short_write_is_completed(faulty, number):
    """POSIX allows it: not an error."""
    server, disk, client, history = begin(faulty)
    disk.fall_short(WRITES, first=number)
    for n in range(5):
        assert send(client, history, f"short {n}") == ACKED
    assert disk.hits == 1
    client.close()
    server.stop()
    check_after_restart(server, history)


@pytest.mark.parametrize("error", ERRORS)
def test_a_record_torn_by_a_short_write_and_an_error(faulty, error):
    """As a disk that fills up: half of a record is written, the rest fails."""
    server, disk, client, history = begin(faulty)
    disk.fall_short(WRITES)
    # The second write of the same record is the one that fails; arm it as soon as the first was cut.
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        sent = pool.submit(send, client, history, "torn")
        eventually(lambda: disk.hits == 1, "the short write")
        disk.fail(WRITES, ERRORS[error])
        outcome = sent.result()
    if outcome == ACKED:  # the rest was written before the second order came: the next write fails
        outcome = send_until_failure(client, history, most=5)[-1]
    assert outcome == UNKNOWN
    check_after_failure(client, history)
    client.close()
    server.kill()
    disk.heal()
    check_after_restart(server, history)


def test_the_whole_batch_that_is_hit_is_unknown_and_the_rest_unavailable(faulty):
    server, disk, client, history = begin(faulty)
    disk.fail(FDATASYNC | FSYNC, errno.EIO, first=3)

    def burst(number):
        own = Client(server)
        try:
            return [send(own, history, f"t{number}.{n}", key=f"t{number}.{n}") for n in range(10)]
        finally:
            own.close()

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        by_thread = list(pool.map(burst, range(16)))
    assert any(UNKNOWN in outcomes for outcomes in by_thread)
    for outcomes in by_thread:
        assert outcomes == sorted(outcomes, key=[ACKED, UNKNOWN, REFUSED].index), "an acknowledgement after the failure"
        assert outcomes.count(UNKNOWN) <= 1
    client.close()
    server.kill()
    disk.heal()
    settle(server, history)


def settle(server, history):
    """Repeats every unknown or refused send with its key: afterwards each is there exactly once."""
    server.start()
    client = Client(server)
    before = final_state(client, [CHAT])
    assert violations(history, before) == []
    stored = {m.text for m in before[CHAT]}
    settled = History()
    for one in history.sends:
        time = one.send_time
        if one.outcome != ACKED:
            answer = client.send(CHAT, one.text, key=one.text)
            assert answer["duplicate"] is (one.text in stored), one
            time = answer["send_time"]
        settled.add_send(Send(CHAT, one.text, "a", ACKED, time))
    final = final_state(client, [CHAT])
    assert violations(settled, final) == []
    client.close()
    server.stop()


def test_repeats_of_what_was_stored_never_lie_after_a_failure(faulty):
    """A repeat of an acknowledged send answers its time, or that the store is unavailable; never anything else."""
    server, disk, client, history = begin(faulty)
    first = client.send(CHAT, "keyed", key="k")
    disk.fail(SYNCS | WRITES, errno.EIO)
    assert outcome_of(client.try_send(CHAT, "hit", key="hit")) == UNKNOWN
    repeat = client.try_send(CHAT, "keyed", key="k")
    if repeat.status_code == 200:
        assert repeat.json() == {**first, "duplicate": True}
    else:
        check_error(repeat, "unavailable")
    for _ in range(3):
        answer = client.try_send(CHAT, "hit", key="hit")
        assert outcome_of(answer) in (UNKNOWN, REFUSED), "a repeat of a failed send is not acknowledged"
    client.close()
    server.kill()


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_flush_in_the_background_that_fails(faulty, number, error):
    """No send is hit itself. It may go on, stop taking sends and say so, or exit non-zero, but loses nothing.

    (It exits where an assertion of the packaged RocksDB stands in the way of its own error handling.)
    """
    server, disk = faulty("--store-memory", "8MiB", suffix=".sst")
    server.start()
    client = Client(server)
    history = History()
    disk.fail(WRITES | SYNCS, ERRORS[error], first=number)

    def send_large():
        text = f"{len(history.sends)} " + "x" * 60_000
        try:
            return send(client, history, text)
        except requests.ConnectionError:
            history.add_send(Send(CHAT, text, "a", UNKNOWN))
            raise

    try:
        while disk.hits == 0:
            assert send_large() == ACKED or disk.hits > 0
            assert len(history.sends) < 2000, "it never flushed"
        for _ in range(20):
            send_large()
        eventually(
            lambda: (send_large() == ACKED) is (client.get("/readyz", admin=True).status_code == 200),
            "/readyz to agree with what sends are told",
        )
        assert violations(history, final_state(client, [CHAT])) == []
        server.kill()
    except requests.ConnectionError:
        assert disk.hits > 0
        assert server.wait() != 0
    client.close()
    disk.heal()
    check_after_restart(server, history)


@pytest.mark.parametrize("mode", ["problem", "template"])
def test_error_rows_of_a_failed_disk(faulty, mode):
    server, disk = faulty("--http-errors", mode)
    server.start()
    client = Client(server)
    disk.fail(SYNCS, errno.EIO)
    check_error(client.try_send(CHAT, "1"), "outcome_unknown", template=mode == "template")
    check_error(client.try_send(CHAT, "2"), "unavailable", template=mode == "template")
    client.close()
    server.kill()


# At the start --------------------------------------------------------------------------------------------------------


def calls_of_opening(server, disk):
    """How many writes and syncs a start on this folder takes."""
    disk.count(EVERYTHING)
    server.start()
    calls = disk.calls
    disk.heal()
    server.kill()
    return calls


def numbers(calls, long):
    """All of them, or a dozen spread over the range."""
    step = 1 if long else max(1, calls // 12)
    return range(1, calls + 1, step)


def fails_with_one_line(server):
    """Whether the start failed: then with exit 1, and one line that says why. Else the server runs."""
    server.spawn()
    try:
        server._read_line()
        return False
    except AssertionError:
        pass
    assert server.wait() == 1, server.stderr
    told = [line for line in server.stderr.splitlines() if line.startswith("parley: ") and str(server.data) in line]
    assert len(told) == 1, server.stderr
    return True


@pytest.mark.parametrize("fresh", [True, False], ids=["fresh", "existing"])
@pytest.mark.parametrize("error", ERRORS)
def test_a_failure_while_opening(faulty, long, fresh, error):
    """Whichever write or sync fails: exit 1 and one line, or a server that works; and afterwards nothing is worse."""
    probe, probe_disk = faulty()
    calls = calls_of_opening(probe, probe_disk)
    server, disk = faulty()
    history = History()
    if not fresh:
        fill(server, history)
        calls = calls_of_opening(server, disk)
    failed = 0
    for number in numbers(calls, long):
        if fresh:
            server, disk = faulty()
        disk.fail(EVERYTHING & ~FALLOCATE, ERRORS[error], first=number)
        if fails_with_one_line(server):
            failed += 1
        else:
            server.kill()
        disk.heal()
        server.start()
        client = Client(server)
        assert violations(history, final_state(client, [CHAT])) == []
        client.close()
        server.kill()
    assert failed > 0, "no failure was ever seen"


def fill(server, history):
    server.start()
    client = Client(server)
    for n in range(20):
        assert send(client, history, f"old {n}") == ACKED
    client.close()
    server.kill()
