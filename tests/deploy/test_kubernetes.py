"""The manifests: that their parts fit together and the program takes what they tell it. And that they are the chart's."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import redis
import yaml

from support.build import ROOT, scaled
from support.command import parley
from support.go_tools import tool
from support.wait import eventually

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import render  # noqa: E402

FOLDER = ROOT / "deploy" / "kubernetes"
CHART = FOLDER / "chart"
VALUES = sorted((ROOT / "tests" / "deploy" / "values").glob("*.yaml"))


def of_kind(objects, *kinds):
    return [o for o in objects if o["kind"] in kinds]


def workloads(objects):
    return of_kind(objects, "Deployment", "StatefulSet")


def containers(objects):
    return [(w, c) for w in workloads(objects) for c in w["spec"]["template"]["spec"]["containers"]]


def of_parley(objects):
    return [(w, c) for w, c in containers(objects) if c["name"] == "parley"]


def selects(selector, workload):
    return selector.items() <= workload["spec"]["template"]["metadata"]["labels"].items()


def options(container):
    return dict(word.removeprefix("--").split("=", 1) for word in container["args"] if "=" in word)


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text)[1])


# What must be so of all of them --------------------------------------------------------------------------------------


def check(objects):
    for what in (check_names, check_arguments, check_security, check_probes, check_selectors, check_secrets):
        what(objects)


def check_names(objects):
    names = [(o["kind"], o["metadata"]["name"]) for o in objects]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 63 for _, name in names)
    assert of_parley(objects)


def check_arguments(objects):
    """The program takes the command line, and means by it what the ports say."""
    for _, container in of_parley(objects):
        assert container["args"][0] == "serve"
        outcome = parley("config", *container["args"][1:])
        assert outcome.code == 0, f"{container['args']}\n{outcome}"
        named = {port["name"]: port["containerPort"] for port in container["ports"]}
        listens = {name: int(options(container)[name].rsplit(":", 1)[1]) for name in named}
        assert named == listens
        assert "admin" in named


def check_security(objects):
    """The restricted Pod Security Standard, and a file system that nobody writes to."""
    for workload, container in containers(objects):
        pod = workload["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["requests"] and container["resources"]["limits"]["memory"]


def check_probes(objects):
    for workload, container in of_parley(objects):
        paths = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
        assert paths == {
            "startup": {"path": "/healthz", "port": "admin"},
            "readiness": {"path": "/readyz", "port": "admin"},
            "liveness": {"path": "/healthz", "port": "admin"},
        }
        delay, timeout = (seconds(options(container)[name]) for name in ("drain-delay", "drain-timeout"))
        # The pod is out of every list of addresses before it stops to listen, and is not killed before it has drained.
        readiness = container["readinessProbe"]
        assert delay >= readiness["periodSeconds"] * readiness["failureThreshold"]
        assert workload["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > delay + timeout + 5


def check_selectors(objects):
    """Whatever names pods or ports names ones that are there."""
    found = workloads(objects)
    for workload in found:
        assert selects(workload["spec"]["selector"]["matchLabels"], workload)
        assert len([w for w in found if selects(workload["spec"]["selector"]["matchLabels"], w)]) == 1
    for service in of_kind(objects, "Service"):
        target = [w for w in found if selects(service["spec"]["selector"], w)]
        assert len(target) == 1, service
        ports = {p["name"] for c in target[0]["spec"]["template"]["spec"]["containers"] for p in c["ports"]}
        assert {p["targetPort"] for p in service["spec"]["ports"]} <= ports
    for policy in of_kind(objects, "PodDisruptionBudget", "NetworkPolicy"):
        selector = policy["spec"].get("selector") or policy["spec"]["podSelector"]
        assert len([w for w in found if selects(selector["matchLabels"], w)]) == 1, policy
    for scaler in of_kind(objects, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        scaled_ones = [w for w in found if (w["kind"], w["metadata"]["name"]) == (target["kind"], target["name"])]
        assert len(scaled_ones) == 1 and "replicas" not in scaled_ones[0]["spec"]
    services = {s["metadata"]["name"]: s for s in of_kind(objects, "Service")}
    for _, container in of_parley(objects):
        if backend := options(container).get("backend"):
            name = re.fullmatch(r"thrifts?://([\w-]+):8888", backend)[1]
            assert services[name]["spec"]["clusterIP"] == "None"
        if found_redis := re.fullmatch(r"redis://([\w-]+):6379", options(container).get("store", "")):
            assert found_redis[1] in services


def check_secrets(objects):
    """Every file that an option names is mounted; every volume that is mounted is there; no secret is in the open."""
    for workload, container in of_parley(objects):
        mounts = {m["mountPath"]: m["name"] for m in container.get("volumeMounts", [])}
        volumes = {v["name"] for v in workload["spec"]["template"]["spec"].get("volumes", [])}
        claims = {c["metadata"]["name"] for c in workload["spec"].get("volumeClaimTemplates", [])}
        assert set(mounts.values()) <= volumes | claims and volumes <= set(mounts.values())
        for name, value in options(container).items():
            if value.startswith("/"):
                assert value.rsplit("/", 1)[0] in mounts, f"--{name}={value}"
    assert of_kind(objects, "Secret") == []


@pytest.mark.parametrize("name", render.MANIFESTS)
def test_the_plain_manifests_fit_together(name):
    objects = list(yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text()))
    check(objects)
    kinds = {o["kind"] for o in objects}
    if name == "tiers":
        assert kinds >= {
            "Deployment",
            "StatefulSet",
            "Service",
            "HorizontalPodAutoscaler",
            "PodDisruptionBudget",
            "NetworkPolicy",
            "ConfigMap",
        }
        assert all(w["spec"]["template"]["spec"]["topologySpreadConstraints"] for w in of_kind(objects, "Deployment"))
    else:
        assert kinds == {"StatefulSet", "Service", "NetworkPolicy"}
        assert of_kind(objects, "StatefulSet")[0]["spec"]["volumeClaimTemplates"]


def test_redis_in_the_cluster_has_the_recommended_settings():
    objects = yaml.safe_load_all((FOLDER / "tiers.yaml").read_text())
    text = of_kind(objects, "ConfigMap")[0]["data"]["redis.conf"]
    assert text.strip() == (ROOT / "deploy" / "redis" / "redis.conf").read_text().strip()


# The chart -----------------------------------------------------------------------------------------------------------


def helm(*arguments):
    return subprocess.run([tool("helm"), *map(str, arguments)], capture_output=True, text=True, timeout=scaled(60))


def test_the_chart_says_what_to_do_next():
    notes = (CHART / "templates" / "NOTES.txt").read_text()
    assert 'include "parley.image"' in notes and "docs/deploying.md" in notes
    assert re.search(r"port-forward service/\{\{ \$name \}\} (\d+):.*\n(?:.*\n)*.*127\.0\.0\.1:\1/api/send", notes)


@pytest.mark.only_long
@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)
def test_what_helm_prints_names_the_service_and_its_port(values, tmp_path):
    """Without a cluster Helm renders no notes, so a copy of the chart has them as a manifest."""
    chart = shutil.copytree(CHART, tmp_path / "chart")
    notes = chart / "templates" / "NOTES.txt"
    (chart / "templates" / "notes.yaml").write_text(
        '{{ define "notes" }}' + notes.read_text() + '{{ end }}kind: Notes\ntext: {{ include "notes" . | toJson }}\n'
    )
    done = helm("template", "mine", chart, "--namespace", "chat", "--values", values)
    assert done.returncode == 0, done.stderr
    objects = [o for o in yaml.safe_load_all(done.stdout) if o]
    (printed,) = of_kind(objects, "Notes")
    name, port = re.search(r"--namespace chat port-forward service/(\S+) 8080:(\d+)", printed["text"]).groups()
    (service,) = [s for s in of_kind(objects, "Service") if s["metadata"]["name"] == name]
    assert int(port) in [p["port"] for p in service["spec"]["ports"]]
    assert of_parley(objects)[0][1]["image"] in printed["text"]


@pytest.mark.only_long
@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)
def test_the_chart_renders_what_kubernetes_takes(values, tmp_path):
    done = helm("lint", "--strict", CHART, "--values", values)
    assert done.returncode == 0, done.stdout + done.stderr
    text = render.render("--values", values)
    check([o for o in yaml.safe_load_all(text) if o])
    validate(text, tmp_path)


def validate(text, folder):
    """Fails unless the API server would read it so."""
    (folder / "manifests.yaml").write_text(text)
    done = subprocess.run(
        [tool("validate"), folder / "manifests.yaml"], capture_output=True, text=True, timeout=scaled(120)
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len([o for o in yaml.safe_load_all(text) if o])


@pytest.mark.only_long
def test_what_kubernetes_does_not_take_is_found(tmp_path):
    with pytest.raises(AssertionError):
        validate(render.render().replace("maxUnavailable: 1", "maxUnavailable: [1]"), tmp_path)
    with pytest.raises(AssertionError):
        validate(render.render().replace("runAsNonRoot:", "runAsNonroot:"), tmp_path)


@pytest.mark.only_long
@pytest.mark.parametrize("name", render.MANIFESTS)
def test_the_plain_manifests_are_the_chart_s(name):
    """./x manifests renders them."""
    assert (FOLDER / f"{name}.yaml").read_text() == render.manifest(name)


@pytest.mark.only_long
def test_options_arrive_as_they_are_meant():
    objects = yaml.safe_load_all(render.render("--values", ROOT / "tests" / "deploy" / "values" / "fixed.yaml"))
    by_part = {w["metadata"]["name"]: options(c) for w, c in of_parley([o for o in objects if o])}
    assert by_part["parley-node"]["max-connections"] == by_part["parley-node"]["store-queue"] == "1000000"
    assert by_part["parley-gateway"]["allow-origin"] == "https://chat.example,https://other.example"
    assert by_part["parley-gateway"]["allow-host"] == "chat.example"
    assert by_part["parley-gateway"]["backend-timeout"] == "2m"


@pytest.mark.only_long
@pytest.mark.parametrize(
    "values, named",
    [
        ("topology=three", "topology"),
        ("redis.inCluster=false", "redis.url"),
        ("redis.url=redis://elsewhere:6379", "redis.inCluster"),
        ("redis.tlsSecret=tls", "redis.tlsSecret"),
        ("redis.inCluster=false,redis.url=redis://r:6379,redis.tlsSecret=tls", "redis.tlsSecret"),
        ("redis.inCluster=false,redis.url=rediss://r:6379", "redis.tlsSecret"),
        ("redis.tlsClientCertificate=true", "redis.tlsClientCertificate"),
        ("redis.maxmemory=2gb", "redis.maxmemory"),
        ("redis.maxmemory=0", "maxmemory"),
        ("options.store=memory:", "store"),
        ("node.options.rpc=0.0.0.0:1", "rpc"),
        ("gateway.options.redis-password-file=/x", "redis-password-file"),
        ("gateway.replica=3", "replica"),
    ],
)
def test_values_that_cannot_be_meant_are_named(values, named):
    done = helm("template", "parley", CHART, "--set", values)
    assert done.returncode != 0 and named in done.stderr, done.stdout[:200] + done.stderr


@pytest.mark.only_long
def test_redis_refuses_before_it_would_be_killed():
    (container,) = (c for _, c in containers(yaml.safe_load_all(render.render())) if c["name"] == "redis")
    assert "--maxmemory 1536mb" in container["command"][-1]
    assert container["resources"]["limits"]["memory"] == "2Gi"


@pytest.mark.only_long
@pytest.mark.parametrize("password", ["plain", " a \"b\" \\c 'd' # $e `f` ", '"', "\\"])
def test_any_password_is_the_one_that_redis_asks_for(password, tmp_path):
    """The command of the pod, as it stands but for its folders and its address."""
    objects = [o for o in yaml.safe_load_all(render.render("--set", "redis.passwordSecret=secret")) if o]
    (container,) = (c for _, c in containers(objects) if c["name"] == "redis")
    for name in ("etc/redis", "run/redis", "run/secrets/redis-password", "data"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "etc/redis/redis.conf").write_text(of_kind(objects, "ConfigMap")[0]["data"]["redis.conf"])
    (tmp_path / "run/secrets/redis-password/password").write_text(password + "\n")
    socket = tmp_path / "socket"
    script = re.sub(r"(?<![\w/])/(etc/redis|run/redis|run/secrets|data)\b", rf"{tmp_path}/\1", container["command"][-1])
    script = script.replace("--bind 0.0.0.0", f"--port 0 --unixsocket {socket}")
    with subprocess.Popen([*container["command"][:-1], script], stdout=subprocess.DEVNULL) as server:
        try:
            eventually(socket.exists, "Redis to listen")
            assert redis.Redis(unix_socket_path=str(socket), password=password).ping()
            with pytest.raises(redis.AuthenticationError):
                redis.Redis(unix_socket_path=str(socket)).ping()
        finally:
            server.kill()
