"""Articles by address: the public web and nothing else, within the limits whatever a server does."""

from __future__ import annotations

import gzip
import ipaddress
import resource
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakenews import web
from fakenews.web import NOT_PUBLIC, FetchError, Limits, check_address, extract, fetch, is_public

PUBLIC = "93.184.215.14"
QUICK = Limits(connect_seconds=1.0, total_seconds=1.5)
PAGE = (
    "<!doctype html><html><head><title>Council votes on bridge</title></head><body><nav>Home Sport</nav><article>"
    "<h1>Council votes on bridge</h1>"
    + "".join(
        f"<p>The council of the town met on {day} to talk about the old bridge over the river. Two members said that "
        "it should be repaired before the winter, and a third asked who would pay for all of it.</p>"
        for day in ("Monday", "Tuesday", "Friday")
    )
    + "</article><footer>Imprint</footer></body></html>"
).encode()

# Hosts and addresses, as people and attackers spell them, of what is not the public web.
HOSTS = """
127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.0.0.1 0x7f.1 0177.0.0.1 017700000001 0 0.0.0.0 localhost
LOCALHOST localhost. 127.0.0.1. 127.127.127.127 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.254 192.168.0.1
192.168.1.254 169.254.169.254 0xa9fea9fe 2852039166 0251.0376.0251.0376 100.64.0.1 100.127.255.255 198.18.0.1
192.0.0.8 192.0.2.1 203.0.113.7 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 [::] [::1] [0:0:0:0:0:0:0:1]
[::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [::ffff:10.0.0.1] [2002:7f00:1::] [2002:c0a8:101::1]
[2001:0:4136:e378:8000:63bf:80ff:fffe] [64:ff9b::7f00:1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::a00:1] [fe80::1]
[fe80::1%25eth0] [fc00::1] [fd12:3456::1] [fec0::1] [ff02::1] [100::1] [2001:db8::1] ①②⑦.⓪.⓪.① 127。0。0。1 １２７.0.0.1
inner.example mixed.example mapped.example rebound.example empty.example
"""
HOSTILE = [
    *(f"http://{host}/" for host in HOSTS.split()),
    "http://user@127.0.0.1/", "http://93.184.215.14@127.0.0.1/", "http://127.0.0.1:80@example.org/",
    "http://example.org:22/", "http://example.org:8080/", "http://example.org:6379/", "http://example.org:99999/",
    "http://example.org:0/", "file:///etc/passwd", "gopher://127.0.0.1:70/_x", "ftp://127.0.0.1/", "data:text/html,x",
    "javascript:alert(1)", "//127.0.0.1/", "http:127.0.0.1", "http:///", "http://", "https://", "127.0.0.1",
    "http://127.0.0.1\\@example.org/", "http://example.org\\.inner.example/", "http://exa mple.org/",
    "http://example.org/\r\nHost: 127.0.0.1", "http://example.org\t.inner.example/", "http://[::1/", "http://[v1.x]/",
    "http://%31%32%37.0.0.1/", "http://example.org%2f@127.0.0.1/", "dict://127.0.0.1:11211/", "http://" + "a" * 2000,
    "\x00http://127.0.0.1/", "http://xn--/", "http://a..b/", "ldap://localhost/", "jar:http://127.0.0.1!/",
]  # fmt: skip

NAMES: dict[str, Sequence[str]] = {
    "example.org": [PUBLIC],
    "inner.example": ["10.1.2.3"],
    "mixed.example": [PUBLIC, "127.0.0.1"],
    "mapped.example": ["::ffff:169.254.169.254"],
    "empty.example": [],
    "half-dead.example": ["93.184.215.13", "2606:4700::1", PUBLIC],
    "dead.example": ["93.184.215.13", "2606:4700::1"],
    "inner-last.example": ["93.184.215.13", "10.1.2.3"],
}
DEAD = {"93.184.215.13": TimeoutError("nobody answers"), "2606:4700::1": OSError("network is unreachable")}


