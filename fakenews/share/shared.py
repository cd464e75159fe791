"""Shared analyses and reviews as values, and how they are read from a row."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fakenews.schema import Span
from fakenews.share.events import unpacked
from fakenews.share.links import owner_address, reader_address
from fakenews.share.review import Review
from fakenews.share.snapshot import Snapshot

if TYPE_CHECKING:
    from sqlalchemy import Row

NOT_SHARED = "There is nothing under this link: it was mistyped, or what was shared has expired or was deleted."


class NotShared(LookupError):
    """Nothing under this link, for whatever reason; the message is always the same."""

    def __init__(self) -> None:
        super().__init__(NOT_SHARED)


@dataclass(frozen=True, slots=True)
class Link:
    """What whoever shares gets: `id` to read, `owner` to delete and to see the reviews; `expires` in milliseconds."""

    id: str
    owner: str
    expires: int

    def to_dict(self, base: str) -> dict[str, Any]:
        """Return the JSON form, with the addresses of both on the server at `base`."""
        addresses = {"link": reader_address(base, self.id), "owner_link": owner_address(base, self.owner)}
        return {"id": self.id, "owner": self.owner, "expires": self.expires, **addresses}


@dataclass(frozen=True, slots=True)
class Shared:
    """A shared analysis as a reader may see it."""

    snapshot: Snapshot
    blind: bool  # whether readers are asked for their own verdict first
    expires: int  # milliseconds since 1970, UTC
    # Whether this reader has yet to give a verdict; until then nothing of the models' answers may be shown
    hidden: bool = False
    mine: Review | None = None  # what this reader has said so far, where the review's key was given


@dataclass(frozen=True, slots=True)
class Owned:
    """A shared analysis as its owner sees it."""

    id: str
    shared: Shared
    reviews: tuple[Review, ...]


def shared_of(row: Row[Any]) -> Shared:
    """Return the shared analysis in a row of the table of shares."""
    return Shared(snapshot_of(row), row.blind, row.expires)


def snapshot_of(row: Row[Any]) -> Snapshot:
    """Return the snapshot in a row of the table of shares."""
    return Snapshot.from_dict(unpacked(row.snapshot))


def review_of(row: Row[Any]) -> Review:
    """Return the review in a row of the table of reviews."""
    body = json.loads(row.body) if row.body else {}
    return Review(
        name=row.name,
        begun=row.begun,
        finished=row.finished,
        first_verdict=row.first_verdict,
        verdict=body.get("verdict"),
        agree=body.get("agree"),
        spans=tuple(Span(*pair) for pair in body.get("spans", ())),
        comment=body.get("comment", ""),
    )
