"""Programs that ./x test --long builds into build/tools."""

from support.build import ROOT


def tool(name):
    """Its path; fails where it has not been built."""
    path = ROOT / "build" / "tools" / "bin" / name
    assert path.exists(), f"there is no {path}: ./x test deploy --long builds it"
    return str(path)