class Net:
    """Names and connections as the tests want them: every address asked for is noted, public ones lead to `server`."""

    def __init__(self, server: tuple[str, int] | None = None) -> None:
        self.server = server
        self.resolved: list[str] = []
        self.connected: list[str] = []

    def resolve(self, host: str, port: int) -> Sequence[str]:
        self.resolved.append(host)
        if host == "rebound.example":  # public when it is checked, inside ever after
            return [PUBLIC] if self.resolved.count(host) == 1 else ["127.0.0.1"]
        if host in NAMES:
            return NAMES[host]
        # What the system makes of spellings such as 0x7f.1, without asking any server about names.
        with suppress(OSError):
            return [str(info[4][0]) for info in socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)]
        with suppress(OSError):
            return [socket.inet_ntoa(socket.inet_aton(host))]
        return ["127.0.0.1"] if host.rstrip(".").lower() == "localhost" else []

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.connected.append(address)
        assert is_public(address) and port in (80, 443)
        if address in DEAD:
            raise DEAD[address]
        if self.server is None:
            raise ConnectionRefusedError
        return socket.create_connection(self.server, seconds)

    def fetch(self, url: str, limits: Limits = QUICK) -> tuple[bytes, str]:
        return fetch(url, limits, self.resolve, self.connect)


@contextmanager
def serving(answer: Callable[[socket.socket, bytes], None]) -> Iterator[Net]:
    """Serve on the loopback, answer every connection so, and yield the net that leads to it."""
    listener = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def serve() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    def handle(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(4096)
            answer(connection, request)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield Net(listener.getsockname())
    finally:
        stopped.set()
        listener.close()


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
    return f"{lines}\r\n\r\n".encode() + body


HTML = "Content-Type: text/html; charset=utf-8"


def test_there_are_enough_spellings() -> None:
    assert len(set(HOSTILE)) >= 60


@pytest.mark.parametrize("url", HOSTILE)
def test_no_connection_to_what_is_not_public(url: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.0)
    net = Net()
    with listener:
        with pytest.raises(FetchError) as caught:
            net.fetch(url)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert all(map(is_public, net.connected)), net.connected
    if "rebound" not in url:
        assert net.connected == []
    said = str(caught.value)
    assert "\n" not in said and said.endswith((".", "?"))
    assert not [inner for inner in ("10.", "127.", "169.", "192.168") if inner in said]


def test_a_name_is_resolved_once_and_the_checked_address_is_used() -> None:
    with serving(lambda c, _: c.sendall(http(PAGE, HTML))) as net:
        assert net.fetch("http://rebound.example/")[0] == PAGE
    assert net.resolved == ["rebound.example"] and net.connected == [PUBLIC]


def test_the_next_address_of_a_name_is_tried_where_one_is_dead() -> None:
    with serving(lambda c, _: c.sendall(http(PAGE, HTML))) as net:
        assert net.fetch("http://half-dead.example/")[0] == PAGE
    assert net.connected == NAMES["half-dead.example"]


def test_an_inner_address_beside_a_dead_one_is_never_tried() -> None:
    net = Net()
    with pytest.raises(FetchError, match="does not lead to a public web page"):
        net.fetch("http://inner-last.example/")
    assert net.connected == []


def test_a_name_without_a_living_address_cannot_be_fetched() -> None:
    net = Net()
    with pytest.raises(FetchError, match="The page could not be fetched"):
        net.fetch("http://dead.example/")
    assert net.connected == NAMES["dead.example"]


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1/", "http://inner.example/", "http://mixed.example/", "http://[::ffff:10.0.0.1]/", "file:///etc/passwd",
     "http://example.org:8080/", "//inner.example/x", "http://user@example.org/", "gopher://example.org/"],
)  # fmt: skip
def test_redirects_are_checked_anew(target: str) -> None:
    answer = http(b"", f"Location: {target}", status="302 Found")
    with serving(lambda c, _: c.sendall(answer)) as net, pytest.raises(FetchError):
        net.fetch("http://example.org/")
    assert net.connected == [PUBLIC]


