"""The systemd unit: hardened, and nothing that the program needs is taken from it."""

import re
import shutil
import subprocess


from support.build import ROOT, binary, scaled
from support.client import Client, new_chat
from support.command import parley
from support.server import Server

UNIT = ROOT / "deploy" / "systemd" / "parley.service"
CONFIG = ROOT / "deploy" / "debian" / "parley.toml"
WORST_EXPOSURE = 2.5


def unit():
    """{option: [values]} of the [Service] section."""
    found = {}
    section = UNIT.read_text().split("[Service]")[1].split("[Install]")[0]
    for name, value in re.findall(r"^(\w+)=(.*)$", section, re.M):
        found.setdefault(name, []).append(value)
    return found


def seconds(text):
    return sum(int(n) * {"s": 1, "min": 60}[u] for n, u in re.findall(r"(\d+)(s|min)", text))


def test_it_is_exposed_little(tmp_path):
    copy = tmp_path / UNIT.name
    shutil.copy(UNIT, copy)
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", copy],
        capture_output=True,
        text=True,
        timeout=scaled(60),
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= WORST_EXPOSURE


def test_systemd_knows_every_setting(tmp_path):
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/usr/bin/parley", binary()))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, timeout=scaled(60)
    )
    assert [line for line in done.stderr.splitlines() if "parley.service" in line] == [], done.stderr


def test_it_waits_as_long_as_stopping_and_the_watchdog_need():
    drain = re.search(r'^drain-timeout = "(\d+)s"', parley("config").out, re.M)
    assert seconds(unit()["TimeoutStopSec"][0]) > int(drain[1]) + 10
    assert unit()["Type"] == ["notify"] and seconds(unit()["WatchdogSec"][0]) >= 10


def test_its_configuration_file_is_one(tmp_path):
    outcome = parley("config", "--config", CONFIG)
    assert outcome.code == 0, outcome
    assert 'store = "rocksdb:/var/lib/parley"' in outcome.out
    everything = re.sub(r"^# (\w[\w-]* = )", r"\1", CONFIG.read_text(), flags=re.M)
    (tmp_path / "parley.toml").write_text(everything)
    outcome = parley("config", "--config", tmp_path / "parley.toml")
    assert outcome.code == 0, outcome


def allowed_calls():
    """The system calls that the unit's filter leaves: sets of systemd, less those after a tilde."""
    allowed = set()
    for value in unit()["SystemCallFilter"]:
        names = _calls_of(value.removeprefix("~").split())
        allowed = allowed - names if value.startswith("~") else allowed | names
    return allowed


def _calls_of(sets):
    out = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", *sets], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.strip() for line in out.splitlines() if line.startswith(" ") and not line.strip().startswith("#")]
    nested = [line for line in lines if line.startswith("@")]
    return {line for line in lines if not line.startswith("@")} | (_calls_of(nested) if nested else set())


def test_its_filter_leaves_every_system_call_that_the_program_makes(tmp_path):
    allowed = allowed_calls()
    assert {"read", "fdatasync", "epoll_wait"} <= allowed and not {"reboot", "mount", "setrlimit"} & allowed
    trace = tmp_path / "calls"
    server = Server(
        tmp_path / "server",
        prefix=["strace", "-D", "-f", "-qq", "-o", trace, "-e", "signal=none"],
        env={"NOTIFY_SOCKET": "@nobody", "WATCHDOG_USEC": "300000"},
        preexec=_raise_limit,
    )
    server.start()
    client, chat = Client(server), new_chat()[0]
    for number in range(50):
        client.send(chat, "x" * 10_000, key=str(number))
    client.texts(chat)
    client.get("/metrics", admin=True)
    client.close()
    server.stop()
    made = set(re.findall(r"^\d+ +([a-z]\w*)\(", trace.read_text(), re.M))
    assert len(made) > 30, made
    assert sorted(made - allowed - {"execve"}) == []  # which systemd itself does


def _raise_limit():
    """As LimitNOFILE does, so that the program need not."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
