"""Where a server's CPU time goes, by Linux' perf: microseconds a request in each part."""

import collections
import contextlib
import pathlib
import signal
import subprocess

from load import CHATS, CONNECTIONS, PAGE, SENDS, SERVER_CPU, TEXT, fill, measure, progress, table
from servers import Nginx, Parley, Redis, running, start

FREQUENCY = 1999  # samples a second: in step with nothing

# What a part's stacks contain, at any depth; the first that fits counts.
CALLS = (
    ("kernel: writing to sockets", ("tcp_sendmsg", "sys_sendto", "sys_sendmsg", "sys_writev")),
    ("kernel: reading from sockets", ("tcp_recvmsg", "sys_recvfrom", "sys_recvmsg", "sock_read_iter")),
    ("kernel: waiting for events", ("sys_epoll_", "ep_poll")),
    ("kernel: syncing files", ("sys_fdatasync", "sys_sync_file_range")),
    ("kernel: writing files", ("sys_pwrite64", "ext4_file_write_iter")),
    ("kernel: waking threads", ("sys_futex",)),
    (
        "RocksDB: write buffer",
        ("MemTableInserter", "WriteBatchInternal::InsertInto", "MemTable::Add", "::Insert<false>"),
    ),
    ("RocksDB: log", ("WriteToWAL",)),
    (
        "RocksDB: reading",
        (
            "RocksdbReader",
            "rocksdb::DBIter",
            "DBImpl::Get",
            "DBImpl::NewIterator",
            "::FindGreaterOrEqual",
            "::FindLessThan",
        ),
    ),
)
# What the function nearest to the leaf is called that one of them knows. Stacks end in libraries that were built
# without frame pointers, so that those callers are not seen.
FUNCTIONS = (
    ("RocksDB: flushing and the rest", ("rocksdb::",)),
    ("memory allocation", ("je_", "operator new", "operator delete", "malloc", "_int_free")),
    ("copying and comparing bytes", ("__mem",)),
    ("RPC", ("parley::rpc::", "apache::thrift")),
    ("Redis client", ("parley::redis::", "redis")),
    ("store", ("parley::store::",)),
    ("HTTP, JSON", ("parley::http::", "boost::beast", "boost::json")),
    ("event loop, coroutines", ("boost::asio", "parley::net::", "parley::Wakeup")),
    ("kernel: other", ("entry_SYSCALL", "asm_")),
)
OTHER = "other"


def scenario_profile(args, folder):
    """Of one process over RocksDB, beside nginx; and of a gateway and a node over Redis."""
    return [
        "Each figure is CPU µs a request, of the process that is named. /proc has its time, and perf the shares, at "
        f"{FREQUENCY} Hz. The servers share one CPU, and wrk has the other.",
        "",
        *profile_single(args, pathlib.Path(folder)),
        "",
        *profile_tiers(args, pathlib.Path(folder)),
    ]


def profile_single(args, folder):
    requests = SENDS | {
        "pull, page kept": lambda run: ["pull", CHATS, PAGE],
        "pull, page not kept": lambda run: ["fresh", CHATS, PAGE],
    }
    columns = {}
    with running(Nginx(folder, SERVER_CPU)) as nginx, running(start(folder, args)) as parley:
        fill(parley, CHATS * PAGE * 2, CHATS)
        for connections in CONNECTIONS:
            columns[f"nginx, {connections}"] = profile(folder, nginx, nginx, connections, args.seconds, "static")
            for name, request in requests.items():
                columns[f"{name}, {connections}"] = profile(
                    folder, parley, parley, connections, args.seconds, *request(connections)
                )
    return [f"One process over RocksDB, durability {args.durability}:", "", *report(columns)]


def profile_tiers(args, folder):
    columns = {}
    with contextlib.ExitStack() as life:
        redis = life.enter_context(running(Redis(folder, SERVER_CPU, "appendfsync everysec")))
        node = life.enter_context(
            running(
                Parley(
                    folder,
                    SERVER_CPU,
                    "--rpc",
                    "127.0.0.1:0",
                    "--durability",
                    "os",
                    "--store",
                    f"redis://{redis.address}",
                )
            )
        )
        gateway = life.enter_context(
            running(Parley(folder, SERVER_CPU, "--http", "127.0.0.1:0", "--backend", f"thrift://{node.rpc}"))
        )
        fill(gateway, CHATS * PAGE * 2, CHATS)
        for name, request in (("send", ["send", CHATS, TEXT]), ("pull", ["pull", CHATS, PAGE])):
            for role, process in (("gateway", gateway), ("node", node), ("Redis", redis)):
                columns[f"{name}, {role}"] = profile(folder, process, gateway, CONNECTIONS[-1], args.seconds, *request)
    return [f"Gateway, node and Redis (appendfsync everysec), {CONNECTIONS[-1]} connections:", "", *report(columns)]


def profile(folder, process, server, connections, seconds, *request):
    """{part: µs a request} of `process` while `server` is under load."""
    data = folder / "perf.data"
    recorder = subprocess.Popen(
        [
            "perf",
            "record",
            "--quiet",
            "--call-graph",
            "fp",
            "--freq",
            str(FREQUENCY),
            "--output",
            data,
            "--pid",
            str(process.process.pid),
        ]
    )
    try:
        before = process.cpu_us()
        run = measure(server, connections, seconds, *request)
        used = (process.cpu_us() - before) / max(1, run["requests"])
    finally:
        recorder.send_signal(signal.SIGINT)
        recorder.wait()
    progress(f"{' '.join(map(str, request))}, {connections} connections: {used:.1f} µs")
    counts = collections.Counter(part_of(stack) for stack in stacks(data))
    return {part: used * count / counts.total() for part, count in counts.items()}


def stacks(data):
    """The frames of each sample, from the leaf."""
    text = subprocess.run(
        ["perf", "script", "--input", data, "--fields", "ip,sym"], capture_output=True, text=True, check=True
    ).stdout
    for sample in text.split("\n\n"):
        frames = [line.strip().split(" ", 1)[-1] for line in sample.splitlines() if line.strip()]
        if frames:
            yield frames


def part_of(frames):
    for part, marks in CALLS:
        if any(mark in frame for frame in frames for mark in marks):
            return part
    for frame in frames:
        for part, marks in FUNCTIONS:
            if any(mark in frame for mark in marks):
                return part
    return OTHER


def report(columns):
    parts = [part for part, _ in (*CALLS, *FUNCTIONS)] + [OTHER]
    rows = [
        [part, *(f"{column.get(part, 0):.2f}" for column in columns.values())]
        for part in parts
        if any(column.get(part, 0) >= 0.005 for column in columns.values())
    ]
    rows.append(["**all**", *(f"**{sum(column.values()):.1f}**" for column in columns.values())])
    return table(["", *columns], rows)
