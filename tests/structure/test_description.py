"""The OpenAPI document says of errors and messages what error.h and im.proto say."""

import json
import pathlib
import re

from support import schemathesis_fields
from support.errors import ERRORS

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((ROOT / "src" / "api" / "openapi.json").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]
RESPONSES = DOCUMENT["components"]["responses"]
PROTO = (ROOT / "idl" / "im.proto").read_text()


def examples():
    """(the response's name, the code, the example) of every error that is described."""
    for name, response in RESPONSES.items():
        for code, example in response["content"]["application/problem+json"]["examples"].items():
            yield name, code, example["value"]


def test_every_error_of_the_table_is_described_and_no_other():
    assert SCHEMAS["Code"]["enum"] == list(ERRORS)
    assert {code for _, code, _ in examples()} == set(ERRORS)


def test_each_error_has_its_row():
    for name, code, example in examples():
        row = ERRORS[code]
        assert (example["code"], example["status"], example["title"]) == (code, row.status, row.title), name
        assert example["type"] == f"urn:parley:error:{code}", name
        assert set(example) == set(SCHEMAS["Problem"]["required"]), name


def test_a_response_allows_the_codes_that_it_shows():
    for name, response in RESPONSES.items():
        content = response["content"]["application/problem+json"]
        narrowed = content["schema"]["allOf"][1]["properties"]
        assert narrowed["code"]["enum"] == list(content["examples"]), name
        assert {ERRORS[code].status for code in content["examples"]} == {narrowed["status"]["const"]}, name
        assert {"X-Request-Id", "Parley-Code"} <= set(response["headers"]), name
        assert ("Retry-After" in response["headers"]) == ("overloaded" in content["examples"]), name


def test_an_operation_names_each_error_under_its_status():
    used = set()
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                if status == "200":
                    continue
                name = response["$ref"].rsplit("/", 1)[1]
                used.add(name)
                schema = RESPONSES[name]["content"]["application/problem+json"]["schema"]
                assert schema["allOf"][1]["properties"]["status"]["const"] == int(status), (path, method, status)
    assert set(RESPONSES) - used == {"NotFound", "MethodNotAllowed"}  # which are of no operation


def test_every_reference_leads_somewhere():
    references = set(re.findall(r'"\$ref": "#/components/(\w+)/([\w-]+)"', json.dumps(DOCUMENT)))
    assert len(references) > 30
    assert [r for r in references if r[1] not in DOCUMENT["components"][r[0]]] == []


def proto_messages():
    """{message: {field: number}}"""
    text = re.sub(r"//.*", "", PROTO)
    found = {}
    for name, body in re.findall(r"message (\w+) \{(.*?)\}", text, re.S):
        found[name] = {field: int(number) for field, number in re.findall(r"(\w+) = (\d+);", body)}
    return found


def test_the_messages_have_the_fields_of_the_proto():
    messages = proto_messages()
    assert len(messages) == 5
    for name, fields in messages.items():
        assert set(SCHEMAS[name]["properties"]) == set(fields), name
        numbered = ", ".join(f"{field} {number}" for field, number in fields.items())
        assert f"In protobuf: {numbered}." in SCHEMAS[name]["description"], name
    for name in ("SendRequest", "PullRequest"):
        assert set(SCHEMAS[f"Form{name}"]["properties"]) == set(messages[name])
        assert schemathesis_fields.FIELDS[name] == messages[name]
