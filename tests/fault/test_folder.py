"""The data folder belongs to one process, and what is done to its names while that process runs is noticed."""

import os
import resource
import shutil
import signal
import subprocess
import time

import pytest

from support.build import scaled
from support.client import Client
from support.command import parley
from support.errors import check_error
from support.server import Server
from support.wait import eventually

CHAT = "a:b"


@pytest.fixture
def server(tmp_path):
    """server(**settings): one that runs, in a folder of its own."""
    made = []

    def make(*options, **settings):
        made.append(Server(tmp_path / f"s{len(made)}", *options, **settings).start())
        return made[-1]

    yield make
    for one in made:
        one.kill()


@pytest.fixture
def client(server):
    """A client of a server that has stored two messages, one of them in a table file."""
    running = server()
    first = Client(running)
    first.send(CHAT, "one")
    first.close()
    running.restart()
    client = Client(running)
    client.server = running
    client.send(CHAT, "two")
    yield client
    client.close()


def refused(folder):
    outcome = parley("serve", "--http", "127.0.0.1:0", "--store", f"rocksdb:{folder}")
    assert outcome.code == 1, outcome
    assert "another process has it open" in outcome.err.splitlines()[-1], outcome


def moved(folder):
    target = folder.with_name("elsewhere")
    folder.rename(target)
    return target


def replaced(file):
    """Another file under the same name."""
    copy = file.with_name("copy")
    shutil.copyfile(file, copy)
    copy.rename(file)


# One process ---------------------------------------------------------------------------------------------------------


def lock_removed(folder):
    (folder / "LOCK").unlink()
    return folder


def lock_replaced(folder):
    replaced(folder / "LOCK")
    return folder


def reached_by_a_link(folder):
    link = folder.with_name("link")
    link.symlink_to(folder)
    return link


def reached_by_the_parents_link(folder):
    link = folder.parent.with_name("link")
    link.symlink_to(folder.parent)
    (folder / "LOCK").unlink()
    return link / folder.name


def copied_lock(folder):
    """A link to the folder after its lock's file was removed: neither the name nor the file is the same."""
    (folder / "LOCK").unlink()
    return reached_by_a_link(folder)


@pytest.mark.parametrize(
    "change", [lock_removed, lock_replaced, reached_by_a_link, reached_by_the_parents_link, copied_lock, moved]
)
def test_a_second_server_is_refused(client, change):
    refused(change(client.server.data))
    assert client.texts(CHAT) == ["one", "two"]


@pytest.mark.parametrize("change", [lock_removed, lock_replaced])
def test_without_its_lock_file_the_server_goes_on(client, change):
    change(client.server.data)
    client.send(CHAT, "three")
    client.server.restart()
    again = Client(client.server)
    assert again.texts(CHAT) == ["one", "two", "three"]
    again.close()


def test_two_servers_write_two_folders_once_the_first_is_moved_away(client, server, tmp_path):
    """The one that was moved writes nothing into the new one that has its name."""
    first = client.server
    elsewhere = moved(first.data)
    second = Server(tmp_path / "second", store=f"rocksdb:{first.data}").start()
    other = Client(second)
    other.send(CHAT, "in the new folder")
    eventually(lambda: client.try_send(CHAT, "three").status_code == 503, "the first server to notice")
    other.send(CHAT, "and again")
    first.send_signal()
    assert first.wait() == 1
    other.close()
    second.stop()
    assert sorted(texts_in(first.data, tmp_path / "third")) == ["and again", "in the new folder"]
    old = texts_in(elsewhere, tmp_path / "fourth")
    assert old[:2] == ["one", "two"] and set(old[2:]) <= {"three"}


def texts_in(folder, own):
    running = Server(own, store=f"rocksdb:{folder}").start()
    client = Client(running)
    try:
        return client.texts(CHAT)
    finally:
        client.close()
        running.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_second_server_on_the_folder_mounted_elsewhere_is_refused(client, tmp_path):
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    (client.server.data / "LOCK").unlink()
    script = f"mount --bind {client.server.data} {mounted} && exec {Server(tmp_path / 'x')._command()[0]} serve"
    outcome = unshared(f"{script} --http 127.0.0.1:0 --store rocksdb:{mounted}")
    assert outcome.returncode == 1 and b"another process has it open" in outcome.stderr, outcome


def unshared(script):
    return subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, timeout=60, check=False)


# Lost ----------------------------------------------------------------------------------------------------------------


def all_removed(folder):
    shutil.rmtree(folder)
    return str(folder)


def logs_removed(folder):
    for log in folder.glob("*.log"):
        log.unlink()
    return ".log was removed"


def logs_replaced(folder):
    for log in folder.glob("*.log"):
        replaced(log)
    return ".log was removed"


def logs_cut(folder):
    for log in folder.glob("*.log"):
        os.truncate(log, 0)


def tables_removed(folder):
    tables = list(folder.glob("*.sst"))
    assert tables, "no table was written yet"
    for table in tables:
        table.unlink()
    return ".sst was removed or replaced"


def manifest_removed(folder):
    next(folder.glob("MANIFEST-*")).unlink()
    return "was removed or replaced"


def current_removed(folder):
    (folder / "CURRENT").unlink()
    return "CURRENT was removed or replaced"


