"""A tag: a tenant's label for questions."""

from dataclasses import dataclass, replace
from typing import Final

from pulsestage.domain.tenant import Millis
from pulsestage.domain.text import clean_color, clean_text

DEFAULT_COLOR: Final = "#3B82F6"


@dataclass(frozen=True, slots=True)
class Tag:
    """A label. `name` is unique in its tenant, whatever its case and accents."""

    id: str
    tenant_id: str
    name: str
    color: str
    description: str | None
    created_at: Millis


def create(tag_id: str, tenant_id: str, name: str, color: str | None, description: str | None, now: Millis) -> Tag:
    """A new tag. Raises InvalidInput."""
    blank = Tag(tag_id, tenant_id, "", DEFAULT_COLOR, None, now)
    return edit(blank, name=name, color=color, description=description)


def edit(tag: Tag, *, name: str | None = None, color: str | None = None, description: str | None = None) -> Tag:
    """The tag with what is given changed; an empty description removes it. Raises InvalidInput."""
    if name is not None:
        tag = replace(tag, name=clean_text("name", name, shortest=1, longest=50))
    if color is not None:
        tag = replace(tag, color=clean_color("color", color))
    if description is not None:
        tag = replace(tag, description=clean_text("description", description, shortest=0, longest=500) or None)
    return tag
