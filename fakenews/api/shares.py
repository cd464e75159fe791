"""Endpoints about sharing: make a link, read it, review it, see the reviews, delete it; and exports without a link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from fakenews.api import schemas
from fakenews.api.analysis import Method, known_models
from fakenews.api.answers import Operation, in_lane, parse, stored
from fakenews.api.refusal import Refusal
from fakenews.engine import Engine
from fakenews.engine.scheduler import Lane
from fakenews.engine.tokens import Token
from fakenews.explain.base import Progress
from fakenews.schema import Span
from fakenews.share.links import base_address, owner_address, reader_address
from fakenews.share.listing import listing
from fakenews.share.review import OPINIONS
from fakenews.share.snapshot import Snapshot, changes, make
from fakenews.share.store import DAYS, ShareStore
from fakenews.ui import export

Format = Literal["html", "json", "csv"]
Days = Annotated[int, Field(json_schema_extra={"enum": list(DAYS)})]
Said = Annotated[str, Field(json_schema_extra={"enum": list(OPINIONS)})]


class SnapshotRequest(BaseModel):
    """A text, and how it is explained: `method` for models that have it, else each model's quickest."""

    model_config = ConfigDict(strict=True, extra="forbid")

    title: str = ""
    text: str
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


class BeginRequest(BaseModel):
    """Body of `POST /api/v1/shares/ID/begin`: a reviewer's own verdict, before the models' answers are shown."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: str
    verdict: Said


class ReviewRequest(BaseModel):
    """Body of `POST /api/v1/shares/ID/reviews`; `review` is the key that `begin` gave, `spans` pairs of characters."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: str
    verdict: Said
    agree: dict[str, bool] = Field(default_factory=dict)
    spans: list[tuple[int, int]] = Field(default_factory=list)
    comment: str = ""
    review: str = ""


class ExpiryRequest(BaseModel):
    """Body of `POST /api/v1/shares/ID/expiry`: days from now."""

    model_config = ConfigDict(strict=True, extra="forbid")

    days: Days


def operations(engine: Engine, store: ShareStore) -> list[Operation]:
    """All endpoints about sharing and exporting; an owner's key travels as `Authorization: Bearer KEY`."""

    async def snapshot(request: Request, asked: SnapshotRequest) -> Snapshot:
        models = None if asked.models is None else known_models(engine, asked.models)
        text = await run_in_threadpool(engine.judge.check, asked.title, asked.text)

        def work(progress: Progress, token: Token) -> Snapshot:
            return make(engine, text, models, asked.method, progress)

        return await in_lane(engine.scheduler, Lane.EXPLANATION, request, work)

    async def share(request: Request) -> Mapping[str, Any]:
        asked = parse(ShareRequest, await request.body())
        taken = await snapshot(request, asked)

        def keep() -> Mapping[str, Any]:
            link = store.share(taken, owner=asked.owner, redact=asked.redact, blind=asked.blind, days=asked.days)
            base = base_address(engine.settings.public_url, request.base_url)
            return {
                "id": link.id,
                "link": reader_address(base, link.id),
                "owner": link.owner,
                "owner_link": owner_address(base, link.owner),
                "expires": link.expires,
            }

        return await stored(keep)

    async def read(request: Request) -> Mapping[str, Any]:
        def work() -> Mapping[str, Any]:
            shared = store.get(request.path_params["id"], request.query_params.get("review", ""))
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

    async def begin(request: Request) -> Mapping[str, Any]:
        asked = parse(BeginRequest, await request.body())

        def work() -> Mapping[str, Any]:
            id_ = request.path_params["id"]
            key = store.begin(id_, asked.name, asked.verdict)
            return {"review": key, "snapshot": store.get(id_, key).snapshot.to_dict()}

        return await stored(work)

    async def review(request: Request) -> Mapping[str, Any]:
        asked = parse(ReviewRequest, await request.body())

        def work() -> Mapping[str, Any]:
            store.review(
                request.path_params["id"],
                name=asked.name,
                verdict=asked.verdict,
                agree=asked.agree,
                spans=[Span(*pair) for pair in asked.spans],
                comment=asked.comment,
                key=asked.review,
            )
            return {"stored": True}

        return await stored(work)

    async def owned(request: Request) -> Mapping[str, Any]:
        found = await stored(store.owned, _owner(request))
        return listing(found)

    async def expiry(request: Request) -> Mapping[str, Any]:
        asked = parse(ExpiryRequest, await request.body())
        ends = await stored(store.expire, _owner(request), request.path_params["id"], asked.days)
        return {"expires": ends}

    async def remove(request: Request) -> Mapping[str, Any]:
        await stored(store.delete, _owner(request), request.path_params["id"])
        return {"deleted": True}

    async def export_(request: Request) -> Response:
        asked = parse(ExportRequest, await request.body())
        taken = await snapshot(request, asked)
        content, media = await run_in_threadpool(export.write, taken, asked.format)
        name = export.file_name(taken, asked.format)
        return Response(content, media_type=media, headers={"content-disposition": f'attachment; filename="{name}"'})

    one = "/api/v1/shares/{id}"
    key = {"review": "The key that `begin` gave: with it a blind share shows the models' answers."}
    files = {"text/html": str, "text/csv": str}
    return [
        Operation("POST", "/api/v1/shares", "Share an analysis under a link.", share, schemas.Link, ShareRequest),
        Operation(
            "GET", "/api/v1/shares", "Everything shared under an owner's key, and its reviews.", owned, schemas.Shares,
            owner=True,
        ),
        Operation("GET", one, "What a link shows.", read, schemas.Hidden | schemas.Shown, query=key),
        Operation("DELETE", one, "Delete what was shared, with its reviews.", remove, schemas.Deleted, owner=True),
        Operation(
            "POST", f"{one}/expiry", "Let a link live longer or shorter.", expiry, schemas.Expiry, ExpiryRequest,
            owner=True,
        ),
        Operation("POST", f"{one}/begin", "Begin a blind review.", begin, schemas.Begun, BeginRequest),
        Operation("POST", f"{one}/reviews", "Send a review.", review, schemas.Stored, ReviewRequest),
        Operation(
            "POST", "/api/v1/export", "An analysis as a file.", export_, schemas.Snapshot, ExportRequest, also=files
        ),
    ]  # fmt: skip


def _owner(request: Request) -> str:
    """The key an owner sends.

    Raises
    ------
    Refusal
        401 if there is none.
    """
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not key.strip():
        raise Refusal(401, 'This takes the owner\'s key, sent as "Authorization: Bearer KEY".')
    return key.strip()
