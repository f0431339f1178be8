"""The Dockerfile: what it says, that its context is enough to build, and what its last stage makes of a Debian."""

import fnmatch
import json
import re
import shutil
import subprocess

import pytest
import yaml

from support.build import ROOT
from support.client import Client, new_chat
from support.command import parley
from support.compose import load
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


def own_settings(**environment):
    """What the image's own command means, in this environment."""
    assert json.loads(instruction("ENTRYPOINT")) == ["parley"]
    command = json.loads(instruction("CMD"))
    assert command[0] == "serve"
    copied = dict(reversed(a.split()) for w, a in instructions(-1) if w == "COPY" and "--from" not in a)
    outcome = parley("config", *(str(ROOT / copied[w]) if w in copied else w for w in command[1:]), env=environment)
    assert outcome.code == 0, outcome
    return dict(re.findall(r"^([a-z-]+) = (\S+)", outcome.out, re.M))


def test_its_own_command_serves_everything_to_the_container_s_network():
    settings = own_settings()
    assert [settings[name] for name in ("http", "rpc", "admin")] == [
        '"0.0.0.0:8080"',
        '"0.0.0.0:8888"',
        '"0.0.0.0:8081"',
    ]
    assert settings["store"] == '"rocksdb:/var/lib/parley"'


def test_the_health_check_and_its_own_command_agree_on_the_admin_listener():
    """`parley health` reads PARLEY_ADMIN, so the command must not have an option that goes over it."""
    assert own_settings(PARLEY_ADMIN="127.0.0.1:9999")["admin"] == '"127.0.0.1:9999"'


def test_it_builds_without_buildkit():
    """Debian 12's Docker builds without it by default."""
    assert "# syntax" not in DOCKERFILE and "<<" not in DOCKERFILE
    of_buildkit = ("--mount", "--network", "--security", "--link", "--chmod", "--parents", "--exclude", "--checksum")
    for stage in range(DOCKERFILE.count("\nFROM ")):
        assert not [
            a for word, a in instructions(stage) if word in ("RUN", "COPY", "ADD") and a.startswith(of_buildkit)
        ]


def test_the_documented_command_makes_the_tag_that_compose_and_the_chart_look_for():
    tag = f"parley:{instruction('ARG').removeprefix('VERSION=')}"
    command = f"docker build -f deploy/docker/Dockerfile -t {tag} ."
    assert f"\n{command}\n" in (ROOT / "docs" / "deploying.md").read_text()
    assert f"#     {command}\n" in DOCKERFILE
    for name in ("compose.yaml", "deploy/compose/single.yaml"):
        images = {s["image"] for s in load(ROOT / name)["services"].values() if "build" in s}
        assert images == {tag}, name
    chart = ROOT / "deploy" / "kubernetes" / "chart"
    values, about = (yaml.safe_load((chart / name).read_text()) for name in ("values.yaml", "Chart.yaml"))
    assert f"{values['image']['repository']}:{values['image']['tag'] or about['appVersion']}" == tag


def test_the_page_says_how_a_cluster_gets_the_image():
    page = (ROOT / "docs" / "deploying.md").read_text()
    for command in ("docker tag parley:", "docker push ", "kind load docker-image parley:"):
        assert f"\n{command}" in page


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
    copied = [a for word, a in instructions(-1) if word == "COPY"]
    assert copied[0] == "--from=build /source/build/package/parley_*.deb /package/"
    root.run(instruction("RUN"))
    assert not folder.exists()
    for source, target in (a.split() for a in copied[1:]):
        shutil.copy(ROOT / source, root.path / target.lstrip("/"))


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
    listeners = [f"--{name}=127.0.0.1:0" for name in ("http", "rpc", "admin")]
    words = ["parley", *json.loads(instruction("CMD")), *listeners]
    server = Inside(tmp_path / "run", root, words, USER, data).start()
    client, (chat, _) = Client(server), new_chat()
    client.send(chat, "hi")
    assert client.texts(chat) == ["hi"]
    client.close()
    server.stop()
