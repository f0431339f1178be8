"""parley serve --store redis://…: what it refuses to start on, what it watches, and what it keeps to itself."""

import concurrent.futures
import http.server
import socket
import threading
import time

import pytest

from support.build import duration, scaled
from support.command import parley
from support.errors import check_error
from support.pki import authority, certificate
from support.prometheus import Metrics
from support.redis import RedisServer
from support.redis_cluster import Cluster
from support.redis_sentinel import SentinelSet
from support.server import Server
from support.wait import eventually

SECRET = "hunter2-secret"


@pytest.fixture
def redis(tmp_path):
    """redis(*options, password=…) is a RedisServer that runs."""
    made = []

    def make(*options, **settings):
        made.append(RedisServer(tmp_path / f"redis{len(made)}", *options, **settings))
        return made[-1].start()

    yield make
    for one in made:
        one.kill()


@pytest.fixture
def node(tmp_path):
    """node(url, *options) is a server over it that runs."""
    made = []

    def make(url, *options, **settings):
        made.append(Server(tmp_path / f"node{len(made)}", *options, store=url, **settings))
        return made[-1].start()

    yield make
    for one in made:
        one.kill()


# Refusing to start ----------------------------------------------------------------------------------------------------


def refused(url, *words, options=(), env=None):
    """Exit 1, soon, and one line that has all the words."""
    began = time.monotonic()
    outcome = parley("serve", "--http", "127.0.0.1:0", "--store", url, *options, env=env, timeout=60)
    assert time.monotonic() - began < scaled(30)
    assert outcome.code == 1 and outcome.out == "", outcome
    said = [line for line in outcome.err.splitlines() if line.startswith("parley: ")]
    assert len(said) == 1, outcome
    for word in words:
        assert word.lower() in said[0].lower(), outcome
    return outcome


def all_refused(cases):
    """The same for [(url, words, options)], side by side: a start waits a while for what may only be late."""
    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        for done in [pool.submit(refused, url, *words, options=options) for url, words, options in cases]:
            done.result()


def test_a_password_or_database_that_does_not_fit(redis):
    locked, open_one = redis(password=SECRET), redis("--databases", "4")
    all_refused(
        [
            (locked.url(user_info=":wrong@"), (str(locked.port), "password"), ()),
            (locked.url(user_info=""), (str(locked.port), "asks for a password"), ()),
            (locked.url(user_info="nobody:x@"), (str(locked.port), "user", "password"), ()),
            (open_one.url(user_info=f":{SECRET}@"), (str(open_one.port), "asks for no password"), ()),
            (open_one.url(database=4), (str(open_one.port), "no database 4"), ()),
        ]
    )


class Silent(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_a_server_of_another_kind(redis, tmp_path):
    first, second = redis(), redis()
    second.call("REPLICAOF", *first.address)
    sentinels = SentinelSet(tmp_path / "set", replicas=0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]
    with http.server.HTTPServer(("127.0.0.1", 0), Silent) as web, socket.create_server(("127.0.0.1", 0)) as mute:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        try:
            sentinels.start()
            all_refused(
                [
                    (f"redis://127.0.0.1:{closed}", (str(closed), "refused"), ()),
                    (f"redis://127.0.0.1:{mute.getsockname()[1]}", (str(mute.getsockname()[1]), "does not answer"), ()),
                    (f"redis://127.0.0.1:{web.server_port}", (str(web.server_port), "does not speak Redis"), ()),
                    (second.url(), (str(second.port), "not a master"), ()),
                    (f"redis+cluster://127.0.0.1:{first.port}", (str(first.port), "cluster"), ()),
                    (f"redis+sentinel://127.0.0.1:{first.port}/x", (str(first.port),), ()),
                    (sentinels.url().replace("/parley", "/another"), ("another",), ()),
                ]
            )
        finally:
            sentinels.kill()
            web.shutdown()


@pytest.mark.parametrize(
    "setting, value, durability",
    [
        ("appendfsync", "everysec", "fsync"),
        ("appendfsync", "no", "fsync"),
        ("appendonly", "no", "fsync"),
        ("maxmemory-policy", "allkeys-lru", "fsync"),
        ("maxmemory-policy", "volatile-ttl", "os"),
    ],
)
def test_a_setting_that_does_not_fit_is_named(redis, setting, value, durability):
    server = redis(f"--{setting}", value)
    refused(server.url(), str(server.port), setting, value, options=("--durability", durability))


@pytest.mark.parametrize("setting, value", [("appendfsync", "everysec"), ("appendfsync", "no")])
def test_durability_os_takes_what_fsync_does_not(redis, node, client_of, setting, value):
    server = redis(f"--{setting}", value)
    client_of(node(server.url(), "--durability", "os")).send("a:b")


def test_data_of_a_newer_format(redis, node):
    server = redis()
    running = node(server.url())
    running.stop()
    with server.client() as client:
        keys = [key for key in client.keys("*") if "format" in key or "version" in key]
        assert len(keys) == 1
        client.incrby(keys[0], 1)
    refused(server.url(), "newer")
    with server.client() as client:
        assert client.dbsize() >= 1, "it is left as it was"


def test_a_setting_of_one_master_of_a_cluster(tmp_path):
    cluster = Cluster(tmp_path / "cluster", replicas=0)
    try:
        cluster.start()
        odd = cluster.nodes[2]
        odd.call("CONFIG", "SET", "appendfsync", "everysec")
        refused(cluster.url(), str(odd.port), "appendfsync")
    finally:
        cluster.kill()


# Watching -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting, value, good",
    [
        ("maxmemory-policy", "allkeys-lru", "noeviction"),
        ("appendfsync", "everysec", "always"),
        ("appendonly", "no", "yes"),
    ],
)
def test_a_setting_that_is_changed_later_stops_sends_until_it_is_put_back(redis, node, client_of, setting, value, good):
    server = redis()
    client = client_of(node(server.url()))
    client.send("a:b", "before")
    server.call("CONFIG", "SET", setting, value)
    answer = eventually(lambda: none_if_200(client.get("/readyz", admin=True)), "/readyz to turn 503")
    assert setting in check_error(answer, "unavailable")["detail"]
    check_error(client.try_send("a:b", "meanwhile"), "unavailable")
    assert client.texts("a:b") == ["before"], "pulls go on"
    server.call("CONFIG", "SET", setting, good)
    eventually(lambda: client.get("/readyz", admin=True).status_code == 200, "/readyz to turn 200")
    client.send("a:b", "after")
    assert client.texts("a:b") == ["before", "after"]