def test_three_redirects_are_followed_and_a_fourth_is_not() -> None:
    def server(n: int) -> Callable[[socket.socket, bytes], None]:
        def answer(connection: socket.socket, request: bytes) -> None:
            step = int(request.split(b"/")[1].split(b" ")[0] or b"0")
            if step < n:
                connection.sendall(http(b"", f"Location: /{step + 1}", status="301 Moved"))
            else:
                connection.sendall(http(PAGE, HTML))

        return answer

    with serving(server(3)) as net:
        body, url = net.fetch("http://example.org/")
        assert body == PAGE and url == "http://example.org/3" and len(net.resolved) == 4
    with serving(server(4)) as net, pytest.raises(FetchError, match="more than 3 times"):
        net.fetch("http://example.org/")


def test_the_request_is_plain() -> None:
    seen: list[bytes] = []

    def answer(connection: socket.socket, request: bytes) -> None:
        seen.append(request)
        connection.sendall(http(gzip.compress(PAGE), HTML, "Content-Encoding: gzip", "Set-Cookie: a=b"))

    with serving(answer) as net:
        assert net.fetch("http://example.org/news/über?q=1#part")[0] == PAGE
    head = seen[0].decode("ascii")
    assert head.startswith("GET /news/%C3%BCber?q=1 HTTP/1.1\r\n") and "\r\nHost: example.org\r\n" in head
    assert "cookie" not in head.lower() and "referer" not in head.lower()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (http(b"x", "Content-Type: application/pdf"), "application/pdf"),
        (http(b"x"), "something unnamed"),
        (http(PAGE, HTML, status="404 Not Found"), "status 404"),
        (http(PAGE, HTML, status="500 Oops"), "status 500"),
        (http(b"x", HTML, "Content-Encoding: br"), "not understood"),
        (http(b"not gzip", HTML, "Content-Encoding: gzip"), "could not be fetched"),
        (http(gzip.compress(PAGE)[:-200], HTML, "Content-Encoding: gzip"), "did not come whole"),
        (http(gzip.compress(PAGE)[:-1], HTML, "Content-Encoding: gzip"), "did not come whole"),
        (http(zlib.compress(PAGE)[:-1], HTML, "Content-Encoding: deflate"), "did not come whole"),
        (http(gzip.compress(PAGE) + gzip.compress(b"y")[:9], HTML, "Content-Encoding: gzip"), "did not come whole"),
        (http(gzip.compress(b"y" * 1_500_000) * 2, HTML, "Content-Encoding: gzip"), "more than 2 MB"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "could not be fetched"),
        (b"", "could not be fetched"),
        (http(b"y" * 2_000_001, HTML), "more than 2 MB"),
    ],
)
def test_other_answers_are_refused_in_a_sentence(answer: bytes, message: str) -> None:
    with serving(lambda c, _: c.sendall(answer)) as net, pytest.raises(FetchError, match=message):
        net.fetch("http://example.org/")


@pytest.mark.parametrize("piece", [1, 7, 10_000])
@pytest.mark.parametrize("after", [b"", bytes(600), b"more"])
def test_every_member_of_a_gzip_body_is_unpacked_and_what_fills_it_up_is_not(piece: int, after: bytes) -> None:
    body = gzip.compress(PAGE[:100]) + gzip.compress(b"") + gzip.compress(PAGE[100:]) + after
    pieces = (body[i : i + piece] for i in range(0, len(body), piece))
    assert b"".join(web._unpacked(pieces, "gzip", 2_000_000)) == PAGE


def drip(
    connection: socket.socket, _: bytes, start: bytes = b"HTTP/1.1 200 OK\r\n", piece: bytes = b"X-A: b\r\n"
) -> None:
    connection.sendall(start)
    while True:
        connection.sendall(piece)
        time.sleep(0.05)


ENDLESS = f"HTTP/1.1 200 OK\r\n{HTML}\r\n\r\n".encode()


