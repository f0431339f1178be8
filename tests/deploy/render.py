"""Renders the plain manifests from the chart, for those without Helm: ./x manifests. A test compares the two."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.build import ROOT  # noqa: E402
from support.go_tools import tool  # noqa: E402

FOLDER = ROOT / "deploy" / "kubernetes"
MANIFESTS = {"tiers": [], "single": ["--set=topology=single"]}


def render(*arguments):
    """What the chart makes of these arguments of `helm template`, as text; fails with what Helm says."""
    done = subprocess.run(
        [tool("helm"), "template", "parley", FOLDER / "chart", *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def manifest(name):
    return "# Rendered from chart/ by ./x manifests.\n" + render(*MANIFESTS[name])


if __name__ == "__main__":
    for name in MANIFESTS:
        (FOLDER / f"{name}.yaml").write_text(manifest(name))
