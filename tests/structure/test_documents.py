"""The documents are readable and true: their sentences are short, what they name exists, and their examples work."""

import functools
import os
import re
import subprocess
import sys

import pytest

from support import prose
from support.build import BINARY, ROOT, scaled
from support.errors import ERRORS

README = ROOT / "README.md"
NOT_WRITTEN_HERE = {"build", "node_modules", "results"}  # results: the reports that `./x bench` writes
DOCUMENTS = sorted(
    page
    for page in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part in NOT_WRITTEN_HERE for part in page.relative_to(ROOT).parts)
)


def page(name):
    return (ROOT / name).read_text()


def each_document(test):
    return pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))(test)


def spans(text):
    """The code spans and the lines of the code blocks of a page."""
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.M | re.S)
    text = re.sub(r"^ *```\w*\n(.*?)^ *```", "", text, flags=re.M | re.S)
    indented = re.findall(r"^    (.+)", text, re.M)
    return re.findall(r"`([^`\n]+)`", text) + indented + [line for block in blocks for line in block.splitlines()]


# What can be counted --------------------------------------------------------------------------------------------------


@each_document
def test_sentences_and_lines_are_short(document):
    assert prose.markdown_complaints(document.read_text()) == []


def comments(text):
    """What the comments behind # say. One at the end of a line is a paragraph of its own; examples are left out."""
    paragraphs = []
    for line in text.splitlines():
        own, behind = re.match(r"\s*#(?!!) ?(.*)", line), re.search(r"\s{2}# (.*)", line)
        example = own and own[1].startswith("    ")
        paragraphs += [own[1]] if own and not example else ["", behind[1], ""] if behind else [""]
    return "\n".join(paragraphs)


def test_comments_are_read():
    text = "#!/bin/sh\n# One\n# two.\n#     example\na: 1  # Three.\nb: 2\n"
    assert [s.text for s in prose.plain_sentences(comments(text))] == ["One two.", "Three."]


CONFIGURATIONS = [
    ROOT / "compose.yaml",
    *sorted(
        file
        for file in (ROOT / "deploy").rglob("*")
        if file.is_file() and not file.is_symlink() and file.suffix not in {".md", ".json", ".sh", ".py"}
    ),
]


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda path: str(path.relative_to(ROOT)))
def test_comments_of_configurations_are_short(file):
    assert prose.complaints(prose.plain_sentences(comments(file.read_text()))) == []


# What is named exists -------------------------------------------------------------------------------------------------


