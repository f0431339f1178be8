"""GET and POST /api/pull: how a request may be written, and what is answered."""

import json

import pytest

from support.errors import check_error
from support.protobuf import MEDIA_TYPE, messages

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def three(client, chat):
    """A chat with the texts 1, 2, 3, and their times."""
    return chat, [client.send(chat, str(n))["send_time"] for n in (1, 2, 3)]


def ask(client, how, values):
    """The answer to a pull written in one of the ways that the contract lists."""
    method, kind = how.split()
    if kind == "query":
        return client.request(method, "/api/pull", params={k: spell(v) for k, v in values.items()})
    if kind == "json":
        return client.request(method, "/api/pull", data=json.dumps(values), headers={"Content-Type": JSON})
    if kind == "form":
        values = {k: spell(v) for k, v in values.items()}
        return client.request(method, "/api/pull", data=values, headers={"Content-Type": FORM})
    body = messages().PullRequest(**values).SerializeToString()
    return client.request(method, "/api/pull", data=body, headers={"Content-Type": MEDIA_TYPE})


def spell(value):
    return str(value).lower() if isinstance(value, bool) else value


WAYS = [f"{method} {kind}" for method in ("GET", "POST") for kind in ("query", "json", "form", "protobuf")]


@pytest.mark.parametrize("how", WAYS)
def test_every_encoding_carries_every_parameter(client, three, how):
    chat, times = three
    answer = ask(client, how, {"chat": chat, "cursor": times[2], "limit": 2, "reverse": True})
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert [m["text"] for m in page["messages"]] == ["3", "2"]
    assert page["has_more"] is True
    assert page["next_cursor"] == times[1] - 1


@pytest.mark.parametrize("how", WAYS)
def test_every_encoding_has_the_same_defaults(client, three, how):
    chat, times = three
    page = ask(client, how, {"chat": chat}).json()
    assert [m["text"] for m in page["messages"]] == ["1", "2", "3"]
    assert page["has_more"] is False
    assert page["next_cursor"] == times[2] + 1


def test_answers_with_every_field(client, three):
    chat, times = three
    answer = client.try_pull(chat, limit=1)
    assert answer.headers["Content-Type"].split(";")[0] == JSON
    assert answer.json() == {
        "messages": [{"chat": chat, "text": "1", "sender": chat.split(":")[0], "send_time": times[0]}],
        "has_more": True,
        "next_cursor": times[0] + 1,
    }


def test_an_empty_page_is_an_empty_list(client, three):
    chat, times = three
    assert client.pull(chat, cursor=times[2] + 1) == {"messages": [], "has_more": False, "next_cursor": times[2] + 1}


def test_integers_may_be_strings_in_json(client, three):
    chat, times = three
    page = ask(client, "POST json", {"chat": chat, "cursor": str(times[1]), "limit": "1"}).json()
    assert [m["text"] for m in page["messages"]] == ["2"]


@pytest.mark.parametrize(
    "spelling, reverse",
    [("true", True), ("TRUE", True), ("True", True), ("1", True), ("false", False), ("False", False), ("0", False)],
)
def test_booleans_in_a_query_or_form(client, three, spelling, reverse):
    expected = ["3", "2", "1"] if reverse else ["1", "2", "3"]
    chat, _ = three
    for how in ("GET query", "POST form"):
        page = ask(client, how, {"chat": chat, "reverse": spelling}).json()
        assert [m["text"] for m in page["messages"]] == expected


@pytest.mark.parametrize("value", ["yes", "2", "-1", "t", "on", "truex"])
def test_what_is_no_boolean_is_malformed(client, chat, value):
    check_error(client.try_pull(chat, reverse=value), "malformed_request")


@pytest.mark.parametrize("value", ["true", 1, 0, "1", [], {}])
def test_what_is_no_json_boolean_is_malformed_or_understood(client, three, value):
    """JSON has booleans of its own: anything else is refused or means what it means in a query, never something else."""
    chat, _ = three
    answer = ask(client, "POST json", {"chat": chat, "reverse": value})
    if answer.status_code == 200:
        assert value in ("true", 1, 0, "1")
        assert [m["text"] for m in answer.json()["messages"]] == (["1", "2", "3"] if value == 0 else ["3", "2", "1"])
    else:
        check_error(answer, "malformed_request")


@pytest.mark.parametrize(
    "name, value",
    [
        ("cursor", 2**63),
        ("cursor", -(2**63) - 1),
        ("cursor", 10**30),
        ("cursor", 1.5),
        ("limit", 2**31),
        ("limit", -(2**31) - 1),
        ("limit", 2**32 + 1),
        ("limit", 1e300),
    ],
)
def test_a_number_outside_its_type_is_malformed(client, chat, name, value):
    check_error(client.try_pull(chat, **{name: repr(value)}), "malformed_request")
    check_error(ask(client, "POST json", {"chat": chat, name: value}), "malformed_request")
    check_error(ask(client, "POST json", {"chat": chat, name: repr(value)}), "malformed_request")


@pytest.mark.parametrize("value", ["abc", "1x", "x1", "0x10", " 1", "1 ", "+", "--1", "1e3"])
def test_what_is_no_number_is_malformed(client, chat, value):
    check_error(client.try_pull(chat, cursor=value), "malformed_request")
    check_error(ask(client, "POST json", {"chat": chat, "limit": value}), "malformed_request")


@pytest.mark.parametrize("value", [True, [], {}, [1]])
def test_a_number_field_of_another_json_type_is_malformed(client, chat, value):
    check_error(ask(client, "POST json", {"chat": chat, "cursor": value}), "malformed_request")


def test_the_largest_numbers_are_taken(client, three):
    chat, _ = three
    assert client.pull(chat, cursor=2**63 - 1, limit=2**31 - 1) == {
        "messages": [],
        "has_more": False,
        "next_cursor": 2**63 - 1,
    }
    page = client.pull(chat, cursor=2**63 - 1, reverse="true")
    assert [m["text"] for m in page["messages"]] == ["3", "2", "1"]


def test_null_is_absent(client, three):
    chat, _ = three
    page = ask(client, "POST json", {"chat": chat, "cursor": None, "limit": None, "reverse": None}).json()
    assert len(page["messages"]) == 3


def test_the_body_on_a_get_wins_over_the_query(client, three):
    chat, _ = three
    answer = client.get("/api/pull?chat=x:y&limit=1&reverse=1", json={"chat": chat, "reverse": False})
    assert [m["text"] for m in answer.json()["messages"]] == ["1"]


def test_of_a_repeated_parameter_the_last_counts(client, three):
    chat, _ = three
    answer = client.get(f"/api/pull?chat=x:y&limit=1&chat={chat}&limit=2")
    assert [m["text"] for m in answer.json()["messages"]] == ["1", "2"]


def test_json_keys_match_case_insensitively(client, three):
    chat, times = three
    body = {"CHAT": chat, "Cursor": times[1], "lImIt": 1}
    assert [m["text"] for m in ask(client, "GET json", body).json()["messages"]] == ["2"]


def test_other_methods_are_not_allowed(client, chat):
    for method in ("PUT", "DELETE", "PATCH"):
        answer = client.request(method, "/api/pull", params={"chat": chat})
        check_error(answer, "method_not_allowed")
        assert {"GET", "POST"} <= {m.strip() for m in answer.headers["Allow"].split(",")}
