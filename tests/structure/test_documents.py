"""The documents say what is so: the README's session is run, and every option is in the reference."""

import pathlib
import re
import subprocess

import pytest

from support.build import BINARY, scaled

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))]


def session(text):
    """[(command, output)] of the ```console blocks: a command begins with `$ ` and goes on after a backslash."""
    steps = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.M | re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            lines = part.splitlines()
            end = next(i for i, line in enumerate(lines) if not line.endswith("\\")) + 1
            steps.append(("\n".join(lines[:end]), "\n".join(lines[end:]).strip()))
    return steps


def label_times(steps):
    """The outputs with each time (16 digits) as T1, T2 …, in order of appearance: the same time, the same label."""
    seen = {}
    return [re.sub(r"\b\d{16}\b", lambda m: seen.setdefault(m[0], f"T{len(seen) + 1}"), output) for output in steps]


def test_the_session_is_read():
    text = "```console\n$ one \\\n  two\nout\nput\n$ three\n```\n```sh\n$ not this\n```\n"
    assert session(text) == [("one \\\n  two", "out\nput"), ("three", "")]
    assert label_times(["1234567890123456", "1234567890123457 1234567890123456"]) == ["T1", "T2 T1"]


def test_the_session_of_the_readme_is_what_happens(start):
    server = start()
    steps = [step for step in session(README.read_text()) if not step[0].startswith("./x ")]
    assert len(steps) >= 3
    outputs = []
    for command, _ in steps:
        real = command.replace("127.0.0.1:8080", server.url.removeprefix("http://"))
        real = real.replace("127.0.0.1:8081", server.admin_url.removeprefix("http://"))
        real = re.sub(r"\bparley (send|pull)\b", rf"{BINARY} \1 --url {server.url}", real)
        real = re.sub(r"^curl ", "curl -sS ", real)
        done = subprocess.run(["sh", "-c", real], cwd=ROOT, capture_output=True, text=True, timeout=scaled(20))
        outputs.append((done.stdout + done.stderr).replace("\r\n", "\n").strip())
    assert label_times(outputs) == label_times([output for _, output in steps])


def test_every_option_is_in_the_reference():
    page = (ROOT / "docs" / "configuration.md").read_text()
    help_text = subprocess.run([BINARY, "serve", "--help"], capture_output=True, text=True, check=True).stdout
    options = set(re.findall(r"^\s+(?:-\w,)?(--[a-z][a-z-]+)", help_text, re.M)) - {"--help"}
    assert len(options) > 20
    assert sorted(option for option in options if option not in page) == []


def test_every_error_of_the_table_is_documented():
    table = (ROOT / "src" / "base" / "error.cc").read_text()
    names = re.findall(r'ErrorInfo\{k\w+, "(\w+)", (\d+)', table)
    assert len(names) >= 22
    page = (ROOT / "docs" / "http-api.md").read_text()
    assert [n for n, status in names if not re.search(rf"^\| `{n}` \| \d+ \| {status}\b", page, re.M)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document):
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
    assert [t for t in targets if not (document.parent / t).exists()] == []


def test_every_metric_is_documented(deployment):
    import requests

    page = (ROOT / "docs" / "monitoring.md").read_text()
    text = requests.get(f"{deployment.admin_url}/metrics", timeout=scaled(10)).text
    names = set(re.findall(r"^# TYPE (\w+) ", text, re.M))
    assert len(names) > 10
    assert sorted(name for name in names if f"`{name}`" not in page) == []
