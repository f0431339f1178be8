"""The table of errors, and what a client sees of a row."""

import json
import re
from typing import NamedTuple

from support.build import ROOT


class Row(NamedTuple):
    """A row of the error table in src/base/error.h."""

    number: int
    status: int
    title: str
    template_status: int  # with --http-errors template
    origin: str


def error_table():
    """{code: its row}"""
    source = (ROOT / "src" / "base" / "error.h").read_text()
    numbers = dict(re.findall(r"^ +(k\w+) = (\d+),", source, re.M))
    rows = re.findall(r'ErrorInfo\{(k\w+),\s+"(\w+)",\s+(\d+),\s+"([^"]+)",\s+(\d+),\s+k(\w+),', source)
    assert [enumerator for enumerator, *_ in rows] == list(numbers), "each code has its row, and this can read it"
    return {
        code: Row(int(numbers[enumerator]), int(status), title, int(template), origin)
        for enumerator, code, status, title, template, origin in rows
    }


ERRORS = error_table()


def check_error(answer, code, template=False):
    """Fails unless `answer` (of requests or of the wire) is the whole row of `code`."""
    status = getattr(answer, "status_code", None) or answer.status
    body = answer.content if hasattr(answer, "content") else answer.body
    header = answer.headers.get if hasattr(answer, "headers") else answer.header
    assert header("Parley-Code") == code, f"{status} {body!r}"
    row = ERRORS[code]
    assert status == (row.template_status if template else row.status), body
    assert header("X-Request-Id")
    assert header("Cache-Control") == "no-store"
    if template:
        assert header("Content-Type").startswith("text/plain")
        assert body.strip(), "an error says what is wrong"
        if row.origin == "Reading":
            assert body.startswith(b"Failed to parse request body: "), body
        return None
    assert header("Content-Type").split(";")[0] == "application/problem+json"
    problem = json.loads(body)
    assert problem["code"] == code
    assert problem["status"] == status
    assert problem["title"] == row.title
    for member in ("type", "title", "detail"):
        assert isinstance(problem[member], str) and problem[member], member
    if code == "overloaded":
        assert int(header("Retry-After")) >= 0
    return problem
