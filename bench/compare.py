"""An earlier build beside this one, request by request: what has become slower, or dearer."""

import contextlib
import os
import pathlib
import statistics

from load import (
    BINARY,
    CHATS,
    CONNECTIONS,
    PAGE,
    SERVER_CPU,
    TEXT,
    errors,
    fill,
    judged,
    measure,
    median,
    progress,
    table,
)
from servers import Parley, Redis, running

RATE, CPU = 0.98, 1.02  # what is to be kept, of the earlier build's

OLD, NEW = "old", "new"
REQUESTS = {
    "send": lambda run: ["send", CHATS, TEXT],
    "send with a key": lambda run: ["keyed", CHATS, TEXT, run],
    f"pull of {PAGE}, read before": lambda run: ["pull", CHATS, PAGE],
    f"pull of {PAGE}, not read before": lambda run: ["fresh", CHATS, PAGE],
}


class Side:
    """One build's servers, of which the first speaks HTTP."""

    def __init__(self, *servers):
        self.servers, self.url = servers, servers[0].url

    def cpu_us(self):
        return sum(server.cpu_us() for server in self.servers)

    def memory_kib(self, name):
        return sum(server.memory_kib(name) for server in self.servers)

    def forget_peak(self):
        for server in self.servers:
            server.forget_peak()


def scenario_compare(args, folder):
    """One process over RocksDB, then gateway and node over Redis; the servers of both builds share one CPU."""
    binaries = {OLD: args.old, NEW: BINARY}
    results = {}
    for shape, start in (("one process", one_process), ("gateway, node, Redis", three_tiers)):
        with contextlib.ExitStack() as life:
            sides = {}
            for name, binary in binaries.items():
                own = pathlib.Path(folder) / f"{start.__name__}-{name}"
                own.mkdir()
                sides[name] = start(life, own, binary, args)
                fill(sides[name], CHATS * PAGE * 2, CHATS)
            for number in range(args.rounds):
                for connections in CONNECTIONS:
                    for request, words in REQUESTS.items():
                        # In turn first and second, so that what drifts within a pair favours neither.
                        for name in (OLD, NEW) if number % 2 == 0 else (NEW, OLD):
                            tag = f"{os.getpid()}-{number}-{connections}"
                            run = measure(sides[name], connections, args.seconds, *words(tag))
                            results.setdefault((shape, request, connections), {}).setdefault(name, []).append(run)
                            progress(
                                f"round {number + 1}: {shape}, {request}, {connections}, {name}: {run['rate']:,.0f}/s"
                            )
    return [
        f"The program `{args.old.name}` (old) beside this build's (new), durability {args.durability}.",
        f"A ratio is the median over the rounds of new by old. At least {RATE} of the rate is to be kept, at most {CPU} of",
        "the CPU time, which is that of our processes. Redis' is not in it.",
        "",
        *table(
            ["servers", "request", "connections", "old/s", "new/s", "rate", "old µs", "new µs", "CPU", "errors"],
            [row(*key, runs[OLD], runs[NEW]) for key, runs in results.items()],
        ),
    ]


def row(shape, request, connections, old, new):
    rate, cpu = (statistics.median(n[f] / o[f] for n, o in zip(new, old)) for f in ("rate", "cpu_us"))
    return [
        shape,
        request,
        connections,
        *(f"{median(runs, 'rate'):,.0f}" for runs in (old, new)),
        judged(rate, RATE, rate >= RATE),
        *(f"{median(runs, 'cpu_us'):.1f}" for runs in (old, new)),
        judged(cpu, CPU, cpu <= CPU),
        errors(old + new),
    ]


def one_process(life, folder, binary, args):
    store = f"rocksdb:{folder / 'data'}"
    options = ("--http", "127.0.0.1:0", "--store", store, "--durability", args.durability)
    return Side(life.enter_context(running(Parley(folder, SERVER_CPU, *options, binary=binary))))


def three_tiers(life, folder, binary, args):
    sync = "always" if args.durability == "fsync" else "everysec"
    redis = life.enter_context(running(Redis(folder, SERVER_CPU, f"appendfsync {sync}")))
    store = ("--store", f"redis://{redis.address}", "--durability", args.durability)
    node = life.enter_context(running(Parley(folder, SERVER_CPU, "--rpc", "127.0.0.1:0", *store, binary=binary)))
    backend = ("--backend", f"thrift://{node.rpc}")
    gateway = life.enter_context(running(Parley(folder, SERVER_CPU, "--http", "127.0.0.1:0", *backend, binary=binary)))
    return Side(gateway, node)
