"""What schemathesis must know of the API that its document cannot say. Runs in schemathesis' own Python.

OpenAPI has no words for what one field asks of another, nor for lengths in bytes; so what the document alone would
allow is mended here before it is sent. What it forbids is sent as it is.
"""

import schemathesis
from schemathesis_fields import FIELDS

STRINGS = {"chat", "text", "sender", "idempotency_key", "receiver"}
BITS = {"cursor": 63, "limit": 31}
UNREADABLE = b"\xff"  # a number that does not end


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    body = case.body if isinstance(case.body, dict) else {}
    for fields in (body, case.query or {}):
        if any(len(member.encode()) > 64 for member in (fields.get("chat") or "").split(":")):
            fields["chat"] = "alice:bob"
    # The two ways to name a chat must agree.
    if body.get("chat"):
        body.pop("receiver", None)
    for name in {"sender", "receiver"} & body.keys():
        if len((body[name] or "").encode()) > 64:
            body[name] = "alice"
    for name in BITS.keys() & body.keys():
        if isinstance(body[name], float):  # JSON Schema's integers are ours, and 1.0 besides
            body[name] = int(body[name])
    if "sender" in body and body.get("chat"):
        body["sender"] = body["chat"].split(":")[0]
    # The header and the field must agree, and the header's bytes be UTF-8.
    for name in [name for name in case.headers or {} if name.lower() == "idempotency-key"]:
        if body.get("idempotency_key") or not case.headers[name].isascii():
            del case.headers[name]
    if len((body.get("idempotency_key") or "").encode()) > 128:
        del body["idempotency_key"]


@schemathesis.serializer("application/x-protobuf")
def protobuf(context, value):
    """`value` as its message, or bytes that are none where it has a value that no message has."""
    message = "SendRequest" if context.case.operation.path == "/api/send" else "PullRequest"
    try:
        return encode(FIELDS[message], value)
    except (TypeError, ValueError, AttributeError):
        return UNREADABLE


def encode(numbers, value):
    out = b""
    for name, field in value.items():
        if name not in numbers or field is None:
            continue
        if name in STRINGS:
            text = field.encode()
            out += varint(numbers[name] << 3 | 2) + varint(len(text)) + text
        else:
            out += varint(numbers[name] << 3) + varint(whole_number(name, field) & 0xFFFF_FFFF_FFFF_FFFF)
    return out


def whole_number(name, field):
    if name == "reverse":
        if not isinstance(field, bool):
            raise TypeError(name)
        return int(field)
    if isinstance(field, (bool, float)):
        raise TypeError(name)
    number = int(field)
    if not -1 << BITS[name] <= number < 1 << BITS[name]:
        raise ValueError(name)
    return number


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])
