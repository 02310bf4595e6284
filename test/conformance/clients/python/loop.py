"""Answers operations, one JSON object a line; see program-client.ts."""

import base64
import json
import sys


def to_bytes(text):
    return None if text is None else base64.b64decode(text)


def to_text(data):
    return None if data is None else base64.b64encode(data).decode()


def to_headers(headers):
    return [(name, to_bytes(value)) for name, value in headers]


def from_record(partition, offset, timestamp, key, value, headers):
    return {
        "partition": partition,
        "offset": offset,
        "timestamp": timestamp,
        "key": to_text(key),
        "value": to_text(value),
        "headers": [[name, to_text(data)] for name, data in headers or []],
    }


def answer_all(client, code_of):
    for line in sys.stdin:
        order = json.loads(line)
        operation = getattr(client, order.pop("op"))
        try:
            reply = {"result": operation(**order)}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}", "code": code_of(error)}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()
