"""HTTPS: the listener, its files that are read again, and the commands that speak it."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest
import requests

from support.build import duration, scaled
from support.command import parley
from support.pki import authority, certificate
from support.prometheus import Metrics
from support.wait import eventually

REFUSED = (ssl.SSLError, ConnectionResetError, BrokenPipeError, EOFError)


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """A folder with NAME.pem and NAME.key: ca, which signed server, renewed, client and elsewhere; and other, which
    signed stranger."""
    folder = tmp_path_factory.mktemp("pki")
    for name in ("ca", "other"):
        authority(folder, name)
    for name, signer in (("server", "ca"), ("renewed", "ca"), ("client", "ca"), ("stranger", "other")):
        certificate(folder, name, signer)
    certificate(folder, "elsewhere", "ca", "DNS:elsewhere.example")
    certificate(folder, "expired", "ca", days=-1)
    return folder


def files(pki, name="server", use="http"):
    return f"--{use}-tls-cert", pki / f"{name}.pem", f"--{use}-tls-key", pki / f"{name}.key"


@pytest.fixture(scope="module")
def https(start_shared, pki):
    return start_shared(*files(pki), "--header-timeout", duration(2))


@pytest.fixture(scope="module")
def mutual(start_shared, pki):
    return start_shared(*files(pki), "--http-tls-ca", pki / "ca.pem")


def session_of(pki, client=None):
    """Keeps its connections, as a browser does."""
    session = requests.Session()
    session.trust_env = False
    session.verify = pki / "ca.pem"
    if client:
        session.cert = (pki / f"{client}.pem", pki / f"{client}.key")
    return session


def url(running, path="", host="localhost"):
    return f"https://{host}:{running.http[1]}{path}"


def context_of(pki, client=None, version=None):
    context = ssl.create_default_context(cafile=pki / "ca.pem")
    if client:
        context.load_cert_chain(pki / f"{client}.pem", pki / f"{client}.key")
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def connect(running, context, session=None):
    plain = socket.create_connection(running.http, scaled(20))
    return context.wrap_socket(plain, server_hostname="localhost", session=session, suppress_ragged_eofs=False)


def ask(connection, path="/ping"):
    """The answer's bytes, whose body has a length."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return read_answer(connection)


