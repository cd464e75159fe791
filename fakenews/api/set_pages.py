"""The page behind the link of a review set, and the pieces of it that it asks for once it stands."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from fakenews.api.answers import CurrentPreparer, UncachedJSON, stored
from fakenews.api.errors import OneSentenceRoute
from fakenews.api.preview import PRIVATE, visit_of
from fakenews.api.review_sets import ReviewerKey
from fakenews.review_sets import exports
from fakenews.review_sets.statistics import summarize
from fakenews.review_sets.store import SetStore
from fakenews.share.links import Visit, base_address
from fakenews.share.shared import NotShared
from fakenews.share.storage import StorageError
from fakenews.ui import render_set, set_report


@dataclass
class SetPage:
    """Pure ASGI middleware around the page: under the link of a review set it answers with the page of that set."""

    app: ASGIApp
    sets: SetStore
    public_url: str = ""  # where visitors find the page; empty for the address of the request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; all but the page under the link of a set pass as they are."""
        visit = visit_of(scope)
        if not visit.set:
            await self.app(scope, receive, send)
            return
        try:
            status, content = 200, await (self._owners(visit, scope) if visit.owner else self._reviewers(visit))
        except NotShared as error:
            status, content = 404, render_set.nothing(str(error))
        except StorageError as error:
            status, content = 503, render_set.nothing(str(error))
        allowed = set_report.policy() if visit.owner else render_set.policy()
        headers = {**PRIVATE, "content-security-policy": allowed}
        await HTMLResponse(content, status, headers)(scope, receive, send)

    async def _reviewers(self, visit: Visit) -> Markup:
        return render_set.page(await stored(self.sets.get, visit.set))

    async def _owners(self, visit: Visit, scope: Scope) -> Markup:
        results, weights = await stored(exports.read, self.sets, visit.owner, visit.set)
        base = base_address(self.public_url, Request(scope).base_url)
        return await run_in_threadpool(lambda: set_report.owner_page(results, summarize(results, weights), base))


router = APIRouter(route_class=OneSentenceRoute, default_response_class=UncachedJSON, include_in_schema=False)


@router.get("/set/{id}/articles/{number}")
async def article(id: str, number: int, key: ReviewerKey, preparer: CurrentPreparer) -> Response:
    """Draw an article as its reviewer may see it."""

    def work() -> bytes:
        return render_set.article_json(preparer.sets.shown(id, key, number))

    return Response(await stored(work), media_type="application/json", headers={"cache-control": "no-store"})
