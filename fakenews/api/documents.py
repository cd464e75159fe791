"""The OpenAPI document of the API, made from its operations; served where it is switched on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode
from pydantic_core import core_schema

from fakenews import __version__
from fakenews.api.answers import Operation

JSON = "application/json"
_ERROR = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
_OWNER = {"type": "http", "scheme": "bearer", "description": "The key that sharing gave its owner."}


def openapi(operations: Sequence[Operation]) -> dict[str, Any]:
    """The document, OpenAPI 3.1."""
    schemas, defined = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        name = f"{operation.method.lower()} {operation.path.removeprefix('/api/v1/')}"
        given = {media: {"schema": schemas[operation.path, operation.method, media]} for media in _given(operation)}
        described: dict[str, Any] = {
            "summary": operation.summary,
            "operationId": re.sub(r"\W+", "_", name).strip("_"),
            "parameters": [
                *(
                    {"name": part, "in": "path", "required": True, "schema": {"type": "string"}}
                    for part in re.findall(r"{(\w+)}", operation.path)
                ),
                *(
                    {"name": name, "in": "query", "description": what, "schema": {"type": "string"}}
                    for name, what in operation.query.items()
                ),
            ],
            "responses": {
                "200": {"description": operation.summary, "content": given},
                "default": {
                    "description": "One sentence that says what is wrong.",
                    "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
                },
            },
        }
        if operation.owner:
            described["security"] = [{"owner": []}]
        if operation.body is not None:
            content = {JSON: {"schema": schemas[operation.path, operation.method, "body"]}}
            described["requestBody"] = {"required": True, "content": content}
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "fakenews", "version": __version__, "description": "Version 1 of the API."},
        "paths": paths,
        "components": {"schemas": {"Error": _ERROR, **defined}, "securitySchemes": {"owner": _OWNER}},
    }


class _Whole(GenerateJsonSchema):
    """Schemas in which an answer has every field of its type, those with a default too."""

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        """Whether a field is always there."""
        whole = self.mode == "serialization" and field["type"] == "dataclass-field"
        return whole or super().field_is_required(field, total)


def _schemas(operations: Sequence[Operation]) -> tuple[dict[tuple[str, str, str], Any], dict[str, Any]]:
    """Schemas by path, method and "body" or media type, and those they refer to by name."""
    wanted: list[tuple[Any, JsonSchemaMode, TypeAdapter[Any]]] = []
    for operation in operations:
        place = (operation.path, operation.method)
        if operation.body is not None:
            wanted.append(((*place, "body"), "validation", TypeAdapter(operation.body)))
        for media, kind in _given(operation).items():
            wanted.append(((*place, media), "serialization", TypeAdapter(kind)))
    found, defined = TypeAdapter.json_schemas(
        wanted, schema_generator=_Whole, ref_template="#/components/schemas/{model}"
    )
    return {key: schema for (key, _), schema in found.items()}, defined["$defs"]


def _given(operation: Operation) -> dict[str, Any]:
    return {JSON: operation.answer, **operation.also}
