"""What a client makes of a stream, written from the contract on the wire and from nothing else.

Pure: no stream, no service. Personal flags (`hasUpvoted`, `isMine`) are in no event and so not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

BORN_WITH = ("body", "teamId", "createdAt")
"""What never changes."""
CARRIED = {
    "question:created": (),
    "question:upvoted": ("upvotes",),
    "question:answered": ("status", "responseText", "respondedAt", "updatedAt"),
    "question:tagged": ("tags", "updatedAt"),
    "question:untagged": ("tags", "updatedAt"),
    "question:pinned": ("isPinned", "pinnedBy", "pinnedAt", "updatedAt"),
    "question:frozen": ("isFrozen", "frozenBy", "frozenAt", "updatedAt"),
    "question:removed": (),
}
"""What each type of event says about a question that a list says too."""
TYPES = (*CARRIED, "tags:changed", "teams:changed")
ABOUT_THE_STREAM = ("connected", "heartbeat", "reset", "goodbye")

_NEW: Json = {
    "responseText": None,
    "respondedAt": None,
    "isPinned": False,
    "pinnedBy": None,
    "pinnedAt": None,
    "isFrozen": False,
    "frozenBy": None,
    "frozenAt": None,
    "tags": [],
}


@dataclass(frozen=True)
class Room:
    """A room as a client knows it."""

    questions: dict[str, Json]
    tags: list[Json]
    teams: list[Json]

    @classmethod
    def listed(cls, data: Json) -> Room:
        """From a snapshot, or from lists."""
        assert data.keys() == {"questions", "tags", "teams"}
        questions = {question["id"]: question for question in data["questions"]}
        assert len(questions) == len(data["questions"]), "a question twice"
        return cls(questions, data["tags"], data["teams"])

    def after(self, kind: str, data: Json) -> Room:
        """This room after an event."""
        if kind == "tags:changed":
            return Room(self.questions, data["tags"], self.teams)
        if kind == "teams:changed":
            return Room(self.questions, self.tags, data["teams"])
        assert data["id"] == data["questionId"]
        return Room(self._questions_after(kind, data["id"], data), self.tags, self.teams)

    def _questions_after(self, kind: str, question_id: str, data: Json) -> dict[str, Json]:
        known = self.questions.get(question_id)
        if kind == "question:created":
            assert known is None, "created twice"
            return {**self.questions, question_id: {**_NEW, "updatedAt": data["createdAt"], **data}}
        if kind == "question:removed":
            return {key: question for key, question in self.questions.items() if key != question_id}
        if known is None:  # somebody who doesn't want to hear of new questions can hear of their votes
            return self.questions
        return {**self.questions, question_id: {**known, **{name: data[name] for name in CARRIED[kind]}}}

    def differences(self, truth: Room, types: frozenset[str] | None) -> list[str]:
        """Where this room, kept by events of these types, is not as the true one."""
        heard = frozenset(TYPES) if types is None else types
        missing = truth.questions.keys() - self.questions.keys() if "question:created" in heard else set()
        surplus = self.questions.keys() - truth.questions.keys() if "question:removed" in heard else set()
        found = [f"{key} is missing" for key in missing] + [f"{key} should be gone" for key in surplus]
        fields = [*BORN_WITH, *(name for kind in heard for name in CARRIED.get(kind, ()))]
        if not {"question:tagged", "question:untagged"} <= heard:
            fields = [name for name in fields if name != "tags"]
        if types is not None:  # the last change may be one that was not asked for
            fields = [name for name in fields if name != "updatedAt"]
        for key in self.questions.keys() & truth.questions.keys():
            mine, true = self.questions[key], truth.questions[key]
            found += [
                f"{key}: {name} is {mine[name]!r}, not {true[name]!r}" for name in fields if mine[name] != true[name]
            ]
        if "tags:changed" in heard and self.tags != truth.tags:
            found.append(f"tags are {self.tags}, not {truth.tags}")
        if "teams:changed" in heard and self.teams != truth.teams:
            found.append(f"teams are {self.teams}, not {truth.teams}")
        return found