def read_answer(connection):
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(65536) or pytest.fail(f"it ended after {got!r}")
    head, body = got.split(b"\r\n\r\n", 1)
    length = int(
        next(line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    )
    while len(body) < length:
        body += connection.recv(65536) or pytest.fail("it ended inside the body")
    return head + b"\r\n\r\n" + body


def shown(running):
    """The certificate that a new connection is shown."""
    return ssl.get_server_certificate(running.http)


def test_calls_over_tls(https, pki, chat):
    assert https.ready_line.startswith("ready http=127.0.0.1:")
    with session_of(pki) as session:
        member = chat.split(":")[0]
        text = "x" * 60000
        for _ in range(15):
            sent = session.post(url(https, "/api/send"), json={"chat": chat, "text": text, "sender": member})
            assert sent.status_code == 200, sent.text
        page = session.get(url(https, "/api/pull"), params={"chat": chat, "limit": 100}).json()
        assert [m["text"] for m in page["messages"]] == [text] * 15


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_and_protocol(https, pki, version):
    context = context_of(pki, version=version)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with connect(https, context) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"
        assert b'{"message":"pong"}' in ask(connection)
        name, _, bits = connection.cipher()
        assert ("GCM" in name or "CHACHA20" in name) and bits >= 128


def test_a_client_of_another_protocol_is_refused(https, pki):
    context = context_of(pki)
    context.set_alpn_protocols(["h2"])
    with pytest.raises(REFUSED):
        connect(https, context)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions_are_refused(https, pki):
    context = context_of(pki)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(REFUSED):
        connect(https, context)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed_on_every_loop_and_across_a_reload(start, tmp_path, pki, version):
    copied(pki, tmp_path, "server")
    running = start(*files(tmp_path, "live"), "--threads", "2")
    context = context_of(pki, version=version)
    session = None
    for turn in range(6):
        with connect(running, context, session) as connection:
            ask(connection)
            assert connection.session_reused == (turn > 0), turn
            session = connection.session
        if turn == 2:
            copied(pki, tmp_path, "renewed")
            hang_up(running)


def test_http_in_the_clear_is_told_so(https):
    for method in ("GET", "OPTIONS", "POST"):
        with socket.create_connection(https.http, scaled(20)) as connection:
            connection.sendall(f"{method} /ping HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            answer = connection.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 400 ") and b"https://" in answer, answer


def test_tls_sent_to_a_plain_listener_is_told_of(deployment, pki):
    before = len(deployment.stderr)
    with pytest.raises(REFUSED):
        connect(deployment, context_of(pki))
    eventually(lambda: "TLS" in deployment.stderr[before:], "a line in the log")


def test_a_handshake_that_does_not_end_is_cut_and_counted(https):
    before = failures(https)
    with socket.create_connection(https.http, scaled(20)) as connection:
        connection.sendall(b"\x16\x03\x01")
        assert connection.recv(1) == b""
    eventually(lambda: failures(https) > before, "a failure that is counted")


def scrape(running):
    return Metrics(requests.get(running.admin_url + "/metrics", timeout=scaled(30)).text)


def failures(running):
    return scrape(running).total("parley_http_tls_handshake_failures_total", listener="http")


def test_a_connection_in_its_handshake_counts_against_the_limit(start, pki):
    running = start(*files(pki), "--max-connections", "2")
    mute = [socket.create_connection(running.http, scaled(20)) for _ in range(2)]
    eventually(lambda: scrape(running).total("parley_http_connections", listener="http") == 2, "both are there")
    with session_of(pki) as session:
        assert session.get(url(running, "/ping")).status_code == 503
    for connection in mute:
        connection.close()


def test_the_servers_own_origin_is_https(https, pki):
    with session_of(pki) as session:
        own = session.get(url(https, "/ping"), headers={"Origin": url(https)})
        other = session.get(url(https, "/ping"), headers={"Origin": url(https).replace("https", "http")})
    assert (own.status_code, other.status_code) == (200, 403)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_with_an_authority_clients_need_a_certificate(mutual, pki, version):
    with connect(mutual, context_of(pki, "client", version)) as connection:
        assert b"pong" in ask(connection)
    for client in (None, "stranger"):
        with pytest.raises(REFUSED), connect(mutual, context_of(pki, client, version)) as connection:
            ask(connection)
            pytest.fail("it was served")


# Files ------------------------------------------------------------------------------------------------------------------


def copied(pki, folder, name, use="live"):
    """Puts the pair NAME in place as USE.pem and USE.key, whole file by whole file."""
    for kind in ("pem", "key"):
        shutil.copy(pki / f"{name}.{kind}", folder / f"new.{kind}")
        os.replace(folder / f"new.{kind}", folder / f"{use}.{kind}")


def hang_up(running, word="read again"):
    before = len(running.stderr)
    running.send_signal(signal.SIGHUP)
    eventually(lambda: word in running.stderr[before:], f"{word!r} in the log")


def expiry(running, use="http"):
    return scrape(running).total("parley_tls_certificate_expiry_timestamp_seconds", use=use)


def reloads(running, result, use="http"):
    return scrape(running).total("parley_tls_reloads_total", use=use, result=result)


def test_changed_files_are_read_again_and_connections_go_on(start, tmp_path, pki):
    copied(pki, tmp_path, "server")
    running = start(*files(tmp_path, "live"))
    assert expiry(running) > time.time()
    with connect(running, context_of(pki)) as connection:
        ask(connection)
        old = shown(running)
        copied(pki, tmp_path, "renewed")
        eventually(lambda: shown(running) != old, "the new certificate")
        assert shown(running) == (pki / "renewed.pem").read_text()
        assert b"pong" in ask(connection)
        assert reloads(running, "ok") == 1


def test_files_behind_a_link_that_moves_are_read_again(start, tmp_path, pki):
    """As Kubernetes changes a secret that is mounted."""
    for name in ("server", "renewed"):
        (tmp_path / name).mkdir()
        copied(pki, tmp_path / name, name)
    (tmp_path / "data").symlink_to("server")
    for kind in ("pem", "key"):
        (tmp_path / f"live.{kind}").symlink_to(f"data/live.{kind}")
    running = start(*files(tmp_path, "live"))
    old = shown(running)
    (tmp_path / "next").symlink_to("renewed")
    os.replace(tmp_path / "next", tmp_path / "data")
    eventually(lambda: shown(running) != old, "the new certificate")


def test_bad_new_files_leave_the_old_ones_in_force(start, tmp_path, pki):
    copied(pki, tmp_path, "server")
    running = start(*files(tmp_path, "live"))
    old = shown(running)
    (tmp_path / "live.pem").write_text("nonsense")
    running.await_log("the old ones stay in force")
    shutil.copy(pki / "renewed.pem", tmp_path / "live.pem")  # and the key of the other
    hang_up(running, "the old ones stay in force")
    assert shown(running) == old and reloads(running, "failed") >= 2
    shutil.copy(pki / "renewed.key", tmp_path / "live.key")
    eventually(lambda: shown(running) != old, "the new certificate")


def test_a_new_authority_holds_for_sessions_that_go_on(start, tmp_path, pki):
    shutil.copy(pki / "ca.pem", tmp_path / "clients.pem")
    running = start(*files(pki), "--http-tls-ca", tmp_path / "clients.pem")
    context = context_of(pki, "client")
    with connect(running, context) as connection:
        ask(connection)
        session = connection.session
    shutil.copy(pki / "other.pem", tmp_path / "clients.pem")
    hang_up(running)
    with pytest.raises(REFUSED), connect(running, context, session) as connection:
        ask(connection)
        pytest.fail("it was served")


def test_a_hang_up_does_not_end_a_server_without_files(start):
    running = start()
    running.send_signal(signal.SIGHUP)
    assert requests.get(running.url + "/ping", timeout=scaled(30)).status_code == 200


@pytest.mark.own_store  # a gateway of the tests has no listener for RPC
def test_the_rpc_services_files_are_read_again(start, tmp_path, pki):
    copied(pki, tmp_path, "server")
    running = start(*files(tmp_path, "live", "rpc"))
    copied(pki, tmp_path, "renewed")
    renewed = (pki / "renewed.pem").read_text()
    eventually(lambda: ssl.get_server_certificate(running.rpc) == renewed, "the new certificate")
    assert reloads(running, "ok", "rpc") == 1


@pytest.mark.parametrize("cert, key", [("absent", "server"), ("server", "absent"), ("server", "renewed")])
def test_a_bad_pair_is_one_line_at_the_start(tmp_path, pki, cert, key):
    outcome = parley(
        "serve", "--http", "127.0.0.1:0", "--store", "memory:",
        "--http-tls-cert", pki / f"{cert}.pem", "--http-tls-key", pki / f"{key}.key", cwd=tmp_path,
    )  # fmt: skip
    word = key if key != "server" else cert
    line = outcome.err.splitlines()[-1]
    assert outcome.code == 1 and "--http-tls-cert" in line and word in line, outcome


def test_one_without_the_other_is_a_bad_option(tmp_path, pki):
    for option in ("cert", "key", "ca"):
        outcome = parley("serve", "--http", "127.0.0.1:0", f"--http-tls-{option}", pki / "ca.pem", cwd=tmp_path)
        assert outcome.code == 2 and "--http-tls-" in outcome.err, outcome


def test_an_expired_certificate_is_served_and_told_of(start, pki):
    running = start(*files(pki, "expired"))
    running.await_log("the certificate has expired")
    assert expiry(running) < time.time()


def test_a_drain_answers_and_says_goodbye(start, pki):
    running = start(*files(pki))
    with connect(running, context_of(pki)) as connection:
        ask(connection)
        running.send_signal()
        assert connection.recv(1) == b""  # a close without notice would be an error
    assert running.wait() == 0


# Other programs ---------------------------------------------------------------------------------------------------------


def test_openssl_and_curl(https, pki):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{https.http[1]}", "-CAfile", pki / "ca.pem", "-brief"],
        input=b"Q\n", capture_output=True, timeout=scaled(30), check=False,
    )  # fmt: skip
    assert b"Verification: OK" in done.stderr + done.stdout, done
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--noproxy", "*", "--cacert", pki / "ca.pem", url(https, "/ping")],
        capture_output=True, timeout=scaled(30), check=False,
    )  # fmt: skip
    assert b"pong" in done.stdout, done


