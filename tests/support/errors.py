"""The contract's table of errors, as a client knows it."""

import json

# code: (status, status with --http-errors=template). 413 of a text is an error of the call, 413 of a body is not.
ERRORS = {
    "malformed_request": (400, 400),
    "invalid_chat": (400, 500),
    "sender_not_in_chat": (400, 500),
    "invalid_text": (400, 500),
    "text_too_long": (413, 500),
    "invalid_cursor": (400, 500),
    "invalid_limit": (400, 500),
    "invalid_idempotency_key": (400, 500),
    "chat_not_found": (404, 500),
    "idempotency_conflict": (409, 500),
    "overloaded": (503, 500),
    "unavailable": (503, 500),
    "outcome_unknown": (504, 500),
    "internal": (500, 500),
    "bad_upstream": (502, 500),
    "not_found": (404, 404),
    "method_not_allowed": (405, 405),
    "body_too_large": (413, 413),
    "headers_too_large": (431, 431),
    "unsupported_media_type": (415, 415),
    "request_timeout": (408, 408),
    "origin_not_allowed": (403, 403),
}


def check_error(answer, code, template=False):
    """Fails unless `answer` (of requests or of the wire) is the whole row of `code`."""
    status = getattr(answer, "status_code", None) or answer.status
    body = answer.content if hasattr(answer, "content") else answer.body
    header = answer.headers.get if hasattr(answer, "headers") else answer.header
    assert header("Parley-Code") == code, f"{status} {body!r}"
    assert status == ERRORS[code][template], body
    assert header("X-Request-Id")
    assert header("Cache-Control") == "no-store"
    if template:
        assert header("Content-Type").startswith("text/plain")
        assert body.strip(), "an error says what is wrong"
        if code == "malformed_request":
            assert body.startswith(b"Failed to parse request body: "), body
        return None
    assert header("Content-Type").split(";")[0] == "application/problem+json"
    problem = json.loads(body)
    assert problem["code"] == code
    assert problem["status"] == status
    for member in ("type", "title", "detail"):
        assert isinstance(problem[member], str) and problem[member], member
    if code == "overloaded":
        assert int(header("Retry-After")) >= 0
    return problem
