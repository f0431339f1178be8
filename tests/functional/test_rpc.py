"""The Thrift service through Apache Thrift's own client: what calls mean, in each of its wire forms."""

import pytest

from support import protobuf
from support.rpc import FORMS, generated, pull_request, send_request, thrift_client

# The numbers of the error table that a call may answer.
INVALID_CHAT, SENDER_NOT_IN_CHAT, INVALID_TEXT, TEXT_TOO_LONG, INVALID_CURSOR, INVALID_LIMIT = 2, 3, 4, 5, 6, 7
INVALID_KEY, CHAT_NOT_FOUND, CONFLICT = 8, 9, 10
MALFORMED, NOT_SUPPORTED = 1, 24


@pytest.fixture(params=FORMS)
def rpc(deployment, request):
    with thrift_client(deployment.rpc, request.param) as made:
        yield made


def test_send_and_pull(rpc, chat):
    sent = rpc.Send(send_request(chat, "one"))
    assert (sent.Code, sent.Msg, sent.Chat, sent.Duplicate) == (0, "success", chat, False)
    later = rpc.Send(send_request(chat, "two", sender="z"))
    assert later.SendTime > sent.SendTime
    page = rpc.Pull(pull_request(chat))
    assert (page.Code, page.Msg) == (0, "success")
    assert [(m.Chat, m.Text, m.Sender, m.SendTime) for m in page.Messages] == [
        (chat, "one", chat[:-2], sent.SendTime),
        (chat, "two", "z", later.SendTime),
    ]
    assert (page.HasMore, page.NextCursor) == (False, later.SendTime + 1)


def called(rpc, name, request, answer):
    """What a call by name answers: (code, its message)."""
    reply = rpc.Call(generated().ttypes.CallRequest(name, request.SerializeToString()))
    if reply.Code != 0:
        assert reply.Msg and reply.Message is None
        return reply.Code, None
    assert reply.Msg == "success"
    return 0, answer.FromString(reply.Message)


def test_any_call_by_its_name(rpc, chat):
    api = protobuf.messages()
    member = chat[:-2]
    request = api.SendRequest(chat=f"z:{member}", text="hi", sender="z", idempotency_key="k")
    code, sent = called(rpc, "Send", request, api.SendResponse)
    assert (code, sent.chat, sent.duplicate) == (0, chat, False)
    assert called(rpc, "Send", request, api.SendResponse)[1].duplicate
    assert rpc.Send(send_request(chat, "hi", sender="z", key="k")).SendTime == sent.send_time
    to_receiver = api.SendRequest(text="ho", sender=member, receiver="z")
    assert called(rpc, "Send", to_receiver, api.SendResponse)[1].chat == chat

    code, page = called(rpc, "Pull", api.PullRequest(chat=chat, limit=1), api.PullResponse)
    own = rpc.Pull(pull_request(chat, 0, 1))
    assert [(m.chat, m.text, m.sender, m.send_time) for m in page.messages] == [
        (m.Chat, m.Text, m.Sender, m.SendTime) for m in own.Messages
    ]
    assert (page.has_more, page.next_cursor) == (own.HasMore, own.NextCursor)


def test_a_call_by_name_fails_as_by_its_own_method(rpc, chat):
    api = protobuf.messages()
    wrong = api.SendRequest(chat=chat, text="hi", sender="nobody")
    assert called(rpc, "Send", wrong, api.SendResponse)[0] == SENDER_NOT_IN_CHAT
    assert called(rpc, "Pull", api.PullRequest(chat="a"), api.PullResponse)[0] == INVALID_CHAT
    assert called(rpc, "Pull", api.PullRequest(chat=chat), api.PullResponse)[0] == CHAT_NOT_FOUND
    call = generated().ttypes.CallRequest
    assert rpc.Call(call("Pull", b"\xff")).Code == MALFORMED
    assert rpc.Call(call("pull", b"")).Code == NOT_SUPPORTED
    assert rpc.Call(call("", b"")).Code == NOT_SUPPORTED


def test_the_canonical_chat(rpc, chat):
    member = chat[:-2]
    assert rpc.Send(send_request(f"z:{member}", sender="z")).Chat == chat
    assert rpc.Pull(pull_request(f"z:{member}")).Messages[0].Chat == chat


