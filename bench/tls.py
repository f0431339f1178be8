"""HTTPS beside HTTP in the clear, and new TLS connections beside nginx."""

import contextlib
import pathlib
import statistics
import subprocess

from load import CHATS, CONNECTIONS, PAGE, SERVER_CPU, errors, fill, judged, latency, measure, median, progress, table
from servers import Nginx, Parley, running

KEPT, NEW = CONNECTIONS[0], CONNECTIONS[0]
TARGET = 0.7  # of the requests in the clear

# For wrk, which resumes the session of the connection before whenever it can. Without tickets, and without TLS 1.3, it
# cannot, since neither server keeps sessions.
WHOLE_HANDSHAKES = """
openssl_conf = all
[all]
ssl_conf = tls
[tls]
system_default = default
[default]
MaxProtocol = TLSv1.2
Options = -SessionTicket
"""


def scenario_tls(args, folder):
    folder = pathlib.Path(folder)
    make_certificate(folder)
    whole = folder / "whole.cnf"
    whole.write_text(WHOLE_HANDSHAKES)
    pull = ("pull", CHATS, PAGE)
    runs = {}
    with contextlib.ExitStack() as stack:
        clear, secure, nginx = servers(stack, args, folder)
        measured = {  # name: (server, connections, what wrk sends, its configuration of OpenSSL)
            "pull in the clear": (clear, KEPT, pull, None),
            "pull over TLS": (secure, KEPT, pull, None),
            "nginx, new connections, whole handshake": (nginx, NEW, ("closing", "/"), whole),
            "new connections, whole handshake": (secure, NEW, ("closing", "/ping"), whole),
            "nginx, new connections, sessions that go on": (nginx, NEW, ("closing", "/"), None),
            "new connections, sessions that go on": (secure, NEW, ("closing", "/ping"), None),
        }
        for number in range(args.rounds):
            for name, (server, connections, request, configuration) in measured.items():
                run = measure(server, connections, args.seconds, *request, openssl=configuration)
                runs.setdefault(name, []).append(run)
                progress(f"round {number + 1}: {name}: {run['rate']:,.0f}/s, {run['cpu_us']:.1f} µs of CPU each")
    rows = [
        [
            name,
            measured[name][1],
            f"{median(of, 'rate'):,.0f}",
            f"{min(run['rate'] for run in of):,.0f} – {max(run['rate'] for run in of):,.0f}",
            *latency(of),
            f"{median(of, 'cpu_us'):.1f}",
            errors(of),
        ]
        for name, of in runs.items()
    ]
    kept = ratio(runs["pull over TLS"], runs["pull in the clear"])
    names = list(runs)
    return [
        f"A page of {PAGE} over connections that are kept, and one small answer over each new connection. The",
        "certificate's key is on P-256. wrk, on a CPU of its own, works more for a handshake than the server does, so for",
        "new connections the server's CPU time tells more than their number.",
        "",
        *table(["", "connections", "requests/s", "min – max", "p50 ms", "p99 ms", "CPU µs/request", "errors"], rows),
        "",
        f"- Pull over TLS, of pull in the clear: {judged(kept, TARGET, kept >= TARGET)}.",
        *(
            f"- {ours[0].upper()}{ours[1:]}: {ratio(runs[ours], runs[theirs]):.2f} of nginx, "
            f"at {median(runs[ours], 'cpu_us') / median(runs[theirs], 'cpu_us'):.2f} of its CPU time."
            for theirs, ours in (names[2:4], names[4:6])
        ),
    ]


def servers(stack, args, folder):
    """One in the clear and one over TLS, with the same messages; and nginx over TLS."""
    tls = ("--http-tls-cert", folder / "server.pem", "--http-tls-key", folder / "server.key")
    made = []
    for name, options in (("clear", ()), ("secure", tls)):
        (folder / name).mkdir()
        store = ("--store", f"rocksdb:{folder / name / 'data'}", "--durability", args.durability)
        with running(Parley(folder / name, SERVER_CPU, "--http", "127.0.0.1:0", *store)) as filled:
            fill(filled, CHATS * PAGE * 2, CHATS)
        made.append(
            stack.enter_context(running(Parley(folder / name, SERVER_CPU, "--http", "127.0.0.1:0", *store, *options)))
        )
    made[1].url = made[1].url.replace("http://", "https://")
    nginx = Nginx(folder, SERVER_CPU, certificate=folder / "server.pem", key=folder / "server.key")
    return *made, stack.enter_context(running(nginx))


def make_certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", "server.key", "-out", "server.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


def ratio(runs, others):
    return statistics.median(run["rate"] / other["rate"] for run, other in zip(runs, others))
