"""What clients saw, and whether it can be true of a store that keeps its promises (the contract, section 2).

Instants are readings of one steady clock, in any unit: when a call began, and when its answer was there.
"""

import bisect
import collections
import dataclasses
import threading

ACKED, UNKNOWN, REFUSED = "acked", "unknown", "refused"


@dataclasses.dataclass(frozen=True)
class Send:
    """One message and what became of it. `text` is unique in the history; repeats with the same key are one Send.

    outcome: ACKED (send_time is what was answered), REFUSED (every attempt said that it stored nothing), or UNKNOWN.
    """

    chat: str
    text: str
    sender: str
    outcome: str
    send_time: int = 0
    began: float = 0.0
    ended: float = 0.0
    first_answers: int = 1  # answers with duplicate=false


@dataclasses.dataclass(frozen=True)
class Message:
    text: str
    sender: str
    send_time: int


@dataclasses.dataclass(frozen=True)
class Page:
    """One pull of a follower that goes on from each page's next_cursor, and begins at the oldest."""

    chat: str
    began: float
    messages: tuple
    has_more: bool = False


class History:
    """Collects from any thread."""

    def __init__(self):
        self._lock = threading.Lock()
        self.sends = []
        self.followers = collections.defaultdict(list)  # name → its pages, in order

    def add_send(self, send):
        with self._lock:
            self.sends.append(send)

    def add_page(self, follower, page):
        with self._lock:
            self.followers[follower].append(page)


def violations(history, final, may_vanish=False):
    """What is wrong, a line each; none is a history that can be true. `final`: chat → its messages at the end.

    `may_vanish`: a message that was shown, but never acknowledged at that time, may be gone in the end (a failover to a
    replica that did not have it)."""
    found = []
    for chat, messages in final.items():
        found += _of_order(chat, messages)
        found += _of_sends(chat, [s for s in history.sends if s.chat == chat], messages)
    for chat in {s.chat for s in history.sends if s.outcome == ACKED} - set(final):
        found.append(f"{chat}: lost: the whole chat")
    found += _of_real_time(history.sends)
    for name, pages in history.followers.items():
        found += _of_follower(name, _lasting(pages, history, final) if may_vanish else pages, final)
        found += _of_freshness(name, pages, history.sends)
    return found


def _of_order(chat, messages):
    return [
        f"{chat}: not rising: {a.text} at {a.send_time}, then {b.text} at {b.send_time}"
        for a, b in zip(messages, messages[1:])
        if a.send_time >= b.send_time
    ]


def _of_sends(chat, sends, messages):
    found = []
    by_text = collections.defaultdict(list)
    for message in messages:
        by_text[message.text].append(message)
    for send in sends:
        stored = by_text.pop(send.text, [])
        if len(stored) > 1:
            found.append(f"{chat}: doubled: {send.text} at {[m.send_time for m in stored]}")
        if send.outcome == ACKED and not stored:
            found.append(f"{chat}: lost: {send.text}, acknowledged at {send.send_time}")
        if send.outcome == ACKED and stored and stored[0].send_time != send.send_time:
            found.append(f"{chat}: moved: {send.text}, acknowledged at {send.send_time}, is at {stored[0].send_time}")
        if send.outcome == REFUSED and stored:
            found.append(f"{chat}: stored although refused: {send.text}")
        if stored and stored[0].sender != send.sender:
            found.append(f"{chat}: changed: {send.text} of {send.sender} is of {stored[0].sender}")
        if send.first_answers > 1:
            found.append(f"{chat}: {send.text} was answered duplicate=false {send.first_answers} times")
    return found + [f"{chat}: nobody sent {text!r}" for text in by_text]


def _of_real_time(sends):
    """Acknowledged before another began: its time is less (within a chat)."""
    found = []
    chats = collections.defaultdict(list)
    for send in sends:
        if send.outcome == ACKED:
            chats[send.chat].append(send)
    for chat, acked in chats.items():
        by_end = sorted(acked, key=lambda s: s.ended)
        latest, done = None, 0  # of those that had ended when `send` began, the one with the greatest time
        for send in sorted(acked, key=lambda s: s.began):
            while done < len(by_end) and by_end[done].ended < send.began:
                if latest is None or by_end[done].send_time > latest.send_time:
                    latest = by_end[done]
                done += 1
            if latest is not None and latest.send_time >= send.send_time:
                found.append(
                    f"{chat}: reordered: {latest.text} was acknowledged at {latest.send_time} before "
                    f"{send.text} was sent, which is at {send.send_time}"
                )
    return found


def _of_follower(name, pages, final):
    """What a follower saw, page after page, is how its chat begins: nothing skipped, nothing repeated."""
    if not pages:
        return []
    seen = [message for page in pages for message in page.messages]
    expected = final.get(pages[0].chat, [])
    for at, message in enumerate(seen):
        if at >= len(expected) or message != expected[at]:
            instead = expected[at] if at < len(expected) else None
            kind = "repeated" if message in seen[:at] else "skipped" if message in expected else "vanished"
            return [f"{name}: {kind}: message {at} was {message}, in the end it is {instead}"]
    return []


def _lasting(pages, history, final):
    """The pages without the messages that are gone and may be."""
    kept = {(page.chat, m) for page in pages for m in final.get(page.chat, [])}
    acked = {(s.chat, s.text, s.send_time) for s in history.sends if s.outcome == ACKED}
    return [
        dataclasses.replace(
            page,
            messages=tuple(
                m for m in page.messages if (page.chat, m) in kept or (page.chat, m.text, m.send_time) in acked
            ),
        )
        for page in pages
    ]


def _of_freshness(name, pages, sends):
    """A pull that was not cut shows everything that was acknowledged before it began."""
    if not pages:
        return []
    acked = sorted((s.ended, s.send_time, s.text) for s in sends if s.outcome == ACKED and s.chat == pages[0].chat)
    ends = [end for end, _, _ in acked]
    newest = []  # the greatest send_time of the first n + 1
    for _, send_time, text in acked:
        newest.append(max(newest[-1], (send_time, text)) if newest else (send_time, text))
    reached, found = 0, []
    for page in pages:
        reached = page.messages[-1].send_time if page.messages else reached
        known = bisect.bisect_left(ends, page.began)
        if known and not page.has_more and newest[known - 1][0] > reached:
            found.append(f"{name}: stale: a page that ended at {reached} left out {newest[known - 1]}")
    return found