def test_pages_in_both_directions(rpc, chat):
    times = [rpc.Send(send_request(chat, f"text {n}")).SendTime for n in range(5)]
    page = rpc.Pull(pull_request(chat, times[1], 2))
    assert [m.SendTime for m in page.Messages] == times[1:3]
    assert (page.HasMore, page.NextCursor) == (True, times[2] + 1)
    back = rpc.Pull(pull_request(chat, times[1], 0, True))
    assert [m.SendTime for m in back.Messages] == [times[1], times[0]]
    assert (back.HasMore, back.NextCursor) == (False, times[0] - 1)
    beyond = rpc.Pull(pull_request(chat, times[-1] + 1))
    assert (beyond.Messages, beyond.HasMore, beyond.NextCursor) == ([], False, times[-1] + 1)


def test_an_idempotency_key(rpc, chat):
    first = rpc.Send(send_request(chat, key="k"))
    again = rpc.Send(send_request(chat, key="k"))
    assert (again.SendTime, again.Duplicate) == (first.SendTime, True)
    other = rpc.Send(send_request(chat, "other", key="k"))
    assert other.Code == CONFLICT and other.Msg
    assert (other.Chat, other.SendTime, other.Duplicate) == (None, None, None)
    assert rpc.Send(send_request(chat, key="")).Duplicate is False


def test_texts_survive_unchanged(rpc, chat):
    texts = ["a\0b", "日本 🙂", "x" * 65536, "\r\n\t"]
    for text in texts:
        assert rpc.Send(send_request(chat, text)).Code == 0
    assert [m.Text for m in rpc.Pull(pull_request(chat)).Messages] == texts


@pytest.mark.parametrize(
    "request_of, code",
    [
        (lambda chat: send_request("nobody"), INVALID_CHAT),
        (lambda chat: send_request("", sender=""), INVALID_CHAT),
        (lambda chat: send_request(chat, sender="eve"), SENDER_NOT_IN_CHAT),
        (lambda chat: send_request(chat, ""), INVALID_TEXT),
        (lambda chat: send_request(chat, "x" * 65537), TEXT_TOO_LONG),
        (lambda chat: send_request(chat, key="k" * 129), INVALID_KEY),
    ],
)
def test_a_send_that_is_wrong(rpc, chat, request_of, code):
    answer = rpc.Send(request_of(chat))
    assert answer.Code == code and answer.Msg, answer
    assert (answer.Chat, answer.SendTime, answer.Duplicate) == (None, None, None)
    assert rpc.Pull(pull_request(chat)).Code == CHAT_NOT_FOUND, "nothing was stored"


@pytest.mark.parametrize("cursor, limit, code", [(-1, 0, INVALID_CURSOR), (0, -1, INVALID_LIMIT)])
def test_a_pull_that_is_wrong(rpc, chat, cursor, limit, code):
    answer = rpc.Pull(pull_request(chat, cursor, limit))
    assert answer.Code == code and answer.Msg
    assert (answer.Messages, answer.HasMore, answer.NextCursor) == (None, None, None)


def test_http_and_rpc_show_the_same(rpc, client, chat):
    time = client.send(chat, "by http", key="k")["send_time"]
    assert rpc.Send(send_request(chat, "by http", key="k")).SendTime == time
    rpc.Send(send_request(chat, "by rpc"))
    assert client.texts(chat) == [m.Text for m in rpc.Pull(pull_request(chat)).Messages] == ["by http", "by rpc"]


def test_ready_says_which_store(rpc, start, tmp_path):
    ready = rpc.Ready(generated().ttypes.ReadyRequest())
    assert (ready.Code, ready.Msg) == (0, "success")
    assert ready.StoreId
    with thrift_client(start().rpc) as other:
        assert other.Ready(generated().ttypes.ReadyRequest()).StoreId not in (None, ready.StoreId)


def test_many_calls_on_one_connection(rpc, chat):
    for n in range(300):
        assert rpc.Send(send_request(chat, str(n))).Code == 0
    assert [m.Text for m in rpc.Pull(pull_request(chat, limit=1000)).Messages] == [str(n) for n in range(300)]
