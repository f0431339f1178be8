"""A gateway and a node: beside the single process, or beside another program of the same shape."""

import contextlib
import os
import pathlib
import shutil
import statistics
import subprocess

from load import (
    CHATS,
    CONNECTIONS,
    PAGE,
    ROOT,
    SERVER_CPU,
    TEXT,
    errors,
    fill,
    judged,
    latency,
    measure,
    median,
    progress,
    table,
    wrk,
)
from servers import Foreign, Parley, Redis, running, start


def scenario_tiers(args, folder):
    """Against the program in --baseline, where one is given; else against the single process."""
    return against_baseline(args, folder) if args.baseline else against_single(args, folder)


ONE, TWO = "one process", "gateway and node"


def against_single(args, folder):
    """Over stores on disk and over stores in memory, which do not hide what the tiers themselves use."""
    rows, added = [], []
    for store in ("rocksdb", "memory"):
        results = tiers_over(store, args, pathlib.Path(folder) / store)
        for (name, tiers), runs in results.items():
            rows.append(
                [
                    name,
                    store,
                    tiers,
                    f"{median(runs, 'rate'):,.0f}",
                    *latency(runs),
                    f"{median(runs, 'cpu_us'):.1f}",
                    f"{median(runs, 'node_us'):.1f}",
                    errors(runs),
                ]
            )
    for name in {name: None for name, _ in results}:
        one, two = median(results[name, ONE], "cpu_us"), results[name, TWO]
        added.append(f"{(median(two, 'cpu_us') + median(two, 'node_us') - one) / one:.2f}× for a {name}")
    return [
        f"{CONNECTIONS[0]} connections, durability {args.durability}.",
        "",
        *table(
            [
                "request",
                "store",
                "servers",
                "requests/s",
                "p50 ms",
                "p99 ms",
                "CPU µs/request, HTTP's process",
                "CPU µs/request, node",
                "errors",
            ],
            rows,
        ),
        "",
        f"What the second tier adds to the single process' CPU time, over memory: {', '.join(added)}.",
    ]


def tiers_over(store, args, folder):
    """The runs by (request, servers): of the single process, and of a gateway in front of a node, each over a store of
    its own; all servers on one CPU."""
    requests = {"send": ["send", CHATS, TEXT], f"pull of {PAGE} × {TEXT} bytes": ["pull", CHATS, PAGE]}
    results = {}
    folders = [folder / name for name in ("single", "node", "gateway")]
    for each in folders:
        each.mkdir(parents=True)
    with (
        running(start(folders[0], args, store=store)) as single,
        running(start(folders[1], args, store=store, listeners=("rpc",))) as node,
        running(
            Parley(folders[2], SERVER_CPU, "--http", "127.0.0.1:0", "--backend", f"thrift://{node.rpc}")
        ) as gateway,
    ):
        for server in (single, gateway):
            fill(server, CHATS * PAGE * 2, CHATS)
        for number in range(args.rounds):
            for name, request in requests.items():
                for tiers, server in ((ONE, single), (TWO, gateway)):
                    before = node.cpu_us()
                    run = measure(server, CONNECTIONS[0], args.seconds, *request)
                    run["node_us"] = (node.cpu_us() - before) / max(1, run["requests"])
                    results.setdefault((name, tiers), []).append(run)
                    progress(f"round {number + 1}: {name}, {store}, {tiers}: {run['rate']:,.0f}/s")
    return results


# The baseline: what --baseline names is a Go program of two servers, httpd in front of rpcd in front of Redis ----------

BASELINE_CONNECTIONS = (64, 512, 1000)
P99, MEMORY = 1 / 4, 60  # what is to be reached: of the baseline's; MiB of gateway and node
TARGETS, KEYED_TARGETS = (4, 1 / 5), (3, 1 / 4)  # likewise: the least rate and the most CPU time
KEYED = "send with a key, beside send"


class Stack:
    """Three servers of which the first speaks HTTP and the last is Redis."""

    def __init__(self, name, servers):
        self.name, self.servers, self.url = name, servers, servers[0].url

    def cpu_us(self):
        return [server.cpu_us() for server in self.servers]

    def memory_mib(self):
        return [server.memory_kib("VmRSS") / 1024 for server in self.servers]


