"""What readers of many chats pay: a page of events, and the newest chats of a user."""

from load import LOAD_CPU, SERVER_CPU, median, progress, run_store_benchmark, table
from servers import Redis, running

CALLS = {
    "events_page": "a page of events: 1,000 chats, of which 5 moved",
    "newest_chats": "the 20 newest of 10,000 chats, from the index",
}


def scenario_events(args, folder):
    """Each round has a store of its own."""
    results = {}
    for number in range(args.rounds):
        with running(Redis(folder, LOAD_CPU, "appendfsync everysec")) as redis:
            redis.ask("FLUSHALL")
            for call, ms in milliseconds(redis).items():
                results.setdefault(call, []).append({"ms": ms})
        progress(
            f"round {number + 1}: " + ", ".join(f"{'/'.join(k)}: {v[-1]['ms']:.3f} ms" for k, v in results.items())
        )
    rows = [
        [CALLS[call], store, f"{median(runs, 'ms'):.3f}", f"{max(run['ms'] for run in runs):.3f}"]
        for (call, store), runs in sorted(results.items())
    ]
    return [
        f"The store without a server around it, 5,000 calls a round, one after the other. Redis is on CPU {LOAD_CPU}, "
        f"the rest on CPU {SERVER_CPU}.",
        "",
        *table(["call", "store", "ms", "worst round's"], rows),
    ]


def milliseconds(redis):
    """{(call, store): milliseconds a call}"""
    runs = run_store_benchmark(redis, "|".join(CALLS))
    return {tuple(run["name"].split("/")[:2]): 1000 / run["items_per_second"] for run in runs}
