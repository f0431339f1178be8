"""The Postman collection, run by newman: every call is answered as it says, and each says enough to tell."""

import contextlib
import http.server
import json
import subprocess
import threading

from support.build import ROOT, scaled
from support.tools import tool

FOLDER = ROOT / "deploy" / "postman"
COLLECTION = FOLDER / "parley.postman_collection.json"
ENVIRONMENT = FOLDER / "parley.postman_environment.json"


def newman(url, folder, collection=COLLECTION):
    """newman's report on the collection run against `url`."""
    report = folder / "report.json"
    subprocess.run(
        [
            tool("newman", "node_modules/.bin/newman"),
            "run",
            collection,
            "-e",
            ENVIRONMENT,
            "--env-var",
            f"baseUrl={url}",
            "--reporters",
            "json",
            "--reporter-json-export",
            report,
        ],
        capture_output=True,
        timeout=scaled(120),
    )
    return json.loads(report.read_text())["run"]


def failures(execution):
    return [a["assertion"] + ": " + a["error"]["message"] for a in execution.get("assertions", []) if "error" in a]


def requests_of(items):
    """Every request, out of its folders."""
    for item in items:
        if "item" in item:
            yield from requests_of(item["item"])
        else:
            yield item


@contextlib.contextmanager
def a_server_of_another_kind():
    """Answers everything, and nothing right."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(202)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_every_call_is_answered_as_the_collection_says(deployment, tmp_path):
    run = newman(deployment.url, tmp_path)
    wanted = [item["name"] for item in requests_of(json.loads(COLLECTION.read_text())["item"])]
    assert [execution["item"]["name"] for execution in run["executions"]] == wanted
    assert {e["item"]["name"]: failures(e) for e in run["executions"] if failures(e)} == {}
    assert run["failures"] == []
    assert run["stats"]["assertions"]["total"] >= 2 * len(wanted)


def test_no_call_is_content_with_any_answer(tmp_path):
    with a_server_of_another_kind() as url:
        run = newman(url, tmp_path)
    assert len(run["executions"]) > 20
    assert [e["item"]["name"] for e in run["executions"] if not failures(e)] == []


def test_the_collection_that_the_server_makes_works_there(deployment, client, tmp_path):
    made = tmp_path / "made.json"
    made.write_text(client.get("/docs/postman.json").text)
    run = newman(deployment.url, tmp_path, made)
    assert len(run["executions"]) == 4
    assert {e["item"]["name"]: failures(e) for e in run["executions"] if failures(e)} == {}
    assert run["failures"] == []


def test_the_environment_is_for_the_default_listener():
    values = {v["key"]: v["value"] for v in json.loads(ENVIRONMENT.read_text())["values"]}
    assert values == {"baseUrl": "http://127.0.0.1:8080"}
