"""The Dockerfile: what it says, that its context is enough to build, and what its last stage makes of a Debian."""

import fnmatch
import json
import re
import shutil
import subprocess

import pytest

from support.build import ROOT
from support.client import Client, new_chat
from support.command import parley
from support.debian import Inside

DOCKERFILE = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()
LARGEST = 120_000_000
USER = "10001"


def instructions(stage):
    """[(NAME, arguments)] of a stage, its comments and line continuations gone."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.M).replace("\\\n", " ")
    text = text.split("\nFROM ")[stage] if stage else text
    return [tuple(line.strip().split(None, 1)) for line in text.splitlines()[stage and 1 :] if line.strip()]


def instruction(name):
    found = [arguments for word, arguments in instructions(-1) if word == name]
    assert len(found) == 1, f"{name}: {found}"
    return found[0]


def test_it_runs_as_somebody_without_rights_and_is_stopped_and_checked():
    assert instruction("USER") == f"{USER}:{USER}"
    assert instruction("STOPSIGNAL") == "SIGTERM"
    assert json.loads(instruction("HEALTHCHECK").split("CMD", 1)[1]) == ["parley", "health"]
    labels = dict(re.findall(r'(org\.opencontainers\.image\.\w+(?:\.\w+)?)="([^"]*)"', instruction("LABEL")))
    assert {label.rsplit("image.", 1)[1] for label in labels} >= {"title", "description", "version", "licenses"}
    helpers = (ROOT / "deploy" / "kubernetes" / "chart" / "templates" / "_helpers.tpl").read_text()
    assert f'"parley.podSecurity" {USER}' in helpers


def test_its_version_is_the_program_s():
    assert parley("--version").out.split() == ["parley", instruction("ARG").removeprefix("VERSION=")]


def test_the_program_takes_its_command():
    assert json.loads(instruction("ENTRYPOINT")) == ["parley"]
    command = json.loads(instruction("CMD"))
    assert command[0] == "serve"
    outcome = parley("config", *command[1:])
    assert outcome.code == 0, outcome


def context(folder):
    """What .dockerignore leaves of the repository, copied to `folder`. Fails on patterns that it does not know."""
    lines = [l for l in (ROOT / ".dockerignore").read_text().splitlines() if l and not l.startswith("#")]
    assert lines[0] == "*" and lines[-1].startswith("**/")
    assert all(line.startswith("!") for line in lines[1:-1])
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    for name in tracked:
        taken = any(fnmatch.fnmatch(name, p) or name.startswith(f"{p}/") for p in (l[1:] for l in lines[1:-1]))
        if taken and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def test_its_context_has_all_that_the_build_reads(tmp_path):
    context(tmp_path)
    assert not (tmp_path / "tests" / "functional").exists() and not (tmp_path / "README.md").exists()
    assert (tmp_path / "tools" / "swagger-ui").is_dir()  # what ./x fetches, and has fetched already for us:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "tools").symlink_to(ROOT / "build" / "tools")
    for command in (["cmake", "--preset", "release"], ["ninja", "-C", "build/release", "-n", "parley"]):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    rules = (ROOT / "deploy" / "debian" / "rules").read_text()
    for path in re.findall(r"\$\(SOURCE\)/(\S+)", rules):
        assert list(tmp_path.glob(path)), path


def files_of_last_stage(root, package):
    """Does to `root` what the last stage's RUN does to its base."""
    folder = root.path / "package"
    folder.mkdir()
    shutil.copy(package, folder)
    options, script = re.match(r"((?:--\S+\s+)*)(.*)", instruction("RUN")).groups()
    assert options.split() == ["--mount=type=bind,from=build,source=/source/build/package,target=/package"]
    root.run(script)
    shutil.rmtree(folder)


@pytest.mark.only_long
def test_its_files_are_few_and_work_read_only_as_its_user(package, new_root, tmp_path):
    root = new_root()
    files_of_last_stage(root, package)
    size = root.size()
    print(f"the image's files are {size / 1e6:.1f} MB")
    assert size <= LARGEST
    assert root.run("id -u parley").stdout.strip() == USER

    data = tmp_path / "data"
    data.mkdir()
    subprocess.run(["chown", f"{USER}:{USER}", data], check=True)
    words = ["parley", *(re.sub(r"^0\.0\.0\.0:\d+$", "127.0.0.1:0", w) for w in json.loads(instruction("CMD")))]
    server = Inside(tmp_path / "run", root, words, USER, data).start()
    client, (chat, _) = Client(server), new_chat()
    client.send(chat, "hi")
    assert client.texts(chat) == ["hi"]
    client.close()
    server.stop()
