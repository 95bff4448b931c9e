"""JSON schemas of what is sent, as both documents have them: made from the structs, each member with its meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from pulsestage.http.meanings import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterable

Schema = dict[str, Any]

POSITION: Schema = {"type": "string", "pattern": r"^[0-9A-Za-z_-]{1,64}\.(0|[1-9][0-9]{0,18})$", "maxLength": 84}


def ref(name: str) -> Schema:
    """A reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def of_structs(structs: Iterable[type[msgspec.Struct]]) -> dict[str, Schema]:
    """The structs' schemas and those of all structs in them, by name."""
    _, schemas = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    return {name: schema | _members(name, schema) for name, schema in schemas.items()}


def name_enumerations(schemas: dict[str, Schema]) -> dict[str, Schema]:
    """Each enumeration that has a title becomes a schema of that name: generators make one type of it.

    An enumeration of one value, which has none, is a constant.
    """
    found: dict[str, Schema] = {}

    def named(value: Any) -> Any:  # noqa: ANN401 - any part of a schema
        if isinstance(value, list):
            return [named(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "enum" in value and "title" in value:
            found[value["title"]] = {**value, "description": MEANINGS[value["title"]]}
            return ref(value["title"])
        match value:
            case {"enum": [constant], **rest}:
                return {"type": "string", "const": constant, **rest}
        return {key: named(each) for key, each in value.items()}

    return {name: named(schema) for name, schema in schemas.items()} | found


def described(members: dict[str, Schema], owner: str) -> Schema:
    """An object whose members are always there, as they are: what is not there is null."""
    properties = {
        name: schema if "$ref" in schema or "title" in schema else {**schema, "description": _meaning(owner, name)}
        for name, schema in members.items()
    }
    return {"type": "object", "properties": properties, "required": list(members)}


def _members(name: str, schema: Schema) -> Schema:
    """What has a default is sent as well; only what can be `msgspec.UNSET` can be missing."""
    members: dict[str, Schema] = schema["properties"]
    always = [each for each, member in members.items() if each in schema.get("required", ()) or "default" in member]
    return {**described(members, name), "required": always}


def _meaning(owner: str, name: str) -> str:
    return MEANINGS.get(f"{owner}.{name}") or MEANINGS[name]
