"""Redis as the store: beside redis-benchmark, beside the store in memory, and what it takes of memory."""

import contextlib
import itertools
import pathlib
import re
import statistics
import subprocess
import time

from load import (
    CHATS,
    CONNECTIONS,
    KEYED,
    LOAD_CPU,
    PAGE,
    SEND,
    SENDS,
    SERVER_CPU,
    TEXT,
    errors,
    fill,
    latency,
    measure,
    median,
    pinned,
    progress,
    run_store_benchmark,
    table,
    wrk,
)
from servers import Parley, appendfsync, free_port, redis_for, running, store_options

LANES = (16, 32, 64)
KEYED_RUNS = 12  # of a second, whose memory is measured
AROUND_TEXT = 5  # bytes of the record of a message without a key, beside its text


def scenario_redis(args, folder):
    """Redis has the load's core. Where wrk loads an HTTP server on the other one, it goes where there is room: a store
    in memory would else be compared with half a Redis."""
    sync = appendfsync(args)
    with running(redis_for(args, folder, LOAD_CPU)) as redis:
        alone = redis_alone(args, redis)
    with running(redis_for(args, folder, LOAD_CPU)) as redis:
        redis.ask("FLUSHALL")
        memory = redis_memory(args, folder, redis)
        served = redis_served(args, folder, redis)
    return [f"The recommended configuration with appendfsync {sync}.", "", *alone, "", *served, "", *memory]


def redis_alone(args, redis):
    """Google Benchmark over the seam, and redis-benchmark with as many calls on its way, on the same core in turn."""
    depths, results = (1, 64, 512), {}
    for number in range(args.rounds):
        redis.ask("FLUSHALL")
        for depth in depths:
            for name, words in (
                ("append", ("XADD", "bench:{__rand_int__}", "*", "r", "x" * (TEXT + AROUND_TEXT))),
                ("read", ("XRANGE", "bench:{__rand_int__}", "-", "+", "COUNT", PAGE)),
            ):
                rate = redis_benchmark(redis, depth, *words)
                results.setdefault(("redis-benchmark", name, depth), []).append(rate)
        for (name, depth), rate in store_benchmark(redis).items():
            results.setdefault(("store", name, depth), []).append(rate)
        progress(
            f"round {number + 1}: " + ", ".join(f"{' '.join(map(str, k))}: {v[-1]:,.0f}/s" for k, v in results.items())
        )
    rows = []
    for depth in depths:
        for name, beside in (
            ("append", ("redis-benchmark", "append")),
            ("append with a key", ("store", "append")),
            ("read", ("redis-benchmark", "read")),
            ("read again", ("store", "read")),
        ):
            rates, base = results["store", name, depth], results[*beside, depth]
            ratio = statistics.median(a / b for a, b in zip(rates, base))
            rows.append(
                [
                    name,
                    depth,
                    f"{statistics.median(rates):,.0f}",
                    " ".join(beside),
                    f"{statistics.median(base):,.0f}",
                    f"{ratio:.2f}",
                ]
            )
    return [
        f"The store without a server around it, {CHATS} chats, {TEXT} bytes, pages of {PAGE}. Reads are of pages "
        "that were not read before, but where they are read again.",
        "",
        *table(["call", "at once", "calls/s", "beside", "calls/s", "ratio"], rows),
    ]


def redis_benchmark(redis, depth, *words):
    command = [
        "redis-benchmark",
        "-p",
        redis.port,
        "-c",
        1,
        "-P",
        depth,
        "-n",
        10_000 if depth == 1 else 200_000,
        "-r",
        CHATS,
        "--csv",
        *words,
    ]
    output = subprocess.run(
        [str(word) for word in pinned(command, SERVER_CPU)], capture_output=True, text=True, check=True
    ).stdout
    return float(output.splitlines()[-1].split('","')[1])


def store_benchmark(redis):
    """{(call, at once): calls a second}"""
    rates = {}
    for run in run_store_benchmark(redis, "redis_"):
        options = dict(re.findall(r"(\w+):(\d+)", run["name"]))
        more = " with a key" if options.get("keyed") == "1" else " again" if options.get("again") == "1" else ""
        name = ("append" if "append" in run["name"] else "read") + more
        rates[name, int(options.get("senders") or options["readers"])] = run["items_per_second"]
    return rates


def redis_served(args, folder, redis):
    requests = SENDS | {
        f"pull of {PAGE} × {TEXT} bytes": lambda n: ["fresh", CHATS, PAGE],
        "the same, read before": lambda n: ["pull", CHATS, PAGE],
    }
    results = {}
    with (
        running(over_redis(args, folder, redis)) as ours,
        running(Parley(folder, SERVER_CPU, "--http", "127.0.0.1:0", "--store", "memory:")) as memory,
    ):
        for server in (ours, memory):
            fill(server, CHATS * PAGE * 2, CHATS)
        for number in range(args.rounds):
            for name, request in requests.items():
                for store, server in (("redis", ours), ("memory", memory)):
                    run = measure(server, CONNECTIONS[-1], args.seconds, *request(f"{number}-{store}"), cpu=None)
                    results.setdefault((name, store), []).append(run)
                    progress(f"round {number + 1}: {name}, {store}: {run['rate']:,.0f}/s")
    rows = []
    for (name, store), runs in results.items():
        ratio = statistics.median(a["rate"] / b["rate"] for a, b in zip(runs, results[name, "memory"]))
        rows.append(
            [
                name,
                store,
                f"{median(runs, 'rate'):,.0f}",
                f"{ratio:.2f}",
                *latency(runs),
                f"{median(runs, 'cpu_us'):.1f}",
                errors(runs),
            ]
        )
    keyed = statistics.median(a["rate"] / b["rate"] for a, b in zip(results[KEYED, "redis"], results[SEND, "redis"]))
    return [
        f"One HTTP process on CPU {SERVER_CPU}, Redis on CPU {LOAD_CPU}, wrk where there is room, "
        f"{CONNECTIONS[-1]} connections.",
        "",
        *table(["request", "store", "requests/s", "of memory", "p50 ms", "p99 ms", "CPU µs/request", "errors"], rows),
        "",
        f"Over Redis, sends with a key come at {keyed:.2f} of the rate of those without.",
    ]