def against_baseline(args, folder):
    """Both over a Redis of their own with the same settings, in turn; all servers and wrk share all processors."""
    programs = build_baseline(args.baseline)
    send, pull, fresh = ["send", CHATS, TEXT], ["pull", CHATS, PAGE], ["fresh", CHATS, PAGE]
    # What the baseline is asked, and what Parley is. The baseline knows no idempotency keys, keeps no pages, and its
    # cursors count messages.
    requests = {
        "send": (send, send),
        KEYED: (send, ["keyed", CHATS, TEXT]),
        f"pull of {PAGE}": (pull, pull),
        "the same, no page that was kept": (pull, fresh),
    }
    results = {}
    with contextlib.ExitStack() as life:
        stacks = [start_baseline(life, folder, programs), start_parley(life, folder)]
        for stack in stacks:
            wrk(stack.url, CONNECTIONS[0], 2, "send", CHATS, TEXT, cpu=None)  # so that there is something to pull
        for number in range(args.rounds):
            for request, arguments in requests.items():
                for connections in BASELINE_CONNECTIONS:
                    for stack, asked in zip(stacks, arguments):
                        run = measure_stack(stack, connections, args.seconds, *asked, f"{connections}-{number}")
                        results.setdefault((request, connections, stack.name), []).append(run)
                        progress(
                            f"round {number + 1}: {request}, {connections} connections, {stack.name}: "
                            f"{run['rate']:,.0f}/s"
                        )
        memory = {stack.name: stack.memory_mib() for stack in stacks}
    return report_baseline(requests, results, memory)


def measure_stack(stack, connections, seconds, *request):
    before = stack.cpu_us()
    run = wrk(stack.url, connections, seconds, *request, cpu=None)
    used = [(after - b) / max(1, run["requests"]) for after, b in zip(stack.cpu_us(), before)]
    return run | {"cpu_us": sum(used), "redis_us": used[-1]}


def report_baseline(requests, results, memory):
    rows = []
    for request in requests:
        for connections in BASELINE_CONNECTIONS:
            base, ours = (results[request, connections, name] for name in ("baseline", "parley"))
            for name, runs in (("baseline", base), ("parley", ours)):
                rows.append(
                    [
                        request,
                        connections,
                        name,
                        f"{median(runs, 'rate'):,.0f}",
                        *latency(runs),
                        f"{median(runs, 'cpu_us'):.0f}",
                        f"{median(runs, 'redis_us'):.0f}",
                        errors(runs),
                    ]
                )
            rate, p99, cpu = (
                statistics.median(o[figure] / b[figure] for o, b in zip(ours, base))
                for figure in ("rate", "p99_us", "cpu_us")
            )
            least, most = KEYED_TARGETS if request == KEYED else TARGETS
            rows.append(
                [
                    "",
                    "",
                    "**ratio**",
                    judged(rate, least, rate >= least),
                    "",
                    judged(p99, P99, p99 <= P99),
                    judged(cpu, most, cpu <= most),
                    "",
                    "",
                ]
            )
    held = {name: sum(sizes[:2]) for name, sizes in memory.items()}
    fits = "reached" if held["parley"] <= MEMORY else "missed"
    return [
        "Gateway, node and Redis (appendfsync everysec, `--durability os`), against the baseline's three processes.",
        "CPU is that of all three processes, of which Redis' own is shown too.",
        "",
        *table(
            [
                "request",
                "connections",
                "servers",
                "requests/s",
                "p50 ms",
                "p99 ms",
                "CPU µs/request",
                "of it Redis",
                "errors",
            ],
            rows,
        ),
        "",
        f"RSS afterwards, HTTP and RPC processes together: baseline {held['baseline']:.0f} MiB, parley "
        f"{held['parley']:.0f} MiB ({fits}: at most {MEMORY}).",
    ]


def start_baseline(life, folder, programs):
    redis = start_redis(life, folder, "baseline")
    rpcd = life.enter_context(running(Foreign(programs / "rpcd", folder, None, "-redis", redis.address)))
    httpd = life.enter_context(running(Foreign(programs / "httpd", folder, None, "-rpc", rpcd.address)))
    return Stack("baseline", [httpd, rpcd, redis])


def start_parley(life, folder):
    redis = start_redis(life, folder, "parley")
    node = life.enter_context(
        running(
            Parley(folder, None, "--rpc", "127.0.0.1:0", "--durability", "os", "--store", f"redis://{redis.address}")
        )
    )
    gateway = life.enter_context(
        running(Parley(folder, None, "--http", "127.0.0.1:0", "--backend", f"thrift://{node.rpc}"))
    )
    return Stack("parley", [gateway, node, redis])


def start_redis(life, folder, name):
    data = pathlib.Path(folder) / f"redis-{name}"
    data.mkdir()
    return life.enter_context(running(Redis(data, None, "appendfsync everysec")))


def build_baseline(source):
    """Builds a copy of it in build/baseline, and returns the folder of its programs."""
    copy = ROOT / "build" / "baseline"
    shutil.copytree(source, copy, dirs_exist_ok=True, copy_function=shutil.copyfile)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o200)
    programs = copy / "bin"
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    for command in (
        ["go", "build", "-mod=mod", "-o", programs / "kitex", "github.com/cloudwego/kitex/tool/cmd/kitex"],
        [programs / "kitex", "-module", "goref", "im.thrift"],
        # Its JSON library reaches into Go's runtime, which newer linkers forbid unless told otherwise.
        ["go", "build", "-mod=mod", "-ldflags=-checklinkname=0", "-o", programs, "./httpd", "./rpcd"],
    ):
        progress(" ".join(str(word) for word in command))
        subprocess.run(command, cwd=copy, env=environment, check=True)
    return programs
