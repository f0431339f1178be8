"""What the documents say of containers, typed on a machine with a real engine."""

import json

import documented
import pytest
from load import Load, call

from support.client import new_chat
from support.wait import eventually

LARGEST_IMAGE = 140_000_000  # bytes in all layers

LAYOUTS = pytest.mark.parametrize(
    "command", [documented.TIERS, documented.SCALED, documented.SINGLE], ids=["tiers", "scaled", "single"]
)


def project(command):
    return command.split(" up ")[0]


def containers(engine, command, service):
    return engine.run(f"{project(command)} ps --quiet {service}").split()


# The image -----------------------------------------------------------------------------------------------------------


def test_compose_builds_the_image_if_it_is_not_there(machine, up):
    tag = documented.BUILD.split(" -t ")[1].split()[0]
    machine.run(f"docker rmi --force {tag}")
    up(documented.TIERS)
    assert machine.run(f"docker run --rm {tag} --version").split() == ["parley", tag.split(":")[1]]


def test_the_documented_command_builds_the_image(engine):
    tag = documented.BUILD.split(" -t ")[1].split()[0]
    assert engine.run(f"docker run --rm {tag} --version").split() == ["parley", tag.split(":")[1]]
    (image,) = json.loads(engine.run(f"docker image inspect {tag}"))
    print(f"{tag} has {image['Size'] / 1e6:.0f} MB")
    assert image["Size"] <= LARGEST_IMAGE


@pytest.mark.parametrize("admin", ["", "--env PARLEY_ADMIN=127.0.0.1:9999"], ids=["as-it-is", "admin-elsewhere"])
def test_the_image_s_own_command_becomes_healthy(engine, admin):
    tag = documented.BUILD.split(" -t ")[1].split()[0]
    container = engine.run(f"docker run --detach --read-only {admin} {tag}").strip()
    try:
        state = "docker inspect --format '{{.State.Health.Status}}'"
        eventually(lambda: engine.run(f"{state} {container}").strip() == "healthy", "the container to be healthy", 60)
    finally:
        engine.run(f"docker rm --force --volumes {container}")


# Compose -------------------------------------------------------------------------------------------------------------


@LAYOUTS
def test_nothing_is_lost_while_every_service_restarts_under_load(engine, up, command):
    printed = up(command)
    assert "pull" not in printed.lower(), "it asked a registry for what is there"
    with Load(engine) as load:
        load.await_more()
        for service in engine.run(f"{project(command)} config --services").split():
            engine.run(f"{project(command)} restart {service}")
            engine.await_healthy(command)
            load.await_more()
    count = load.check()
    print(f"{count} messages, {len(load.errors)} attempts failed and were repeated")


def test_the_rolling_script_replaces_everything_without_an_error(engine, up):
    up(documented.SCALED)
    before = {service: containers(engine, documented.SCALED, service) for service in ("rpc", "http")}
    with Load(engine) as load:
        load.await_more()
        engine.run(documented.ROLL, timeout=600)
        load.await_more()
    assert load.errors == []
    print(f"{load.check()} messages without an error")
    for service, old in before.items():
        new = containers(engine, documented.SCALED, service)
        assert len(new) == len(old) and not set(new) & set(old), service


def test_the_rolling_script_keeps_the_old_containers_if_the_new_ones_do_not_start(engine, up):
    up(documented.SCALED)
    before = {service: containers(engine, documented.SCALED, service) for service in ("rpc", "http")}
    engine.run("docker tag nginx:1.28-bookworm parley:broken")
    with Load(engine) as load:
        load.await_more()
        with pytest.raises(AssertionError, match="rpc: .*the new containers"):
            engine.run(f"PARLEY_VERSION=broken PATIENCE=5 {documented.ROLL}")
        load.await_more()
    assert load.errors == []
    load.check()
    after = {service: containers(engine, documented.SCALED, service) for service in ("rpc", "http")}
    assert {service: sorted(ids) for service, ids in after.items()} == {s: sorted(i) for s, i in before.items()}


def test_messages_are_there_after_growing_and_after_going_back(engine, up):
    chat, _ = new_chat()
    up(documented.TIERS)
    call(engine, lambda client: client.send(chat, "one"))
    up(documented.SCALED)
    call(engine, lambda client: client.send(chat, "two"))
    up(documented.BACK)
    assert call(engine, lambda client: client.texts(chat)) == ["one", "two"]
    names = engine.run("docker ps --all --format '{{.Names}}'").split()
    assert not [name for name in names if "nginx" in name]


def test_doctor_has_nothing_against_the_redis_of_the_compose_file(engine, up):
    up(documented.TIERS)
    doctor = "docker compose exec -T rpc parley doctor --store redis://redis:6379"
    said = [line for line in engine.run(f"{doctor} || true").splitlines() if "Redis" in line]
    assert said and all(line.startswith("ok ") for line in said), said
    assert any("of 1536 MiB" in line for line in said)
