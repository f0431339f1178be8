"""What ./x test installs beside the build, from pins in tools/."""

from support.build import ROOT


def tool(name, program):
    path = ROOT / "build" / "tools" / name / program
    assert path.exists(), f"there is no {path}: ./x test and ./x deps install it"
    return str(path)
