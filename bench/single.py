"""Scenarios of one process: each takes the arguments and a folder, and returns the lines of its section."""

import contextlib
import os
import pathlib
import resource
import socket
import statistics
import struct
import time

from load import (
    CHATS,
    CONNECTIONS,
    PAGE,
    SENDS,
    SERVER_CPU,
    TEXT,
    errors,
    fill,
    latency,
    measure,
    median,
    parley_bench,
    progress,
    table,
    wrk,
)
from servers import Nginx, running, start


def scenario_http(args, folder):
    requests = {  # name: (server, durability, what wrk sends)
        "nginx, 17 bytes by `return 200`": ("nginx", "–", lambda n: ["static"]),
        "ping": ("parley", "–", lambda n: ["ping"]),
        **{name: ("parley", args.durability, request) for name, request in SENDS.items()},
        f"pull of {PAGE} × {TEXT} bytes": ("parley", args.durability, lambda n: ["pull", CHATS, PAGE]),
        "the same, no page that was kept": ("parley", args.durability, lambda n: ["fresh", CHATS, PAGE]),
    }
    results = {}
    with running(Nginx(folder, SERVER_CPU)) as nginx, running(start(folder, args)) as parley:
        servers = {"nginx": nginx, "parley": parley}
        fill(parley, CHATS * PAGE * 2, CHATS)
        for server in servers.values():
            wrk(server.url, CONNECTIONS[0], 1, "ping")
        for number in range(args.rounds):
            for connections in CONNECTIONS:
                for name, (server, _, request) in requests.items():
                    run = measure(servers[server], connections, args.seconds, *request(f"{number}-{connections}"))
                    results.setdefault((name, connections), []).append(run)
                    progress(f"round {number + 1}: {name}, {connections} connections: {run['rate']:,.0f}/s")
    rows = []
    for connections in CONNECTIONS:
        base = results[next(iter(requests)), connections]
        for name, (_, durability, _) in requests.items():
            runs = results[name, connections]
            rates = [run["rate"] for run in runs]
            ratio = statistics.median(run["rate"] / other["rate"] for run, other in zip(runs, base))
            rows.append(
                [
                    name,
                    connections,
                    durability,
                    f"{median(runs, 'rate'):,.0f}",
                    f"{min(rates):,.0f} – {max(rates):,.0f}",
                    f"{ratio:.2f}",
                    *latency(runs),
                    f"{median(runs, 'cpu_us'):.1f}",
                    f"{median(runs, 'peak_mib'):.0f}",
                    errors(runs),
                ]
            )
    return table(
        [
            "request",
            "connections",
            "durability",
            "requests/s",
            "min – max",
            "of nginx",
            "p50 ms",
            "p99 ms",
            "CPU µs/request",
            "peak RSS MiB",
            "errors",
        ],
        rows,
    )


def scenario_depth(args, folder):
    """Two chats of different length in one store, read in turn; as clients ask, and so that no page was kept."""
    short, long = 1000, 1_000_000
    kinds = {"newest": "as clients ask", "fresh_newest": "no page that was kept"}
    results = {}
    with running(start(folder, args)) as parley:
        for size in (short, long):  # the chat's number is its size
            fill(parley, size, 1, first=size)
        for number in range(args.rounds):
            for kind in kinds:
                for size in (short, long):
                    run = measure(parley, CONNECTIONS[0], args.seconds, kind, size, PAGE)
                    results.setdefault((kind, size), []).append(run)
                    progress(f"round {number + 1}: {kind} of {size:,}: {run['rate']:,.0f}/s")
    rows = []
    for (kind, size), runs in results.items():
        ratio = statistics.median(s["rate"] / r["rate"] for s, r in zip(results[kind, short], runs))
        rows.append(
            [
                kinds[kind],
                f"{size:,}",
                f"{median(runs, 'rate'):,.0f}",
                f"{ratio:.2f}×",
                *latency(runs),
                f"{median(runs, 'cpu_us'):.1f}",
                errors(runs),
            ]
        )
    return [
        f"The newest {PAGE} messages, {CONNECTIONS[0]} connections; durability {args.durability}.",
        "",
        *table(
            [
                "",
                "messages in the chat",
                "requests/s",
                "time, of the short chat's",
                "p50 ms",
                "p99 ms",
                "CPU µs/request",
                "errors",
            ],
            rows,
        ),
    ]


