"""The commands of docs/deploying.md, which the tests type as they stand there."""

import re

from support.build import ROOT

PAGE = ROOT / "docs" / "deploying.md"


def commands():
    """Every line of the page's ```sh blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    return [line.strip() for block in blocks for line in block.splitlines()]


def command(pattern):
    """The one command that the whole pattern matches."""
    found = [line for line in commands() if re.fullmatch(pattern, line)]
    assert len(found) == 1, f"{PAGE.name} has {len(found)} commands like {pattern}"
    return found[0]


BUILD = command(r"docker build .*")
TIERS = command(r"docker compose up -d")
SCALED = command(r"docker compose .*scale\.yaml up -d .*")
SINGLE = command(r"docker compose .*single\.yaml up -d")
ROLL = command(r"deploy/compose/roll\.sh")
BACK = command(r"docker compose up -d --remove-orphans")
