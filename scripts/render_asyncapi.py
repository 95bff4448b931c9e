"""Writes docs/events.md, which is the document of `/asyncapi.json` for people: `python -m scripts.render_asyncapi`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pulsestage.http.asyncapi import describe

PAGE = Path(__file__).parents[1] / "docs/events.md"

_BEGINNING = """\
# Events, member by member

What every type of frame carries. When which one comes, and what a client makes of it, is in [streams.md](streams.md).
This page is `/asyncapi.json` for people, made by `python -m scripts.render_asyncapi`; don't edit it.

Every member is always there. Ids are UUIDs, times are as [api.md](api.md#shapes) has them. The examples are what a
guest is sent.

Types for programs are made from its schemas, each of which has a name; `StreamMessage` is any of them. For TypeScript:

```sh
curl -s http://127.0.0.1:7717/asyncapi.json | jq '{"$ref": "#/components/schemas/StreamMessage", components}' |
    npx --package json-schema-to-typescript json2ts --no-additionalProperties > events.ts
```

## Every frame
"""
_ENVELOPE = ("type", "tenantId", "timestamp")
_NAMES = {"uuid": "id", "date-time": "time"}

Schema = dict[str, Any]


def render(document: Schema) -> str:
    """The page."""
    messages, schemas = document["components"]["messages"].values(), document["components"]["schemas"]
    payloads = [_resolved(message["payload"], schemas) for message in messages]
    shown = [*payloads, *(_resolved(each["properties"].get("data", {}), schemas) for each in payloads)]
    envelope = {name: payloads[0]["properties"][name] for name in _ENVELOPE}
    envelope["type"] = {**envelope["type"], "const": None}
    lines = [_BEGINNING, *_table(envelope, schemas)]
    for message in messages:
        lines += _section(message, schemas)
    for name, schema in schemas.items():
        if "properties" in schema and schema not in shown:
            lines += ["", f"## {name}", "", schema["description"], "", *_table(schema["properties"], schemas)]
    return "\n".join(lines) + "\n"


def _section(message: Schema, schemas: Schema) -> Iterator[str]:
    fields = " and ".join(f"`{name}`" for name in message["headers"]["properties"])
    yield from ("", f"## `{message['name']}`", "")
    yield f"{message['summary']} {f'With {fields}.' if fields else 'Without `id`.'}"
    members = dict(_resolved(message["payload"], schemas)["properties"])
    data = members.pop("data", {})
    for name in _ENVELOPE:
        del members[name]
    for title, told in (("Beside `data`", members), ("In `data`", _resolved(data, schemas).get("properties", {}))):
        if told:
            yield from ("", f"{title}:", "", *_table(told, schemas))
    [example] = message["examples"]
    yield from ("", "```json", json.dumps(example["payload"], indent=2, ensure_ascii=False), "```")


def _table(members: Schema, schemas: Schema) -> Iterator[str]:
    yield from ("| member | type | meaning |", "|---|---|---|")
    for name, member in members.items():
        schema = _resolved(member, schemas)
        yield f"| `{name}` | {_type(schema)} | {schema['description']} |"


def _type(schema: Schema) -> str:
    match schema:
        case {"$ref": reference}:
            name = reference.rpartition("/")[2]
            return f"[{name}](#{name.lower()})"
        case {"const": str(value)}:
            return f"`{value}`"
        case {"enum": values}:
            return " or ".join(f"`{value}`" for value in values)
        case {"anyOf": choices}:
            return " or ".join(map(_type, choices))
        case {"items": item}:
            return f"array of {_type(item)}"
        case {"format": form}:
            return _NAMES[form]
    return str(schema.get("type", "string"))


def _resolved(schema: Schema, schemas: Schema) -> Schema:
    """The schema itself, or the one it refers to."""
    resolved: Schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return resolved


if __name__ == "__main__":
    PAGE.write_text(render(describe()), encoding="utf-8")
