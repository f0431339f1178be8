"""Measures the release build, beside nginx where that says something. Writes a report to bench/results.

    ./x bench [SCENARIO ...] [--rounds N] [--seconds N] [--full]

  http        requests per second of ping, send and pull, wrk's 64 and 512 connections, interleaved with nginx
  depth       the newest page of a long chat against that of a short one
  fixed-rate  the latency of durable sends at a fixed 5,000 a second, beside the disk's own fdatasync
  tiers       a gateway and a node against the single process, with the CPU time of each
  memory      an idle server, and 10,000 idle connections of each kind
  open        from start to ready, with many messages stored
  redis       the store in Redis beside redis-benchmark, the server over it beside the one over memory, and its memory
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import re
import resource
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

from servers import Nginx, Parley, Redis, running

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
BINARY = ROOT / "build" / "release" / "parley"
OPEN_LOOP = ROOT / "build" / "release" / "bench" / "open_loop"
STORE_BENCHMARK = ROOT / "build" / "release" / "src" / "store" / "store_benchmark"
CONNECTIONS = (64, 512)
CHATS, TEXT, PAGE = 1000, 100, 10


def cpus():
    """(the server's, the load generator's), or (None, None) where there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


SERVER_CPU, LOAD_CPU = cpus()


# Running a load -------------------------------------------------------------------------------------------------------


def pinned(command, cpu=LOAD_CPU):
    return ["taskset", "-c", str(cpu), *command] if cpu is not None else list(command)


def wrk(url, connections, seconds, *request):
    """The figures of one run, as requests.lua prints them."""
    command = pinned(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s",
                      HERE / "requests.lua", url, "--", *request])
    output = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout
    found = re.search(r"^figures (.*)$", output, re.M)
    if not found:
        raise RuntimeError(f"wrk said\n{output}")
    return json.loads(found[1])


def measure(server, connections, seconds, *request):
    """wrk's figures with what the server used meanwhile."""
    server.forget_peak()
    cpu = server.cpu_us()
    run = wrk(server.url, connections, seconds, *request)
    run["rate"] = run["requests"] / (run["us"] / 1e6)
    run["cpu_us"] = (server.cpu_us() - cpu) / max(1, run["requests"])
    run["peak_mib"] = server.memory_kib("VmHWM") / 1024
    return run


def open_loop(server, rate, requests, connections, chats, first=0):
    """The figures of sends at a fixed rate (0: as fast as can be), as open_loop.cc prints them."""
    host, port = server.address.rsplit(":", 1)
    command = pinned([OPEN_LOOP, host, port, rate, requests, connections, first, chats])
    output = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout
    return json.loads(output)


def fill(server, messages, chats, first=0):
    """Stores `messages` in all in `chats` chats, in turn."""
    run = open_loop(server, 0, messages, 256, chats, first)
    if run["errors"]:
        raise RuntimeError(f"{run['errors']} errors while filling the store")


def table(columns, rows):
    return [f"| {' | '.join(map(str, row))} |" for row in (columns, ["---"] * len(columns), *rows)]


def latency(runs):
    return [f"{median(runs, name) / 1000:.2f}" for name in ("p50_us", "p99_us")]


def errors(runs):
    return sum(run.get("errors", 0) for run in runs)


def median(runs, name):
    return statistics.median(run[name] for run in runs)


# Scenarios: each returns the lines of its section ---------------------------------------------------------------------


