"""helm, validate and compose-config: built, where they are asked for, from what tests/deploy/tools pins."""

import functools

from support.build import ROOT
from support.golang import run_go

SOURCES = ROOT / "tests" / "deploy" / "tools"
BUILT = ROOT / "build" / "tools" / "deploy"
HELM = "helm.sh/helm/v3/cmd/helm"


@functools.cache
def _build():
    run_go(SOURCES, "build", "-o", f"{BUILT}/", HELM, "./compose-config", "./validate", CGO_ENABLED="0")


def tool(name):
    """Its path."""
    _build()
    return str(BUILT / name)
