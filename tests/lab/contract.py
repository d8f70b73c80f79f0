"""docs/openapi.yaml as a judge of what the daemon answers.

It is stricter than the document: an object may have only the fields that are documented, so that what is added to an
answer is added to the document as well; and a problem's code must be among the examples of the response that it came as.
"""
import json
import re
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import jsonschema
import yaml

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/openapi.yaml"
METHODS = ("get", "post", "put", "patch", "delete")
JSON, PROBLEM, LINES, EVENTS = (
    "application/json", "application/problem+json", "application/x-ndjson", "text/event-stream")


def load(path=DOCUMENT):
    # The plain loader takes half a second, which each test would pay.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return whole(yaml.load(path.read_text(encoding="utf-8"), Loader=loader))


def whole(document):
    """The document with what each $ref means in its place; what stands beside a $ref is kept."""
    def resolve(value):
        if isinstance(value, list):
            return [resolve(each) for each in value]
        if not isinstance(value, dict):
            return value
        value = dict(value)
        if isinstance(reference := value.pop("$ref", None), str):
            meant = document
            for key in reference.removeprefix("#/").split("/"):
                meant = meant[key]
            return resolve(meant) | {key: resolve(each) for key, each in value.items()}
        return {key: resolve(each) for key, each in value.items()}
    return resolve(document)


def strict(schema):
    """The schema, with no field allowed that it does not mention."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: strict(each) for key, each in schema.items()}
    if "properties" in schema and schema.get("type") == "object":
        schema.setdefault("additionalProperties", False)
    return schema


class Operation(NamedTuple):
    method: str     # "GET"
    path: str       # "/v1/instances/{id}"
    responses: dict

    def response(self, status):
        return self.responses.get(str(status), self.responses.get("default"))

    def codes(self, status):
        """The problems that it may answer with that status."""
        content = self.response(status).get("content", {}).get(PROBLEM, {})
        return {example["value"]["code"] for example in content.get("examples", {}).values()}


class Contract:
    def __init__(self, document=None):
        self.document = document or load()
        self.operations = [Operation(method.upper(), path, item[method]["responses"])
                           for path, item in self.document["paths"].items() for method in METHODS if method in item]
        self.seen = set()       # (method, path, status, code or None) of all that was answered
        self._validators = {}
        self._judged = {}       # when an answer of that kind was judged last

    def find(self, method, target):
        """The operation that a request means, or None."""
        path = urlsplit(target).path
        def fits(operation):
            pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(operation.path))
            return re.fullmatch(pattern, path) is not None
        method = "GET" if method == "HEAD" else method
        found = [each for each in self.operations if each.method == method and fits(each)]
        return min(found, key=lambda each: each.path.count("{"), default=None)

    def methods(self, path):
        return {each.method for each in self.operations if each.path == path}

    def judge_now_and_then(self, method, target, answer):
        """For tests that ask the same again and again: each kind of answer at once, and then twice a second."""
        now = time.monotonic()
        kind = (method, urlsplit(target).path, answer.status)
        if now - self._judged.get(kind, -1) >= 0.5:
            self._judged[kind] = now
            self.judge(method, target, answer)

    def judge(self, method, target, answer):
        """Raises an AssertionError that says what is not as documented."""
        what = f"{method} {unquote(target)} answered {answer.status}"
        operation = self.find(method, target)
        kind = answer.headers.get_content_type()
        if operation is None:
            # No route, or no such method: the only answers that belong to no operation.
            assert answer.status in (400, 404, 405) and kind == PROBLEM, f"{what}, and there is no such operation"
            operation = self.operations[0]
            response = operation.responses["default"]
        else:
            response = operation.response(answer.status)
            assert response is not None, f"{what}, which is not documented"
        if "content" not in response:
            assert not answer.body, f"{what} with a body, which is not documented"
            self.seen.add((operation.method, operation.path, answer.status, None))
            return
        assert kind in response["content"], f"{what} as {kind}, which is not documented"
        code = None
        if method != "HEAD":
            for value in values_of(kind, answer.body):
                self._judge_value(operation, answer.status, kind, response["content"][kind]["schema"], value, what)
            if kind == PROBLEM:
                code = answer.json["code"]
                documented = {each["value"]["code"] for each in response["content"][kind]["examples"].values()}
                # Any request may be refused so before anybody looks what it is about.
                anywhere = {each["value"]["code"]
                            for each in operation.responses["default"]["content"][PROBLEM]["examples"].values()}
                assert code in documented | anywhere, f"{what} with {code}, of which {operation.path} does not speak"
                assert answer.json["status"] == answer.status, what
        self.seen.add((operation.method, operation.path, answer.status, code))

    def _judge_value(self, operation, status, kind, schema, value, what):
        key = (operation.method, operation.path, status, kind)
        if key not in self._validators:
            self._validators[key] = validator(schema)
        complain(self._validators[key], value, what)


def validator(schema):
    return jsonschema.Draft202012Validator(strict(schema))


def complain(judge, value, what):
    """Raises an AssertionError with the deepest of what is wrong: of alternatives, the one that fits best."""
    error = jsonschema.exceptions.best_match(judge.iter_errors(value))
    if error is None:
        return
    while error.context:
        error = max(error.context, key=lambda each: len(each.absolute_path))
    place = "/".join(str(each) for each in error.absolute_path)
    raise AssertionError(f"{what}, and {place or 'it'} is not as documented: {error.message}")


def values_of(kind, body):
    """The JSON documents in a body of that kind."""
    if kind in (JSON, PROBLEM):
        return [json.loads(body)]
    if kind == LINES:
        return [json.loads(line) for line in body.splitlines() if line]
    if kind == EVENTS:
        return [json.loads(line.removeprefix(b"data: ")) for line in body.splitlines() if line.startswith(b"data: ")]
    return []
