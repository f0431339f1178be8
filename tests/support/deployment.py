"""Which processes stand behind an HTTP address: the one place that knows the topology.

A deployment offers what Server does: url, http, admin_url, admin, stop(), kill(), restart(). Today that is one process
with its store; a gateway in front of RPC nodes will be another function here, chosen by --topology.
"""

from support.server import Server


def _one_process(folder, *options, **settings):
    return Server(folder, *options, **settings)


TOPOLOGIES = {"one-process": _one_process}


def deploy(topology, folder, *options, **settings):
    """A running deployment in `folder`."""
    return TOPOLOGIES[topology](folder, *options, **settings).start()