def scenario_http(args, folder):
    requests = {  # name: (server, durability, what wrk sends)
        "nginx, 17 bytes by `return 200`": ("nginx", "–", lambda n: ["static"]),
        "ping": ("parley", "–", lambda n: ["ping"]),
        "send": ("parley", args.durability, lambda n: ["send", CHATS, TEXT]),
        "send with a key": ("parley", args.durability, lambda n: ["keyed", CHATS, TEXT, f"{os.getpid()}-{n}"]),
        f"pull of {PAGE} × {TEXT} bytes": ("parley", args.durability, lambda n: ["pull", CHATS, PAGE]),
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
            rows.append([name, connections, durability, f"{median(runs, 'rate'):,.0f}",
                         f"{min(rates):,.0f} – {max(rates):,.0f}", f"{ratio:.2f}", *latency(runs),
                         f"{median(runs, 'cpu_us'):.1f}", f"{median(runs, 'peak_mib'):.0f}", errors(runs)])
    return table(["request", "connections", "durability", "requests/s", "min – max", "of nginx", "p50 ms", "p99 ms",
                  "CPU µs/request", "peak RSS MiB", "errors"], rows)


def scenario_depth(args, folder):
    """Two chats of different length in one store, read in turn."""
    short, long = 1000, 1_000_000
    results = {short: [], long: []}
    with running(start(folder, args)) as parley:
        for size in results:  # the chat's number is its size
            fill(parley, size, 1, first=size)
        for number in range(args.rounds):
            for size in results:
                run = measure(parley, CONNECTIONS[0], args.seconds, "newest", size, PAGE)
                results[size].append(run)
                progress(f"round {number + 1}: newest of {size:,}: {run['rate']:,.0f}/s")
    ratio = statistics.median(s["rate"] / b["rate"] for s, b in zip(results[short], results[long]))
    rows = [[f"{size:,}", f"{median(runs, 'rate'):,.0f}", *latency(runs), f"{median(runs, 'cpu_us'):.1f}", errors(runs)]
            for size, runs in results.items()]
    return [f"The newest {PAGE} messages, {CONNECTIONS[0]} connections; durability {args.durability}.", "",
            *table(["messages in the chat", "requests/s", "p50 ms", "p99 ms", "CPU µs/request", "errors"], rows), "",
            f"The long chat takes {ratio:.2f}× the time of the short one."]


def scenario_fixed_rate(args, folder):
    rate, connections = 5000, 256
    disk, server = [], []
    with running(start(folder, args)) as parley:
        for number in range(args.rounds):
            disk.append(sync_times(folder))
            server.append(open_loop(parley, rate, rate * max(args.seconds, 5), connections, CHATS))
            progress(f"round {number + 1}: disk p99 {disk[-1]['p99_us'] / 1000:.2f} ms, "
                     f"server p99 {server[-1]['p99_us'] / 1000:.2f} ms")
    rows = [[name, *latency(runs), f"{max(run['p99_us'] for run in runs) / 1000:.2f}",
             f"{max(run['max_us'] for run in runs) / 1000:.1f}", errors(runs)]
            for name, runs in (("the disk's fdatasync", disk), ("send, from its due time", server))]
    return [f"{rate:,} sends a second on {connections} connections, durability {args.durability}, each timed from",
            "when it was due. The disk alone, before each round: 4 KiB appended and fdatasync, one at a time.", "",
            *table(["", "p50 ms", "p99 ms", "worst p99 of a round", "max ms", "errors"], rows)]


def scenario_tiers(args, folder):
    """The single process, and a gateway in front of a node, each on its own store; all servers on one CPU."""
    requests = {"send": ["send", CHATS, TEXT], f"pull of {PAGE} × {TEXT} bytes": ["pull", CHATS, PAGE]}
    results = {}
    folders = [pathlib.Path(folder) / name for name in ("single", "node", "gateway")]
    for each in folders:
        each.mkdir()
    with (running(start(folders[0], args)) as single, running(start(folders[1], args, listeners=("rpc",))) as node,
          running(Parley(BINARY, folders[2], SERVER_CPU, "--http", "127.0.0.1:0",
                         "--backend", f"thrift://{node.rpc}")) as gateway):
        for server in (single, gateway):
            fill(server, CHATS * PAGE * 2, CHATS)
        for number in range(args.rounds):
            for name, request in requests.items():
                for tiers, server in (("one process", single), ("gateway and node", gateway)):
                    before = node.cpu_us()
                    run = measure(server, CONNECTIONS[0], args.seconds, *request)
                    run["node_us"] = (node.cpu_us() - before) / max(1, run["requests"])
                    results.setdefault((name, tiers), []).append(run)
                    progress(f"round {number + 1}: {name}, {tiers}: {run['rate']:,.0f}/s")
    rows = [[name, tiers, f"{median(runs, 'rate'):,.0f}", *latency(runs), f"{median(runs, 'cpu_us'):.1f}",
             "–" if tiers == "one process" else f"{median(runs, 'node_us'):.1f}", errors(runs)]
            for (name, tiers), runs in results.items()]
    return [f"{CONNECTIONS[0]} connections, durability {args.durability}.", "",
            *table(["request", "servers", "requests/s", "p50 ms", "p99 ms", "CPU µs/request, HTTP's process",
                    "CPU µs/request, node", "errors"], rows)]


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
    return [f"{count:,} idle connections, each of them used once.", "",
            *table(["listener", "idle server, RSS MiB", "with the connections, MiB", "each connection, KiB"], rows)]


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
        fill(parley, messages, chats)
    seconds = []
    for number in range(args.rounds):
        with running(start(folder, args)) as parley:
            seconds.append(parley.seconds_to_ready)
            progress(f"start {number + 1}: {seconds[-1]:.3f} s")
    return [f"With {messages:,} messages in {chats:,} chats, after a stop in good order, the file cache warm: ready",
            f"after {statistics.median(seconds):.3f} s ({min(seconds):.3f} – {max(seconds):.3f})."]


def scenario_redis(args, folder):
    """Redis has a core of its own, which it shares with wrk where the HTTP server has the other."""
    sync = "always" if args.durability == "fsync" else "everysec"
    with running(Redis(folder, LOAD_CPU, f"appendfsync {sync}")) as redis:
        alone = redis_alone(args, redis)
    with running(Redis(folder, LOAD_CPU, f"appendfsync {sync}")) as redis:
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
            for name, words in (("append", ("XADD", "bench:{__rand_int__}", "*", "s", "012345678", "t", "x" * TEXT)),
                                ("read", ("XRANGE", "bench:{__rand_int__}", "-", "+", "COUNT", PAGE))):
                rate = redis_benchmark(redis, depth, *words)
                results.setdefault(("redis-benchmark", name, depth), []).append(rate)
        for (name, depth), rate in store_benchmark(redis).items():
            results.setdefault(("store", name, depth), []).append(rate)
        progress(f"round {number + 1}: " + ", ".join(f"{' '.join(map(str, k))}: {v[-1]:,.0f}/s" for k, v in results.items()))
    rows = []
    for depth in depths:
        for name, beside in (("append", ("redis-benchmark", "append")), ("append with a key", ("store", "append")),
                             ("read", ("redis-benchmark", "read"))):
            rates, base = results["store", name, depth], results[*beside, depth]
            ratio = statistics.median(a / b for a, b in zip(rates, base))
            rows.append([name, depth, f"{statistics.median(rates):,.0f}", " ".join(beside),
                         f"{statistics.median(base):,.0f}", f"{ratio:.2f}"])
    return [f"The store without a server around it, {CHATS} chats, {TEXT} bytes, pages of {PAGE}.", "",
            *table(["call", "at once", "calls/s", "beside", "calls/s", "ratio"], rows)]


def redis_benchmark(redis, depth, *words):
    command = ["redis-benchmark", "-p", redis.port, "-c", 1, "-P", depth, "-n", 10_000 if depth == 1 else 200_000,
               "-r", CHATS, "--csv", *words]
    output = subprocess.run([str(word) for word in pinned(command, SERVER_CPU)], capture_output=True, text=True,
                            check=True).stdout
    return float(output.splitlines()[-1].split('","')[1])


def store_benchmark(redis):
    """{(call, at once): calls a second}"""
    command = pinned([str(STORE_BENCHMARK), "--benchmark_filter=redis_", "--benchmark_format=json"], SERVER_CPU)
    output = subprocess.run(command, capture_output=True, text=True, check=True,
                            env=os.environ | {"PARLEY_BENCH_REDIS": redis.address}).stdout
    rates = {}
    for run in json.loads(output)["benchmarks"]:
        options = dict(re.findall(r"(\w+):(\d+)", run["name"]))
        keyed = " with a key" if options.get("keyed") == "1" else ""
        name = "append" + keyed if "append" in run["name"] else "read"
        rates[name, int(options.get("senders") or options["readers"])] = run["items_per_second"]
    return rates


def redis_served(args, folder, redis):
    requests = {
        "send": lambda n: ["send", CHATS, TEXT],
        "send with a key": lambda n: ["keyed", CHATS, TEXT, f"{os.getpid()}-{n}"],
        f"pull of {PAGE} × {TEXT} bytes": lambda n: ["pull", CHATS, PAGE],
    }
    results = {}
    with running(over_redis(args, folder, redis)) as ours, \
            running(Parley(BINARY, folder, SERVER_CPU, "--http", "127.0.0.1:0", "--store", "memory:")) as memory:
        for server in (ours, memory):
            fill(server, CHATS * PAGE * 2, CHATS)
        for number in range(args.rounds):
            for name, request in requests.items():
                for store, server in (("redis", ours), ("memory", memory)):
                    run = measure(server, CONNECTIONS[-1], args.seconds, *request(f"{number}-{store}"))
                    results.setdefault((name, store), []).append(run)
                    progress(f"round {number + 1}: {name}, {store}: {run['rate']:,.0f}/s")
    rows = []
    for (name, store), runs in results.items():
        ratio = statistics.median(a["rate"] / b["rate"] for a, b in zip(runs, results[name, "memory"]))
        rows.append([name, store, f"{median(runs, 'rate'):,.0f}", f"{ratio:.2f}", *latency(runs),
                     f"{median(runs, 'cpu_us'):.1f}", errors(runs)])
    return [f"One HTTP process, {CONNECTIONS[-1]} connections.", "",
            *table(["request", "store", "requests/s", "of memory", "p50 ms", "p99 ms", "CPU µs/request", "errors"], rows)]


def redis_memory(args, folder, redis):
    rows = []
    with running(over_redis(args, folder, redis)) as server:
        for chats, messages in ((20_000, 1), (20_000, 10), (1_000, 100), (10, 10_000)):
            before = redis.used_bytes()
            fill(server, chats * messages, chats, first=(len(rows) + 1) * 1_000_000)
            chat = (redis.used_bytes() - before) / chats
            rows.append([f"{messages:,}", f"{chat:,.0f}", f"{chat / messages:,.0f}", f"{2**30 / chat:,.0f}"])
    return [f"What the Redis server's used_memory grows by, for texts of {TEXT} bytes.", "",
            *table(["messages in each chat", "bytes a chat", "bytes a message", "chats in 1 GiB"], rows)]


def over_redis(args, folder, redis):
    return Parley(BINARY, folder, SERVER_CPU, "--http", "127.0.0.1:0", "--store", f"redis://{redis.address}",
                  "--durability", args.durability)


SCENARIOS = {
    "http": ("Throughput", scenario_http),
    "depth": ("A long chat against a short one", scenario_depth),
    "fixed-rate": ("Latency at a fixed rate", scenario_fixed_rate),
    "tiers": ("A gateway in front of a node", scenario_tiers),
    "memory": ("Memory", scenario_memory),
    "open": ("From start to ready", scenario_open),
    "redis": ("Redis as the store", scenario_redis),
}


# What they share ------------------------------------------------------------------------------------------------------


def start(folder, args, *options, listeners=("http",)):
    """A server on the folder's store, with durability as asked unless the options say more."""
    named = [word for name in listeners for word in (f"--{name}", "127.0.0.1:0")]
    return Parley(BINARY, folder, SERVER_CPU, *named, "--store", f"rocksdb:{folder}/data",
                  *(options or ("--durability", args.durability)))


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


def progress(text):
    print(text, file=sys.stderr, flush=True)


def first_line(*command):
    result = subprocess.run(command, capture_output=True, text=True)
    return ((result.stdout or result.stderr).splitlines() or ["?"])[0].strip()


def machine(folder):
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)$", info, re.M)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    rows = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB",
        "pinning": f"server on CPU {SERVER_CPU}, load on CPU {LOAD_CPU}" if LOAD_CPU is not None else "none: one CPU",
        "kernel": platform.release(),
        "disk": first_line("findmnt", "-no", "SOURCE,FSTYPE,OPTIONS", "-T", str(folder)),
        "parley": f"{first_line(str(BINARY), '--version')}, "
                  f"{first_line('git', '-C', str(ROOT), 'describe', '--always', '--dirty')}",
        "nginx": first_line("nginx", "-v"),
        "wrk": first_line("wrk", "-v"),
    }
    return table(["", ""], rows.items())


