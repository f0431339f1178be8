"""JMeter's threads against each topology: every answer 200, and every message there once."""

import collections
import concurrent.futures
import contextlib
import csv
import http.client
import json
import pathlib
import subprocess

from load import HERE, ROOT, progress, table
from servers import Parley, Redis, running, start

HOME = ROOT / "build" / "tools" / "jmeter"
PLAN = HERE / "jmeter" / "chat.jmx"
THREADS = (20, 500, 1000)
MESSAGES = 20_000  # of a run, shared by its threads
SHARES = (50, 90, 95, 99, 99.9)


def scenario_jmeter(args, folder):
    rows = []
    for name, topology in TOPOLOGIES.items():
        home = pathlib.Path(folder) / name.replace(" ", "-")
        home.mkdir()
        with contextlib.ExitStack() as life:
            server = topology(life, home, args)
            for threads in THREADS:
                rows += run(server, name, threads, home)
    results = keep_results(folder)
    return [
        f"Each number of threads made {MESSAGES:,} sends and as many pulls, each thread in a chat of its own. All",
        "answers were 200, and every message was there once, in order. Every sample is in",
        f"{results}.",
        "",
        *table(
            ["servers", "threads", "request", "samples", "requests/s", *(f"p{s} ms" for s in SHARES), "max ms"], rows
        ),
    ]


# Topologies: each starts its servers, to be stopped with `life`, and returns the one that speaks HTTP ------------------


def one_process(life, folder, args):
    return life.enter_context(running(start(folder, args)))


def three_tiers(life, folder, args):
    redis = life.enter_context(running(Redis(folder, None, "appendfsync everysec")))
    node = life.enter_context(
        running(
            Parley(folder, None, "--rpc", "127.0.0.1:0", "--durability", "os", "--store", f"redis://{redis.address}")
        )
    )
    return life.enter_context(
        running(Parley(folder, None, "--http", "127.0.0.1:0", "--backend", f"thrift://{node.rpc}"))
    )


TOPOLOGIES = {"one process over RocksDB": one_process, "three tiers over Redis": three_tiers}


# A run ----------------------------------------------------------------------------------------------------------------


def run(server, name, threads, folder):
    """The table's rows of a run; an error where an answer was no 200 or a message is not there."""
    loops = MESSAGES // threads
    results = folder / f"{threads}.csv"
    host, port = server.address.rsplit(":", 1)
    properties = {
        "host": host,
        "port": port,
        "threads": threads,
        "loops": loops,
        "run": f"r{threads}",
        "jmeter.save.saveservice.output_format": "csv",
    }
    command = [
        "java",
        "-Xmx1g",
        "-jar",
        HOME / "bin" / "ApacheJMeter.jar",
        "-n",
        "-t",
        PLAN,
        "-l",
        results,
        "-j",
        folder / f"{threads}.log",
        *(f"-J{key}={value}" for key, value in properties.items()),
    ]
    progress(f"{name}: {threads} threads")
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    samples = read_samples(results, 2 * threads * loops)
    count_messages(server.address, threads, loops)
    return [row(name, threads, label, samples[label]) for label in ("send", "pull")]


def read_samples(path, expected):
    """{label: [(begin, elapsed) in ms]} of the results, which must be as many as expected, and all of them 200."""
    samples, codes = collections.defaultdict(list), collections.Counter()
    with open(path, newline="") as file:
        for line in csv.DictReader(file):
            codes[line["responseCode"] if line["success"] == "true" else f"{line['responseCode']}, failed"] += 1
            samples[line["label"]].append((int(line["timeStamp"]), int(line["elapsed"])))
    if dict(codes) != {"200": expected}:
        raise RuntimeError(f"{expected} answers should be 200, and these came: {dict(codes)}; see {path}")
    return samples


def count_messages(address, threads, loops):
    """Pulls every thread's chat: its messages are there once, in the order in which they were sent."""
    expected = [str(number) for number in range(loops)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for thread, texts in enumerate(pool.map(lambda n: pull(address, f"r{threads}-{n}:z"), range(1, threads + 1))):
            if texts != expected:
                raise RuntimeError(
                    f"thread {thread + 1} of {threads} sent {loops} messages, and these are there: {texts}"
                )


def pull(address, chat):
    connection, texts, cursor = http.client.HTTPConnection(address, timeout=30), [], 0
    with contextlib.closing(connection):
        while True:
            connection.request("GET", f"/api/pull?chat={chat}&limit=1000&cursor={cursor}")
            answer = connection.getresponse()
            page = json.loads(answer.read())
            if answer.status != 200:
                raise RuntimeError(f"pulling {chat} was answered {answer.status}: {page}")
            texts += [message["text"] for message in page["messages"]]
            cursor = page["next_cursor"]
            if not page["has_more"]:
                return texts


def row(name, threads, label, samples):
    times = sorted(elapsed for _, elapsed in samples)
    seconds = (max(begin + elapsed for begin, elapsed in samples) - min(begin for begin, _ in samples)) / 1000
    shares = [times[min(len(times) - 1, int(len(times) * share / 100))] for share in SHARES]
    return [name, threads, label, f"{len(times):,}", f"{len(times) / max(seconds, 0.001):,.0f}", *shares, times[-1]]


def keep_results(folder):
    """Copies the samples, megabytes of them, to where they are not committed, and returns where to."""
    kept = ROOT / "build" / "bench" / "jmeter"
    for path in sorted(pathlib.Path(folder).rglob("*.csv")):
        kept.mkdir(parents=True, exist_ok=True)
        (kept / f"{path.parent.name}-{path.name}").write_bytes(path.read_bytes())
    return kept.relative_to(ROOT)
