"""The alert rules and the dashboard: what they ask for is there, and promtool takes and tests them."""

import json
import re
import subprocess

import pytest
import requests
import yaml

from support.build import ROOT, scaled
from support.compose import Stack, load
from support.deployment import Tiers

RULES = ROOT / "deploy" / "prometheus" / "parley.rules.yml"
RULE_TESTS = ROOT / "deploy" / "prometheus" / "parley.rules.test.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "parley.json"
ALERTS = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def promtool(*arguments):
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=scaled(300))


def queries():
    """[(panel, query)] of the dashboard, its variables and intervals filled in."""
    dashboard = json.loads(DASHBOARD.read_text())
    found = [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel.get("targets", [])]
    found += [(a["name"], a["expr"]) for a in dashboard["annotations"]["list"]]
    filled = [
        (title, q.replace("$__rate_interval", "1m").replace("$job", "parley").replace("$instance", ".*"))
        for title, q in found
    ]
    assert not [q for _, q in filled if "$" in q]
    return filled


def families(expression):
    names = re.findall(r"\b(?:parley|process)_[a-z_]+\b", expression)
    return {re.sub(r"_bucket$", "", name) for name in names}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The families on /metrics of a gateway, of its node over RocksDB, and of the three tiers' node over Redis."""
    tiers = Tiers(tmp_path_factory.mktemp("tiers")).start()
    with Stack(load(ROOT / "compose.yaml"), tmp_path_factory.mktemp("stack")) as stack:
        asked = [tiers, tiers.node, stack.replicas["rpc"][0]]
        texts = [requests.get(f"{one.admin_url}/metrics", timeout=scaled(10)).text for one in asked]
    tiers.stop()
    return {name for text in texts for name in re.findall(r"^# TYPE (\w+) ", text, re.M)}


def test_the_rules_are_rules():
    done = promtool("check", "rules", RULES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(ALERTS) >= 10


def test_each_alert_is_raised_by_what_it_is_for_and_not_before():
    done = promtool("test", "rules", RULE_TESTS)
    assert done.returncode == 0, done.stdout + done.stderr
    cases = [case for test in yaml.safe_load(RULE_TESTS.read_text())["tests"] for case in test["alert_rule_test"]]
    names = {alert["alert"] for alert in ALERTS}
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == names
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == names


def test_every_query_of_the_dashboard_is_one(tmp_path):
    rules = [
        {"record": "query:parsed", "expr": query, "labels": {"panel": f"{title} {number}"}}
        for number, (title, query) in enumerate(queries())
    ]
    path = tmp_path / "queries.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = promtool("check", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(rules) > 20


@pytest.mark.parametrize(
    "where, expressions",
    [("alerts", [alert["expr"] for alert in ALERTS]), ("dashboard", [query for _, query in queries()])],
    ids=["alerts", "dashboard"],
)
def test_what_they_ask_for_is_told(where, expressions, told):
    asked = set().union(*map(families, expressions))
    assert len(asked) > 8
    assert sorted(asked - told) == []


def scrape_configurations():
    """Those that the documentation shows."""
    page = (ROOT / "docs" / "monitoring.md").read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.M | re.S)
    return [yaml.safe_load(block) for block in blocks if "scrape_configs" in block]


def test_what_the_documentation_scrapes_is_what_the_rules_look_for(tmp_path):
    jobs = set(re.findall(r'job="([^"]*)"', RULES.read_text()))
    found = scrape_configurations()
    assert len(found) == 2
    for number, configuration in enumerate(found):
        assert {job["job_name"] for job in configuration["scrape_configs"]} == jobs == {"parley"}
        for job in configuration["scrape_configs"]:
            job.pop("kubernetes_sd_configs", None)  # Debian's promtool does without Kubernetes
        path = tmp_path / f"prometheus{number}.yml"
        path.write_text(yaml.safe_dump(configuration))
        done = promtool("check", "config", "--syntax-only", path)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["tiers", "single"])
def test_in_kubernetes_it_is_found_by_what_the_pods_say(name):
    """Each container of ours, by one port, and nothing else."""
    rules = next(
        job["relabel_configs"]
        for one in scrape_configurations()
        for job in one["scrape_configs"]
        if "kubernetes_sd_configs" in job
    )
    assert all(rule["action"] == "keep" for rule in rules)
    kept = []
    for manifest in yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / f"{name}.yaml").read_text()):
        if manifest["kind"] not in ("Deployment", "StatefulSet"):
            continue
        pod = manifest["spec"]["template"]
        labels = {
            f"__meta_kubernetes_pod_label_{re.sub(r'[^a-zA-Z0-9]', '_', label)}": value
            for label, value in pod["metadata"]["labels"].items()
        }
        for port in (p for c in pod["spec"]["containers"] for p in c["ports"]):
            about = labels | {"__meta_kubernetes_pod_container_port_name": port["name"]}
            if all(about.get(*rule["source_labels"]) == rule["regex"] for rule in rules):
                kept.append((manifest["metadata"]["name"], port["containerPort"]))
    assert kept == {"tiers": [("parley-gateway", 8081), ("parley-node", 8081)], "single": [("parley", 8081)]}[name]


def test_every_alert_is_explained():
    page = (ROOT / "docs" / "monitoring.md").read_text()
    assert [a["alert"] for a in ALERTS if f"`{a['alert']}`" not in page] == []
    assert all(a["labels"]["severity"] in ("page", "ticket") and a["annotations"]["summary"] for a in ALERTS)
