"""send_time: unique, strictly rising, whatever the clock does."""

import concurrent.futures
import time

import pytest

from support.client import Client, new_chat
from support.clock import SOURCE, ShiftedClock
from support.shim import compile_shim


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    return compile_shim(SOURCE, tmp_path_factory.mktemp("shim"))


@pytest.fixture
def clock(shim, tmp_path):
    """For start(env=clock.environment()): the clock of that server."""
    return ShiftedClock(shim, tmp_path)


def rising(times):
    return all(a < b for a, b in zip(times, times[1:]))


def test_is_the_time_in_microseconds(client, chat):
    before = time.time()
    sent = client.send(chat)["send_time"]
    # The store's clock is never behind one that has been read, but may be a little ahead: unique over the whole store.
    assert before * 1e6 - 1 <= sent <= (time.time() + 5) * 1e6


def test_is_what_a_pull_shows(client, chat):
    sent = [client.send(chat, str(n))["send_time"] for n in range(20)]
    assert [m["send_time"] for m in client.read_all(chat)] == sent
    assert rising(sent)


def test_is_unique_and_in_order_of_acknowledgement_under_concurrent_sends(deployment, chat):
    def sender(number):
        client = Client(deployment)
        try:
            return [client.send(chat, f"{number}.{n}")["send_time"] for n in range(50)]
        finally:
            client.close()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        times = list(pool.map(sender, range(8)))
    assert all(rising(of_one) for of_one in times)
    everything = sorted(t for of_one in times for t in of_one)
    assert rising(everything), "two messages have one time"
    client = Client(deployment)
    stored = client.read_all(chat)
    client.close()
    assert [m["send_time"] for m in stored] == everything
    for number, of_one in enumerate(times):
        assert [m["send_time"] for m in stored if m["text"].startswith(f"{number}.")] == of_one


def test_rises_across_a_restart(start, chat):
    running = start()
    times = []
    for _ in range(3):
        client = Client(running)
        times += [client.send(chat, str(n))["send_time"] for n in range(5)]
        client.close()
        running.restart()
    client = Client(running)
    assert [m["send_time"] for m in client.read_all(chat)] == times
    client.close()
    assert rising(times)


JUMPS = [-3600, 0, 7200, -86400, 5]


def test_rises_while_the_clock_jumps_under_the_server(start, client_of, clock, chat):
    client = client_of(start(env=clock.environment()))
    times = []
    for shift in JUMPS:
        clock.jump(shift)
        times += [client.send(chat, str(n))["send_time"] for n in range(10)]
        assert times[-1] >= clock.now_us() - 60e6, "a clock that went ahead is followed"
    assert rising(times)
    assert max(times) - min(times) > 3600e6, "the server does see the jumps"
    assert [m["send_time"] for m in client.read_all(chat)] == times


@pytest.mark.parametrize("shift", [-86400, 86400])
def test_rises_when_the_clock_jumped_while_it_was_down(start, clock, chat, shift):
    running = start(env=clock.environment())
    times = []
    for jump in (0, shift, 0):
        clock.jump(jump)
        running.restart()
        client = Client(running)
        times += [client.send(chat, str(n))["send_time"] for n in range(3)]
        assert [m["send_time"] for m in client.read_all(chat)] == times
        client.close()
    assert rising(times)


def test_a_chat_begun_after_the_clock_went_back_is_readable(start, client_of, clock, chat):
    client = client_of(start(env=clock.environment()))
    client.send(chat, "1")
    clock.jump(-10 * 365 * 86400)
    other, _ = new_chat()
    sent = [client.send(other, str(n))["send_time"] for n in range(3)]
    assert [m["send_time"] for m in client.read_all(other)] == sent
    assert rising(sent)


def test_a_clock_before_1970_still_gives_a_valid_time(start, client_of, clock, chat):
    """A machine whose clock was never set."""
    clock.jump(-int(time.time()))
    client = client_of(start(env=clock.environment()))
    times = [client.send(chat, str(n))["send_time"] for n in range(3)]
    assert rising(times) and times[0] >= 10**6
    assert client.texts(chat) == ["0", "1", "2"]
