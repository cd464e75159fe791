"""An article by its address: fetched behind a strict check of where the address leads, then cut out of its page.

After the OWASP cheat sheet on server-side request forgery: a name is resolved once, every address it has is checked,
and the connection goes to a checked address, so that a name that answers differently a moment later gains nothing.
"""

from __future__ import annotations

import re
import socket
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from fakenews.engine.errors import InputError
from fakenews.schema import JsonValue

if TYPE_CHECKING:
    import ssl

    import httpcore

MAX_ADDRESS = 2000  # characters
PORTS = {"http": 80, "https": 443}
SHORTEST_TRY = 1.0  # second for each of a name's addresses
MEDIA = ("text/html", "application/xhtml+xml")
NOT_PUBLIC = "That address does not lead to a public web page: give the address of an article, http or https."
AGENT = "fakenews/1 (reads one article for the person who asked)"

_MEMBER = b"\x1f"  # what every part of a gzip file begins with

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Sequence[str]]
Connector = Callable[[str, int, float], socket.socket]

_NAT64, _COMPATIBLE = IPv6Network("64:ff9b::/96"), IPv6Network("::/96")
# What `is_global` of some Python versions lets through.
_NEVER = tuple(
    ip_network(n)
    for n in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4", "fec0::/10",
        "fc00::/7", "100::/64", "2001:2::/48", "2001:10::/28", "2001:20::/28", "2001:db8::/32", "3fff::/20",
        "5f00::/16", "64:ff9b:1::/48",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """What a page may cost: seconds to connect and in all, bytes after unpacking, redirects."""

    connect_seconds: float = 5.0
    total_seconds: float = 10.0
    max_bytes: int = 2_000_000
    redirects: int = 3


@dataclass(frozen=True, slots=True)
class Article(JsonValue):
    """What a page says: title and text, both possibly cut, and where it was in the end."""

    title: str
    text: str
    url: str
    cut: bool = False


class FetchError(InputError):
    """A page that cannot be had; the message is one sentence and tells nothing of any inner network."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Return every address of a name."""
    return [info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]  # type: ignore[misc]


def connect(address: str, port: int, seconds: float) -> socket.socket:
    """Return a connection to an address, which is never a name."""
    return socket.create_connection((address, port), seconds)


def is_public(address: str) -> bool:
    """Return whether an address is one of the public internet, also where it wraps another one."""
    try:
        address_parsed = ip_address(address)
    except ValueError:  # scoped ones ("fe80::1%eth0") are no addresses of the internet either
        return False
    return "%" not in address and all(map(_is_public, _unwrapped(address_parsed)))


def _is_public(ip: Address) -> bool:
    return (
        ip.is_global
        and not ip.is_multicast
        and not ip.is_reserved
        and not ip.is_unspecified
        and not ip.is_loopback
        and not ip.is_link_local
        and not any(ip.version == network.version and ip in network for network in _NEVER)
    )


def _unwrapped(ip: Address) -> Iterator[Address]:
    """Return an address, or the one in it: mapped, compatible, 6to4, Teredo and NAT64 addresses hold another."""
    if isinstance(ip, IPv4Address):
        yield ip
        return
    inner: list[Address] = []
    if ip.ipv4_mapped is not None:
        inner.append(ip.ipv4_mapped)
    elif ip.sixtofour is not None:
        inner.append(ip.sixtofour)
    elif ip.teredo is not None:
        inner += ip.teredo
    elif ip in _NAT64 or ip in _COMPATIBLE:
        inner.append(IPv4Address(int(ip) & 0xFFFFFFFF))
    if not inner:
        yield ip
    for address in inner:
        yield from _unwrapped(address)


def check_address(url: str) -> tuple[str, str, int, str]:
    """Check that an address may be asked for, and return its scheme, host, port and target.

    Raise `FetchError` if it may not: another scheme or port, a name and password, an odd character, too long.
    """
    url = url.strip()
    if not url:
        raise FetchError("There is no address yet: paste the address of an article.")
    if len(url) > MAX_ADDRESS:
        raise FetchError(f"This address has {len(url):,} characters; at most {MAX_ADDRESS:,} are read.")
    if re.search(r"[\x00-\x20\x7f\\]", url):
        raise FetchError(NOT_PUBLIC)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise FetchError(NOT_PUBLIC) from error
    if parts.scheme not in PORTS or not host or "@" in parts.netloc or "%" in parts.netloc:
        raise FetchError(NOT_PUBLIC)
    if port is not None and port not in PORTS.values():
        raise FetchError(NOT_PUBLIC)
    try:
        host = host if ":" in host else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise FetchError(NOT_PUBLIC) from error
    # "127.1" and the like are addresses to a resolver; so is what IDNA made of "①②⑦.⓪.⓪.①". Checked once resolved.
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port or PORTS[parts.scheme], re.sub(r"[^\x21-\x7e]", _percent, target)


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode("utf-8", "replace"))


