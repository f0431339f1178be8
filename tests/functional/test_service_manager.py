"""What a service manager hears: sd_notify's datagrams."""

import signal
import socket

import pytest

from support.build import scaled


@pytest.fixture
def listener(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.settimeout(scaled(20))
        yield made


@pytest.mark.own_store  # the tiers would give the socket to both
def test_ready_alive_and_stopping_are_told(start, listener):
    server = start(env={"NOTIFY_SOCKET": listener.getsockname(), "WATCHDOG_USEC": "150000"})
    assert listener.recv(100) == b"READY=1"
    assert [listener.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
    server.send_signal(signal.SIGTERM)
    states = [listener.recv(100)]
    while states[-1] != b"STOPPING=1":
        states.append(listener.recv(100))
    assert server.wait() == 0


@pytest.mark.own_store
def test_nothing_is_told_of_a_start_that_fails(start, listener, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(AssertionError):
        start("--store", f"rocksdb:{tmp_path}/file", env={"NOTIFY_SOCKET": listener.getsockname()})
    listener.settimeout(0.01)
    with pytest.raises(TimeoutError):
        listener.recv(100)


@pytest.mark.own_store
def test_a_manager_that_is_gone_is_no_reason_not_to_serve(start, tmp_path):
    start(env={"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "150000"})