def parse():
    parser = argparse.ArgumentParser(prog="./x bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", 
                        help=f"{', '.join(SCENARIOS)} or all (default: http)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each measurement is made (5)")
    parser.add_argument("--seconds", type=int, default=5, metavar="N", help="how long each takes (5)")
    parser.add_argument("--durability", choices=("fsync", "os"), default="fsync")
    parser.add_argument("--full", action="store_true", help="open: 10 million messages in 1 million chats, not a tenth")
    parser.add_argument("--output", type=pathlib.Path, help="the report (default: bench/results/DATE.md)")
    args = parser.parse_args()
    names = list(SCENARIOS) if "all" in args.scenarios else args.scenarios or ["http"]
    for name in names:
        if name not in SCENARIOS:
            parser.error(f"there is no scenario {name}")
    return args, names


def main():
    args, names = parse()
    scratch = ROOT / "build" / "bench"
    scratch.mkdir(parents=True, exist_ok=True)
    lines = [f"# Measured: {', '.join(names)}", "", *machine(scratch), "",
             f"{args.rounds} rounds of {args.seconds} s, interleaved; figures are medians of the rounds."]
    for name in names:
        title, scenario = SCENARIOS[name]
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            lines += ["", f"## {title}", "", *scenario(args, folder)]
    stamp = datetime.datetime.now().strftime("%Y-%m-%d-%H%M")
    output = args.output or HERE / "results" / f"{stamp}.md"
    output.parent.mkdir(parents=True, exist_ok=True)
    report = "\n".join(lines) + "\n"
    output.write_text(report)
    print(report)
    progress(f"written to {output}")


if __name__ == "__main__":
    main()