def none_if_200(answer):
    return None if answer.status_code == 200 else answer


def test_a_full_server_takes_no_sends_and_keeps_what_it_has(redis, node, client_of):
    server = redis()
    client = client_of(node(server.url(), "--request-timeout", duration(1)))
    client.send("a:b", "before")
    server.call("CONFIG", "SET", "maxmemory", "1")
    for key in (None, "k"):
        check_error(client.try_send("a:b", "refused", key=key), "unavailable")
    server.call("CONFIG", "SET", "maxmemory", "0")
    assert client.send("a:b", "after", key="k")["duplicate"] is False
    assert client.texts("a:b") == ["before", "after"]
    assert Metrics(client.get("/metrics", admin=True).text).total("parley_redis_errors_total", error="OOM") >= 2


# Secrets --------------------------------------------------------------------------------------------------------------


def password_file(tmp_path):
    path = tmp_path / "password"
    path.write_text(SECRET + "\n")
    return path


def given(how, server, tmp_path):
    """The options and the environment that give the password in this way."""
    if how == "url":
        return ["--store", server.url()], {}
    if how == "environment":
        return [], {"PARLEY_STORE": server.url()}
    return ["--store", server.url(user_info=""), "--redis-password-file", password_file(tmp_path)], {}


WAYS = ("url", "environment", "file")


@pytest.mark.parametrize("how", WAYS)
def test_a_password_is_used_and_shown_nowhere(redis, tmp_path, client_of, how):
    server = redis(password=SECRET)
    options, env = given(how, server, tmp_path)
    running = Server(
        tmp_path / "node",
        *options,
        "--log-level",
        "debug",
        "--request-timeout",
        duration(1),
        "--redis-patience",
        duration(0.2),
        env=env,
    )
    if how == "environment":
        running._behind = lambda: []
    running.start()
    client = client_of(running)
    client.send("a:b", "hi")
    shown = [client.get("/metrics", admin=True).text, client.get("/readyz", admin=True).text]
    server.kill()
    answer = eventually(lambda: none_if_200(client.get("/readyz", admin=True)), "/readyz to turn 503")
    shown += [answer.text, client.try_send("a:b").text, client.try_pull("a:b").text]
    if how != "url":  # which docs do not recommend for this reason
        shown.append(open(f"/proc/{running.pid}/cmdline", "rb").read().decode())
    running.stop()
    shown.append(running.stderr)
    assert all(shown)
    assert not any(SECRET in text for text in shown)