def anchors(document):
    """The anchors that GitHub gives to the headings of a page."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.M | re.S)
    headings = [re.sub(r"\]\([^)]*\)", "]", heading) for heading in re.findall(r"^#+ +(.+)", text, re.M)]
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@each_document
def test_links_lead_somewhere(document):
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", document.read_text())
    targets = [(document.parent / path if path else document, anchor) for path, anchor in links]
    assert [str(target) for target, _ in targets if not target.exists()] == []
    assert [
        f"{target.name}#{anchor}" for target, anchor in targets if anchor and anchor not in anchors(target.resolve())
    ] == []


@each_document
def test_files_that_are_named_exist(document):
    folders = "|".join(
        re.escape(folder.name) for folder in ROOT.iterdir() if folder.is_dir() and folder.name != "build"
    )
    named = {
        name.rstrip("/.,:")
        for span in spans(document.read_text())
        for name in re.findall(rf"(?<![\w/.-])(?:(?:{folders})/[\w./-]+|compose\.yaml)", span)
    }
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_sources_that_the_design_names_exist():
    """It names them as includes do, from src/."""
    text = (ROOT / "docs" / "design.md").read_text()
    rooms = "|".join(folder.name for folder in (ROOT / "src").iterdir() if folder.is_dir())
    named = {name for span in spans(text) for name in re.findall(rf"^(?:{rooms})/[\w./-]+$", span)}
    assert len(named) > 20
    assert sorted(name for name in named if not (ROOT / "src" / name).exists()) == []


@functools.cache
def help_of(*command):
    return subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout


def options_in(text):
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", text))


@each_document
def test_commands_of_x_exist(document, x):
    for span in spans(document.read_text()):
        for command, rest in re.findall(r"\./x (\w+)((?: +[\w.:-]+)*)", span):
            own, _, _ = rest.partition(" -- ")
            known = help_of(ROOT / "x", command)
            assert command == "run" or options_in(own) <= options_in(known), span
            if command == "test":
                words = re.sub(r"-\w+ \w+", "", own).split()
                assert [word for word in words if not word.startswith("-") and word not in x.SUITES] == [], span


@each_document
def test_commands_and_options_of_the_program_exist(document):
    commands = re.findall(r"^  (\w+) {2,}", help_of(BINARY), re.M)
    known = {command: options_in(help_of(BINARY, command)) for command in commands}
    everywhere = set().union(*known.values())
    text = re.sub(r"\\\n", " ", document.read_text())
    for span in spans(text):
        if re.match(r"--\w", span):
            names = {"--" + re.split(r"[ =/]", name)[0] for name in span.split("--")[1:]}
            assert names <= everywhere | options_in(OTHER_OPTIONS), span
        for command, rest in re.findall(r"(?:^|[ /])parley (\w+)((?: [^|;#`]+)?)", span):
            if command in known:
                assert options_in(re.split(r" -- ", rest)[0]) <= known[command], span


# Options of `./x`, curl and others that pages name by themselves.
OTHER_OPTIONS = "--version --long --all --json --read-only --mount --no-recreate --scale --remove-orphans --build --wait --set --askpass"


def test_every_option_is_in_the_reference():
    options = options_in(help_of(BINARY, "serve")) - {"--help", "-h"}
    assert len(options) > 20
    assert sorted(option for option in options if option not in page("docs/configuration.md")) == []


def test_the_table_of_errors_is_the_documented_one():
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (.+?) \|$", page("docs/http-api.md"), re.M)
    assert rows == [(code, str(row.number), str(row.status), row.title) for code, row in ERRORS.items()]


def test_the_statuses_that_clients_of_the_template_see_are_documented():
    kept = re.search(r"^\| No call is made: (.+?) \|", page("docs/http-api.md"), re.M)[1]
    statuses = {row.template_status for row in ERRORS.values()}
    assert sorted(map(int, re.findall(r"\d+", kept))) == sorted(statuses - {400, 500})


def test_every_metric_is_documented(deployment):
    import requests

    text = requests.get(f"{deployment.admin_url}/metrics", timeout=scaled(10)).text
    names = set(re.findall(r"^# TYPE (\w+) ", text, re.M))
    assert len(names) > 10
    assert sorted(name for name in names if f"`{name}`" not in page("docs/monitoring.md")) == []


def test_every_package_that_x_installs_has_its_reason(x):
    packages = {package for *_, package in x.NEEDS}
    assert len(packages) > 40
    assert sorted(package for package in packages if f"`{package}`" not in page("docs/contributing.md")) == []


def test_messages_that_are_explained_are_messages_of_the_program():
    quoted = re.findall(r"(?:message|log)(?: \w+)? says `([^`]+)`", page("docs/troubleshooting.md").replace("\n", " "))
    assert len(quoted) >= 6
    sources = [file.read_text() for file in (ROOT / "src").rglob("*.cc")]
    joined = re.sub(r'"\s*"', "", "\n".join(sources))  # a message may be written over several lines
    assert [message for message in quoted if message not in joined] == []


@pytest.mark.parametrize("name, part", [("README.md", "## Measured"), ("docs/performance.md", "## In short")])
def test_figures_are_those_of_the_reports(name, part):
    reports = [file.read_text() for file in (ROOT / "bench" / "results").glob("*.md")]
    measured = {number for report in reports for number in re.findall(r"\d[\d,]*(?:\.\d+)?", report)}
    (text,) = re.findall(rf"^{part}\n(.*?)(?=^## )", page(name), re.M | re.S)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    figures = re.findall(r"(?<![\w.,])\d+(?:,\d{3})+(?:\.\d+)?|(?<![\w.,])\d+\.\d+", text)
    assert len(figures) >= 4
    assert [figure for figure in figures if figure not in measured] == []


# The examples work ----------------------------------------------------------------------------------------------------


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
    """The outputs with each time (16 digits, or a date) as T1, T2 …, in order of appearance: the same time, the same
    label."""
    seen = {}
    time = r"\b\d{16}\b|\b\d{4}-\d\d-\d\dT[\d:.]+Z"
    return [re.sub(time, lambda m: seen.setdefault(m[0], f"T{len(seen) + 1}"), output) for output in steps]


def test_the_session_is_read():
    text = "```console\n$ one \\\n  two\nout\nput\n$ three\n```\n```sh\n$ not this\n```\n"
    assert session(text) == [("one \\\n  two", "out\nput"), ("three", "")]
    assert label_times(["1234567890123456", "1234567890123457 1234567890123456"]) == ["T1", "T2 T1"]
    assert label_times(["2026-11-24T02:34:05.495508Z a"]) == ["T1 a"]


def run_session(server, text):
    """[(output as the page has it, output as it was)] of each command of a page's sessions."""
    outputs = []
    steps = session(text)
    for command, _ in steps:
        real = command.replace("127.0.0.1:8080", server.url.removeprefix("http://"))
        real = real.replace("127.0.0.1:8081", server.admin_url.removeprefix("http://"))
        real = re.sub(r"^(?:build/release/)?parley (\w+)", rf"{BINARY} \1 --url {server.url}", real)
        real = re.sub(r"^curl ", "curl -sS ", real)
        done = subprocess.run(["sh", "-c", real], cwd=ROOT, capture_output=True, text=True, timeout=scaled(20))
        outputs.append((done.stdout + done.stderr).replace("\r\n", "\n").strip())
    return list(zip(label_times([output for _, output in steps]), label_times(outputs), strict=True))


