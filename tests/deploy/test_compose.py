"""The compose files: what they say, and that what they say works, as processes on loopback."""

import concurrent.futures
import itertools
import json
import os
import re
import signal
import subprocess

import pytest

from support.build import ROOT, scaled
from support.client import Client, new_chat
from support.command import parley
from support.compose import Stack, load, options_of
from support.go_tools import tool
from support.wait import eventually

TIERS = [ROOT / "compose.yaml", ROOT / "compose.override.yaml"]  # what Compose reads by itself
SCALED = [ROOT / "compose.yaml", ROOT / "deploy" / "compose" / "scale.yaml"]
SINGLE = [ROOT / "deploy" / "compose" / "single.yaml"]
ALL = pytest.mark.parametrize("files", [TIERS, SCALED, SINGLE], ids=["tiers", "scaled", "single"])


class Published:
    """What a Client talks to: the published port alone."""

    def __init__(self, stack):
        self.url = stack.url


@pytest.fixture
def up(tmp_path, client_of):
    """up(files, scale) is the running stack and a client of its published port."""
    running = []

    def make(files, scale=None):
        stack = Stack(load(*files), tmp_path / f"stack{len(running)}", scale).__enter__()
        running.append(stack)
        return stack, client_of(Published(stack))

    yield make
    for stack in running:
        stack.__exit__(None)


# What the files say --------------------------------------------------------------------------------------------------


@ALL
def test_every_service_is_kept_running_checked_and_without_rights(files):
    for name, service in load(*files)["services"].items():
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"], name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def in_bytes(text):
    number, unit = re.fullmatch(r"(\d+)([kmg])b?", text).groups()
    return int(number) << {"k": 10, "m": 20, "g": 30}[unit]


@ALL
def test_no_service_can_fill_the_memory_or_the_disk_or_busy_a_processor(files):
    for name, service in load(*files)["services"].items():
        assert in_bytes(service["mem_limit"]) <= 2 << 30, name
        assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}, name
        # Each check starts a process. An interval for the start alone needs Docker 25.
        assert service["healthcheck"]["interval"] == "10s" and "start_interval" not in service["healthcheck"], name


def test_redis_refuses_sends_before_it_would_be_killed():
    redis = load(*TIERS)["services"]["redis"]
    most = in_bytes(redis["command"][redis["command"].index("--maxmemory") + 1])
    assert most == in_bytes(redis["mem_limit"]) * 3 // 4


def test_doctor_has_nothing_against_the_redis_of_the_files(up):
    stack, _ = up(TIERS)
    (redis,) = stack.replicas["redis"]
    said = parley("doctor", "--store", f"redis://127.0.0.1:{redis.port}").out
    of_redis = [line for line in said.splitlines() if f"Redis 127.0.0.1:{redis.port}" in line]
    assert of_redis and all(line.startswith("ok ") for line in of_redis), said


def test_every_temporary_folder_belongs_to_whom_its_service_runs_as():
    """A tmpfs belongs to root. 101 is the user nginx of its image."""
    nginx = load(*SCALED)["services"]["nginx"]
    assert nginx["user"] == "nginx"
    assert set(nginx["tmpfs"]) == {"/var/cache/nginx:uid=101,gid=101", "/run:uid=101,gid=101"}
    # The program writes nothing into the one that stands in for the image's volume.
    parleys = [s for s in load(*TIERS)["services"].values() if "build" in s]
    assert all(s["tmpfs"] == ["/var/lib/parley"] and "--store=rocksdb" not in str(s["command"]) for s in parleys)


def test_nginx_tries_a_gateway_again_soon_but_not_before_it_has_asked_for_its_address_again():
    text = (ROOT / "deploy" / "compose" / "nginx.conf").read_text()
    (server,) = re.findall(r"^ +server (?!\{)(.+);", text, re.M)
    (valid,) = re.findall(r"^ +resolver .* valid=(\d+)s", text, re.M)
    again = int(re.fullmatch(r"http:8080 resolve fail_timeout=(\d+)s", server)[1])
    assert int(valid) < again <= 2


def test_nginx_closes_idle_connections_before_a_gateway_that_stops_does():
    text = (ROOT / "deploy" / "compose" / "nginx.conf").read_text()
    (idle,) = re.findall(r"^ +keepalive_timeout (\d+)s;", text, re.M)
    delay = options_of(load(*SCALED)["services"]["http"]["command"])["drain-delay"]
    assert int(idle) < int(delay.removesuffix("s"))