def redis_memory(args, folder, redis):
    rows = []
    with running(over_redis(args, folder, redis)) as server:
        for chats, messages in ((20_000, 1), (20_000, 10), (1_000, 100), (10, 10_000)):
            before = redis.used_bytes()
            fill(server, chats * messages, chats, first=(len(rows) + 1) * 1_000_000)
            chat = (redis.used_bytes() - before) / chats
            rows.append([f"{messages:,}", f"{chat:,.0f}", f"{chat / messages:,.0f}", f"{2**30 / chat:,.0f}"])
        before = redis.used_bytes()
        # The number of a key has five digits for most of a run, which makes 16 bytes. What a key takes depends on how
        # full the newest generation of keys is: so many runs meet it young and old.
        runs = [wrk(server.url, CONNECTIONS[0], 1, "keyed", 10, TEXT, f"{number:010d}") for number in range(KEYED_RUNS)]
        keyed = (redis.used_bytes() - before) / sum(run["requests"] for run in runs)
    return [
        f"What the Redis server's used_memory grows by, for texts of {TEXT} bytes. The index is in it: each chat has two "
        "users who have no other one. Redis keeps an idempotency key for one to two windows.",
        "",
        *table(["messages in each chat", "bytes a chat", "bytes a message", "chats in 1 GiB"], rows),
        "",
        f"A message more in one of ten long chats, with a key of 16 bytes, takes {keyed:.0f} bytes.",
    ]


def scenario_lanes(args, folder):
    """A store has as many lanes as `parley:lanes:…` says when its first node starts."""
    results = {}
    for shape, start, scheme in (("one server", one_server, "redis"), ("cluster of three", cluster, "redis+cluster")):
        with contextlib.ExitStack() as life:
            sides = {}
            for lanes in LANES:
                own = pathlib.Path(folder) / f"{scheme}-{lanes}"
                servers = start(life, own, args)
                for server in servers:  # those of a cluster that have not the slot refuse it
                    server.ask("SET", "parley:lanes:{parley:id}", lanes)
                node = life.enter_context(running(over_redis(args, own, servers[0], scheme)))
                fill(node, CHATS * PAGE * 2, CHATS)
                sides[lanes] = node, servers
            for number in range(args.rounds):
                for (name, words), (lanes, (node, servers)) in itertools.product(SENDS.items(), sides.items()):
                    before = sum(server.cpu_us() for server in servers)
                    run = measure(node, CONNECTIONS[-1], args.seconds, *words(number), cpu=None)
                    run["redis_us"] = (sum(server.cpu_us() for server in servers) - before) / max(1, run["requests"])
                    results.setdefault((shape, name, lanes), []).append(run)
                    progress(f"round {number + 1}: {shape}, {name}, {lanes} lanes: {run['rate']:,.0f}/s")
    columns = ["servers", "request", "lanes", "requests/s", "p50 ms", "p99 ms", "Redis µs", "node µs", "errors"]
    rows = [
        [
            *key,
            f"{median(runs, 'rate'):,.0f}",
            *latency(runs),
            f"{median(runs, 'redis_us'):.1f}",
            f"{median(runs, 'cpu_us'):.1f}",
            errors(runs),
        ]
        for key, runs in results.items()
    ]
    return [
        f"One HTTP process on CPU {SERVER_CPU}, Redis on CPU {LOAD_CPU}, wrk where there is room, "
        f"{CONNECTIONS[-1]} connections. The times are processor time for a request.",
        "",
        *table(columns, rows),
    ]


def one_server(life, folder, args, *lines):
    folder.mkdir(parents=True)
    return [life.enter_context(running(redis_for(args, folder, LOAD_CPU, *lines)))]


def cluster(life, folder, args):
    """Masters alone, each with a third of the slots."""
    bounds, buses, servers = (0, 5461, 10923, 16384), [free_port() for _ in range(3)], []
    for number, bus in enumerate(buses):  # without its line, the port must be below 55536
        lines = ("cluster-enabled yes", f"cluster-port {bus}")
        servers += one_server(life, folder / str(number), args, *lines)
        servers[-1].ask("CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
    for server, bus in zip(servers[1:], buses[1:]):
        servers[0].ask("CLUSTER", "MEET", "127.0.0.1", server.port, bus)
    until = time.monotonic() + 60
    while not all("cluster_state:ok" in server.ask("CLUSTER", "INFO") for server in servers):
        if time.monotonic() > until:
            raise RuntimeError("the cluster is not whole")
        time.sleep(0.1)
    return servers


def over_redis(args, folder, redis, scheme="redis"):
    return Parley(folder, SERVER_CPU, "--http", "127.0.0.1:0", *store_options(args, redis, scheme))
