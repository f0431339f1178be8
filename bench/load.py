"""Running a load against a server, and what comes of it as lines of a report."""

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
BINARY = ROOT / "build" / "release" / "parley"
STORE_BENCHMARK = BINARY.parent / "src" / "app" / "store_benchmark"
CONNECTIONS = (64, 512)
CHATS, TEXT, PAGE = 1000, 100, 10
SEND, KEYED = "send", "send with a key"
# What is asked; `run` tells the keys of one run from those of another.
SENDS = {
    SEND: lambda run: ["send", CHATS, TEXT],
    KEYED: lambda run: ["keyed", CHATS, TEXT, f"{os.getpid()}-{run}"],
}


def cpus():
    """(the server's, the load generator's), or (None, None) where there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


SERVER_CPU, LOAD_CPU = cpus()


def pinned(command, cpu=LOAD_CPU):
    return ["taskset", "-c", str(cpu), *command] if cpu is not None else list(command)


def wrk(url, connections, seconds, *request, cpu=LOAD_CPU, openssl=None):
    """The figures of one run, as requests.lua prints them. `openssl` is a configuration file for wrk's TLS."""
    command = pinned(
        [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--timeout",
            "10s",
            "-s",
            HERE / "requests.lua",
            url,
            "--",
            *request,
        ],
        cpu,
    )
    environment = os.environ | ({"OPENSSL_CONF": str(openssl)} if openssl else {})
    output = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=True, env=environment
    ).stdout
    found = re.search(r"^figures (.*)$", output, re.M)
    if not found:
        raise RuntimeError(f"wrk said\n{output}")
    run = json.loads(found[1])
    run["rate"] = run["requests"] / (run["us"] / 1e6)
    return run


def measure(server, connections, seconds, *request, cpu=LOAD_CPU, openssl=None):
    """wrk's figures with what the server used meanwhile."""
    server.forget_peak()
    before = server.cpu_us()
    run = wrk(server.url, connections, seconds, *request, cpu=cpu, openssl=openssl)
    run["cpu_us"] = (server.cpu_us() - before) / max(1, run["requests"])
    run["peak_mib"] = server.memory_kib("VmHWM") / 1024
    return run


def parley_bench(server, *options):
    """The figures that `parley bench --json` prints; an error where a promise was broken."""
    command = pinned([BINARY, "bench", "--json", "--url", server.url, *options])
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"parley bench ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def run_store_benchmark(redis, pattern):
    """What Google Benchmark tells of each of the store's benchmarks whose name fits."""
    command = [STORE_BENCHMARK, f"--benchmark_filter={pattern}", "--benchmark_format=json"]
    output = subprocess.run(
        [str(word) for word in pinned(command, SERVER_CPU)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PARLEY_BENCH_REDIS": redis.address},
    ).stdout
    return json.loads(output)["benchmarks"]


def fill(server, messages, chats, first=0):
    """Stores `messages` in all in `chats` chats, in turn; what is measured is what comes after it."""
    run = parley_bench(
        server,
        "--rate",
        "max",
        "--requests",
        messages,
        "--connections",
        256,
        "--chats",
        chats,
        "--first-chat",
        first,
        "--text",
        TEXT,
        "--no-verify",
    )
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


def judged(value, target, reached):
    return f"{value:.2f} ({'reached' if reached else 'missed'}: {target:.3g})"


def progress(text):
    print(text, file=sys.stderr, flush=True)
