"""How often one client may ask: so many verdicts a minute, and of other work in proportion to what it costs."""

from __future__ import annotations

import ipaddress
import math
import re
import time
from collections import OrderedDict
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from fakenews.api.errors import error_response

MOST_CLIENTS = 5000  # that are remembered

# What is counted together, and how often it may be asked for where a verdict may be asked for once.
KINDS: tuple[tuple[str, re.Pattern[str], float], ...] = (
    ("verdicts", re.compile(r"/api/v1/(analyse|what-if)"), 1.0),
    ("explanations", re.compile(r"/api/v1/(explain|compare|flip|export)"), 1 / 3),
    ("shares and reviews", re.compile(r"/api/v1/(shares.*|extract)"), 1 / 2),
    ("review sets", re.compile(r"/api/v1/review-sets(/[^/]+/articles)?"), 1 / 6),
    ("answers", re.compile(r"/api/v1/review-sets/[^/]+/(reviewers|answers/[^/]+)"), 4.0),  # of a class at one address
    ("changes of review sets", re.compile(r"/api/v1/review-sets/.*"), 1 / 2),
    ("tables", re.compile(r"/gradio_api/upload"), 1 / 6),
    ("clicks", re.compile(r"/gradio_api/(queue/join|call/.*|run/.*|api/.*|mcp.*)"), 4.0),
)


@dataclass
class RateLimit:
    """Pure ASGI middleware: refuses with 429 what one client asks too often, and says when to come again."""

    app: ASGIApp
    verdicts_per_minute: int  # 0 for no limits
    # How many proxies in front each add the address that asked them at the end of X-Forwarded-For; what stands before
    # theirs may have been written by the client. 0 where there is none: then the header is not read.
    proxies: int = 0
    local: bool = True  # whether clients on this machine are limited as well
    # How many are remembered, each by kind of work; the one that was quiet for longest is forgotten first.
    most_clients: int = MOST_CLIENTS

    def __post_init__(self) -> None:
        self.allowed = {
            kind: RateLimitItemPerMinute(max(1, math.ceil(self.verdicts_per_minute * share)))
            for kind, _, share in KINDS
        }
        self.limiter = MovingWindowRateLimiter(MemoryStorage())
        self._clients: OrderedDict[tuple[str, str], None] = OrderedDict()  # the last to ask comes last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or refuse it."""
        kind = kind_of(scope) if self.verdicts_per_minute else None
        if kind is not None:
            item, client = self.allowed[kind], client_of(scope, self.proxies)
            limited = self.local or not is_local(scope, self.proxies)
            if limited and not await self._hit(kind, client):
                reset = (await self.limiter.get_window_stats(item, kind, client)).reset_time
                wait = max(1, math.ceil(reset - time.time()))
                sentence = f"More than {item.amount} {kind} in a minute: try again in {wait} seconds."
                is_page = not scope["path"].startswith("/api/")
                response = error_response(429, sentence, {"retry-after": str(wait)}, to_page=is_page)
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _hit(self, kind: str, client: str) -> bool:
        """Count one request; tell whether it is allowed."""
        self._clients[kind, client] = None
        self._clients.move_to_end((kind, client))
        if len(self._clients) > self.most_clients:
            (other, quiet), _ = self._clients.popitem(last=False)
            await self.limiter.clear(self.allowed[other], other, quiet)
        return await self.limiter.hit(self.allowed[kind], kind, client)


def kind_of(scope: Scope) -> str | None:
    """Return what a request is counted as; None for whatever only reads."""
    if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return None
    return next((kind for kind, pattern, _ in KINDS if pattern.fullmatch(scope["path"])), None)


def is_local(scope: Scope, proxies: int) -> bool:
    """Return whether this machine itself asks; whom a header names may have written it."""
    is_forwarded = proxies > 0 and "x-forwarded-for" in HTTPConnection(scope).headers
    address = (scope.get("client") or ("",))[0].removeprefix("::ffff:")
    return not is_forwarded and (address == "::1" or address.startswith("127."))


def client_of(scope: Scope, proxies: int) -> str:
    """Return who asks: an address, of IPv6 the network of one household or server.

    It is the one that the outermost of so many `proxies` saw; the connection's own where the header has fewer.
    """
    connection = HTTPConnection(scope)
    address = connection.client.host if connection.client else ""
    hops = [hop.strip() for line in connection.headers.getlist("x-forwarded-for") for hop in line.split(",")]
    if 0 < proxies <= len(hops):
        address = hops[-proxies] or address
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
