"""Clients as people use them: curl, and python3-requests as it comes."""

import json
import subprocess

import pytest
import requests

from support.build import scaled


def curl(*arguments):
    """Status and body of a curl run."""
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "-w", "\n%{http_code}", *arguments],
        capture_output=True,
        timeout=scaled(30),
        check=True,
    )
    body, status = done.stdout.decode().rsplit("\n", 1)
    return int(status), body


def test_curl_ping(deployment):
    assert curl(f"{deployment.url}/ping") == (200, '{"message":"pong"}')


def test_curl_sends_and_pulls_json(deployment, chat):
    a = chat.split(":")[0]
    body = json.dumps({"chat": chat, "text": "hi", "sender": a})
    status, answer = curl("-d", body, "-H", "Content-Type: application/json", f"{deployment.url}/api/send")
    assert (status, json.loads(answer)["chat"]) == (200, chat)
    status, answer = curl("--json", body, f"{deployment.url}/api/send")
    assert status == 200
    status, answer = curl("-G", "--data-urlencode", f"chat={chat}", f"{deployment.url}/api/pull")
    assert [m["text"] for m in json.loads(answer)["messages"]] == ["hi", "hi"]


def test_curl_sends_a_form_with_its_defaults(deployment, chat):
    a = chat.split(":")[0]
    status, _ = curl(
        "--data-urlencode",
        f"chat={chat}",
        "--data-urlencode",
        "text=a & b",
        "-d",
        f"sender={a}",
        f"{deployment.url}/api/send",
    )
    assert status == 200


def test_curl_puts_a_body_on_a_get_as_the_templates_clients_do(deployment, client, chat):
    client.send(chat, "hi")
    status, answer = curl(
        "-X",
        "GET",
        "-d",
        json.dumps({"chat": chat, "cursor": 0, "limit": 10, "reverse": True}),
        "-H",
        "Content-Type: application/json",
        f"{deployment.url}/api/pull",
    )
    assert status == 200
    assert [m["text"] for m in json.loads(answer)["messages"]] == ["hi"]


@pytest.mark.parametrize(
    "fields",
    [["Expect: 100-continue"], ["Transfer-Encoding: chunked"], ["Transfer-Encoding: chunked", "Expect: 100-continue"]],
)
def test_curl_sends_a_large_body(deployment, client, chat, fields, tmp_path):
    """curl waits a second where Expect is not answered: with a time limit below that, an answer is proven."""
    file = tmp_path / "body"
    file.write_text(json.dumps({"chat": chat, "text": "x" * 60000, "sender": chat.split(":")[0]}))
    headers = [part for field in fields for part in ("-H", field)]
    status, body = curl(
        "--data-binary",
        f"@{file}",
        "-H",
        "Content-Type: application/json",
        "--expect100-timeout",
        "20",
        "--max-time",
        str(scaled(10)),
        *headers,
        f"{deployment.url}/api/send",
    )
    assert status == 200, body
    assert client.texts(chat) == ["x" * 60000]


def test_curl_reads_the_refusal_of_a_body_too_large(deployment, tmp_path):
    file = tmp_path / "body"
    file.write_bytes(b"x" * (8 << 20))
    status, body = curl(
        "--data-binary",
        f"@{file}",
        "-H",
        "Content-Type: application/json",
        "-H",
        "Expect:",
        f"{deployment.url}/api/send",
    )
    assert (status, json.loads(body)["code"]) == (413, "body_too_large")


def test_curl_http_1_0_and_head(deployment):
    assert curl("--http1.0", f"{deployment.url}/ping")[0] == 200
    assert curl("--head", f"{deployment.url}/ping")[0] == 200


def test_curl_asking_for_http_2_is_served_by_1_1(deployment):
    assert curl("--http2", f"{deployment.url}/ping")[0] == 200


def test_curl_reuses_its_connection(deployment):
    done = subprocess.run(
        [
            "curl",
            "-sS",
            "--noproxy",
            "*",
            "-w",
            "%{num_connects} ",
            "-o",
            "/dev/null",
            "-o",
            "/dev/null",
            f"{deployment.url}/ping",
            f"{deployment.url}/ping",
        ],
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().split() == ["1", "0"]


def test_requests_streams_a_body(deployment, client, chat):
    """An iterator makes requests use chunks."""
    body = json.dumps({"chat": chat, "text": "streamed", "sender": chat.split(":")[0]}).encode()
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"{deployment.url}/api/send",
            data=iter([body[:5], body[5:20], body[20:]]),
            headers={"Content-Type": "application/json"},
            timeout=scaled(20),
        )
    assert answer.status_code == 200
    assert client.texts(chat) == ["streamed"]
