"""The description at /openapi.json: it is served as it should be, and the server is as it says."""

import gzip
import os
import re
import subprocess

import pytest

from support.build import BINARY, ROOT, scaled
from support.errors import check_error
from support.tools import tool

PAGE_PATHS = (
    "/openapi.json",
    "/docs",
    "/docs/postman.json",
    "/docs/start.js",
    "/docs/swagger-ui.css",
    "/docs/swagger-ui-bundle.js",
)


@pytest.fixture
def seed(seed, long):
    """The same in every run, so that only a change makes it fail. --long looks further."""
    return seed if long else 1


def schemathesis(running, folder, seed, *options):
    """The finished run; its findings are in its output, and 1 is its exit code where there are any."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "tests" / "support"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
    }
    return subprocess.run(
        [
            tool("schemathesis", "bin/schemathesis"),
            "run",
            f"{running.url}/openapi.json",
            "--checks",
            "all",
            "--no-color",
            "--generation-database",
            "none",
            "--seed",
            str(seed),
            *options,
        ],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=scaled(1200),
    )


# Served --------------------------------------------------------------------------------------------------------------


def test_it_is_openapi_3_1_of_this_version(client):
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    description = answer.json()
    assert description["openapi"].startswith("3.1.")
    version = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True).stdout
    assert description["info"]["version"] in version.split()


@pytest.mark.parametrize("path", PAGE_PATHS)
def test_a_file_is_kept_until_it_changes(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", answer.headers["ETag"])
    head = client.request("HEAD", path)
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", answer.headers["ETag"])
    check_error(client.post(path), "method_not_allowed")
    assert client.post(path).headers["Allow"] == "GET, HEAD, OPTIONS"


def test_the_connection_goes_on_after_304(client):
    tag = client.get("/docs").headers["ETag"]
    for _ in range(3):
        assert client.get("/docs", headers={"If-None-Match": tag}).status_code == 304
        assert client.get("/ping").json() == {"message": "pong"}


def test_the_page_has_all_that_it_loads_from_here(client):
    page = client.get("/docs").text
    loaded = re.findall(r'(?:src|href)="(?!data:)([^"]+)"', page)
    assert len(loaded) >= 4
    for path in loaded:
        assert "//" not in path
        assert client.get(f"/{path}").status_code == 200, path
    policy = client.get("/docs").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy


def test_swagger_ui_is_the_one_that_is_pinned(client):
    packaged = next(
        ROOT.glob("build/tools/swagger-ui/lib/python3*/site-packages/drf_spectacular_sidecar/static/*/swagger-ui-dist")
    )
    for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
        answer = client.get(f"/docs/{name}", stream=True)
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.raw.read(decode_content=False)) == (packaged / name).read_bytes()


def test_a_foreign_host_or_origin_gets_nothing(client):
    for path in PAGE_PATHS:
        check_error(client.get(path, headers={"Host": "evil.example"}), "origin_not_allowed")
        check_error(client.get(path, headers={"Origin": "https://evil.example"}), "origin_not_allowed")


# True ----------------------------------------------------------------------------------------------------------------


def test_the_server_is_as_it_says(start, tmp_path, seed, long):
    """Each operation with data that the document allows and that it forbids, in each encoding; all checks are on."""
    run = schemathesis(start(), tmp_path, seed, "--max-examples", "2000" if long else "25")
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    assert "Tested: 4" in run.stdout


def test_a_server_that_is_not_as_it_says_is_found_out(start, tmp_path, seed):
    run = schemathesis(
        start("--http-errors", "template"), tmp_path, seed, "--phases", "coverage", "--max-examples", "1"
    )
    assert run.returncode == 1, run.stdout[-8000:] + run.stderr[-2000:]
    assert "Undocumented Content-Type" in run.stdout
