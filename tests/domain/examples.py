"""Small things to begin a test with."""

import json
from pathlib import Path
from typing import Any

from pulsestage.domain.question import Question
from pulsestage.domain.tag import Tag

NOW = 1_696_765_800_000
LATER = NOW + 1000

_VECTORS = Path(__file__).parents[1]
TEXTS: dict[str, Any] = json.loads((_VECTORS / "texts.json").read_text(encoding="utf-8"))
"""Texts of many scripts, what they are found by, and how long they are. The page's tests read them too."""
ORDERS: dict[str, Any] = json.loads((_VECTORS / "orders.json").read_text(encoding="utf-8"))
"""The orders of lists, likewise."""


def a_question(question_id: str = "q1", **facts: Any) -> Question:
    """An open question of tenant `t1`."""
    return Question(
        **{
            "id": question_id,
            "tenant_id": "t1",
            "team_id": None,
            "body": "When does the new office open?",
            "created_at": NOW,
            "updated_at": NOW,
            "author_key": "author",
            **facts,
        }
    )


def a_tag(tag_id: str, name: str) -> Tag:
    """A tag of tenant `t1`."""
    return Tag(tag_id, "t1", name, "#3B82F6", None, NOW)
