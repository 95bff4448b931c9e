"""Questions: asking, listing, moderating."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import Query, Request
from pydantic import ConfigDict, Field
from starlette.responses import Response

from pulsestage.domain.question import Status
from pulsestage.http.caller import caller_of
from pulsestage.http.parameters import Body, Id, Uuid, read_cursor, write_cursor
from pulsestage.http.replies import no_content, remember, reply
from pulsestage.services import questions
from pulsestage.services.ports import QuestionQuery

EXAMPLE_BODY = "When does the new office open?"
SEARCH = "Each word must begin a word of the question; emoji are words. Without any word nothing is found."
SORT = "`popular`: pinned first, then most votes, then oldest. `recent`: newest first."
_KEPT = {"tenantId", "tenant", "status", "teamId", "tagId", "search", "sort", "limit"}
"""Parameters that the address of the next page repeats."""
_ALL_BUT_BRACKETS = "".join(map(chr, range(0x21, 0x7F))).translate({ord(char): None for char in '<>"'})
Text = Annotated[str, Field(max_length=4000)]


class Ask(Body):
    """A new question."""

    # Without a team: an example is there to be tried.
    model_config = ConfigDict(json_schema_extra={"examples": [{"body": EXAMPLE_BODY}]})

    body: Annotated[str, Field(examples=[EXAMPLE_BODY])]
    """3 to 2000 visible characters, unless the tenant says otherwise."""
    teamId: Uuid | None = None  # noqa: N815 - the wire is camelCase
    """The team it is addressed to."""


class Answer(Body):
    """A moderator's answer."""

    response: Annotated[str, Field(examples=["In March; the date will be announced in the newsletter."])]
    """1 to 10000 visible characters."""


class ChosenTag(Body):
    """A tag to put on a question."""

    tagId: Uuid  # noqa: N815 - the wire is camelCase
    """The tag's id."""


async def ask(request: Request, body: Ask) -> Response:
    """Ask a question."""
    caller = await caller_of(request)
    changed = await questions.ask(caller.context, caller.actor, caller.tenant, body.body, body.teamId)
    return remember(reply(changed.question, status=201, position=changed.position), request, caller)


async def page(  # noqa: PLR0913 - one argument per query parameter
    request: Request,
    *,
    status: Annotated[Literal["open", "answered"] | None, Query(description="Only these.")] = None,
    team_id: Annotated[Uuid | None, Query(alias="teamId", description="Only this team's.")] = None,
    tag_id: Annotated[Uuid | None, Query(alias="tagId", description="Only those with this tag.")] = None,
    search: Annotated[Text | None, Query(description=SEARCH)] = None,
    sort: Annotated[Literal["popular", "recent"], Query(description=SORT)] = "popular",
    limit: Annotated[int, Query(ge=1, le=100, description="How many to a page.")] = 50,
    cursor: Annotated[str | None, Query(max_length=100, description="From a `Link`, as it is there.")] = None,
) -> Response:
    """List questions, a page at a time; `Link: rel="next"` leads to the following page, as long as there is one.

    `X-Stream-Position` is where a stream goes on from here.
    """
    caller = await caller_of(request)
    query = QuestionQuery(
        status=Status(status.upper()) if status else None,
        team_id=team_id,
        tag_id=tag_id,
        sort=sort,
        limit=limit,
        after=read_cursor(cursor) if cursor else None,
    )
    if search:
        found = await questions.search(caller.context, caller.actor, query, search)
    else:
        found = await questions.page(caller.context, caller.actor, query)
    response = reply(found.questions, position=found.position)
    if found.next is not None:
        response.headers["Link"] = f'<?{_following(request, write_cursor(found.next))}>; rel="next"'
    return response


async def similar(
    request: Request, q: Annotated[str, Query(max_length=4000, description="The text to compare with.")] = ""
) -> Response:
    """Up to ten open questions like this text, the best first. Any text will do."""
    caller = await caller_of(request)
    return reply(await questions.similar(caller.context, caller.actor, q))


async def get(request: Request, question_id: Id) -> Response:
    """One question."""
    caller = await caller_of(request)
    found = await questions.get(caller.context, caller.actor, question_id)
    return reply(found.question, position=found.position)


async def remove(request: Request, question_id: Id) -> Response:
    """Withdraw one's own question while it is unanswered, or dismiss any as a moderator."""
    caller = await caller_of(request)
    return no_content(await questions.remove(caller.context, caller.actor, question_id))


async def answer(request: Request, question_id: Id, body: Answer) -> Response:
    """Answer a question, or change its answer."""
    caller = await caller_of(request)
    return _show(await questions.answer(caller.context, caller.actor, question_id, body.response))


async def pin(request: Request, question_id: Id) -> Response:
    """Put a question on top."""
    caller = await caller_of(request)
    return _show(await questions.pin(caller.context, caller.actor, question_id))


async def unpin(request: Request, question_id: Id) -> Response:
    """Take the pin away."""
    caller = await caller_of(request)
    return _show(await questions.unpin(caller.context, caller.actor, question_id))


async def freeze(request: Request, question_id: Id) -> Response:
    """Let a question take no votes and no answer."""
    caller = await caller_of(request)
    return _show(await questions.freeze(caller.context, caller.actor, question_id))


async def unfreeze(request: Request, question_id: Id) -> Response:
    """Let it take votes and an answer again."""
    caller = await caller_of(request)
    return _show(await questions.unfreeze(caller.context, caller.actor, question_id))


async def tag_by_body(request: Request, question_id: Id, body: ChosenTag) -> Response:
    """Give a question a tag."""
    caller = await caller_of(request)
    return _show(await questions.tag(caller.context, caller.actor, question_id, body.tagId))


async def tag(request: Request, question_id: Id, tag_id: Id) -> Response:
    """Give a question a tag."""
    caller = await caller_of(request)
    return _show(await questions.tag(caller.context, caller.actor, question_id, tag_id))


async def untag(request: Request, question_id: Id, tag_id: Id) -> Response:
    """Take a tag from a question."""
    caller = await caller_of(request)
    return _show(await questions.untag(caller.context, caller.actor, question_id, tag_id))


def _following(request: Request, cursor: str) -> str:
    """The query of the next page.

    It repeats only parameters that there are, and as they were written: no request is to make the answer's head large.
    """
    given = dict(part.partition("=")[::2] for part in request.scope["query_string"].decode("latin-1").split("&"))
    kept = [f"{name}={quote(text, safe=_ALL_BUT_BRACKETS)}" for name, text in given.items() if name in _KEPT]
    return "&".join([*kept, f"cursor={cursor}"])


def _show(changed: questions.Changed) -> Response:
    return reply(changed.question, position=changed.position)
