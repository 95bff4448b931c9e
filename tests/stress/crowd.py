"""People of the stress run: they ask, vote and moderate over HTTP, and are sometimes many at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.stress.caller import Answer, Away, Caller

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping
    from random import Random

    from tests.stress.place import Place

DEEDS = {
    "ask": 4,
    "vote": 8,
    "unvote": 3,
    "answer": 1,
    "tag": 2,
    "untag": 1,
    "pin": 1,
    "unpin": 1,
    "freeze": 1,
    "unfreeze": 1,
    "withdraw": 1,
    "dismiss": 1,
    "rename tag": 0.3,
    "rename team": 0.2,
    "rush": 0.6,
    "speech": 0.3,
}
"""What somebody does next, and how often."""
MOST_QUESTIONS = 60
EXPECTED = {200, 201, 204, 403, 404, 409, 503}
"""403: withdrawn by its author, but answered already. 503: while the server stops."""
RUSH_VOTES = 60
RUSH_CALLERS = 6
SPEECH_PARTS = 20
SPEECH_CHARACTERS = 9_000
"""Of three bytes each."""
_LETTERS = {code: 0x4E00 + code for code in range(256)}
_MODERATION = {
    "pin": ("PUT", "/pin"),
    "unpin": ("DELETE", "/pin"),
    "freeze": ("PUT", "/freeze"),
    "unfreeze": ("DELETE", "/freeze"),
    "dismiss": ("DELETE", ""),
}


@dataclass(frozen=True)
class Pace:
    """How much people do."""

    deeds: Mapping[str, float] = field(default_factory=lambda: DEEDS)
    longest_pause: float = 0.03
    """Seconds between two deeds of a hand."""


class Hand:
    """One connection through which people of a room act, one after the other."""

    def __init__(self, port: int, place: Place, random: Random, tally: Counter[str], pace: Pace | None = None) -> None:
        self._port = port
        self._pace = pace or Pace()
        self._place = place
        self._random = random
        self._tally = tally
        self._caller = Caller(port)

    async def act(self, over: asyncio.Event) -> None:
        """One deed after the other, until it is over."""
        while not over.is_set():
            [deed] = self._random.choices(list(self._pace.deeds), list(self._pace.deeds.values()))
            try:
                await self._do(deed)
            except Away:
                await asyncio.sleep(0.05)
            await asyncio.sleep(self._random.uniform(0, self._pace.longest_pause))
        self.leave()

    def leave(self) -> None:
        """Hang up."""
        self._caller.close()

    async def ask(self) -> None:
        """Somebody asks, in a team or in none. In a full room somebody makes room instead."""
        place = self._place
        if len(place.questions) >= MOST_QUESTIONS:
            await self._moderate("dismiss", next(iter(place.questions)))
            return
        guest = self._random.choice(place.guests)
        body = {"body": f"Why {self._random.random()}, ümläuts and \u2028?"}
        if (team := self._random.choice([*place.teams, None])) is not None:
            body["teamId"] = team
        answer = await self._call("POST", "/questions", guest, body)
        if answer.status == 201:
            place.questions[answer.json["id"]] = guest

    async def _do(self, deed: str) -> None:
        place, random = self._place, self._random
        if deed == "ask" or not place.questions:
            await self.ask()
            return
        question = random.choice(list(place.questions))
        if deed in {"vote", "unvote"}:
            await self._vote(self._caller, question, random.choice(place.guests), up=deed == "vote")
        elif deed in _MODERATION:
            await self._moderate(deed, question)
        elif deed in {"tag", "untag"}:
            path = f"/questions/{question}/tags/{random.choice(place.tags)}"
            await self._call("PUT" if deed == "tag" else "DELETE", path, place.moderator)
        elif deed == "withdraw":
            answer = await self._call("DELETE", f"/questions/{question}", place.questions[question])
            self._forget(question, answer)
        elif deed.startswith("rename"):
            what = random.choice(place.tags if deed == "rename tag" else place.teams)
            path = f"/{'tags' if deed == 'rename tag' else 'teams'}/{what}"
            await self._call("PATCH", path, place.moderator, {"name": f"N{random.random()}"})
        elif deed == "rush":
            await self._rush(question)
        else:
            await self._speak(question, 1 if deed == "answer" else SPEECH_PARTS)

    async def _moderate(self, deed: str, question: str) -> None:
        method, tail = _MODERATION[deed]
        answer = await self._call(method, f"/questions/{question}{tail}", self._place.moderator)
        if deed == "dismiss":
            self._forget(question, answer)

    async def _rush(self, question: str) -> None:
        """Many people vote for one question and take it back, over several connections at once."""
        ballots = iter([(self._random.choice(self._place.guests), up < 0.7) for up in self._numbers(RUSH_VOTES)])
        self._tally["floods"] += 1

        async def some() -> None:
            caller = Caller(self._port)
            try:
                for guest, up in ballots:
                    await self._vote(caller, question, guest, up=up)
            except Away:
                pass
            finally:
                caller.close()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(RUSH_CALLERS):
                tasks.create_task(some())

    async def _speak(self, question: str, parts: int) -> None:
        """A moderator answers, and corrects the answer again and again: large events that replace no other."""
        self._tally["floods"] += parts > 1
        for left in range(parts, 0, -1):
            size = SPEECH_CHARACTERS if left > 1 else self._random.randint(1, 100)  # in the end rooms are small again
            text = self._random.randbytes(size).decode("latin-1").translate(_LETTERS)
            await self._call("POST", f"/questions/{question}/answer", self._place.moderator, {"response": text})

    async def _vote(self, caller: Caller, question: str, guest: str, *, up: bool) -> None:
        path = self._place.path(f"/questions/{question}/upvote")
        self._judge(path, await caller.request("POST" if up else "DELETE", path, cookie=guest))

    async def _call(self, method: str, path: str, cookie: str, body: Any = None) -> Answer:
        path = self._place.path(path)
        answer = await self._caller.request(method, path, cookie=cookie, body=body)
        self._judge(path, answer)
        return answer

    def _judge(self, path: str, answer: Answer) -> None:
        self._tally["requests answered"] += 1
        assert answer.status in EXPECTED, f"{path}: {answer}"

    def _forget(self, question: str, answer: Answer) -> None:
        if answer.status in {204, 404}:
            self._place.questions.pop(question, None)

    def _numbers(self, count: int) -> list[float]:
        return [self._random.random() for _ in range(count)]
