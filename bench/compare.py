"""An earlier build beside this one, request by request: what has become slower, or dearer."""

import contextlib
import itertools
import pathlib
import statistics

from load import (
    BINARY,
    CHATS,
    CONNECTIONS,
    LOAD_CPU,
    PAGE,
    SENDS,
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
from servers import Parley, redis_for, running, store_options

RATE, CPU = 0.98, 1.02  # what is to be kept, of the earlier build's

OLD, NEW = "old", "new"
CHATS_A_RUN = 1_000_000  # numbers of chats that a run may take for its own
# What is asked beside SENDS, given the run's number.
OPENING = {"send, the first of its chat": lambda run: ["opening", TEXT, (run + 1) * CHATS_A_RUN]}
PULLS = {
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
    """One process over RocksDB and over Redis, then gateway and node over Redis."""
    binaries = {OLD: args.old, NEW: BINARY}
    results = {}
    for shape, (start, requests, cpu) in SHAPES.items():
        with contextlib.ExitStack() as life:
            sides = {}
            for name, binary in binaries.items():
                own = pathlib.Path(folder) / f"{shape}-{name}".replace(" ", "_")
                own.mkdir()
                sides[name] = start(life, own, binary, args)
                fill(sides[name], CHATS * PAGE * 2, CHATS)
            runs = itertools.count()
            for number in range(args.rounds):
                for connections, (request, words) in itertools.product(CONNECTIONS, requests.items()):
                    run = next(runs)
                    # In turn first and second, so that what drifts within a pair favours neither.
                    for name in (OLD, NEW) if number % 2 == 0 else (NEW, OLD):
                        figures = measure(sides[name], connections, args.seconds, *words(run), cpu=cpu)
                        results.setdefault((shape, request, connections), {}).setdefault(name, []).append(figures)
                        progress(
                            f"round {number + 1}: {shape}, {request}, {connections}, {name}: {figures['rate']:,.0f}/s"
                        )
    return [
        f"The program `{args.old.name}` (old) beside this build's (new), durability {args.durability}.",
        f"A ratio is the median over the rounds of new by old. At least {RATE} of the rate is to be kept, at most {CPU} of",
        "the CPU time, which is that of our processes. Redis' is not in it. The servers of both builds share one CPU.",
        "Where one process is over Redis, Redis has the other one, and the load goes where there is room.",
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


def one_process_over_redis(life, folder, binary, args):
    options = ("--http", "127.0.0.1:0", *over_redis(life, folder, LOAD_CPU, args))
    return Side(life.enter_context(running(Parley(folder, SERVER_CPU, *options, binary=binary))))


def over_redis(life, folder, cpu, args):
    """Options of a node over a Redis server of its own."""
    redis = life.enter_context(running(redis_for(args, folder, cpu)))
    return store_options(args, redis)


def three_tiers(life, folder, binary, args):
    store = over_redis(life, folder, SERVER_CPU, args)
    node = life.enter_context(running(Parley(folder, SERVER_CPU, "--rpc", "127.0.0.1:0", *store, binary=binary)))
    backend = ("--backend", f"thrift://{node.rpc}")
    gateway = life.enter_context(running(Parley(folder, SERVER_CPU, "--http", "127.0.0.1:0", *backend, binary=binary)))
    return Side(gateway, node)


# The servers, what they are asked, and the load's CPU. New chats have servers of their own: RocksDB goes on working for
# them in the background, which would be taken for the time of other requests.
SHAPES = {
    "one process": (one_process, SENDS | PULLS, LOAD_CPU),
    "one process, new chats": (one_process, OPENING, LOAD_CPU),
    "one process over Redis": (one_process_over_redis, SENDS | PULLS, None),
    "gateway, node, Redis": (three_tiers, SENDS | PULLS, LOAD_CPU),
}
