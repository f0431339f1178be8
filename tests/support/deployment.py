"""Which processes stand behind an HTTP address: the one place that knows the topology.

A deployment offers what Server does: url, http, admin_url, admin, stop(), kill(), restart().
"""

from support.server import Server, without


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
        return ["--backend", self.backend] if self.backend else ["--backend", "thrift://" + ",".join(f"{host}:{port}" for host, port in (n.rpc for n in self.nodes))]


class Tiers(Gateway):
    """A gateway and its one node, which live and die together. Options are given to both, but for a few."""

    def __init__(self, folder, *options, store=None, **settings):
        shared = [str(option) for option in options]
        for name in ("--http", "--rpc", "--admin", "--store", "--drain-delay"):
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


TOPOLOGIES = {"one-process": Server, "tiers": Tiers}


def deploy(topology, folder, *options, **settings):
    """A running deployment in `folder`."""
    return TOPOLOGIES[topology](folder, *options, **settings).start()