# The commands -----------------------------------------------------------------------------------------------------------


def test_send_pull_and_bench_speak_https(https, pki, chat):
    given = ("--url", url(https), "--ca", pki / "ca.pem")
    member = chat.split(":")[0]
    assert parley("send", chat, "--as", member, "over TLS", *given).code == 0
    assert "over TLS" in parley("pull", chat, *given).out
    by_address = parley("pull", chat, "--url", url(https, host="127.0.0.1"), "--ca", pki / "ca.pem")
    assert "over TLS" in by_address.out, by_address
    bench = parley("bench", "--duration", "1s", "--rate", "50", "--connections", "4", *given, timeout=60)
    assert bench.code == 0, bench


def test_health_speaks_https(https, pki):
    """To a proxy that speaks TLS for the admin listener; here it meets another listener over TLS, and says so."""
    outcome = parley("health", "--admin", url(https), "--ca", pki / "ca.pem")
    assert outcome.code == 1 and "another listener" in outcome.err, outcome


@pytest.mark.parametrize(
    "host, ca, word",
    [
        ("localhost", None, "trusted"),
        ("localhost", "other.pem", "trusted"),
        ("localhost", "absent.pem", "absent.pem"),
    ],
)
def test_a_command_says_why_it_does_not_trust_a_server(https, pki, host, ca, word):
    given = ("--ca", pki / ca) if ca else ()
    outcome = parley("pull", "a:b", "--url", url(https, host=host), *given)
    assert outcome.code != 0 and word in outcome.err and len(outcome.err.splitlines()) == 1, outcome


