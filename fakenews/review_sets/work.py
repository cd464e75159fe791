"""What is left to analyze: one article at a time of a set that no other server is at work on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select, update

from fakenews.review_sets.rows import TEXT_COLUMNS, text_of
from fakenews.review_sets.store import FULL, TextOf
from fakenews.review_sets.values import ModelAnswer
from fakenews.share.shared import NotShared
from fakenews.share.snapshot import Snapshot
from fakenews.share.tables import ITEMS, SETS

if TYPE_CHECKING:
    from sqlalchemy import Column

    from fakenews.share.storage import Storage

CLAIM_SECONDS = 60  # for which one server analyzes a set before another may go on with it
TEXT_SECONDS = 600  # in which a server that has an article's text may analyze it before one that lacks it gives up

_COLUMNS: list[Column[Any]] = [ITEMS.c.number, *TEXT_COLUMNS]


@dataclass(frozen=True, slots=True)
class Work:
    """One article of a set that has to be analyzed."""

    set_hash: str
    number: int
    text: str | None  # None where it may not be stored and its `corpus` is not here
    corpus: str
    models: tuple[str, ...]  # those asked; empty for the default ones


@dataclass(eq=False)
class WorkList:
    """Articles that wait for their analysis, as one process sees them; methods raise `StorageError`."""

    storage: Storage
    text_of: TextOf
    _claimed: dict[str, int] = field(default_factory=dict)  # sets that this process works on, and until when each

    def waiting(self) -> tuple[str, ...]:
        """Return the hashes of all sets that have an article to analyze, the one made first before the others."""
        wanted = select(SETS.c.id_hash).where(SETS.c.expires > self.storage.now())
        unread = select(ITEMS.c.set_hash).where(ITEMS.c.analyzed.is_(None))
        with self.storage.reading() as connection:
            query = wanted.where(SETS.c.id_hash.in_(unread)).order_by(SETS.c.created, SETS.c.id_hash)
            return tuple(connection.execute(query).scalars())

    def claim(self, set_hash: str) -> Work | None:
        """Return the next article of a set to analyze, which no other server does before `CLAIM_SECONDS` are over.

        None where another server is at work on the set, or is to be waited for because it may have the text, or
        nothing is left to do.
        """
        with self.storage.reading() as connection:
            row = connection.execute(
                select(SETS.c.models, SETS.c.created, SETS.c.claimed).where(SETS.c.id_hash == set_hash)
            ).first()
            first = select(func.min(ITEMS.c.number)).where((ITEMS.c.set_hash == set_hash) & ITEMS.c.analyzed.is_(None))
            item = connection.execute(
                select(*_COLUMNS).where((ITEMS.c.set_hash == set_hash) & (ITEMS.c.number == first.scalar_subquery()))
            ).first()
        if row is None or item is None:
            self._let_go(set_hash)
            return None
        if row.claimed > self.storage.now() and row.claimed != self._claimed.get(set_hash):
            return None
        text = text_of(item, self.text_of)  # before anything is locked: a corpus may have to be read
        if text is None and self.storage.now() < row.created + 1000 * TEXT_SECONDS:
            return None
        if not self._keep(set_hash):
            return None
        return Work(set_hash, item.number, text, item.corpus, tuple(json.loads(row.models)))

    def keep(self, work: Work) -> None:
        """Keep others from a set for `CLAIM_SECONDS` more, where analyzing an article takes long."""
        if self._claimed.get(work.set_hash, 0) - self.storage.now() < 500 * CLAIM_SECONDS:
            self._keep(work.set_hash)

    def release(self) -> None:
        """Let other servers go on at once."""
        for set_hash in list(self._claimed):
            self._let_go(set_hash)

    def analyzed(self, work: Work, snapshot: Snapshot | None, problem: str = "") -> None:
        """Store the analysis of an article, or why there is none; the first one stays.

        Raise `NotShared` if the set was deleted meanwhile, `InputError` if the storage is full.
        """
        values: dict[str, Any] | None = None
        models: list[Mapping[str, Any]] | None = None
        if snapshot is not None:
            values = {**snapshot.to_dict(), "text": ""}
            models = [
                ModelAnswer(p.model, snapshot.titles[p.model], p.p_fake, p.verdict).to_dict()
                for p in snapshot.analysis.predictions
            ]
        size = 0 if values is None else len(json.dumps(values, allow_nan=False))
        with self.storage.writing() as connection:
            if size:
                self.storage.check_quota(connection, size, FULL)
            query = select(SETS.c.id_hash).where(SETS.c.id_hash == work.set_hash).with_for_update()
            if connection.execute(query).first() is None:
                raise NotShared
            mine = (ITEMS.c.set_hash == work.set_hash) & (ITEMS.c.number == work.number)
            if connection.execute(select(ITEMS.c.number).where(mine & ITEMS.c.analyzed.is_(None))).first() is None:
                return
            self.storage.record(
                connection, "analysis", work.set_hash, number=work.number, models=models, snapshot=values, size=size,
                problem=problem or None,
            )  # fmt: skip

    def _let_go(self, set_hash: str) -> None:
        """End the claim to a set, if this process has one."""
        if (claimed := self._claimed.pop(set_hash, None)) is not None:
            mine = (SETS.c.id_hash == set_hash) & (SETS.c.claimed == claimed)
            with self.storage.writing() as connection:
                connection.execute(update(SETS).where(mine).values(claimed=0))

    def _keep(self, set_hash: str) -> bool:
        """Claim a set, unless another server works on it."""
        now = self.storage.now()
        claimed = now + 1000 * CLAIM_SECONDS
        is_free = or_(SETS.c.claimed <= now, SETS.c.claimed == self._claimed.get(set_hash, -1))
        with self.storage.writing() as connection:
            free = (SETS.c.id_hash == set_hash) & is_free
            if not connection.execute(update(SETS).where(free).values(claimed=claimed)).rowcount:
                self._claimed.pop(set_hash, None)
                return False
        self._claimed[set_hash] = claimed
        return True
