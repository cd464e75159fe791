"""The page behind the link of a review set, and the pieces of it that it asks for once it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from markupsafe import Markup
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from fakenews.api.answers import CurrentPreparer, UncachedJSON, stored
from fakenews.api.errors import OneSentenceRoute
from fakenews.api.preview import PRIVATE, visit_of
from fakenews.api.review_sets import ReviewerKey
from fakenews.review_sets.store import SetStore
from fakenews.share.links import Visit
from fakenews.share.shared import NotShared
from fakenews.share.storage import StorageError
from fakenews.ui import render_set


@dataclass
class SetPage:
    """Pure ASGI middleware around the page: under the link of a review set it answers with the page of that set."""

    app: ASGIApp
    sets: SetStore

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; all but the page under the link of a set pass as they are."""
        visit = visit_of(scope)
        if not visit.set:
            await self.app(scope, receive, send)
            return
        draw = self._owners if visit.owner else self._reviewers
        try:
            status, content = 200, await stored(draw, visit)
        except NotShared as error:
            status, content = 404, render_set.nothing(str(error))
        except StorageError as error:
            status, content = 503, render_set.nothing(str(error))
        headers = {**PRIVATE, "content-security-policy": render_set.policy()}
        await HTMLResponse(content, status, headers)(scope, receive, send)

    def _reviewers(self, visit: Visit) -> Markup:
        return render_set.page(self.sets.get(visit.set))

    def _owners(self, visit: Visit) -> Markup:
        raise NotShared


router = APIRouter(route_class=OneSentenceRoute, default_response_class=UncachedJSON, include_in_schema=False)


@router.get("/set/{id}/articles/{number}")
async def article(id: str, number: int, key: ReviewerKey, preparer: CurrentPreparer) -> dict[str, Any]:
    """Draw an article as its reviewer may see it."""

    def work() -> dict[str, Any]:
        return render_set.article(preparer.sets.shown(id, key, number))

    return await stored(work)