@pytest.mark.parametrize(
    "answer",
    [
        drip,
        lambda c, r: drip(c, r, b"", b"H"),
        lambda c, r: drip(c, r, ENDLESS, b"x"),
        lambda c, r: time.sleep(30),
        lambda c, r: drip(c, r, b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n", b"X-A: b\r\n"),
    ],
    ids=["slow headers", "slow status line", "slow body", "silence", "slow redirect"],
)
def test_a_slow_server_ends_at_the_deadline(answer: Callable[[socket.socket, bytes], None]) -> None:
    started = time.monotonic()
    with serving(answer) as net, pytest.raises(FetchError):
        net.fetch("http://example.org/")
    assert time.monotonic() - started < QUICK.total_seconds + 1.0


def test_a_slow_resolver_ends_at_the_deadline() -> None:
    started = time.monotonic()
    with pytest.raises(FetchError, match="within"):
        fetch("http://example.org/", QUICK, lambda host, port: time.sleep(4) or [PUBLIC], Net().connect)
    assert time.monotonic() - started < 3.0


@pytest.mark.slow
@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_a_bomb_is_not_unpacked(packing: str) -> None:
    pack = zlib.compressobj(9, zlib.DEFLATED, 31 if packing == "gzip" else 15)
    zeros = bytes(10_000_000)
    bomb = b"".join(pack.compress(zeros) for _ in range(100)) + pack.flush()  # 1 GB
    assert len(bomb) < 1_100_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    answer = http(bomb, HTML, f"Content-Encoding: {packing}")
    with serving(lambda c, _: c.sendall(answer)) as net, pytest.raises(FetchError, match="more than 2 MB"):
        net.fetch("http://example.org/", Limits())
    assert time.monotonic() - started < 5.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_an_endless_body_ends_at_the_limit() -> None:
    with serving(lambda c, r: drip_fast(c)) as net, pytest.raises(FetchError, match="more than 2 MB"):
        net.fetch("http://example.org/", Limits())


def drip_fast(connection: socket.socket) -> None:
    connection.sendall(ENDLESS)
    while True:
        connection.sendall(b"x" * 65536)


NETWORKS = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4", "::1/128", "fc00::/7", "fe80::/10", "fec0::/10",
    "ff00::/8", "64:ff9b:1::/48", "2001:db8::/32",
]  # fmt: skip


@given(st.sampled_from(NETWORKS).flatmap(lambda n: st.ip_addresses(network=n)))
def test_no_address_of_an_inner_network_is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert not is_public(str(address))
    if address.version == 4:
        number = int(address)
        for wrapped in (
            (0xFFFF << 32) | number,  # mapped
            number,  # compatible
            (0x2002 << 112) | (number << 80),  # 6to4
            (0x64FF9B << 96) | number,  # NAT64
        ):
            assert not is_public(str(ipaddress.IPv6Address(wrapped)))


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", ["", "x", "fe80::1%eth0", "1.1.1.1%eth0", "256.1.1.1"])
def test_what_is_no_address_is_not_public(address: str) -> None:
    assert not is_public(address)


def test_the_port_follows_the_scheme() -> None:
    assert check_address("https://example.org")[:3] == ("https", "example.org", 443)
    assert check_address(" http://EXAMPLE.org:443/a?b=c ") == ("http", "example.org", 443, "/a?b=c")


def test_an_article_is_cut_out_of_its_page() -> None:
    article = extract(PAGE, "http://example.org/", 20_000)
    assert article.title == "Council votes on bridge" and not article.cut
    assert (
        "repaired before the winter" in article.text and "Imprint" not in article.text and "Sport" not in article.text
    )
    cut = extract(PAGE, "http://example.org/", 300)
    assert cut.cut and len(cut.title) + 2 + len(cut.text) == 300


@pytest.mark.parametrize("html", [b"", b"<html></html>", b"\x00\xff\xfe", b"<!--" * 1000, b"<div>" * 20_000])
def test_a_page_without_an_article_is_said_to_have_none(html: bytes) -> None:
    with pytest.raises(FetchError, match="No article"):
        extract(html, "http://example.org/", 1000)


def test_the_real_resolver_and_connector_meet_the_same_wall() -> None:
    with pytest.raises(FetchError, match=NOT_PUBLIC[:30]):
        fetch("http://localhost/", QUICK)
    assert [str(a) for a in web.resolve("127.0.0.1", 80)] == ["127.0.0.1"]