@ALL
def test_any_compose_of_version_2_reads_the_files(files):
    """Neither tags nor conditions that only later ones know."""
    for path in files:
        assert not re.findall(r"(?<=[\s\[])![a-z]+", path.read_text()), path
    assert all(isinstance(s.get("depends_on", []), list) for s in load(*files)["services"].values())


def test_the_rolling_script_is_a_program_for_the_files_that_scale():
    script = ROOT / "deploy" / "compose" / "roll.sh"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["sh", "-n", script]).returncode == 0
    for path in SCALED:
        assert f"-f {path.relative_to(ROOT)}" in script.read_text()


# Containers are files. Their text is what a health check says. Who asks for what `KILLED_AT` names is killed then.
DOCKER = """#!/bin/sh
cd "$CONTAINERS"
fatal() { [ "$KILLED_AT" != "$1" ] || kill -KILL "$PPID"; }
case "$1" in
compose)
  shift 5
  for service; do :; done
  [ "$1" = up ] || exec find . -name "$service-*" -printf '%f\\n'
  for word; do case "$word" in "$service"=*) wanted=${word#*=} ;; esac; done
  until [ "$(find . -name "$service-*" | wc -l)" -ge "$wanted" ]; do
    echo "$HEALTH" >"$(mktemp "$service-XXXXXX")"
  done
  fatal up
  exit "$UP"
  ;;
inspect) cat "$4" ;;
stop) echo stopped >"$2" && fatal stop ;;
rm) shift && for word; do rm -f "./$word"; done ;;
esac
"""


