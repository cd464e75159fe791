"""Endpoints about sharing: make a link, read it, review it, see the reviews, delete it; and exports without a link."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import Depends, HTTPException, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from fakenews.api import schemas
from fakenews.api.analysis import ArticleBody, Body, Method, known_models
from fakenews.api.answers import CurrentEngine, CurrentStore, api_router, in_lane, stored
from fakenews.engine import Engine
from fakenews.engine.scheduler import Lane
from fakenews.engine.tokens import Token
from fakenews.explain.base import Progress
from fakenews.schema import Span
from fakenews.share.links import base_address
from fakenews.share.listing import listing
from fakenews.share.review import OPINIONS
from fakenews.share.snapshot import Snapshot, changes, make
from fakenews.share.store import DAYS
from fakenews.ui import export

Format = Literal["html", "json", "csv"]
Days = Annotated[int, Field(json_schema_extra={"enum": list(DAYS)})]
Opinion = Annotated[str, Field(json_schema_extra={"enum": list(OPINIONS)})]
Pair = Annotated[list[int], Field(min_length=2, max_length=2)]  # characters: start, end


router = api_router()


class SnapshotRequest(ArticleBody):
    """A text, and how it is explained: `method` for models that have it, else each model's quickest."""

    models: list[str] | None = Field(default=None, min_length=1)
    method: Method | None = None


class ShareRequest(SnapshotRequest):
    """Body of `POST /api/v1/shares`.

    With `redact` the words are not stored, with `blind` readers give their own verdict first. The link lives `days`.
    `owner` is the key of an earlier share, so that all reviews stand together.
    """

    redact: bool = False
    blind: bool = False
    days: Days = DAYS[-1]
    owner: str = ""


class ExportRequest(SnapshotRequest):
    """Body of `POST /api/v1/export`: one self-contained page, JSON of schema 2, or a CSV of all weights."""

    format: Format


class BeginRequest(Body):
    """Body of `POST /api/v1/shares/ID/begin`: a reviewer's own verdict, before the models' answers are shown."""

    name: str
    verdict: Opinion


class ReviewRequest(Body):
    """Body of `POST /api/v1/shares/ID/reviews`; `review` is the key that `begin` gave, `spans` pairs of characters."""

    name: str
    verdict: Opinion
    agree: dict[str, bool] = Field(default_factory=dict)
    spans: list[Pair] = Field(default_factory=list)
    comment: str = ""
    review: str = ""


class ExpiryRequest(Body):
    """Body of `POST /api/v1/shares/ID/expiry`: days from now."""

    days: Days


def _owner_key(
    credentials: Annotated[
        HTTPAuthorizationCredentials | None,
        Depends(HTTPBearer(auto_error=False, description="The key that sharing gave its owner.")),
    ],
) -> str:
    """Return the key that an owner sends."""
    if credentials is None or not credentials.credentials.strip():
        raise HTTPException(401, 'This takes the owner\'s key, sent as "Authorization: Bearer KEY".')
    return credentials.credentials.strip()


OwnerKey = Annotated[str, Depends(_owner_key)]
ReviewKey = Annotated[
    str, Query(description="The key that `begin` gave: with it a blind share shows the models' answers.")
]


async def snapshot(engine: Engine, request: Request, body: SnapshotRequest) -> Snapshot:
    """Analyze and explain a text, as it is shared or exported."""
    models = None if body.models is None else known_models(engine, body.models)
    text = await run_in_threadpool(engine.judge.check, body.title, body.text)

    def work(progress: Progress, token: Token) -> Snapshot:
        return make(engine, text, models, body.method, progress)

    return await in_lane(engine.scheduler, Lane.EXPLANATION, request, work)


@router.post("/shares", response_model=schemas.Link)
async def share(body: ShareRequest, request: Request, engine: CurrentEngine, store: CurrentStore) -> Any:
    """Share an analysis under a link."""
    analysis = await snapshot(engine, request, body)
    link = await stored(
        partial(store.share, analysis, owner=body.owner, redact=body.redact, blind=body.blind, days=body.days)
    )
    return link.to_dict(base_address(engine.settings.public_url, request.base_url))


@router.get("/shares", response_model=schemas.Shares)
async def owned(owner: OwnerKey, store: CurrentStore) -> Any:
    """List everything shared under an owner's key, and its reviews."""
    return listing(await stored(store.owned, owner))


@router.get("/shares/{id}", response_model=schemas.Hidden | schemas.Shown)
async def read(id: str, engine: CurrentEngine, store: CurrentStore, review: ReviewKey = "") -> Any:
    """Return what a link shows."""

    def work() -> Mapping[str, Any]:
        shared = store.get(id, review)
        if shared.hidden:
            return {"blind": True, "hidden": True, "expires": shared.expires, "text": shared.snapshot.text}
        return {
            "blind": shared.blind,
            "hidden": False,
            "expires": shared.expires,
            "changes": list(changes(shared.snapshot, engine)),
            "snapshot": shared.snapshot.to_dict(),
        }

    return await stored(work)


@router.delete("/shares/{id}", response_model=schemas.Deleted)
async def remove(id: str, owner: OwnerKey, store: CurrentStore) -> Any:
    """Delete what was shared, with its reviews."""
    await stored(store.delete, owner, id)
    return {"deleted": True}


@router.post("/shares/{id}/expiry", response_model=schemas.Expiry)
async def expiry(id: str, body: ExpiryRequest, owner: OwnerKey, store: CurrentStore) -> Any:
    """Let a link live longer or shorter."""
    return {"expires": await stored(store.expire, owner, id, body.days)}


@router.post("/shares/{id}/begin", response_model=schemas.Begun)
async def begin(id: str, body: BeginRequest, store: CurrentStore) -> Any:
    """Begin a blind review."""

    def work() -> Mapping[str, Any]:
        key = store.begin(id, body.name, body.verdict)
        return {"review": key, "snapshot": store.get(id, key).snapshot.to_dict()}

    return await stored(work)


@router.post("/shares/{id}/reviews", response_model=schemas.Stored)
async def review(id: str, body: ReviewRequest, store: CurrentStore) -> Any:
    """Store a review."""
    spans = [Span(start, end) for start, end in body.spans]
    named = body.model_dump(include={"name", "verdict", "agree", "comment"})
    await stored(partial(store.review, id, spans=spans, key=body.review, **named))
    return {"stored": True}


_FILES = {"text/html": {"schema": {"type": "string"}}, "text/csv": {"schema": {"type": "string"}}}


@router.post(
    "/export",
    response_model=schemas.Snapshot,
    responses={200: {"content": _FILES}},
)
async def export_(body: ExportRequest, request: Request, engine: CurrentEngine) -> Response:
    """Return an analysis as a file."""
    analysis = await snapshot(engine, request, body)
    content, media = await run_in_threadpool(export.write, analysis, body.format)
    name = export.file_name(analysis, body.format)
    return Response(content, media_type=media, headers={"content-disposition": f'attachment; filename="{name}"'})
