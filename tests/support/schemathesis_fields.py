"""The numbers of idl/api.proto's fields, for those who have no protobuf."""

FIELDS = {
    "SendRequest": {"chat": 1, "text": 2, "sender": 3, "idempotency_key": 4, "receiver": 9},
    "PullRequest": {"chat": 1, "cursor": 2, "limit": 3, "reverse": 4},
}
