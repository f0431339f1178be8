"""The master of a Sentinel set lost again and again under load: nothing that was acknowledged is lost, none is doubled.

(A message that was shown but never acknowledged may be gone: the promoted replica did not have it.)
"""

import pytest

from redis_patience import PATIENT
from support.build import duration
from support.client import Client
from support.errors import check_error
from support.wait import eventually


def first_acknowledgement(workload, since):
    """When the first send was acknowledged after that moment."""
    return eventually(
        lambda: min((s.ended for s in list(workload.history.sends) if s.ended > since and s.send_time), default=None),
        "a send to be acknowledged",
    )


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_the_master_is_lost(sentinels, started, load, long, figure, fault):
    servers = sentinels(password="secret")
    node = started(*PATIENT, "--redis-replicas", "1", store=servers.url())
    workload = load(node)
    gaps = []
    for _ in range(15 if long else 2):
        workload.progress()
        lost = servers.master()
        getattr(lost, fault)()
        promoted = servers.promoted(but=lost)
        gaps.append(first_acknowledgement(workload, since=promoted) - promoted)
        workload.progress()
        if fault == "pause":
            lost.resume()
            servers.in_step()
        else:
            servers.rejoin(lost)
    workload.progress()
    workload.stop()
    workload.check(node, may_vanish=True)
    figure(
        f"seconds from the promotion to the first acknowledgement, master lost by {fault}",
        " ".join(f"{gap:.2f}" for gap in gaps),
    )


def test_a_failover_in_good_order(sentinels, started, load):
    """What an operator does to mend the master. It goes on until it is told: only with every replica's word is nothing
    acknowledged that the promoted one does not have."""
    servers = sentinels()
    node = started(*PATIENT, "--redis-replicas", "2", store=servers.url())
    workload = load(node)
    for _ in range(2):
        workload.progress()
        old = servers.master()
        servers.sentinels[0].call("SENTINEL", "FAILOVER", "parley")
        servers.promoted(but=old)
        servers.in_step()
    workload.progress()
    workload.stop()
    workload.check(node, may_vanish=True)


def test_without_enough_replicas_the_outcome_is_unknown(sentinels, started):
    servers = sentinels()
    node = started("--request-timeout", duration(1), "--redis-replicas", "2", store=servers.url())
    client = Client(node)
    first = client.send("a:b", "1", key="1")
    replica = next(s for s in servers.servers if s is not servers.master())
    replica.pause()
    check_error(client.try_send("a:b", "2", key="2"), "outcome_unknown")
    check_error(client.try_send("a:b", "3"), "outcome_unknown")
    replica.resume()
    servers.in_step()
    second = eventually(lambda: acknowledged(client, "2"), "the repeat to be acknowledged")
    assert second["duplicate"] is True and second["send_time"] > first["send_time"]
    assert client.texts("a:b") == ["1", "2", "3"]
    client.close()


def acknowledged(client, key):
    answer = client.try_send("a:b", key, key=key)
    return answer.json() if answer.status_code == 200 else None


def test_sentinels_that_go_one_by_one(sentinels, started, load):
    """The one that is asked is gone: the next is."""
    servers = sentinels()
    node = started(*PATIENT, "--redis-replicas", "1", store=servers.url())
    workload = load(node)
    servers.sentinels[0].kill()
    workload.progress()
    old = servers.master()
    old.kill()
    servers.promoted(but=old)
    workload.progress()
    workload.stop()
    workload.check(node, may_vanish=True)
