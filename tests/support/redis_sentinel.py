"""A master and its replicas, watched by three sentinels that promote a replica within about a second."""

import time

import redis

from support.build import scaled
from support.redis import RedisProcess, RedisServer, program
from support.wait import eventually

MASTER = "parley"
DOWN_AFTER = 500  # ms
# What a sentinel does every few seconds by default; a replica's offset must be known as it was after the master died.
FAST = {
    "info-period": 100,
    "ping-period": 100,
    "ask-period": 100,
    "publish-period": 200,
    "tilt-trigger": 60_000,
    "election-timeout": 1000,
    "min-link-reconnect-period": 300,
}


class SentinelProcess(RedisProcess):
    def __init__(self, folder, watched, **settings):
        super().__init__(folder, **settings)
        self.watched = watched

    def command(self):
        config = self.folder / "sentinel.conf"
        if not config.exists():  # it keeps its state there
            config.write_text(self._config())
        return [program("redis-sentinel"), str(config), "--port", str(self.port), "--bind", "127.0.0.1"]

    def await_answer(self):
        super().await_answer()
        self.call("SENTINEL", "DEBUG", *(word for pair in FAST.items() for word in pair))
        return self

    def _config(self):
        lines = [
            f"sentinel monitor {MASTER} 127.0.0.1 {self.watched.port} 2",
            f"sentinel down-after-milliseconds {MASTER} {int(scaled(DOWN_AFTER))}",
            f"sentinel failover-timeout {MASTER} {int(scaled(1500))}",
            f"sentinel parallel-syncs {MASTER} 8",
        ]
        if self.password:
            lines += [
                f"requirepass {self.password}",
                f"sentinel auth-pass {MASTER} {self.password}",
                f"sentinel sentinel-pass {self.password}",
            ]
        return "\n".join(lines) + "\n"


class SentinelSet:
    """Stands where a RedisServer does: `servers` (whichever is the master now) and `sentinels`."""

    def __init__(self, folder, replicas=2, password=None):
        self.servers = [RedisServer(folder / f"server{n}", password=password) for n in range(1 + replicas)]
        self.sentinels = [
            SentinelProcess(folder / f"sentinel{n}", self.servers[0], password=password) for n in range(3)
        ]

    def start(self):
        first, *others = self.servers
        first.start()
        for one in others:
            one.start()
            one.call("REPLICAOF", *first.address)
        for one in self.sentinels:
            one.start()
        eventually(self.whole, "the sentinels to know each other and every replica")
        return self

    def stop(self):
        for one in self.sentinels + self.servers:
            one.stop()

    def kill(self):
        for one in self.sentinels + self.servers:
            one.kill()

    def url(self):
        password = self.servers[0].password
        hosts = ",".join("%s:%d" % one.address for one in self.sentinels)
        return f"redis+sentinel://{f':{password}@' if password else ''}{hosts}/{MASTER}"

    # Who is who ------------------------------------------------------------------------------------------------------

    def master(self):
        """The server that most sentinels hold for the master; None while they are not of one mind."""
        ports = []
        for one in self.sentinels:
            try:
                ports.append(int(one.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)[1]))
            except redis.RedisError:
                pass
        for server in self.servers:
            if ports.count(server.port) > len(self.sentinels) // 2:
                return server
        return None

    def promoted(self, but):
        """Waits for another master than `but`: when it became one (time.monotonic()), once the sentinels agree."""
        others = [server for server in self.servers if server is not but]
        # Where no sentinel wins an election, or a replica seems to be down, too, they try again some seconds later.
        eventually(
            lambda: any(_role(server) == "master" for server in others), "a replica to become the master", timeout=60
        )
        when = time.monotonic()
        eventually(lambda: self.master() in others, "the sentinels to agree on the new master")
        return when

    def rejoin(self, server):
        """Brings back one that was killed, as a replica of whoever is the master now; waits until all are in step."""
        server.start()
        server.call("REPLICAOF", *self.master().address)
        self.in_step()

    def in_step(self):
        """Waits until every server but the master replicates from it, and the sentinels know so."""
        eventually(self.whole, "every replica to follow the master")

    def whole(self):
        master = self.master()
        if master is None:
            return False
        try:
            info = master.client().info("replication")
        except redis.RedisError:
            return False
        online = sum(
            1
            for n in range(len(self.servers))
            if isinstance(info.get(f"slave{n}"), dict) and info[f"slave{n}"]["state"] == "online"
        )
        return online == len(self.servers) - 1 and all(self._knows(one, master) for one in self.sentinels)

    def _knows(self, sentinel, master):
        """Whether this sentinel knows the others, and that every other server is a replica that can be promoted."""
        with sentinel.client() as client:
            state = client.sentinel_master(MASTER)
            replicas = client.sentinel_slaves(MASTER)
        fit = [r for r in replicas if r["master-link-status"] == "ok" and int(r["master-port"]) == master.port]
        return (
            int(state["port"]) == master.port
            and state["num-other-sentinels"] == len(self.sentinels) - 1
            and len(fit) == len(self.servers) - 1
        )


def _role(server):
    try:
        return server.call("ROLE")[0]
    except redis.RedisError:
        return None
