"""parley doctor: each thing that it looks for is there once, and found."""

import json
import os
import socket
import subprocess
from datetime import UTC, datetime

import pytest

from support.build import binary, scaled
from support.client import Client
from support.clock import SOURCE, ShiftedClock
from support.command import parley
from support.deployment import Node
from support.foreign_node import ForeignNode
from support.server import Server, clean_environment
from support.shim import compile_shim

# What a small machine has, and what a busy disk keeps within.
MODEST = {
    "--http": "127.0.0.1:0",
    "--max-connections": "50",
    "--max-memory": "16MiB",
    "--store-memory": "8MiB",
    "--request-timeout": "24h",
}
LISTENERS = {"--http", "--rpc", "--admin"}


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    return made


def arguments(*options):
    """Modest ones unless the options say more; naming a listener leaves out ours."""
    named = LISTENERS if LISTENERS.intersection(map(str, options)) else set()
    modest = [word for name, value in MODEST.items() if name not in {*options, *named} for word in (name, value)]
    return ["doctor", *modest, *map(str, options)]


def doctor(*options, code):
    """The findings of a run that ends with this exit code."""
    outcome = parley(*arguments("--json", *options))
    assert outcome.code == code, outcome
    report = json.loads(outcome.out)
    assert report["good"] == (code == 0) == all(f["good"] for f in report["findings"])
    for finding in report["findings"]:
        assert finding["good"] or (finding["effect"] and finding["fix"]), finding
    return report["findings"]


def problems(*options):
    return [f"{f['subject']}: {f['found']}" for f in doctor(*options, code=1) if not f["good"]]


def test_where_all_is_well_it_says_so(folder):
    outcome = parley(*arguments("--store", f"rocksdb:{folder}"))
    assert outcome.code == 0, outcome
    assert outcome.out.splitlines()[-1] == "all is well"
    assert all(line.startswith("ok ") for line in outcome.out.splitlines()[:-1])
    assert list(folder.iterdir()) == []


def test_a_store_that_is_not_there_yet_can_be_made(tmp_path):
    doctor("--store", f"rocksdb:{tmp_path}/a/b", code=0)
    assert list(tmp_path.iterdir()) == []


def test_a_problem_is_told_with_its_effect_and_a_fix(folder):
    folder.chmod(0o755)
    outcome = parley(*arguments("--store", f"rocksdb:{folder}"))
    assert outcome.code == 1, outcome
    lines = outcome.out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("PROBLEM folder"))
    assert "effect: they can read" in lines[at + 1] and "fix: run chmod 700" in lines[at + 2]


@pytest.mark.own_store
def test_a_new_store_is_for_its_owner_alone(start):
    """What doctor asks for is what serve makes."""
    assert start().data.stat().st_mode & 0o077 == 0


def found_of_store(folder, *options, code=0):
    (found,) = [
        f["found"]
        for f in doctor("--store", f"rocksdb:{folder}", *options, code=code)
        if f["subject"] == f"store in {folder}"
    ]
    return found


