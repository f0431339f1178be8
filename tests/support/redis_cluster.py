"""A Redis Cluster: three masters and a replica of each."""

import concurrent.futures
import contextlib

import redis

from support.build import scaled
from support.redis import RedisServer, free_port, log_key
from support.wait import eventually

SLOTS = 16384
NODE_TIMEOUT = 1000  # ms until a master that does not answer is held for failed


class ClusterNode(RedisServer):
    """`announced`: the port that the cluster tells its clients, where something stands in front of the server."""

    def __init__(self, folder, *options, announced=None, **settings):
        super().__init__(folder, *options, **settings)
        self.announced = announced
        self.bus_port = None

    def pick_ports(self):
        super().pick_ports()
        self.bus_port = free_port()

    def command(self):
        announce = ["--cluster-announce-port", str(self.announced)] if self.announced else []
        return [
            *super().command(),
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            str(self.bus_port),
            "--cluster-config-file",
            "nodes.conf",
            "--cluster-node-timeout",
            str(int(scaled(NODE_TIMEOUT))),
            "--cluster-replica-validity-factor",
            "0",
            *announce,
        ]

    def id(self):
        return self.call("CLUSTER", "MYID")

    def slots(self):
        """The ranges that it owns by its own account; none of a replica."""
        mine = next(line.split() for line in self.call("CLUSTER", "NODES").splitlines() if "myself" in line)
        if "master" not in mine[2]:
            return []
        bounds = [part.split("-") for part in mine[8:] if not part.startswith("[")]
        return [range(int(part[0]), int(part[-1]) + 1) for part in bounds]

    def info(self):
        return dict(line.split(":", 1) for line in self.call("CLUSTER", "INFO").splitlines())


class Cluster:
    """Stands where a RedisServer does. `nodes`: the masters as they were at first, then their replicas."""

    def __init__(self, folder, masters=3, replicas=3, password=None):
        self._masters = masters
        self.nodes = [ClusterNode(folder / f"node{n}", password=password) for n in range(masters + replicas)]

    def start(self):
        """What redis-cli --cluster create does, without its sleeps."""
        with concurrent.futures.ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(lambda node: node.start(), self.nodes))
        masters, replicas = self.nodes[: self._masters], self.nodes[self._masters :]
        for number, node in enumerate(self.nodes):
            node.call("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if node is not masters[0]:
                node.call("CLUSTER", "MEET", *masters[0].address, masters[0].bus_port)
        for number, node in enumerate(masters):
            first, last = SLOTS * number // len(masters), SLOTS * (number + 1) // len(masters) - 1
            node.call("CLUSTER", "ADDSLOTSRANGE", first, last)
        eventually(lambda: all(self._knows_all(node) for node in self.nodes), "the nodes to meet")
        for master, replica in zip(masters, replicas):
            replica.call("CLUSTER", "REPLICATE", master.id())
        eventually(self.whole, "the cluster to be whole")
        return self

    def stop(self):
        for node in self.nodes:
            node.stop()

    def kill(self):
        for node in self.nodes:
            node.kill()

    def url(self):
        password = self.nodes[0].password
        hosts = ",".join("127.0.0.1:%d" % (node.announced or node.port) for node in self.nodes)
        return f"redis+cluster://{f':{password}@' if password else ''}{hosts}"

    def new_store(self):
        """The one that it has: tests tell their chats apart by name."""
        return self.url()

    # Who is who ------------------------------------------------------------------------------------------------------

    def masters(self):
        """Those of the answering nodes that say that they own slots."""
        return [node for node in self.nodes if node.answering() and node.slots()]

    def owner(self, slot):
        """The master of the slot; None while there is none."""
        return next((node for node in self.masters() if any(slot in part for part in node.slots())), None)

    def slot_of(self, chat):
        """Of a chat that has messages."""
        return self.nodes[-1].call("CLUSTER", "KEYSLOT", log_key(chat, *self.masters()))

    def whole(self):
        """Whether each node finds the cluster well, and each replica is in step with its master."""
        try:
            return all(node.running() and self._is_well(node) for node in self.nodes)
        except redis.RedisError:
            return False

    def promoted(self, but):
        """Waits until another node has the slots of the master `but`, and every running node knows."""

        def found():
            with contextlib.suppress(redis.RedisError):
                others = [node for node in self.nodes if node.answering() and node is not but]
                return sum(bool(node.slots()) for node in others) == self._masters and all(
                    node.info()["cluster_state"] == "ok" for node in others
                )
            return False

        eventually(found, "the cluster to promote a replica")

    # Moving slots ----------------------------------------------------------------------------------------------------

    def move(self, slot, target, pause=lambda: None):
        """Moves a slot as redis-cli does, key by key; `pause` is called while it is between the two."""
        source = self.owner(slot)
        if source is target:
            return
        source_id, target_id = source.id(), target.id()
        with source.client(timeout=20) as here, target.client(timeout=20) as there:
            there.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
            here.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
            pause()
            while keys := here.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1):
                secret = ["AUTH", source.password] if source.password else []
                command = ["MIGRATE", *target.address, "", 0, 20_000, *secret, "KEYS", *keys]
                eventually(lambda command=command: _done(here, command), "the cluster to be up on both sides")
                pause()
            there.execute_command("CLUSTER", "SETSLOT", slot, "NODE", target_id)
            here.execute_command("CLUSTER", "SETSLOT", slot, "NODE", target_id)

    # Private ---------------------------------------------------------------------------------------------------------

    def _knows_all(self, node):
        info = node.info()
        return info["cluster_known_nodes"] == str(len(self.nodes)) and info["cluster_state"] == "ok"

    def _is_well(self, node):
        with node.client() as client:
            replication = client.info("replication")
        alone = len(self.nodes) == self._masters
        in_step = (
            replication["role"] == "slave"
            and replication["master_link_status"] == "up"
            or replication["role"] == "master"
            and (alone or replication["connected_slaves"] >= 1)
        )
        return in_step and self._knows_all(node)


def _done(client, command):
    """Whether it is. On a busy machine a node may be taken for lost for a moment, and the cluster for down."""
    try:
        client.execute_command(*command)
    except redis.ResponseError as error:
        if "CLUSTERDOWN" not in str(error):
            raise
        return False
    return True
