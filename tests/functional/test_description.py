"""The OpenAPI document says of errors and messages what error.h and api.proto say, and Postman's collection has it all."""

import json
import re

import pytest

from support import schemathesis_fields
from support.build import IDL
from support.errors import ERRORS


@pytest.fixture
def document(client):
    return client.get("/openapi.json").json()


@pytest.fixture
def schemas(document):
    return document["components"]["schemas"]


@pytest.fixture
def responses(document):
    return document["components"]["responses"]


def examples(responses):
    """(the response's name, the code, the example) of every error that is described."""
    for name, response in responses.items():
        for code, example in response["content"]["application/problem+json"]["examples"].items():
            yield name, code, example["value"]


def test_every_error_of_the_table_is_described_and_no_other(schemas, responses):
    assert schemas["Code"]["enum"] == list(ERRORS)
    assert {code for _, code, _ in examples(responses)} == set(ERRORS)


def test_each_error_has_its_row(schemas, responses):
    for name, code, example in examples(responses):
        row = ERRORS[code]
        assert (example["code"], example["status"], example["title"]) == (code, row.status, row.title), name
        assert example["type"] == f"urn:parley:error:{code}", name
        assert set(example) == set(schemas["Problem"]["required"]), name


def test_a_response_allows_the_codes_that_it_shows(responses):
    for name, response in responses.items():
        content = response["content"]["application/problem+json"]
        narrowed = content["schema"]["allOf"][1]["properties"]
        assert narrowed["code"]["enum"] == list(content["examples"]), name
        assert {ERRORS[code].status for code in content["examples"]} == {narrowed["status"]["const"]}, name
        assert {"X-Request-Id", "Parley-Code"} <= set(response["headers"]), name
        assert ("Retry-After" in response["headers"]) == ("overloaded" in content["examples"]), name


def test_an_operation_names_each_error_under_its_status(document, responses):
    used = set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                if status == "200":
                    continue
                name = response["$ref"].rsplit("/", 1)[1]
                used.add(name)
                schema = responses[name]["content"]["application/problem+json"]["schema"]
                assert schema["allOf"][1]["properties"]["status"]["const"] == int(status), (path, method, status)
    # NotFound and MethodNotAllowed are of no operation. No call of the program gives the others yet.
    assert set(responses) - used == {"NotFound", "MethodNotAllowed", "InvalidField", "CursorGone"}


def test_every_reference_leads_somewhere(document):
    references = set(re.findall(r'"\$ref": "#/components/(\w+)/([\w-]+)"', json.dumps(document)))
    assert len(references) > 30
    assert [r for r in references if r[1] not in document["components"][r[0]]] == []


def proto_messages():
    """{message: {field: number}}"""
    text = re.sub(r"//.*", "", (IDL / "api.proto").read_text())
    found = {}
    for name, body in re.findall(r"message (\w+) \{(.*?)\n\}", text, re.S):
        fields = re.findall(r"(\w+) = (\d+)(?: \[.*?\])?;", body)
        found[name] = {field: int(number) for field, number in fields}
    return found


def test_the_messages_have_the_fields_of_the_proto(schemas):
    messages = proto_messages()
    assert len(messages) == 5
    for name, fields in messages.items():
        assert list(schemas[name]["properties"]) == list(fields), name
        numbered = ", ".join(f"{field} {number}" for field, number in fields.items())
        assert f"In protobuf: {numbered}." in schemas[name]["description"], name
    for name in ("SendRequest", "PullRequest"):
        assert set(schemas[f"Form{name}"]["properties"]) == set(messages[name])
        assert schemathesis_fields.FIELDS[name] == messages[name]


def test_each_call_of_the_idl_has_its_texts(document):
    """Comments of the IDL become titles and descriptions: of calls, and of each field that its name does not explain."""
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    for operation in operations:
        assert operation["summary"] and not operation["summary"].endswith("."), operation["operationId"]
    ids = {operation["operationId"] for operation in operations}
    calls = re.findall(r"^  rpc (\w+)", (IDL / "api.proto").read_text(), re.M)
    assert {call[0].lower() + call[1:] for call in calls} <= ids
    for name in ("SendRequest", "PullRequest", "SendResponse", "PullResponse", "Message"):
        for field, schema in document["components"]["schemas"][name]["properties"].items():
            told = "description" in schema or "$ref" in json.dumps(schema)
            assert told or (name, field) in {("Message", "text"), ("Message", "sender")}, (name, field)


def test_postman_has_every_operation(client, document):
    items = client.get("/docs/postman.json").json()["item"]
    made = {(i["request"]["method"].lower(), "/" + "/".join(i["request"]["url"]["path"])) for i in items}
    assert made == {(method, path) for path, methods in document["paths"].items() for method in methods}