def scenario_fixed_rate(args, folder):
    rate, connections = 5000, 256
    disk, server = [], []
    with running(start(folder, args)) as parley:
        for number in range(args.rounds):
            disk.append(sync_times(folder))
            server.append(
                parley_bench(
                    parley,
                    "--rate",
                    rate,
                    "--duration",
                    f"{max(args.seconds, 5)}s",
                    "--connections",
                    connections,
                    "--chats",
                    CHATS,
                    "--text",
                    TEXT,
                )
            )
            progress(
                f"round {number + 1}: disk p99 {disk[-1]['p99_us'] / 1000:.2f} ms, "
                f"server p99 {server[-1]['p99_us'] / 1000:.2f} ms"
            )
    rows = [
        [
            name,
            *latency(runs),
            f"{max(run['p99_us'] for run in runs) / 1000:.2f}",
            f"{max(run['max_us'] for run in runs) / 1000:.1f}",
            errors(runs),
        ]
        for name, runs in (("the disk's fdatasync", disk), ("send, from its due time", server))
    ]
    return [
        f"{rate:,} sends a second at random times on {connections} connections, durability {args.durability}, each timed from",
        "when it was due, and read back afterwards. The disk alone, before each round: 4 KiB appended and fdatasync, one at a time.",
        "",
        *table(["", "p50 ms", "p99 ms", "worst p99 of a round", "max ms", "errors"], rows),
    ]


def scenario_memory(args, folder):
    count = 10_000
    raise_descriptor_limit(count + 100)
    rows = []
    for name, use in (("http", use_http), ("rpc", use_rpc)):
        with running(start(folder, args, listeners=("http", "rpc"))) as parley, contextlib.ExitStack() as stack:
            idle = parley.memory_kib("VmRSS")
            host, port = (parley.address if name == "http" else parley.rpc).rsplit(":", 1)
            for _ in range(count):
                use(stack.enter_context(socket.create_connection((host, int(port)), 30)))
            held = parley.memory_kib("VmRSS")
        rows.append([name, f"{idle / 1024:.1f}", f"{held / 1024:.1f}", f"{(held - idle) / count:.1f}"])
    return [
        f"{count:,} idle connections, each of them used once.",
        "",
        *table(["listener", "idle server, RSS MiB", "with the connections, MiB", "each connection, KiB"], rows),
    ]


def use_http(connection):
    connection.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
    if b"pong" not in connection.recv(4096):
        raise RuntimeError("no answer to /ping")


def use_rpc(connection):
    """Calls Ready, in framed binary."""
    call = b"\x80\x01\x00\x01" + struct.pack(">I", 5) + b"Ready" + b"\0\0\0\1" + b"\x0c\0\1\0" + b"\0"
    connection.sendall(struct.pack(">I", len(call)) + call)
    if b"success" not in connection.recv(4096):
        raise RuntimeError("no answer to Ready")


def scenario_open(args, folder):
    messages, chats = (10_000_000, 1_000_000) if args.full else (1_000_000, 100_000)
    with running(start(folder, args, "--durability", "os")) as parley:
        progress(f"storing {messages:,} messages")
        # Some thousand chats at once: the server raises the index for whatever it has forgotten.
        at_once = 10_000
        for first in range(0, chats, at_once):
            fill(parley, messages // chats * at_once, at_once, first)
    seconds = []
    for number in range(args.rounds):
        with running(start(folder, args)) as parley:
            seconds.append(parley.seconds_to_ready)
            progress(f"start {number + 1}: {seconds[-1]:.3f} s")
    return [
        f"With {messages:,} messages in {chats:,} chats, after a stop in good order, the file cache warm: ready",
        f"after {statistics.median(seconds):.3f} s ({min(seconds):.3f} – {max(seconds):.3f}).",
    ]


# What they share ------------------------------------------------------------------------------------------------------


def sync_times(folder, count=1000):
    """How long fdatasync takes after an append of 4 KiB, on the disk of the store."""
    times = []
    with open(pathlib.Path(folder) / "sync-probe", "wb", buffering=0) as file:
        for _ in range(count):
            file.write(b"\0" * 4096)
            begun = time.monotonic_ns()
            os.fdatasync(file.fileno())
            times.append((time.monotonic_ns() - begun) / 1000)
    times.sort()
    return {"p50_us": times[count // 2], "p99_us": times[count * 99 // 100], "max_us": times[-1]}


def raise_descriptor_limit(wanted):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise RuntimeError(f"this needs {wanted} file descriptors, and the limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
