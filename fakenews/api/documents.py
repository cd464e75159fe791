"""The OpenAPI document of the API, made from its operations; served where it is switched on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fakenews import __version__
from fakenews.api.answers import Operation

_ERROR = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}


def openapi(operations: Sequence[Operation]) -> dict[str, Any]:
    """The document, OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {"Error": _ERROR}
    for operation in operations:
        name = f"{operation.method.lower()} {operation.path.removeprefix('/api/v1/')}"
        described: dict[str, Any] = {
            "summary": operation.summary,
            "operationId": re.sub(r"\W+", "_", name).strip("_"),
            "parameters": [
                {"name": part, "in": "path", "required": True, "schema": {"type": "string"}}
                for part in re.findall(r"{(\w+)}", operation.path)
            ],
            "responses": {
                "200": {"description": operation.summary, "content": {operation.gives: {}}},
                "default": {
                    "description": "One sentence that says what is wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                },
            },
        }
        if operation.body is not None:
            schema = operation.body.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schema.pop("$defs", {}))
            schemas[operation.body.__name__] = schema
            content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{operation.body.__name__}"}}}
            described["requestBody"] = {"required": True, "content": content}
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "fakenews", "version": __version__, "description": "Version 1 of the API."},
        "paths": paths,
        "components": {"schemas": schemas},
    }
