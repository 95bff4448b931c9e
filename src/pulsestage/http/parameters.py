"""Path and query parameters that several routes share."""

import re
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from pulsestage.domain.errors import InvalidInput
from pulsestage.services.ports import PageKey

UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_is_uuid = re.compile(UUID[1:-1]).fullmatch
EXAMPLE_ID = "0192f0c1-7a3e-7c64-9d0b-2f6a1c8e4b5d"

_form: Any = {"pattern": UUID, "json_schema_extra": {"format": "uuid"}, "examples": [EXAMPLE_ID]}
Id = Annotated[str, Path(description="A UUID.", **_form)]
Uuid = Annotated[str, Field(**_form)]


class Body(BaseModel):
    """A request's body. The texts below its members are their descriptions in the API's document."""

    model_config = ConfigDict(use_attribute_docstrings=True)


def is_id(text: str) -> bool:
    """Whether the text has the form of an id."""
    return _is_uuid(text) is not None


def write_cursor(key: PageKey) -> str:
    """A page's end as a cursor."""
    return f"{int(key.is_pinned)}.{key.upvotes}.{key.question_id}"


def read_cursor(cursor: str) -> PageKey:
    """Raises InvalidInput for anything that `write_cursor` doesn't write."""
    parts = cursor.split(".")
    try:
        pinned, upvotes, question_id = parts
        key = PageKey(pinned == "1", int(upvotes), question_id)
    except ValueError:
        key = None
    # What was read must write the same again: no other spelling, no number or text a database can't hold.
    if key is None or write_cursor(key) != cursor or abs(key.upvotes) >= 2**31 or not is_id(key.question_id):
        raise InvalidInput({"cursor": ["use the cursor of a Link header as it is"]})
    return key