def read(url: str, max_chars: int) -> Article:
    """Read the article at a public address; what is refused is what `fetch` and `extract` refuse."""
    return extract(*fetch(url), max_chars)


def fetch(
    url: str, limits: Limits | None = None, resolver: Resolver = resolve, connector: Connector = connect
) -> tuple[bytes, str]:
    """Fetch the HTML page at a public address, and return the address after redirects.

    Raise `FetchError` if the address may not be asked for, or does not give an HTML page within the limits.

    Parameters
    ----------
    resolver, connector : callable
        How names become addresses and addresses connections; arguments, so that they can be watched.
    """
    import httpcore

    limits = limits or Limits()
    deadline = time.monotonic() + limits.total_seconds
    try:
        for _ in range(limits.redirects + 1):
            scheme, host, port, target = check_address(url)
            backend = _backend(resolver, connector, limits, deadline)
            with httpcore.ConnectionPool(network_backend=backend, retries=0, max_connections=1) as pool:
                request = httpcore.Request(
                    "GET",
                    httpcore.URL(scheme=scheme.encode(), host=host.encode(), port=port, target=target.encode()),
                    headers={
                        "Host": _host(host, scheme, port),
                        "User-Agent": AGENT,
                        "Accept": ", ".join(MEDIA),
                        "Accept-Encoding": "gzip, deflate",
                        "Connection": "close",
                    },
                    extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), limits.total_seconds)},
                )
                response = pool.handle_request(request)
                try:
                    headers = {name.lower(): value for name, value in response.headers}
                    if response.status in (301, 302, 303, 307, 308) and b"location" in headers:
                        onward = urljoin(url, headers[b"location"].decode("latin-1"))
                        if scheme == "https" and not onward.startswith("https:"):
                            raise FetchError(NOT_PUBLIC)
                        url = onward
                        continue
                    return _page(response, headers, limits), url
                finally:
                    response.close()
    except FetchError:
        raise
    except (httpcore.TimeoutException, TimeoutError) as error:
        raise FetchError(f"The page did not come within {limits.total_seconds:g} seconds: paste its text.") from error
    except Exception as error:  # whatever a server may do to a connection, a name or a header
        raise FetchError("The page could not be fetched: check the address, or paste its text.") from error
    raise FetchError(f"The address leads on more than {limits.redirects} times: paste the text of the article.")


def extract(html: bytes, url: str, max_chars: int) -> Article:
    """Extract the article from a page; cut to what can be analyzed, which it then says.

    Raise `FetchError` if there is none.
    """
    import trafilatura

    document = trafilatura.bare_extraction(
        html, url=url, include_comments=False, include_tables=False, favor_precision=True, with_metadata=True
    )
    text = (getattr(document, "text", None) or "").strip()
    title = " ".join((getattr(document, "title", None) or "").split())[:300]
    if not text:
        raise FetchError("No article was found on this page: paste its text.")
    room = max(max_chars - len(title) - 2, 0)
    return Article(title, text[:room], url, len(text) > room)


