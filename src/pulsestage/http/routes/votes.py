"""Votes."""

from fastapi import Request
from starlette.responses import Response

from pulsestage.http.caller import caller_of
from pulsestage.http.parameters import Id
from pulsestage.http.replies import remember, reply
from pulsestage.services import votes


async def upvote(request: Request, question_id: Id) -> Response:
    """Vote for a question: once per person, however often it is sent."""
    caller = await caller_of(request)
    question, position = await votes.cast(caller.context, caller.actor, question_id, up=True)
    return remember(reply(question, position=position), request, caller)


async def take_back(request: Request, question_id: Id) -> Response:
    """Take one's vote back."""
    caller = await caller_of(request)
    question, position = await votes.cast(caller.context, caller.actor, question_id, up=False)
    return remember(reply(question, position=position), request, caller)
