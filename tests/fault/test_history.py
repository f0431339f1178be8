"""The checker must see what it is there to see: each kind of broken history, beside a good one."""

import dataclasses

import pytest

from history import ACKED, REFUSED, UNKNOWN, History, Message, Page, Send, violations

CHAT = "a:b"


def good():
    """Four acknowledged sends one after the other, one of unknown outcome that was stored, one refused; a follower."""
    history = History()
    for n in range(1, 5):
        history.add_send(Send(CHAT, f"m{n}", "a", ACKED, n * 10, began=n, ended=n + 0.5))
    history.add_send(Send(CHAT, "maybe", "a", UNKNOWN, began=3, ended=9))
    history.add_send(Send(CHAT, "not", "a", REFUSED, began=3, ended=9))
    final = [Message(f"m{n}", "a", n * 10) for n in range(1, 5)]
    final.insert(3, Message("maybe", "a", 35))
    history.add_page("f", Page(CHAT, 2.7, tuple(final[:2])))
    history.add_page("f", Page(CHAT, 2.8, ()))
    history.add_page("f", Page(CHAT, 5.0, tuple(final[2:])))
    return history, final


def check(history, final):
    return violations(history, {CHAT: final})


def sole(found, word):
    assert any(word in line for line in found), found


def test_a_good_history_passes():
    assert check(*good()) == []


def test_an_unknown_outcome_may_be_there_or_not():
    history, final = good()
    history.followers.clear()
    assert check(history, [m for m in final if m.text != "maybe"]) == []


@pytest.mark.parametrize("which", ["m1", "m2", "m4"])
def test_a_loss_is_seen(which):
    history, final = good()
    history.followers.clear()
    sole(check(history, [m for m in final if m.text != which]), f"lost: {which}")


def test_the_loss_of_a_whole_chat_is_seen():
    history, _ = good()
    sole(violations(history, {}), "lost: the whole chat")


def test_a_double_is_seen():
    history, final = good()
    sole(check(history, final + [Message("m2", "a", 99)]), "doubled: m2")


def test_a_double_of_an_unknown_outcome_is_seen():
    history, final = good()
    sole(check(history, final + [Message("maybe", "a", 99)]), "doubled: maybe")


def test_two_first_answers_are_seen():
    history, final = good()
    history.sends[0] = dataclasses.replace(history.sends[0], first_answers=2)
    sole(check(history, final), "duplicate=false")


def test_a_time_that_differs_from_the_acknowledged_one_is_seen():
    history, final = good()
    final[0] = Message("m1", "a", 11)
    sole(check(history, final), "moved: m1")


def test_a_reorder_is_seen():
    """m2 was sent after m1 had been acknowledged, and has the lesser time."""
    history, final = good()
    history.followers.clear()
    history.sends[0] = dataclasses.replace(history.sends[0], send_time=20)
    history.sends[1] = dataclasses.replace(history.sends[1], send_time=10)
    final[0], final[1] = Message("m2", "a", 10), Message("m1", "a", 20)
    found = check(history, final)
    sole(found, "reordered: m1")
    assert len(found) == 1


def test_concurrent_sends_may_have_either_order():
    history, final = good()
    history.followers.clear()
    history.sends[0] = dataclasses.replace(history.sends[0], send_time=20, ended=2.5)
    history.sends[1] = dataclasses.replace(history.sends[1], send_time=10)
    final[0], final[1] = Message("m2", "a", 10), Message("m1", "a", 20)
    assert check(history, final) == []


@pytest.mark.parametrize("second", [10, 5])
def test_times_that_do_not_rise_are_seen(second):
    history, final = good()
    final[1] = Message("m2", "a", second)
    sole(check(history, final), "not rising")


def test_a_skip_is_seen():
    history, _ = good()
    history.followers["f"][0] = dataclasses.replace(history.followers["f"][0], messages=(Message("m2", "a", 20),))
    sole(check(*(history, good()[1])), "f: skipped")


def test_a_message_that_appears_behind_a_cursor_is_seen():
    """The follower went past time 20 before a message with time 15 was there."""
    history, final = good()
    history.add_send(Send(CHAT, "late", "a", UNKNOWN))
    final.insert(1, Message("late", "a", 15))
    sole(check(history, final), "f: skipped")


def test_a_repeat_is_seen():
    history, final = good()
    history.followers["f"].insert(1, history.followers["f"][0])
    sole(check(history, final), "f: repeated")


def test_a_message_that_was_shown_and_is_gone_is_seen():
    history, final = good()
    sole(check(history, [m for m in final if m.text != "maybe"]), "f: vanished")


def test_only_what_was_never_acknowledged_may_vanish_in_a_failover():
    history, final = good()
    for name, gone in (("maybe", True), ("m4", False)):
        left = {CHAT: [m for m in final if m.text != name]}
        vanished = [f for f in violations(history, left, may_vanish=True) if "vanished" in f]
        assert bool(vanished) is not gone


def test_a_message_that_moved_in_a_failover_is_no_repeat():
    """Shown at 35, lost with its master, sent again by its key, and acknowledged at 60."""
    history, final = good()
    history.add_send(Send(CHAT, "keyed", "a", ACKED, 60, began=1, ended=9))
    history.add_page("f", Page(CHAT, 9.5, (Message("keyed", "a", 60),)))
    shown = Message("keyed", "a", 31)
    history.followers["f"][2] = dataclasses.replace(history.followers["f"][2], messages=(final[2], shown, *final[3:]))
    assert violations(history, {CHAT: final + [Message("keyed", "a", 60)]}, may_vanish=True) == []


def test_a_stale_page_is_seen():
    history, final = good()
    history.followers["f"][1] = dataclasses.replace(history.followers["f"][1], began=4.6)
    sole(check(history, final), "f: stale")


def test_a_page_that_was_cut_is_not_stale():
    history, final = good()
    history.followers["f"][1] = dataclasses.replace(history.followers["f"][1], began=4.6, has_more=True)
    assert check(history, final) == []


def test_a_refused_send_that_is_stored_is_seen():
    history, final = good()
    sole(check(history, final + [Message("not", "a", 99)]), "stored although refused: not")


def test_what_nobody_sent_is_seen():
    history, final = good()
    sole(check(history, final + [Message("ghost", "a", 99)]), "nobody sent 'ghost'")


def test_another_sender_is_seen():
    history, final = good()
    history.followers.clear()
    final[0] = Message("m1", "b", 10)
    sole(check(history, final), "changed: m1")