def _page(response: httpcore.Response, headers: dict[bytes, bytes], limits: Limits) -> bytes:
    """Return the body, unpacked no further than the limit."""
    if response.status != 200:
        raise FetchError(f"The page answered with status {response.status}: check the address, or paste its text.")
    media = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    if media not in MEDIA:
        raise FetchError(f"There is no web page at this address but {media[:40] or 'something unnamed'}.")
    packed = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
    assert isinstance(response.stream, Iterable)
    body = bytearray()
    for piece in _unpacked(response.stream, packed, limits.max_bytes):
        body += piece
        if len(body) > limits.max_bytes:
            raise FetchError(f"The page holds more than {limits.max_bytes / 1e6:g} MB: paste the text of the article.")
    return bytes(body)


def _unpacked(stream: Iterable[bytes], packed: str, at_most: int) -> Iterator[bytes]:
    if packed in ("", "identity"):
        yield from stream
        return
    if packed not in ("gzip", "deflate"):
        raise FetchError("The page is packed in a way that is not understood: paste its text.")
    bits = 47 if packed == "gzip" else zlib.MAX_WBITS
    unpacker = zlib.decompressobj(bits)
    for raw in stream:
        while raw:
            if unpacker.eof:
                if packed != "gzip" or raw[:1] != _MEMBER:  # some servers fill up what they send
                    return
                unpacker = zlib.decompressobj(bits)
            yield unpacker.decompress(raw, at_most + 1)
            raw = unpacker.unconsumed_tail or unpacker.unused_data
    yield unpacker.flush(at_most + 1)
    if not unpacker.eof:
        raise FetchError("The page did not come whole: try again, or paste its text.")


def _host(host: str, scheme: str, port: int) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port == PORTS[scheme] else f"{name}:{port}"


def _connection(
    connector: Connector, addresses: Sequence[str], port: int, left: Callable[[float], float], limits: Limits
) -> socket.socket:
    """Connect to the first of some checked addresses that answers; each has its share of the time."""
    seconds = max(limits.connect_seconds / len(addresses), SHORTEST_TRY)
    for address in addresses[:-1]:
        with suppress(OSError):
            return connector(address, port, left(seconds))
    return connector(addresses[-1], port, left(seconds))


def _backend(resolver: Resolver, connector: Connector, limits: Limits, deadline: float) -> httpcore.NetworkBackend:
    """Return connections to checked addresses only, none of which outlives the deadline."""
    import httpcore

    def left(seconds: float | None) -> float:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise httpcore.ReadTimeout
        return remaining if seconds is None else min(seconds, remaining)

    class Stream(httpcore.NetworkStream):
        def __init__(self, connection: socket.socket) -> None:
            self.connection = connection

        def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
            self.connection.settimeout(left(timeout))
            return self.connection.recv(max_bytes)

        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            self.connection.settimeout(left(timeout))
            self.connection.sendall(buffer)

        def close(self) -> None:
            self.connection.close()

        def start_tls(
            self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
        ) -> Stream:
            self.connection.settimeout(left(timeout))
            return Stream(ssl_context.wrap_socket(self.connection, server_hostname=server_hostname))

        def get_extra_info(self, info: str) -> Any:
            return None

    class Backend(httpcore.NetworkBackend):
        def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> Stream:
            name = host.strip("[]")
            pool = ThreadPoolExecutor(1)
            try:  # a resolver knows no deadline
                addresses = pool.submit(resolver, name, port).result(left(limits.connect_seconds))
            finally:
                pool.shutdown(wait=False)
            if not addresses or not all(map(is_public, addresses)):
                raise FetchError(NOT_PUBLIC)
            return Stream(_connection(connector, list(dict.fromkeys(addresses)), port, left, limits))

    return Backend()
