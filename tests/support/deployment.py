"""Which processes stand behind an HTTP address: the one place that knows the topology.

A deployment offers what Server does: url, http, admin_url, admin, stop(), kill(), restart(). What it keeps its messages
in is its own folder, or a server that all deployments of a run share: that offers start(), stop() and new_store(), the
URL of a place there that is new, or (a cluster) holds nothing but chats of other names.
"""

from support.redis import RedisServer
from support.redis_cluster import Cluster
from support.server import Server, without


HTTPS = ("--http-tls-cert", "--http-tls-key", "--http-tls-ca")


class Node(Server):
    """The RPC service over a store, without HTTP."""

    listeners = ("rpc", "admin")


class Gateway(Server):
    """HTTP in front of RPC nodes, which must run when it starts: Servers, or whatever the URL `backend` names."""

    listeners = ("http", "admin")

    def __init__(self, folder, *options, nodes=(), backend=None, **settings):
        super().__init__(folder, *options, **settings)
        self.nodes = nodes
        self.backend = backend

    def _behind(self):
        return (
            ["--backend", self.backend]
            if self.backend
            else ["--backend", "thrift://" + ",".join(f"{host}:{port}" for host, port in (n.rpc for n in self.nodes))]
        )


class Relay(Gateway):
    """An RPC node that has no store but asks others."""

    listeners = ("rpc", "admin")


class Tiers(Gateway):
    """A gateway and its one node, which live and die together. Options are given to both, but for a few."""

    def __init__(self, folder, *options, store=None, **settings):
        shared = [str(option) for option in options]
        for name in ("--http", "--rpc", "--admin", "--store", "--drain-delay", *HTTPS):
            shared = without(shared, name)
        self.node = Node(f"{folder}/node", *shared, store=_store_of(options) or store, **settings)
        super().__init__(folder, *without(options, "--store"), nodes=[self.node], **settings)
        self.data = self.node.data

    def spawn(self):
        if not self.node.running():
            self.node.start()
        return super().spawn()

    def stop(self, *signals):
        super().stop(*signals)
        self.node.stop()

    def kill(self):
        super().kill()
        self.node.kill()


def _store_of(options):
    return options[options.index("--store") + 1] if "--store" in options else None


# name: (the deployment, the server that keeps its messages)
TOPOLOGIES = {
    "one-process": (Server, None),
    "tiers": (Tiers, None),
    "redis": (Server, RedisServer),
    "cluster": (Server, Cluster),
    "redis-tiers": (Tiers, RedisServer),
}


class Topology:
    """One of TOPOLOGIES, by name, for a whole run."""

    def __init__(self, name, folder):
        self._kind, keeper = TOPOLOGIES[name]
        self._keeper = keeper and keeper(folder)

    def __enter__(self):
        if self._keeper:
            self._keeper.start()
        return self

    def __exit__(self, *_):
        if self._keeper:
            self._keeper.stop()

    def deploy(self, folder, *options, **settings):
        """A running deployment in `folder`."""
        if self._keeper:
            settings.setdefault("store", self._keeper.new_store())
        return self._kind(folder, *options, **settings).start()
