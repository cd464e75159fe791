"""How often one client may ask: so many verdicts a minute, and of other work in proportion to what it costs."""

from __future__ import annotations

import ipaddress
import math
import re
import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from fakenews.api.answers import refused
from fakenews.api.refusal import Refusal

# What is counted together, and how often it may be asked for where a verdict may be asked for once.
KINDS: tuple[tuple[str, re.Pattern[str], float], ...] = (
    ("verdicts", re.compile(r"/api/v1/(analyse|what-if)"), 1.0),
    ("explanations", re.compile(r"/api/v1/(explain|compare|flip|export)"), 1 / 3),
    ("shares and reviews", re.compile(r"/api/v1/(shares.*|extract)"), 1 / 2),
    ("tables", re.compile(r"/gradio_api/upload"), 1 / 6),
    ("clicks", re.compile(r"/gradio_api/(queue/join|call/.*|run/.*|api/.*|mcp.*)"), 4.0),
)


class RateLimit:
    """Pure ASGI middleware: refuses with 429 what one client asks too often, and says when to come again.

    Parameters
    ----------
    verdicts_per_minute : int
        0 for no limits.
    forwarded : bool
        Whether a proxy in front tells the client's address as the first hop of X-Forwarded-For; without one anybody
        could write there whatever they like.
    local : bool
        Whether clients on this machine are limited as well.
    """

    def __init__(self, app: ASGIApp, verdicts_per_minute: int, forwarded: bool = False, local: bool = True) -> None:
        self.app = app
        self.forwarded = forwarded
        self.local = local
        self.allowed = {
            kind: RateLimitItemPerMinute(max(1, math.ceil(verdicts_per_minute * share))) for kind, _, share in KINDS
        }
        self.active = verdicts_per_minute > 0
        self.limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or refuse it."""
        kind = kind_of(scope) if self.active else None
        if kind is not None:
            item, client = self.allowed[kind], client_of(scope, self.forwarded)
            limited = self.local or not is_local(scope, self.forwarded)
            if limited and not await self.limiter.hit(item, kind, client):
                reset = (await self.limiter.get_window_stats(item, kind, client)).reset_time
                wait = max(1, math.ceil(reset - time.time()))
                sentence = f"More than {item.amount} {kind} in a minute: try again in {wait} seconds."
                refusal = Refusal(429, sentence, retry_after=wait)
                await refused(refusal, to_page=not scope["path"].startswith("/api/"))(scope, receive, send)
                return
        await self.app(scope, receive, send)


def kind_of(scope: Scope) -> str | None:
    """What a request is counted as; None for whatever only reads."""
    if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return None
    return next((kind for kind, pattern, _ in KINDS if pattern.fullmatch(scope["path"])), None)


def is_local(scope: Scope, forwarded: bool) -> bool:
    """Whether this machine itself asks; whom a header names may have written it."""
    told = forwarded and "x-forwarded-for" in HTTPConnection(scope).headers
    address = (scope.get("client") or ("",))[0].removeprefix("::ffff:")
    return not told and (address == "::1" or address.startswith("127."))


def client_of(scope: Scope, forwarded: bool) -> str:
    """Who asks: an address, of IPv6 the network that one household or server has to itself."""
    connection = HTTPConnection(scope)
    address = connection.client.host if connection.client else ""
    if forwarded:
        address = connection.headers.get("x-forwarded-for", "").partition(",")[0].strip() or address
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