def test_a_password_is_not_in_the_printed_configuration_or_a_refusal(redis, tmp_path):
    server, other = redis("--appendonly", "no", password=SECRET), redis(password="another")

    def outcomes(how):
        options, env = given(how, server, tmp_path)
        printed = parley("config", *options, env=env, cwd=tmp_path)
        assert printed.code == 0 and str(server.port) in printed.out, printed
        unfit = parley("serve", "--http", "127.0.0.1:0", *options, env=env, cwd=tmp_path)
        assert unfit.code == 1 and "appendonly" in unfit.err, unfit
        elsewhere = [str(o).replace(str(server.port), str(other.port)) for o in options]
        env = {name: value.replace(str(server.port), str(other.port)) for name, value in env.items()}
        wrong = parley("serve", "--http", "127.0.0.1:0", *elsewhere, env=env, cwd=tmp_path)
        assert wrong.code == 1 and "password" in wrong.err, wrong
        return printed, unfit, wrong

    with concurrent.futures.ThreadPoolExecutor(len(WAYS)) as pool:
        for outcome in [one for found in pool.map(outcomes, WAYS) for one in found]:
            assert SECRET not in outcome.out + outcome.err


def test_a_password_that_is_no_option_of_a_url(redis, tmp_path, client_of, node):
    """Any character but the line's end, from a file."""
    password = "p@ss:w/ord #%41 é"
    server = redis(password=password)
    path = tmp_path / "password"
    path.write_text(password + "\n", encoding="utf-8")
    client_of(node(server.url(user_info=""), "--redis-password-file", path)).send("a:b")


def test_a_user_of_its_own(redis, node, client_of):
    """With no more rights than are needed for messages; CONFIG GET and INFO tell whether it fits."""
    server = redis(password="admin")
    server.call(
        "ACL", "SETUSER", "parley", "on", f">{SECRET}", "~parley:*", "+@all", "-@dangerous", "+info", "+config|get"
    )
    client = client_of(node(server.url(user_info=f"parley:{SECRET}@")))
    client.send("a:b", "hi", key="k")
    assert client.texts("a:b") == ["hi"]


@pytest.mark.parametrize("content, word", [(None, "absent"), ("", "empty")])
def test_a_password_file_that_cannot_be_used_is_named(redis, tmp_path, content, word):
    path = tmp_path / "absent-or-empty"
    if content is not None:
        path.write_text(content)
    refused(redis().url(), str(path), options=("--redis-password-file", path))


# TLS ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """ca, which signed redis and node; and other, which signed nothing."""
    folder = tmp_path_factory.mktemp("pki")
    for name in ("ca", "other"):
        authority(folder, name)
    for name in ("redis", "node"):
        certificate(folder, name, "ca")
    return folder


def test_rediss_speaks_tls(redis, node, client_of, pki):
    server = redis(tls=pki, password=SECRET)
    running = node(server.url(), "--redis-tls-ca", pki / "ca.pem")
    client = client_of(running)
    times = [client.send("a:b", "x" * 60_000, key=str(n))["send_time"] for n in range(10)]
    assert [m["send_time"] for m in client.read_all("a:b")] == times
    server.restart()
    eventually(lambda: client.try_send("a:b", "after").status_code == 200, "sends to go on")
    running.stop()


def test_a_server_may_ask_for_a_certificate(redis, node, client_of, pki):
    server = redis(tls=pki)
    server.call("CONFIG", "SET", "tls-auth-clients", "yes")
    client = client_of(
        node(
            server.url(),
            "--redis-tls-ca",
            pki / "ca.pem",
            "--redis-tls-cert",
            pki / "node.pem",
            "--redis-tls-key",
            pki / "node.key",
        )
    )
    client.send("a:b")


def test_a_server_that_is_not_trusted_or_speaks_otherwise(redis, pki):
    secret, clear, mutual = redis(tls=pki), redis(), redis(tls=pki)
    mutual.call("CONFIG", "SET", "tls-auth-clients", "yes")
    trusting = ("--redis-tls-ca", pki / "ca.pem")
    all_refused(
        [
            (secret.url(), (str(secret.port), "TLS"), ("--redis-tls-ca", pki / "other.pem")),
            (f"rediss://127.0.0.1:{clear.port}", (str(clear.port), "TLS"), trusting),
            (f"redis://127.0.0.1:{secret.port}", (str(secret.port),), ()),
            (mutual.url(), (str(mutual.port),), trusting),
        ]
    )


# Kinds ----------------------------------------------------------------------------------------------------------------


def test_databases_are_stores_of_their_own(redis, node, client_of):
    server = redis()
    one, other = (client_of(node(server.url(database))) for database in (0, 5))
    one.send("a:b", "one", key="k")
    check_error(other.try_pull("a:b"), "chat_not_found")
    assert other.send("a:b", "other", key="k")["duplicate"] is False
    assert one.texts("a:b") == ["one"]
