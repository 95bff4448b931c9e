"""Votes."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from pulsestage.http.caller import CallerOf
from pulsestage.http.documents import shows
from pulsestage.http.parameters import Id
from pulsestage.http.replies import remember, reply
from pulsestage.services import votes
from pulsestage.services.views import QuestionView

router = APIRouter(prefix="/questions/{question_id}/upvote", tags=["Votes"])


@router.post("", responses=shows(QuestionView, 200, 403, 404, 409, 429))
async def upvote(request: Request, caller: CallerOf, question_id: Id) -> Response:
    """Vote for a question: once per person, however often it is sent."""
    question, position = await votes.cast(caller.context, caller.actor, question_id, up=True)
    return remember(reply(question, position=position), request, caller)


@router.delete("", responses=shows(QuestionView, 200, 403, 404, 409, 429))
async def take_back(request: Request, caller: CallerOf, question_id: Id) -> Response:
    """Take one's vote back."""
    question, position = await votes.cast(caller.context, caller.actor, question_id, up=False)
    return remember(reply(question, position=position), request, caller)
