"""Names of chats, and who may send."""

import pytest

from support.client import new_chat
from support.errors import check_error

# U+0085 and U+2028 and so on: everything with the property White_Space.
WHITE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2005\u200a\u2028\u2029\u202f\u205f\u3000"
CONTROLS = "\0\x01\x08\t\n\r\x1b\x1f\x7f\x80\x85\x9f"

INVALID_MEMBERS = (
    ["", "x" * 65, "é" * 33, "日" * 22]
    + [f"{c}a" for c in WHITE]
    + [f"a{c}" for c in WHITE]
    + [f"a{c}b" for c in CONTROLS]
)
VALID_MEMBERS = [
    "a b",
    "x" * 64,
    "é" * 32,
    "\U0001f600" * 16,
    "日本",
    "}{",
    "a\u3000b",
    "\u200b",
    "\ufeffa",
    "%41",
    "a/b",
    '"',
    "\\",
    "*",
    "a,b",
    "\U0010ffff",
    "\ufffe",
]


def unique(member_length=8):
    return new_chat()[1][:member_length]


def test_both_spellings_are_one_chat(client, chat):
    a, z = chat.split(":")
    first = client.send(f"{z}:{a}", "1", sender=z)
    second = client.send(f"{a}:{z}", "2", sender=a)
    assert first["chat"] == second["chat"] == chat
    for spelling in (f"{a}:{z}", f"{z}:{a}"):
        page = client.pull(spelling)
        assert [m["text"] for m in page["messages"]] == ["1", "2"]
        assert {m["chat"] for m in page["messages"]} == {chat}


@pytest.mark.parametrize("lower, higher", [("B", "a"), ("a", "ab"), ("z", "é"), ("é", "日"), ("\uffee", "\U0001f600")])
def test_canonical_order_is_by_bytes(client, lower, higher):
    lower, higher = lower + unique(0), higher + unique(0)
    assert client.send(f"{higher}:{lower}", sender=lower)["chat"] == f"{lower}:{higher}"


def test_notes_to_oneself(client):
    _, a = new_chat()
    assert client.send(f"{a}:{a}", "note", sender=a)["chat"] == f"{a}:{a}"
    assert client.texts(f"{a}:{a}") == ["note"]


@pytest.mark.parametrize("name", ["", "group", ":", "a:", ":b", "a:b:c", "::", "a::b", ":a:b"])
def test_what_is_not_two_members_is_invalid(client, name):
    check_error(client.try_send(name, sender="a"), "invalid_chat")
    check_error(client.try_pull(name), "invalid_chat")


@pytest.mark.parametrize("member", INVALID_MEMBERS, ids=ascii)
def test_an_invalid_member_is_refused_on_either_side(client, member):
    for name in (f"{member}:b", f"b:{member}"):
        check_error(client.try_send(name, sender="b"), "invalid_chat")
        check_error(client.try_pull(name), "invalid_chat")


@pytest.mark.parametrize("member", VALID_MEMBERS, ids=ascii)
def test_a_valid_member_is_kept_as_it_is(client, member):
    other = unique()
    for sender in (member, other):
        client.send(f"{other}:{member}", "hi", sender=sender)
    assert [m["sender"] for m in client.pull(f"{member}:{other}")["messages"]] == [member, other]


@pytest.mark.parametrize(
    "name", ["}TAG:~", "{:~TAG", "{}TAG:~", "a{b}TAG:c", "c}:dTAG", "{{TAG:}}", "*TAG:?", "\\TAG:[", "}TAG:}x}"]
)
def test_names_are_no_syntax_of_a_store(client, name):
    """As hash tags, patterns and escapes are, wherever they stand in the name."""
    chat = name.replace("TAG", unique())
    stored = [client.send(chat, str(n), key=f"k{n}" if n else None) for n in range(3)]
    assert client.send(chat, "1", key="k1") == {**stored[1], "duplicate": True}
    assert client.texts(chat) == ["0", "1", "2"]


def test_an_absent_chat_is_invalid(client):
    check_error(client.post("/api/send", json={"text": "x", "sender": "a"}), "invalid_chat")
    check_error(client.get("/api/pull"), "invalid_chat")


def test_members_are_case_sensitive(client, chat):
    client.send(chat)
    check_error(client.try_pull(chat.upper()), "chat_not_found")


@pytest.mark.parametrize("prefix", ["", "a", "ab"])
def test_chats_whose_names_begin_alike_do_not_mix(client, prefix):
    """Names that are prefixes of one another, or sort beside one another, have messages of their own."""
    tag = unique()
    names = sorted(
        {":".join(sorted((f"{tag}{prefix}{x}", y))) for x in ("", "\x21", "~") for y in ("zz", "zz!", "zzz")}
    )
    for name in names:
        client.send(name, name)
    for name in names:
        assert client.texts(name) == [name]
        assert client.texts(name, reverse=True) == [name]


def test_each_member_may_send(client, chat):
    a, z = chat.split(":")
    for sender in (a, z):
        client.send(chat, sender, sender=sender)
    assert [m["sender"] for m in client.read_all(chat)] == [a, z]


@pytest.mark.parametrize("stranger", ["", "stranger", "{chat}", "{a} ", "{a}:", "{A}"])
def test_the_sender_is_one_of_the_two_members(client, chat, stranger):
    a = chat.split(":")[0]
    sender = stranger.format(chat=chat, a=a, A=a.upper() + "X")
    check_error(client.try_send(chat, sender=sender), "sender_not_in_chat")


def test_an_absent_sender_is_in_no_chat(client, chat):
    check_error(client.post("/api/send", json={"chat": chat, "text": "x"}), "sender_not_in_chat")