@pytest.fixture
def roll(tmp_path):
    """roll(**environment) runs the rolling script over two containers of each service; (its process, old, now)."""
    containers = tmp_path / "containers"
    containers.mkdir()
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    old = {f"{service}-old{n}" for service in ("rpc", "http") for n in range(2)}
    for name in old:
        (containers / name).write_text("healthy")
    running = []

    def now():
        return {path.name for path in containers.iterdir()}

    def make(health="healthy", up=0, patience=600, killed_at=""):
        settings = {"CONTAINERS": str(containers), "HEALTH": health, "UP": str(up), "PATIENCE": str(patience)}
        settings |= {"KILLED_AT": killed_at, "NOTES": str(tmp_path)}
        running.append(
            subprocess.Popen(
                [ROOT / "deploy" / "compose" / "roll.sh"],
                env=os.environ | settings | {"PATH": f"{docker.parent}:{os.environ['PATH']}"},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return running[-1], old, now

    yield make
    for process in running:
        process.kill()
        process.communicate()


def test_the_rolling_script_replaces_each_container(roll):
    process, old, now = roll()
    _, said = process.communicate(timeout=scaled(60))
    assert process.returncode == 0, said
    assert sorted(name.split("-")[0] for name in now()) == ["http", "http", "rpc", "rpc"]
    assert not now() & old


def test_the_rolling_script_removes_what_does_not_become_healthy(roll):
    process, old, now = roll(health="starting", patience=1)
    _, said = process.communicate(timeout=scaled(60))
    assert process.returncode == 1 and "rpc: the new containers are not healthy after 1 s" in said
    assert now() == old


def test_the_rolling_script_does_not_wait_for_what_cannot_start(roll):
    process, old, now = roll(up=1)
    _, said = process.communicate(timeout=scaled(60))
    assert process.returncode == 1 and "rpc: Compose cannot start the new containers" in said
    assert now() == old


def test_the_rolling_script_leaves_no_new_containers_behind_when_it_is_interrupted(roll):
    process, old, now = roll(health="starting")
    eventually(lambda: len(now()) == len(old) + 2, "the new containers")
    process.terminate()
    _, said = process.communicate(timeout=scaled(60))
    assert process.returncode == 1 and "rpc: interrupted" in said
    assert now() == old


@pytest.mark.parametrize("killed_at", ["up", "stop"])
def test_the_rolling_script_puts_right_what_an_earlier_run_left_when_it_was_killed(roll, killed_at):
    process, old, now = roll(killed_at=killed_at)
    process.communicate(timeout=scaled(60))
    assert process.returncode == -signal.SIGKILL and len(now()) == len(old) + 2
    process, _, _ = roll()
    _, said = process.communicate(timeout=scaled(60))
    assert process.returncode == 0, said
    assert sorted(name.split("-")[0] for name in now()) == ["http", "http", "rpc", "rpc"]
    assert not now() & old


def test_what_reads_its_data_at_the_start_is_given_the_time():
    """And the nodes, which wait for it; but not the gateways."""
    services = load(*TIERS)["services"]
    assert {name: service["healthcheck"]["start_period"] for name, service in services.items()} == {
        "redis": "10m",
        "rpc": "10m",
        "http": "30s",
    }
    assert load(*SINGLE)["services"]["parley"]["healthcheck"]["start_period"] == "5m"


@ALL
def test_one_port_is_published_and_on_loopback_unless_told_otherwise(files):
    def ports(environment):
        return [p for s in load(*files, environment=environment)["services"].values() for p in s.get("ports", [])]

    assert ports({}) == ["127.0.0.1:8080:8080"]
    assert ports({"PARLEY_PUBLISH": "0.0.0.0", "PARLEY_PORT": "80"}) == ["0.0.0.0:80:8080"]


def test_the_three_tiers_stand_as_they_are_asked_for():
    services = load(*TIERS)["services"]
    assert options_of(services["http"]["command"])["http"] == "0.0.0.0:8080"
    assert options_of(services["http"]["command"])["backend"] == "thrift://rpc:8888"
    assert options_of(services["rpc"]["command"])["rpc"] == "0.0.0.0:8888"
    assert options_of(services["rpc"]["command"])["store"] == "redis://redis:6379"
    assert "messages:/data" in services["redis"]["volumes"]
    assert not set(services["redis"]["networks"]) & set(services["http"]["networks"])


@ALL
def test_the_image_is_of_this_version_and_made_from_here(files):
    version = re.search(r"^project\(parley VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(), re.M)[1]
    for service in load(*files)["services"].values():
        if "build" not in service:
            continue
        assert service["image"] == f"parley:{version}"
        assert service["pull_policy"] == "never"  # no registry has it
        context = (files[0].parent / service["build"]["context"]).resolve()
        assert context == ROOT
        assert (context / service["build"]["dockerfile"]).is_file()


@ALL
@pytest.mark.only_long
def test_compose_itself_reads_the_files_so(files):
    """`docker compose config`, of the library that it is made of: the schema holds, and our reading is compose's."""
    command = [tool("compose-config"), *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=scaled(60))
    assert done.returncode == 0, done.stderr
    theirs, ours = json.loads(done.stdout)["services"], load(*files)["services"]
    assert theirs.keys() == ours.keys()
    for name, service in ours.items():
        assert theirs[name].get("command") == service.get("command"), name
        assert theirs[name]["healthcheck"]["test"] == service["healthcheck"]["test"], name
        assert list(theirs[name].get("depends_on", {})) == service.get("depends_on", []), name
        assert int(theirs[name]["mem_limit"]) == in_bytes(service["mem_limit"]), name
        assert set(theirs[name].get("networks", ["default"])) == set(service.get("networks", ["default"])), name
        assert len(theirs[name].get("ports", [])) == len(service.get("ports", [])), name


# What they do --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "files, scale", [(TIERS, {}), (SCALED, {"rpc": 3, "http": 2}), (SINGLE, {})], ids=["tiers", "scaled", "single"]
)
def test_what_is_sent_to_the_published_port_is_pulled_from_it_after_a_restart_of_everything(up, files, scale):
    stack, client = up(files, scale)
    chat, _ = new_chat()
    client.send(chat, "one", key="1")
    assert client.send(chat, "one", key="1")["duplicate"]
    for name in stack.services:
        for replica in stack.replicas[name]:
            if hasattr(replica, "keep_port"):
                replica.keep_port()
            replica.restart()
            stack.await_healthy(name, replica)
    client.send(chat, "two")
    assert client.texts(chat) == ["one", "two"]


def test_nodes_restarted_one_after_the_other_under_load_lose_nothing(up):
    stack, _ = up(SCALED, {"rpc": 3, "http": 2})
    chat, _ = new_chat()
    stop = []

    def send(worker):
        client = Client(Published(stack))
        acknowledged = []
        for number in itertools.count():
            if stop:
                break
            text = f"{worker}-{number}"
            client.send(chat, text, key=text)  # fails unless 200
            acknowledged.append(text)
        client.close()
        return acknowledged

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        workers = [pool.submit(send, n) for n in range(4)]
        try:
            for node in stack.replicas["rpc"]:
                node.keep_port()
                node.restart()
                stack.await_healthy("rpc", node)
        finally:
            stop.append(True)
        acknowledged = [text for worker in workers for text in worker.result()]
    client = Client(Published(stack))
    assert sorted(client.texts(chat)) == sorted(acknowledged)
    client.close()