def moved_away(folder):
    moved(folder)
    return "was moved or deleted"


def moved_with_its_parent(folder):
    folder.parent.rename(folder.parent.with_name("elsewhere"))
    return "was moved or deleted"


def replaced_by_another(folder):
    moved(folder)
    folder.mkdir()
    return "another folder stands at"


LOSSES = [
    all_removed,
    logs_removed,
    logs_replaced,
    tables_removed,
    manifest_removed,
    current_removed,
    moved_away,
    moved_with_its_parent,
    replaced_by_another,
]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("busy", [True, False], ids=["busy", "idle"])
def test_a_folder_that_is_lost_is_the_end_of_sending(client, loss, busy):
    said = loss(client.server.data)
    if busy:
        eventually(lambda: refusal(client) == "unavailable", "sends to be refused")
    problem = eventually(lambda: not_ready(client), "/readyz to say why")
    assert said in problem["detail"], problem
    check_error(client.try_send(CHAT, "later"), "unavailable")
    assert client.get("/healthz", admin=True).status_code == 200
    assert client.texts(CHAT)[:2] == ["one", "two"], "pulls go on"
    client.server.send_signal()
    assert client.server.process.wait(scaled(20)) == 1, "it does not say that all is well"
    if loss is not moved_with_its_parent:  # which has taken the log along
        assert "the store takes no more writes" in client.server.stderr


@pytest.mark.parametrize("loss", [all_removed, logs_removed, logs_replaced, logs_cut])
def test_no_send_is_acknowledged_once_its_log_is_gone(client, loss):
    loss(client.server.data)
    check_error(client.try_send(CHAT, "three"), "outcome_unknown")
    check_error(client.try_send(CHAT, "four"), "unavailable")


def refusal(client):
    answer = client.try_send(CHAT, "three")
    return None if answer.status_code == 200 else answer.headers["Parley-Code"]


def not_ready(client):
    answer = client.get("/readyz", admin=True)
    return answer.json() if answer.status_code == 503 else None


def stays_ready(client):
    """For long enough that the server looks at its files, which it does once a second."""
    began = time.monotonic()
    while time.monotonic() - began < scaled(2.5):
        answer = client.get("/readyz", admin=True)
        assert answer.status_code == 200, answer.text
        time.sleep(0.1)


def test_files_that_hold_no_messages_may_go(client):
    for name in ("IDENTITY", "LOG", "OPTIONS-*"):
        victims = list(client.server.data.glob(name))
        assert victims, name
        for victim in victims:
            victim.unlink()
    stays_ready(client)
    client.send(CHAT, "three")
    client.server.restart()
    again = Client(client.server)
    assert again.texts(CHAT) == ["one", "two", "three"]
    again.close()


@pytest.mark.parametrize("starts", [1, 2])
def test_a_store_that_nobody_touches_stays_ready(server, starts):
    """Files that RocksDB replaces and removes at its start are no loss."""
    running = server()
    for _ in range(starts - 1):
        running.restart()
    client = Client(running)
    stays_ready(client)
    client.close()
    running.stop()


def test_what_the_store_does_to_its_files_by_itself_is_no_loss(server):
    """Flushes and compactions remove and replace files all the time."""
    running = server("--store-memory", "8MiB")
    client = Client(running)
    tables = set()
    sent = 0
    while len(tables) < 8:
        sent += 1
        assert client.try_send(f"a:b{sent}", f"{sent} " + "x" * 60_000).status_code == 200, running.stderr
        tables.update(path.name for path in running.data.glob("*.sst"))
        assert sent < 3000, "it never flushed"
    stays_ready(client)
    client.close()
    running.stop()


# Starts --------------------------------------------------------------------------------------------------------------


def test_starts_of_an_idle_store_leave_no_files_behind(server):
    running = server()
    for _ in range(5):
        running.restart()
    running.stop()
    assert len(list(running.data.glob("*.log"))) <= 1


def test_idle_starts_that_are_killed_leave_no_files_behind(server):
    running = server()
    for _ in range(5):
        running.kill()
        running.start()
    assert len(list(running.data.glob("*.log"))) <= 2


def test_the_log_says_where_the_store_is_and_whether_it_is_new(server, tmp_path):
    running = server(store="rocksdb:./here/")
    where = running.folder / "here"
    running.await_log(f"made a new store folder={where} format=3\n")
    running.await_log(f"store=rocksdb:{where} ")
    running.restart()
    running.await_log(f"opened the store folder={where} format=3 last_message=none\n")
    client = Client(running)
    client.send(CHAT, "hi")
    client.close()
    running.restart()
    running.await_log(f"opened the store folder={where} format=3 last_message=20")


def test_a_file_size_limit_is_a_failed_write(tmp_path):
    running = Server(
        tmp_path, preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
    ).start()
    client = Client(running)
    try:
        answers = []
        while len(answers) < 100 and (not answers or answers[-1].status_code == 200):
            answers.append(client.try_send(CHAT, "x" * 60_000))
        check_error(answers[-1], "outcome_unknown")
        check_error(client.try_send(CHAT, "later"), "unavailable")
        assert "File too large" in not_ready(client)["detail"]
        running.send_signal(signal.SIGTERM)
        assert running.wait() == 1
    finally:
        client.close()
        running.kill()
