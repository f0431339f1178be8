"""Measures how fast the release build is, beside nginx if that makes sense. Writes a report to bench/results.

  ./x bench [SCENARIO ...] [--rounds N] [--seconds N] [--full]
  ./x bench compare OLD_BINARY [--rounds N] [--seconds N]

http        requests per second of ping, send and pull, over 64 and 512 connections, in turn with nginx
depth       the newest page of a long chat against that of a short one
fixed-rate  the latency of durable sends at a fixed 5,000 a second, beside the disk's own fdatasync
tiers       a gateway and a node against the single process, with the CPU time of each; with --baseline DIR against
            the Go program there, both over Redis
jmeter      20, 500 and 1,000 JMeter threads that send and pull; every answer 200, every message there once
memory      an idle server, and 10,000 idle connections of each kind
open        from start to ready, with many messages stored
profile     where the CPU time of a request goes, by Linux' perf: one process, nginx, gateway and node
tls         pull over TLS beside pull in the clear, and new TLS connections beside nginx
compare     this build beside an earlier one's program, in send, pull and new chats: one process over RocksDB and
            over Redis, and three tiers
events      a page of events, and the newest chats of a user, over RocksDB and over Redis
redis       the store in Redis beside redis-benchmark, the server over it beside the one over memory, and its memory
lanes       numbers of lanes of a store in Redis, over one server and a cluster of three
"""

import argparse
import datetime
import os
import pathlib
import platform
import re
import subprocess
import tempfile

import compare
import cpu_profile
import events
import jmeter
import redis_store
import single
import tiers
import tls
from load import BINARY, HERE, LOAD_CPU, ROOT, SERVER_CPU, progress, table

SCENARIOS = {
    "http": ("Throughput", single.scenario_http),
    "depth": ("A long chat against a short one", single.scenario_depth),
    "fixed-rate": ("Latency at a fixed rate", single.scenario_fixed_rate),
    "tiers": ("A gateway in front of a node", tiers.scenario_tiers),
    "jmeter": ("JMeter", jmeter.scenario_jmeter),
    "memory": ("Memory", single.scenario_memory),
    "open": ("From start to ready", single.scenario_open),
    "profile": ("Where the CPU time goes", cpu_profile.scenario_profile),
    "tls": ("HTTPS", tls.scenario_tls),
    "events": ("Pages of events, and newest chats", events.scenario_events),
    "redis": ("Redis as the store", redis_store.scenario_redis),
    "lanes": ("How many lanes a store in Redis should have", redis_store.scenario_lanes),
}
COMPARISON = {"compare": ("This build beside an earlier one", compare.scenario_compare)}  # needs that one's program


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
    parser = argparse.ArgumentParser(
        prog="./x bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "scenarios", nargs="*", metavar="SCENARIO", help=f"{', '.join(SCENARIOS)} or all (default: http)"
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each measurement is made (5)")
    parser.add_argument("--seconds", type=int, default=5, metavar="N", help="how long each takes (5)")
    parser.add_argument(
        "--durability", choices=("fsync", "os"), default="fsync", help="when sends are acknowledged (fsync)"
    )
    parser.add_argument("--full", action="store_true", help="open: 10 million messages in 1 million chats, not a tenth")
    parser.add_argument("--baseline", type=pathlib.Path, metavar="DIR", help="tiers: the program to compare with")
    parser.add_argument("--output", type=pathlib.Path, help="the report (default: bench/results/DATE.md)")
    args = parser.parse_args()
    if args.scenarios[:1] == ["compare"]:
        if len(args.scenarios) != 2 or not os.access(args.scenarios[1], os.X_OK):
            parser.error("compare takes the earlier build's program, as in ./x bench compare /tmp/parley-before")
        args.old = pathlib.Path(args.scenarios[1]).resolve()
        return args, ["compare"]
    names = list(SCENARIOS) if "all" in args.scenarios else args.scenarios or ["http"]
    for name in names:
        if name not in SCENARIOS:
            parser.error(f"there is no scenario {name}")
    if args.baseline and not (args.baseline / "go.mod").exists():
        parser.error(f"--baseline: {args.baseline} holds no go.mod")
    return args, names


def main():
    args, names = parse()
    scratch = ROOT / "build" / "bench"
    scratch.mkdir(parents=True, exist_ok=True)
    lines = [
        f"# Measured: {', '.join(names)}",
        "",
        *machine(scratch),
        "",
        f"{args.rounds} rounds of {args.seconds} s, interleaved; figures are medians of the rounds.",
    ]
    for name in names:
        title, scenario = (SCENARIOS | COMPARISON)[name]
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
