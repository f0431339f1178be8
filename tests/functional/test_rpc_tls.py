"""TLS on the RPC port, with client certificates and without."""

import socket
import ssl

import pytest

from support.build import duration, scaled
from support.command import parley
from support.deployment import Gateway
from support.pki import authority, certificate
from support.rpc import RpcConnection, call, result, send_request, ttheader
from support.wait import eventually

UNTRUSTED = (ssl.SSLError, ConnectionResetError, BrokenPipeError, EOFError)


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """A folder with NAME.pem and NAME.key: ca, which signed node, gateway and elsewhere; and other, which signed stranger."""
    folder = tmp_path_factory.mktemp("pki")
    for name in ("ca", "other"):
        authority(folder, name)
    for name, signer in (("node", "ca"), ("gateway", "ca"), ("stranger", "other")):
        certificate(folder, name, signer)
    certificate(folder, "elsewhere", "ca", "DNS:elsewhere.example,IP:127.0.0.9")
    return folder


@pytest.fixture(scope="module")
def mutual(start_shared, pki):
    return start_shared(*files(pki), "--rpc-tls-ca", pki / "ca.pem", "--body-timeout", duration(2))


def files(pki):
    return "--rpc-tls-cert", pki / "node.pem", "--rpc-tls-key", pki / "node.key"


def over_tls(running, pki, name=None, least=None, most=None):
    """A connection whose handshake is done, as the owner of this certificate."""
    context = ssl.create_default_context(cafile=pki / "ca.pem")
    if name:
        context.load_cert_chain(pki / f"{name}.pem", pki / f"{name}.key")
    if least:
        context.minimum_version = least
    if most:
        context.maximum_version = most
    connection = RpcConnection(running.rpc)
    connection._socket = context.wrap_socket(
        connection._socket, server_hostname="localhost", suppress_ragged_eofs=False
    )
    return connection


def sends(connection, chat, text="hi"):
    connection.send(ttheader(call("Send", send_request(chat, text), 5), 5))
    answer = connection.ttheader()
    return answer.sequence_id == 5 and result("Send", answer.payload).Code == 0


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_with_a_certificate_is_served(mutual, pki, chat, version):
    with over_tls(mutual, pki, "gateway", version, version) as connection:
        assert sends(connection, chat)
        assert sends(connection, chat, "x" * 65536)


def test_many_messages_larger_than_a_record(mutual, pki, chat):
    with over_tls(mutual, pki, "gateway") as connection:
        connection.send(b"".join(ttheader(call("Send", send_request(chat, "x" * 60000), n), n) for n in range(30)))
        assert sorted(connection.ttheader().sequence_id for _ in range(30)) == list(range(30))


@pytest.mark.parametrize("name", [None, "stranger"])
def test_any_other_client_is_not(mutual, pki, chat, name):
    """In TLS 1.3 a client learns of it when it reads."""
    before = len(mutual.stderr)
    with pytest.raises(UNTRUSTED):
        with over_tls(mutual, pki, name) as connection:
            sends(connection, chat)
    eventually(lambda: "the TLS handshake failed" in mutual.stderr[before:], "a line in the log")


def test_a_client_in_the_clear_is_not(mutual, chat):
    with RpcConnection(mutual.rpc) as connection:
        connection.send(ttheader(call("Send", send_request(chat)), 1))
        assert b"Send" not in connection.rest()


def test_a_handshake_that_does_not_end_is_cut(mutual):
    with RpcConnection(mutual.rpc) as connection:
        connection.send(b"\x16\x03\x01")
        assert connection.closed()


def test_without_an_authority_clients_need_no_certificate(start, pki, chat):
    running = start(*files(pki))
    with over_tls(running, pki) as connection:
        assert sends(connection, chat)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions_are_refused(mutual, pki):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(mutual.rpc, scaled(20)) as plain, pytest.raises(UNTRUSTED):
        context.wrap_socket(plain)


def test_a_drain_ends_tls_connections_in_good_order(start, pki, chat):
    running = start(*files(pki))
    with over_tls(running, pki) as connection, RpcConnection(running.rpc) as mute:
        assert sends(connection, chat)
        running.send_signal()
        assert connection.rest() == b""  # a close without notice would be an error
        assert mute.closed()
    assert running.wait() == 0


@pytest.mark.parametrize(
    "cert, key, word",
    [
        ("absent.pem", "node.key", "absent.pem"),
        ("node.pem", "absent.key", "absent.key"),
        ("node.key", "node.key", "node.key"),
        ("node.pem", "gateway.key", "gateway.key"),
    ],
)
def test_files_that_cannot_be_used_are_named(tmp_path, pki, cert, key, word):
    outcome = parley(
        "serve",
        "--rpc",
        "127.0.0.1:0",
        "--store",
        "memory:",
        "--rpc-tls-cert",
        pki / cert,
        "--rpc-tls-key",
        pki / key,
        cwd=tmp_path,
    )
    assert outcome.code == 1 and word in outcome.err, outcome


# A gateway and its node over TLS ---------------------------------------------------------------------------------------


def trusting(pki, name=None):
    """What a gateway is given to know its nodes by, and to show them."""
    shown = ("--rpc-tls-cert", pki / f"{name}.pem", "--rpc-tls-key", pki / f"{name}.key") if name else ()
    return "--rpc-tls-ca", pki / "ca.pem", *shown


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_gateway_with_a_certificate_is_served(mutual, tmp_path, pki, client_of, chat, host):
    gateway = Gateway(tmp_path / "gateway", *trusting(pki, "gateway"), backend=f"thrifts://{host}:{mutual.rpc[1]}")
    client = client_of(gateway.start())
    times = [client.send(chat, "x" * 60000)["send_time"] for _ in range(15)]
    assert [m["send_time"] for m in client.pull(chat, limit=20)["messages"]] == times
    gateway.stop()


def refused(tmp_path, pki, node, given):
    """The line of a gateway that finds no node which it may use."""
    outcome = parley(
        "serve",
        "--http",
        "127.0.0.1:0",
        "--backend",
        f"thrifts://127.0.0.1:{node.rpc[1]}",
        "--backend-timeout",
        duration(2),
        *trusting(pki, given),
        cwd=tmp_path,
    )
    assert outcome.code == 1, outcome
    return outcome.err.splitlines()[-1]


@pytest.mark.parametrize("given", ["stranger", None])
def test_a_gateway_with_any_other_certificate_is_not_served(mutual, tmp_path, pki, given):
    assert str(mutual.rpc[1]) in refused(tmp_path, pki, mutual, given)


def test_a_node_of_another_name_is_not_used(start, tmp_path, pki):
    node = start("--rpc-tls-cert", pki / "elsewhere.pem", "--rpc-tls-key", pki / "elsewhere.key")
    assert "the TLS handshake failed" in refused(tmp_path, pki, node, "gateway")


def test_a_node_in_the_clear_is_not_used(start, tmp_path, pki):
    assert "the TLS handshake failed" in refused(tmp_path, pki, start(), "gateway")


def test_a_gateway_that_trusts_nobody_is_told_what_it_needs(tmp_path):
    outcome = parley("serve", "--http", "127.0.0.1:0", "--backend", "thrifts://127.0.0.1:1", cwd=tmp_path)
    assert outcome.code == 2 and "--rpc-tls-ca" in outcome.err, outcome