@pytest.mark.parametrize("name, word", [("elsewhere", "mismatch"), ("expired", "expired")])
def test_a_command_does_not_trust_another_name_or_time(start, pki, name, word):
    running = start(*files(pki, name))
    outcome = parley("pull", "a:b", "--url", url(running), "--ca", pki / "ca.pem")
    assert outcome.code == 1 and word in outcome.err and len(outcome.err.splitlines()) == 1, outcome


def test_a_command_says_that_the_scheme_is_wrong(https, deployment, pki):
    outcome = parley("pull", "a:b", "--url", f"http://localhost:{https.http[1]}")
    assert outcome.code == 1 and "https://" in outcome.err, outcome
    outcome = parley("pull", "a:b", "--url", url(deployment), "--ca", pki / "ca.pem")
    assert outcome.code == 1 and "in the clear" in outcome.err and len(outcome.err.splitlines()) == 1, outcome


def test_doctor_and_config_show_no_key(pki, tmp_path):
    options = ("--http", "127.0.0.1:0", "--store", "memory:", *files(pki))
    key = (pki / "server.key").read_text().splitlines()[1]
    for command in ("doctor", "config"):
        outcome = parley(command, *options, cwd=tmp_path)
        assert "tls-cert" in outcome.out and key not in outcome.out + outcome.err, outcome
    outcome = parley("doctor", "--http", "127.0.0.1:0", "--store", "memory:", "--http-tls-cert", pki / "server.pem",
                     "--http-tls-key", pki / "renewed.key", cwd=tmp_path)  # fmt: skip
    assert outcome.code == 1 and "renewed.key" in outcome.out, outcome
