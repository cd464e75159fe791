"""Addresses of what is shared, pure: an analysis `/?a=ID`, a review set `/?s=ID`, what someone owns `/?o=KEY`."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, quote

READER, OWNER, SET = "a", "o", "s"


class Visit(NamedTuple):
    """What the address of the page asks for: an analysis, what someone owns, a review set, or nothing.

    With both `set` and `owner` it is the set as its owner sees it.
    """

    id: str = ""
    owner: str = ""
    set: str = ""


def base_address(public_url: str, requested: object) -> str:
    """Return where visitors find the page: as it is set, else the address of the request."""
    return public_url or str(requested).rstrip("/")


def reader_address(base: str, id_: str) -> str:
    """Link for reviewers."""
    return f"{base}/?{READER}={quote(id_, safe='')}"


def owner_address(base: str, owner: str) -> str:
    """Link for whoever shared: it deletes, and shows the reviews."""
    return f"{base}/?{OWNER}={quote(owner, safe='')}"


def set_address(base: str, id_: str) -> str:
    """Link for the reviewers of a set; "#KEY" after it goes on with the answers of one of them."""
    return f"{base}/?{SET}={quote(id_, safe='')}"


def owner_set_address(base: str, id_: str, owner: str) -> str:
    """Link for whoever made a set: it shows the answers, and closes, extends and deletes the set."""
    return f"{set_address(base, id_)}&{OWNER}={quote(owner, safe='')}"


def read_query(query: str) -> Visit:
    """Return what a query string asks for; anything else in it is ignored."""
    values = dict(parse_qsl(query))
    return Visit(values.get(READER, ""), values.get(OWNER, ""), values.get(SET, ""))