def test_the_sessions_of_the_readme_are_what_happens(start):
    outputs = run_session(start(), page("README.md"))
    assert len(outputs) >= 6
    assert [real for _, real in outputs] == [shown for shown, _ in outputs]


def plain_answer(answer):
    """An answer of HTTP without what differs each time, and with its body in one line."""
    head, body = answer.split("\n\n", 1)
    head = re.sub(r"^(Date|X-Request-Id): .+$", r"\1", head, flags=re.M)
    body = re.sub(r'"request_id":"[^"]+"', '"request_id"', body)
    return head, re.sub(r"\n\s*", "", body)


def test_the_sessions_of_the_http_api_are_what_happens(start):
    outputs = run_session(start(), page("docs/http-api.md"))
    assert len(outputs) == 3
    assert [plain_answer(real) for _, real in outputs] == [plain_answer(shown) for shown, _ in outputs]


def blocks(text, language):
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.M | re.S)


def test_the_example_of_the_rpc_api_is_what_happens(start, tmp_path):
    server = start()
    text = page("docs/rpc-api.md")
    (generate,), (example,), (output,) = blocks(text, "sh"), blocks(text, "python"), blocks(text, "text")
    subprocess.run(["sh", "-c", generate.replace("idl/", f"{ROOT}/idl/")], cwd=tmp_path, check=True)
    assert '"127.0.0.1", 8888' in example
    example = example.replace("8888", str(server.rpc[1]))
    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=tmp_path,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=scaled(20),
    )
    assert (done.stdout, done.stderr) == (output, "")


def test_the_backup_of_the_page_can_be_restored(start, tmp_path):
    """The page's own commands, in a folder of the test's: without sudo, and with the owner left as it is."""
    server = start()
    sent = subprocess.run([BINARY, "send", "--url", server.url, "a:b", "--as", "a", "kept"], capture_output=True)
    assert sent.returncode == 0
    server.stop()
    (tmp_path / "srv").mkdir()
    commands = [
        command.strip()
        .replace("sudo ", "")
        .replace("/var/lib/parley", str(server.data))
        .replace("/srv", f"{tmp_path}/srv")
        for block in blocks(page("docs/backup.md").split("\n## Redis")[0], "sh")
        for command in block.splitlines()
        if "docker" not in block
    ]
    commands = [command for command in commands if re.match(r"(tar|mv|install) ", command)]
    assert [command.split()[0] for command in commands] == ["tar", "mv", "install", "tar"]
    for command in commands:
        subprocess.run(["sh", "-c", command], check=True)
    server.start()
    pulled = subprocess.run([BINARY, "pull", "--url", server.url, "a:b"], capture_output=True, text=True)
    assert pulled.stdout.endswith("a: kept\n")
