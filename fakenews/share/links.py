"""Addresses of what is shared, pure: for readers `/?a=ID`, for whoever shared it `/?o=KEY`."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, quote

READER, OWNER = "a", "o"


class Visit(NamedTuple):
    """What the address of the page asks for: an id, an owner's key, or neither."""

    id: str = ""
    owner: str = ""


def base_address(public_url: str, requested: object) -> str:
    """Return where visitors find the page: as it is set, else the address of the request."""
    return public_url or str(requested).rstrip("/")


def reader_address(base: str, id_: str) -> str:
    """Link for reviewers."""
    return f"{base}/?{READER}={quote(id_, safe='')}"


def owner_address(base: str, owner: str) -> str:
    """Link for whoever shared: it deletes, and shows the reviews."""
    return f"{base}/?{OWNER}={quote(owner, safe='')}"


def read_query(query: str) -> Visit:
    """Return what a query string asks for; anything else in it is ignored."""
    values = dict(parse_qsl(query))
    return Visit(values.get(READER, ""), values.get(OWNER, ""))
