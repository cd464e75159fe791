"""Shared analyses and their reviews: what may be stored, and who may read or delete it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from fakenews.engine.errors import InputError
from fakenews.schema import Span
from fakenews.share.keys import hashed, is_key, new_key, share_id
from fakenews.share.review import (
    Review,
    check_verdict,
    checked_agreement,
    checked_comment,
    checked_name,
    checked_spans,
)
from fakenews.share.shared import Link, NotShared, Owned, Shared, review_of, shared_of, snapshot_of
from fakenews.share.snapshot import Snapshot, redacted
from fakenews.share.storage import Storage
from fakenews.share.tables import REVIEWS, SHARES

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

DAYS = (7, 30, 90)  # how long a link may live
MAX_SHARE = 4_000_000  # bytes of one snapshot
MAX_REVIEWS = 500  # of one shared analysis
DAY = 86_400_000  # milliseconds


@dataclass(eq=False)
class ShareStore(Storage):
    """Shared analyses and their reviews.

    Whatever uses the storage raises `StorageError` if it does not answer, and `NotShared` for a link or key under which
    there is nothing.
    """

    def share(
        self,
        snapshot: Snapshot,
        *,
        owner: str = "",
        redact: bool = False,
        blind: bool = False,
        days: int = DAYS[-1],
    ) -> Link:
        """Store a snapshot; it can be read under the link's id when this returns.

        Raise `InputError` if it is too large, the storage is full, `days` is none of `DAYS`, `owner` is no key, or
        there is nothing to judge blind; `StorageError` if it could not be stored.

        Parameters
        ----------
        owner : str
            Key of an owner who shares again; a new one is made otherwise.
        redact : bool
            Store highlights and numbers, and no word of the text.
        blind : bool
            Ask readers for their own verdict before they see the models'.
        days : int
            How long the link lives.
        """
        check_days(days)
        if redact and blind:
            raise InputError("A blind review needs the text: share it with its words, or not blind.")
        if redact:
            snapshot = redacted(snapshot)
        if owner and not is_key(owner):
            raise InputError("This is no owner's key: leave it out for a new one.")
        owner = owner or new_key(32)
        nonce = secrets.token_hex(16)
        while (id_ := share_id(owner, nonce)).startswith("-"):
            nonce = secrets.token_hex(16)
        values = snapshot.to_dict()
        size = len(json.dumps(values, allow_nan=False))
        if size > MAX_SHARE:
            raise InputError(f"This analysis takes {size:,} bytes; up to {MAX_SHARE:,} can be shared.")
        self.purge()
        expires = self.now() + days * DAY
        with self.writing() as connection:
            self.check_quota(connection, size)
            self.record(
                connection, "share", hashed(id_), owner=hashed(owner), nonce=nonce, expires=expires, blind=blind,
                size=size, snapshot=values,
            )  # fmt: skip
        return Link(id_, owner, expires)

    def get(self, id_: str, review: str = "") -> Shared:
        """Return what a link shows to a reader, who has begun a review if its key is given."""
        with self.reading() as connection:
            row = self._row(connection, id_)
            begun = self._begun(connection, row.id_hash, review)
        mine = None if begun is None else review_of(begun)
        return replace(shared_of(row), hidden=row.blind and mine is None, mine=mine)

    def exists(self, id_: str) -> bool:
        """Return whether a link shows anything."""
        with self.reading() as connection:
            wanted = (SHARES.c.id_hash == hashed(id_)) & (SHARES.c.expires > self.now())
            return connection.execute(select(SHARES.c.id_hash).where(wanted)).first() is not None

    def owned(self, owner: str) -> tuple[Owned, ...]:
        """Return everything shared under an owner's key, the latest first, with its reviews."""
        with self.reading() as connection:
            wanted = (SHARES.c.owner_hash == hashed(owner)) & (SHARES.c.expires > self.now())
            rows = connection.execute(select(SHARES).where(wanted).order_by(SHARES.c.created.desc())).all()
            return tuple(
                Owned(share_id(owner, row.nonce), shared_of(row), self._reviews(connection, row.id_hash))
                for row in rows
            )

    def expire(self, owner: str, id_: str, days: int) -> int:
        """Let a link live so many days from now, and give its new end in milliseconds.

        Raise `InputError` if `days` is none of `DAYS`.
        """
        check_days(days)
        expires = self.now() + days * DAY
        with self.writing() as connection:
            row = self._row(connection, id_, owner, alone=True)
            self.record(connection, "expire", row.id_hash, expires=expires)
        return expires

    def delete(self, owner: str, id_: str) -> None:
        """Delete a shared analysis and its reviews, from index and bucket.

        What the bucket fails to erase is erased at the next start.
        """
        with self.writing() as connection:
            row = self._row(connection, id_, owner, alone=True)
            self.record(connection, "delete", row.id_hash)
        self.erase(row.id_hash)

    def begin(self, id_: str, name: str, verdict: str) -> str:
        """Take a reviewer's own verdict, before the models' answers are shown, and give the review's key.

        Raise `InputError` if the verdict is none, or there are too many reviews.
        """
        name = checked_name(name)
        check_verdict(verdict)
        key = new_key(16)
        with self.writing() as connection:
            row = self._row(connection, id_, alone=True)
            self._check_room(connection, row.id_hash)
            self.record(connection, "begin", row.id_hash, review=hashed(key), name=name, verdict=verdict)
        return key

    def review(
        self,
        id_: str,
        *,
        name: str,
        verdict: str,
        agree: dict[str, bool] | None = None,
        spans: Sequence[Span] = (),
        comment: str = "",
        key: str = "",
    ) -> None:
        """Store what a reviewer says with the models' answers in sight; it cannot be changed afterwards.

        Raise `InputError` if something cannot be taken, or the share is blind and the review was not begun.
        """
        name = checked_name(name)
        check_verdict(verdict)
        comment = checked_comment(comment)
        with self.writing() as connection:
            row = self._row(connection, id_, alone=True)
            begun = self._begun(connection, row.id_hash, key)
            if begun is None and (row.blind or key):
                raise InputError("Give your own verdict first: this analysis is reviewed blind.")
            if begun is not None and begun.finished is not None:
                raise InputError("This review was sent already, and is stored.")
            if begun is None:
                self._check_room(connection, row.id_hash)
            snapshot = snapshot_of(row)
            body = {
                "verdict": verdict,
                "agree": checked_agreement(agree or {}, snapshot),
                "spans": checked_spans(spans, len(snapshot.text)),
                "comment": comment,
            }
            review = hashed(key if begun is not None else secrets.token_urlsafe(16))
            self.record(connection, "review", row.id_hash, review=review, name=name, body=body)

    def _row(self, connection: Connection, id_: str, owner: str | None = None, *, alone: bool = False) -> Row[Any]:
        """Return a share, which nobody else changes or reviews before the transaction ends if `alone`."""
        wanted = (SHARES.c.id_hash == hashed(id_)) & (SHARES.c.expires > self.now())
        if owner is not None:
            wanted &= SHARES.c.owner_hash == hashed(owner)
        query = select(SHARES).where(wanted)
        row = connection.execute(query.with_for_update() if alone else query).first()
        if row is None:
            raise NotShared
        return row

    def _begun(self, connection: Connection, share: str, key: str) -> Row[Any] | None:
        mine = (REVIEWS.c.id_hash == hashed(key)) & (REVIEWS.c.share_hash == share)
        return connection.execute(select(REVIEWS).where(mine)).first()

    def _reviews(self, connection: Connection, share: str) -> tuple[Review, ...]:
        rows = connection.execute(
            select(REVIEWS).where(REVIEWS.c.share_hash == share).order_by(REVIEWS.c.begun, REVIEWS.c.id_hash)
        )
        return tuple(map(review_of, rows))

    def _check_room(self, connection: Connection, share: str) -> None:
        n = connection.execute(select(func.count()).where(REVIEWS.c.share_hash == share)).scalar_one()
        if n >= MAX_REVIEWS:
            raise InputError(f"This analysis has {n} reviews, and takes no more.")


def check_days(days: int) -> None:
    """Refuse a life of a link that is none of `DAYS`."""
    if days not in DAYS:
        raise InputError(f"A link may live {', '.join(map(str, DAYS[:-1]))} or {DAYS[-1]} days, got {days}.")
