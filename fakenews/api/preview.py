"""What a messenger or a search engine is shown of a link: a card, and the wish not to be indexed."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fakenews.api.answers import CurrentStore, stored
from fakenews.api.errors import OneSentenceRoute
from fakenews.classifiers.ensemble import MEMBERS
from fakenews.schema import Prediction
from fakenews.share.links import Visit, base_address, read_query, reader_address
from fakenews.share.shared import NotShared, Shared
from fakenews.share.storage import StorageError
from fakenews.share.store import ShareStore
from fakenews.ui import templates
from fakenews.verdict import UNDECIDED, VERDICTS

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SIZE = (1200, 630)  # pixels, what Open Graph readers expect
UNTITLED = "An analysis shared without its text"
BLIND = "Read it, say what you think, then see what the models say."
PRIVATE = {"x-robots-tag": "noindex, nofollow", "cache-control": "private, no-store"}
_TAGS = re.compile(rb'<meta[^>]+(?:property|name)="(?:og|twitter):[^>]*>')
_PALETTE = {"paper": "#ffffff", "ink": "#16191d", "soft": "#5a626c", "line": "#dfe3e8"}
_TONES = {"fake": "#b45309", "real": "#1d4ed8", "cannot_judge": "#6b7480"}


@dataclass
class SharedPage:
    """Pure ASGI middleware around the page: tags of a preview card for a link, 404 where there is nothing under it."""

    app: ASGIApp
    store: ShareStore
    public_url: str = ""  # where visitors find the page; empty for the address of the request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; all but the page under a link pass as they are."""
        visit = visit_of(scope)
        if scope["type"] != "http" or not (visit.id or visit.owner):
            await self.app(scope, receive, send)
            return
        status, tags = 200, b""
        if visit.id:
            try:
                shared = await stored(self.store.get, visit.id)
                base = base_address(self.public_url, Request(scope).base_url)
                tags = card_tags(shared, base, visit.id).encode()
            except NotShared:
                status = 404
            except StorageError:
                status = 503
        # The tags go into the text of the page, so it must not come packed.
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        head: Message = {}
        body = bytearray()

        async def with_tags(message: Message) -> None:
            if message["type"] == "http.response.start":
                head.update(message)
                return
            if message["type"] != "http.response.body":
                await send(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            content = _TAGS.sub(b"", bytes(body)).replace(b"<head>", b"<head>" + tags, 1) if tags else bytes(body)
            headers = MutableHeaders(raw=list(head["headers"]))
            headers.update(PRIVATE)
            if "content-length" in headers and scope["method"] != "HEAD":
                headers["content-length"] = str(len(content))
            status_shown = status if head["status"] == 200 else head["status"]
            await send({**head, "status": status_shown, "headers": headers.raw})
            await send({"type": "http.response.body", "body": content})

        await self.app({**scope, "headers": plain}, receive, with_tags)


def card_tags(shared: Shared, base: str, id_: str) -> str:
    """Draw the Open Graph tags of a shared analysis; a blind one gives nothing of the models' answers away."""
    values = {
        "og:type": "article",
        "og:site_name": "fakenews",
        "og:title": shared.snapshot.heading or UNTITLED,
        "og:description": BLIND if shared.blind else " · ".join(_lines(shared)),
        "og:url": reader_address(base, id_),
        "og:image": f"{base}/card/{id_}.png",
        "og:image:width": str(SIZE[0]),
        "og:image:height": str(SIZE[1]),
    }
    return templates.draw("page", "card", values=values)


router = APIRouter(route_class=OneSentenceRoute, include_in_schema=False)


@router.api_route("/card/{id}.png", methods=["GET", "HEAD"])
async def card(id: str, store: CurrentStore) -> Response:
    """Draw the picture on the card of a link."""
    shared = await stored(store.get, id)
    return Response(await run_in_threadpool(draw, shared), media_type="image/png", headers=PRIVATE)


def draw(shared: Shared) -> bytes:
    """Draw the PNG of `SIZE`: heading and the scale of every model side by side, or an invitation if blind."""
    from PIL import Image, ImageFont
    from PIL.ImageDraw import Draw

    picture = Image.new("RGB", SIZE, _PALETTE["paper"])
    pen = Draw(picture)
    fonts = {size: ImageFont.load_default(size) for size in (26, 30, 48)}
    pen.text((70, 52), "fakenews", _PALETTE["soft"], fonts[30])
    y = 112
    for line in textwrap.wrap(shared.snapshot.heading or UNTITLED, 42, max_lines=3, placeholder="…"):
        pen.text((70, y), line, _PALETTE["ink"], fonts[48])
        y += 62
    if shared.blind:
        pen.text((70, 420), BLIND, _PALETTE["ink"], fonts[30])
    else:
        beside = [p for p in shared.snapshot.analysis.predictions if p.model not in MEMBERS][:2]
        for i, prediction in enumerate(beside or shared.snapshot.analysis.predictions[:1]):
            _scale(pen, 70 + 550 * i, prediction, shared.snapshot.titles[prediction.model], fonts)
    pen.line([(70, 566), (1130, 566)], _PALETTE["line"], 2)
    pen.text(
        (70, 580), "Resembles, by style and topic. No statement on whether it is true.", _PALETTE["soft"], fonts[26]
    )
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def _scale(pen: ImageDraw, x: int, prediction: Prediction, title: str, fonts: Mapping[int, Any]) -> None:
    """Draw name, verdict and scale of one model, 500 pixels wide."""
    pen.text((x, 340), title, _PALETTE["soft"], fonts[30])
    pen.text((x, 382), VERDICTS[prediction.verdict], _PALETTE["ink"], fonts[30])
    pen.line([(x, 462), (x + 500, 462)], _PALETTE["line"], 6)
    low, high = (x + 500 * bound for bound in UNDECIDED)
    pen.line([(low, 462), (high, 462)], _PALETTE["soft"], 6)
    at = x + 500 * prediction.p_fake
    pen.ellipse([(at - 14, 448), (at + 14, 476)], fill=_TONES[prediction.verdict])
    pen.text((x, 492), "like the real class", _PALETTE["soft"], fonts[26])
    pen.text((x + 500, 492), "like the fake class", _PALETTE["soft"], fonts[26], anchor="ra")


def _lines(shared: Shared) -> Sequence[str]:
    titles = shared.snapshot.titles
    return [f"{titles[p.model]}: {VERDICTS[p.verdict].lower()}" for p in shared.snapshot.analysis.predictions]


def visit_of(scope: Scope) -> Visit:
    """Return what a request for the page asks it to show."""
    if scope["type"] != "http" or scope["path"] != "/" or scope["method"] not in ("GET", "HEAD"):
        return Visit()
    return read_query(scope["query_string"].decode("latin-1"))
