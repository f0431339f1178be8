"""parley health: whether a server is ready, as an exit code."""

import signal

import pytest

from support.command import parley
from support.wait import eventually


def health(deployment, *more, **settings):
    return parley("health", "--admin", "{}:{}".format(*deployment.admin), *more, **settings)


def test_a_ready_server_is_exit_0(deployment):
    assert (health(deployment).code, health(deployment).out) == (0, "ready\n")
    assert (health(deployment, "--live").code, health(deployment, "--live").out) == (0, "ok\n")


def test_the_address_is_that_of_serve_in_the_environment(deployment):
    outcome = parley("health", env={"PARLEY_ADMIN": "{}:{}".format(*deployment.admin)})
    assert outcome.code == 0, outcome


def test_an_address_that_stands_for_all_is_this_machine(start):
    deployment = start("--admin", "0.0.0.0:0", "--allow-anonymous")
    assert deployment.admin[0] == "0.0.0.0"
    assert health(deployment).code == 0


def test_a_draining_server_lives_but_is_not_ready(start):
    deployment = start("--drain-delay", "1h")
    deployment.send_signal(signal.SIGTERM)
    outcome = eventually(lambda: (o := health(deployment)).code == 1 and o, "not ready")
    assert "draining" in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1, outcome
    assert health(deployment, "--live").code == 0
    deployment.kill()


def test_no_server_is_one_line_and_exit_1():
    outcome = parley("health", "--admin", "127.0.0.1:1")
    assert outcome.code == 1, outcome
    assert outcome.out == ""
    assert "127.0.0.1:1" in outcome.err and len(outcome.err.strip().splitlines()) == 1, outcome


@pytest.mark.parametrize("options", [["--admin", "http://x"], ["--admin", ""], ["--admin"], ["--no-such"], ["stray"]])
def test_a_bad_option_is_exit_2(options):
    assert parley("health", *options).code == 2
