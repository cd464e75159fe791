"""Asks the API, and holds every answer against the document that describes it."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema_rs
from starlette.testclient import TestClient


def strict(schema: Any) -> Any:
    """Return the same schema, and no object has a field that it doesn't name."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {}
    return closed | {key: strict(part) for key, part in schema.items()}


class Documented:
    """A client that notes which operations were `seen`, and with which kind of answer."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.document = client.get("/api/v1/openapi.json").json()
        self._components = strict(self.document["components"])
        self.seen: set[tuple[str, str, str]] = set()

    def is_as_described(self, schema: Any, value: Any) -> None:
        jsonschema_rs.validate({**strict(schema), "components": self._components}, value)

    def ask(self, call: str, key: str = "", **body: Any) -> Any:
        """Ask for "METHOD PATH" and return the last line of the answer."""
        method, _, path = call.partition(" ")
        alone = path.partition("?")[0]
        fits = [p for p in self.document["paths"] if re.fullmatch(re.sub(r"{\w+}", "[^/?]+", p), alone)]
        named = min(fits, key=lambda p: p.count("{"))
        headers = {"authorization": f"Bearer {key}"} if key else {}
        answer = self.client.request(method, path, headers=headers, **({"json": body} if body else {}))
        assert answer.status_code == 200, answer.text
        media = answer.headers["content-type"].partition(";")[0]
        operation = self.document["paths"][named][method.lower()]
        assert bool(key) == ("security" in operation)
        schema = operation["responses"]["200"]["content"][media]["schema"]
        self.seen.add((named, method.lower(), media))
        if schema == {"type": "string"}:
            assert media != "application/json"
            return None
        lines = answer.text.splitlines() if media == "application/x-ndjson" else [answer.text]
        found = [json.loads(line) for line in lines]
        for value in found:
            self.is_as_described(schema, value)
        if body:
            self.is_as_described(operation["requestBody"]["content"]["application/json"]["schema"], body)
        return found[-1]

    def operations(self, *, review_sets: bool) -> set[tuple[str, str, str]]:
        """Return all operations that are about review sets, or all others."""
        return {
            (path, method, media)
            for path, methods in self.document["paths"].items()
            if review_sets == path.startswith("/api/v1/review-sets")
            for method, operation in methods.items()
            for media in operation["responses"]["200"]["content"]
        }