def test_a_store_says_what_it_is(tmp_path, folder):
    assert "there is none" in found_of_store(folder)
    running = Server(tmp_path / "server", store=f"rocksdb:{folder}").start()
    sent = Client(running).send("a:b", "hi", "a")["send_time"]
    running.stop()
    last = datetime.fromtimestamp(sent // 10**6, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert found_of_store(folder) == f"it has format 3, and its last message is of {last}"


def test_a_bad_configuration_is_told_as_serve_tells_it():
    outcome = parley("doctor", "--max-text", "x")
    assert outcome.code == 2 and "--max-text" in outcome.err


def test_memory_keeps_nothing():
    assert problems("--store", "memory:") == ["--store memory:: it is for tests"]


def test_a_disk_in_memory():
    found = problems("--store", "rocksdb:/dev/shm/parley-doctor-test")
    assert "disk of /dev/shm/parley-doctor-test: it is in memory" in found


@pytest.mark.parametrize("below", ["", "/data"])
def test_a_store_that_is_a_file(tmp_path, below):
    path = tmp_path / "file"
    path.touch()
    assert problems("--store", f"rocksdb:{path}{below}") == [f"folder {path}{below}: {path} is not a folder"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user(folder):
    os.chown(folder, 12345, 12345)
    (found,) = problems("--store", f"rocksdb:{folder}")
    assert "belongs to another user" in found


def test_a_place_where_nothing_can_be_stored():
    assert any("/proc" in problem for problem in problems("--store", "rocksdb:/proc/parley"))


def test_a_listener_that_is_taken(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "127.0.0.1:{}".format(taken.getsockname()[1])
        findings = doctor("--store", f"rocksdb:{folder}", "--http", address, code=1)
    (taken,) = (finding for finding in findings if not finding["good"])
    assert taken["found"] == f"cannot listen on {address}: another program listens there"
    assert taken["fix"] == "Stop that program (ss -ltnp names it), or choose another port"


@pytest.mark.parametrize("listener", ["--http", "--rpc", "--admin"])
def test_a_listener_that_anybody_can_reach(folder, listener):
    found = problems("--store", f"rocksdb:{folder}", "--allow-anonymous", listener, "0.0.0.0:0")
    assert found == [f"{listener} 0.0.0.0:0: other machines can reach it, and it asks nobody for a login"]


def test_more_connections_than_files(folder):
    found = problems(
        "--store",
        f"rocksdb:{folder}",
        "--max-connections",
        1_000_000,
        "--http",
        "127.0.0.1:0",
        "--rpc",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
    )
    assert any(problem.startswith("open files: ") for problem in found)


def test_more_memory_than_there_is(folder):
    path = folder.parent / "parley.toml"
    path.write_text('max-memory = "1024GiB"\n')
    found = problems("--store", f"rocksdb:{folder}", "--store-memory", "1024GiB", "--config", path)
    assert len(found) == 1 and found[0].startswith("memory: ")


def running_server(tmp_path, *options):
    """One that was started with the options that doctor() is given next."""
    running = Server(tmp_path / "running", *options).start()
    for name in ("http", "rpc", "admin"):
        host, port = getattr(running, name)
        running.options += [f"--{name}", f"{host}:{port}"]
    return running


def test_beside_the_running_server_all_is_well(tmp_path):
    running = running_server(tmp_path)
    try:
        findings = doctor("--store", running.store, *running.options, code=0)
        (server,) = [f["found"] for f in findings if f["subject"] == "server"]
        assert f"process {running.pid} has {running.data} open" in server
        for listener in ("--http ", "--rpc ", "--admin "):
            assert listener in server
    finally:
        running.stop()


def test_a_server_with_another_folder_is_in_the_way(tmp_path, folder):
    running = running_server(tmp_path)
    try:
        assert len(problems("--store", f"rocksdb:{folder}", *running.options)) == 3
    finally:
        running.stop()


def test_another_program_on_a_port_of_the_running_server_is_found(tmp_path):
    running = running_server(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options = [*running.options, "--http", "127.0.0.1:{}".format(taken.getsockname()[1])]
        options = [*running.options[2:], *options[-2:]]
        assert len(problems("--store", running.store, *options)) == 1
    running.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make what others may not read")
def test_what_is_not_of_the_store_is_no_concern(folder):
    """A disk of its own has lost+found, which belongs to root."""
    (folder / "lost+found").mkdir(mode=0o700)
    nobody = 65534
    os.chown(folder, nobody, nobody)
    for above in folder.parents:
        if above.owner() == "root" and above != folder.parents[-1]:
            above.chmod(above.stat().st_mode | 0o011)
    done = subprocess.run(
        [binary(), *arguments("--json", "--store", f"rocksdb:{folder}")],
        capture_output=True,
        env=clean_environment(),
        user=nobody,
        group=nobody,
        extra_groups=[],
        timeout=scaled(30),
        check=False,
    )
    assert done.returncode == 0, done
    (folder / "CURRENT").touch(mode=0o600)
    done = subprocess.run(done.args, capture_output=True, user=nobody, group=nobody, extra_groups=[], check=False)
    assert b"cannot read and write" in done.stdout and b"CURRENT" in done.stdout, done


# Nodes ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def node(tmp_path):
    running = []

    def make(*options, **settings):
        running.append(Node(tmp_path / f"node{len(running)}", *options, **settings).start())
        return running[-1]

    yield make
    for one in running:
        one.stop()


def backend(*nodes):
    return "thrift://" + ",".join(f"{n.rpc[0]}:{n.rpc[1]}" for n in nodes)


def test_a_node_that_is_well(node):
    subjects = [finding["subject"] for finding in doctor("--backend", backend(node()), code=0)]
    assert {"nodes' stores", "nodes' durability", "clocks"} <= set(subjects)


def test_a_node_that_is_away(node):
    found = problems("--backend", backend(node()) + ",127.0.0.1:1")
    assert len(found) == 1 and found[0].startswith("node 127.0.0.1:1: ")


def test_nodes_that_are_all_away():
    subjects = {finding["subject"]: finding["good"] for finding in doctor("--backend", "thrift://127.0.0.1:1", code=1)}
    assert subjects["node 127.0.0.1:1"] is subjects["nodes"] is False
    assert not {"nodes' stores", "nodes' durability", "clocks"} & set(subjects)


def test_nodes_over_two_stores(node):
    assert problems("--backend", backend(node(), node())) == ["nodes' stores: the nodes have 2 different stores"]


def test_nodes_of_two_durabilities(node):
    found = problems("--backend", backend(node(), node("--durability", "os")))
    assert "nodes' durability: some nodes have fsync, others os" in found


def test_a_node_whose_clock_is_wrong(node, tmp_path):
    clock = ShiftedClock(compile_shim(SOURCE, tmp_path), tmp_path)
    clock.jump(-30)
    found = problems("--backend", backend(node(env=clock.environment())))
    assert len(found) == 1 and found[0].startswith("clocks: the clocks differ by ")
    assert 29_000 < float(found[0].split()[-2]) < 31_000


def test_a_server_of_another_kind():
    with ForeignNode(lambda *_: None) as foreign:
        findings = doctor("--backend", backend(foreign), code=0)
    assert any("another kind" in finding["found"] for finding in findings)
