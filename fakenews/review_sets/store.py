"""Review sets in the storage of shared analyses: made, analyzed, answered, read, closed and deleted.

Whoever holds a set's link may begin a review of it; only the key that began it reads and writes its answers. Only the
owner's key reads all of them.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select, update

from fakenews.engine.errors import InputError
from fakenews.review_sets.rows import answer_of, item_of, set_of, shown_of, text_of, weights_of
from fakenews.review_sets.values import (
    MAX_ARTICLES,
    MAX_REVIEWERS,
    Answer,
    ModelAnswer,
    NewItem,
    Results,
    Reviewer,
    ReviewSet,
    SetLink,
    Shown,
    Weights,
    checked_answer,
    checked_instructions,
    checked_title,
    order_of,
)
from fakenews.share.keys import hashed, is_key, new_key, share_id
from fakenews.share.review import checked_name, checked_spans
from fakenews.share.shared import NotShared
from fakenews.share.snapshot import Snapshot
from fakenews.share.store import DAY, DAYS, check_days
from fakenews.share.tables import ANSWERS, ITEMS, REVIEWERS, SETS
from fakenews.text import browser_lines

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from fakenews.share.storage import Storage

CLAIM_SECONDS = 60  # for which one server analyzes a set before another may go on with it
CLOSED = "This review set is closed: it takes no more answers. What you sent before is stored."
NOT_READY = "This review set is being prepared: come back in a few minutes."
FROZEN = "Your first verdict stands: it was given before you saw the models' answers."
TextOf = Callable[[str, str], "str | None"]  # from a corpus and an article's id in it to its text, where it is here


@dataclass(frozen=True, slots=True)
class Work:
    """One article of a set that has to be analyzed."""

    set_hash: str
    number: int
    text: str | None  # None where it may not be stored and its `corpus` is not here
    corpus: str
    models: tuple[str, ...]  # those asked; empty for the default ones


@dataclass(eq=False)
class SetStore:
    """Review sets and their answers.

    Whatever uses the storage raises `StorageError` if it does not answer, and `NotShared` for an id or a key under
    which there is nothing.
    """

    storage: Storage
    text_of: TextOf = lambda corpus, article: None

    def create(
        self,
        items: Sequence[NewItem],
        *,
        title: str,
        instructions: str = "",
        blind: bool = True,
        days: int = DAYS[-1],
        owner: str = "",
        models: Sequence[str] = (),
    ) -> SetLink:
        """Store a set whose articles have yet to be analyzed; it can be opened when this returns.

        Raise `InputError` if there are too many articles, one of them comes twice, the storage is full, `days` is none
        of `DAYS`, `owner` is no key, or title or instructions cannot be taken.

        Parameters
        ----------
        blind : bool
            Ask reviewers for their own verdict before they see the models'.
        owner : str
            Key of an owner who shares again; a new one is made otherwise.
        models : sequence of str
            Those asked; the default ones if empty.
        """
        title, instructions = checked_title(title), checked_instructions(instructions)
        check_days(days)
        if owner and not is_key(owner):
            raise InputError("This is no owner's key: leave it out for a new one.")
        if not items:
            raise InputError("Pick at least one article for the set.")
        owner = owner or new_key(32)
        nonce = secrets.token_hex(16)
        while (id_ := share_id(owner, nonce)).startswith("-"):
            nonce = secrets.token_hex(16)
        self.storage.purge()
        expires = self.storage.now() + days * DAY
        with self.storage.writing() as connection:
            self.storage.record(
                connection, "set", hashed(id_), owner=hashed(owner), nonce=nonce, expires=expires, blind=blind,
                title=title, instructions=instructions, models=list(models), seed=secrets.randbits(31),
            )  # fmt: skip
            self._add(connection, hashed(id_), items)
        return SetLink(id_, owner, expires)

    def add(self, owner: str, id_: str, items: Sequence[NewItem]) -> None:
        """Add articles to a set, which reviewers see once they are analyzed; raise `InputError` as `create` does."""
        with self.storage.writing() as connection:
            row = self._row(connection, id_, owner, alone=True)
            self._add(connection, row.id_hash, items)

    def owned(self, owner: str) -> tuple[tuple[ReviewSet, int], ...]:
        """Return everything under an owner's key, the latest first, each set with the number of its reviewers."""
        with self.storage.reading() as connection:
            wanted = (SETS.c.owner_hash == hashed(owner)) & (SETS.c.expires > self.storage.now())
            rows = connection.execute(select(SETS).where(wanted).order_by(SETS.c.created.desc())).all()
            return tuple(
                (self._set(connection, row, share_id(owner, row.nonce)), self._n_reviewers(connection, row.id_hash))
                for row in rows
            )

    def get(self, id_: str) -> ReviewSet:
        """Return what anyone with the link may see."""
        with self.storage.reading() as connection:
            return self._set(connection, self._row(connection, id_), id_)

    def results(self, owner: str, id_: str) -> Results:
        """Return a set with all articles, reviewers and answers."""
        with self.storage.reading() as connection:
            row = self._row(connection, id_, owner)
            items = connection.execute(self._items(row.id_hash)).all()
            reviewers = connection.execute(
                select(REVIEWERS).where(REVIEWERS.c.set_hash == row.id_hash).order_by(REVIEWERS.c.number)
            ).all()
            answers = connection.execute(
                select(ANSWERS).join(REVIEWERS).where(REVIEWERS.c.set_hash == row.id_hash).order_by(ANSWERS.c.number)
            ).all()
        found: dict[str, dict[int, Answer]] = {r.id_hash: {} for r in reviewers}
        for answer in answers:
            found[answer.reviewer_hash][answer.number] = answer_of(answer)
        n = len(items)
        listed = tuple(item_of(item, self.text_of) for item in items)
        return Results(
            set_of(row, id_, n, sum(item.is_pending for item in listed)),
            listed,
            tuple(
                Reviewer(r.number, r.name, r.begun, order_of(row.seed, r.seed, n), found[r.id_hash]) for r in reviewers
            ),
        )

    def weights(self, owner: str, id_: str, numbers: Collection[int]) -> dict[int, dict[str, Weights]]:
        """Return the weight of every word of these articles by each model that was explained, for the owner."""
        with self.storage.reading() as connection:
            row = self._row(connection, id_, owner)
            wanted = (ITEMS.c.set_hash == row.id_hash) & ITEMS.c.number.in_(numbers) & ITEMS.c.snapshot.is_not(None)
            rows = connection.execute(select(ITEMS.c.number, ITEMS.c.snapshot).where(wanted)).all()
        return {r.number: weights_of(r.snapshot) for r in rows}

    def snapshot(self, owner: str, id_: str, number: int) -> Shown:
        """Return an article with its analysis, for the owner."""
        with self.storage.reading() as connection:
            row = self._row(connection, id_, owner)
            item = self._item(connection, row.id_hash, number)
        return shown_of(item, self.text_of, is_open=True)

    def close(self, owner: str, id_: str, closed: bool = True) -> None:
        """Take no more answers, or take them again."""
        with self.storage.writing() as connection:
            row = self._row(connection, id_, owner, alone=True)
            self.storage.record(connection, "close", row.id_hash, closed=closed)

    def expire(self, owner: str, id_: str, days: int) -> int:
        """Let a set live so many days from now, and give its new end in milliseconds.

        Raise `InputError` if `days` is none of `DAYS`.
        """
        check_days(days)
        expires = self.storage.now() + days * DAY
        with self.storage.writing() as connection:
            row = self._row(connection, id_, owner, alone=True)
            self.storage.record(connection, "expire", row.id_hash, expires=expires)
        return expires

    def delete(self, owner: str, id_: str) -> None:
        """Delete a set with its articles and answers, from index and bucket; one being prepared is cancelled so."""
        with self.storage.writing() as connection:
            row = self._row(connection, id_, owner, alone=True)
            self.storage.record(connection, "delete", row.id_hash)
        self.storage.erase(row.id_hash)

    def forget(self, owner: str, id_: str, reviewer: int) -> None:
        """Delete a reviewer, by number, with all answers; the key leads nowhere afterwards."""
        with self.storage.writing() as connection:
            row = self._row(connection, id_, owner, alone=True)
            wanted = (REVIEWERS.c.set_hash == row.id_hash) & (REVIEWERS.c.number == reviewer)
            gone = connection.execute(select(REVIEWERS.c.id_hash).where(wanted)).scalar()
            if gone is None:
                raise InputError(f"There is no reviewer {reviewer} in this set.")
            self.storage.record(connection, "forget", row.id_hash, reviewer=gone)
        self.storage.erase(row.id_hash, gone)

    def begin(self, id_: str, name: str, key: str = "") -> str:
        """Let a reviewer begin, and give the key of the review.

        A browser may send a key that it made, so that asking again after a lost answer begins no second review.

        Raise `InputError` if the set is closed or not ready, it has too many reviewers, or name or key cannot be taken.
        """
        name = checked_name(name)
        if key and not re.fullmatch(r"[\w-]{22}", key, re.ASCII):
            raise InputError("A reviewer's key has 22 letters, digits, “-” and “_”: leave it out for a new one.")
        key = key or new_key(16)
        with self.storage.writing() as connection:
            row = self._row(connection, id_, alone=True)
            if connection.execute(self._mine(row.id_hash, key)).first() is not None:
                return key
            self._check_open(connection, row)
            last = select(func.max(REVIEWERS.c.number)).where(REVIEWERS.c.set_hash == row.id_hash)
            if self._n_reviewers(connection, row.id_hash) >= MAX_REVIEWERS:
                raise InputError(f"This set has {MAX_REVIEWERS} reviewers, and takes no more.")
            number = (connection.execute(last).scalar() or 0) + 1
            self.storage.record(
                connection, "reviewer", row.id_hash, reviewer=hashed(key), number=number, name=name,
                seed=secrets.randbits(31),
            )  # fmt: skip
        return key

    def reviewer(self, id_: str, key: str) -> Reviewer:
        """Return a reviewer with all answers, for whoever has the key."""
        with self.storage.reading() as connection:
            row = self._row(connection, id_)
            mine = self._reviewer(connection, row.id_hash, key)
            n = connection.execute(select(func.count()).where(ITEMS.c.set_hash == row.id_hash)).scalar_one()
            answers = connection.execute(select(ANSWERS).where(ANSWERS.c.reviewer_hash == mine.id_hash)).all()
        found = {a.number: answer_of(a) for a in answers}
        return Reviewer(mine.number, mine.name, mine.begun, order_of(row.seed, mine.seed, n), found)

    def shown(self, id_: str, key: str, number: int) -> Shown:
        """Return an article as a reviewer may see it: in a blind set without the models' answers before the own one."""
        with self.storage.reading() as connection:
            row = self._row(connection, id_)
            mine = self._reviewer(connection, row.id_hash, key)
            item = self._item(connection, row.id_hash, number)
            is_open = not row.blind or self._answer(connection, mine.id_hash, number) is not None
        return shown_of(item, self.text_of, is_open)

    def answer(self, id_: str, key: str, answer: Answer) -> Answer:
        """Store what a reviewer says of an article, in place of what was said before, and give what is stored.

        Sent twice it is stored once. In a blind set the first verdict stands with its confidence and seconds; `after`
        and marks wait until it is stored.

        Raise `InputError` if the set is closed or not ready, or something cannot be taken.
        """
        answer = checked_answer(answer)
        with self.storage.writing() as connection:
            row = self._row(connection, id_)
            mine = self._reviewer(connection, row.id_hash, key, alone=True)
            self._check_open(connection, row)
            item = self._item(connection, row.id_hash, answer.number)
            text = text_of(item, self.text_of)
            before = self._answer(connection, mine.id_hash, answer.number)
            answer = replace(_merged(answer, before, row.blind), saved=self.storage.now())
            spans = checked_spans(answer.spans, len(text or ""))
            body = {"spans": spans, "comment": answer.comment}
            said = {name: getattr(answer, name) for name in ("number", "verdict", "confidence", "seconds", "after")}
            self.storage.record(connection, "answer", row.id_hash, reviewer=mine.id_hash, body=body, **said)
        return answer

    def pending(self) -> tuple[Work, ...]:
        """Return an article to analyze of every set that has one and is not claimed by another server; claim them."""
        now = self.storage.now()
        waiting = (ITEMS.c.models.is_(None)) & (ITEMS.c.problem.is_(None))
        found = []
        with self.storage.reading() as connection:
            wanted = select(ITEMS.c.set_hash, func.min(ITEMS.c.number)).where(waiting).group_by(ITEMS.c.set_hash)
            firsts = connection.execute(wanted).all()
        if not firsts:
            return ()
        with self.storage.writing() as connection:
            for set_hash, number in firsts:
                is_free = or_(SETS.c.claimed <= now, SETS.c.claimed == self._claimed.get(set_hash, -1))
                free = (SETS.c.id_hash == set_hash) & is_free
                claimed = now + 1000 * CLAIM_SECONDS
                if connection.execute(update(SETS).where(free).values(claimed=claimed)).rowcount:
                    self._claimed[set_hash] = claimed
                    row = connection.execute(select(SETS.c.models).where(SETS.c.id_hash == set_hash)).one()
                    item = self._item(connection, set_hash, number)
                    models = tuple(json.loads(row.models))
                    found.append(Work(set_hash, number, text_of(item, self.text_of), item.corpus, models))
        return tuple(found)

    def analyzed(self, work: Work, snapshot: Snapshot | None, problem: str = "") -> None:
        """Store the analysis of an article, or why there is none."""
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
            query = select(SETS.c.id_hash).where(SETS.c.id_hash == work.set_hash).with_for_update()
            if connection.execute(query).first() is None:
                raise NotShared
            self.storage.check_quota(connection, size)
            self.storage.record(
                connection, "analysis", work.set_hash, number=work.number, models=models, snapshot=values, size=size,
                problem=problem or None,
            )  # fmt: skip

    def __post_init__(self) -> None:
        self._claimed: dict[str, int] = {}  # sets that this process analyzes, and until when it claimed each

    def _add(self, connection: Connection, set_hash: str, items: Sequence[NewItem]) -> None:
        there = connection.execute(select(ITEMS.c.digest).where(ITEMS.c.set_hash == set_hash)).scalars().all()
        items = [replace(item, text=browser_lines(item.text)) for item in items]
        n, digests = len(there), {*there}
        if n + len(items) > MAX_ARTICLES:
            raise InputError(f"A set holds up to {MAX_ARTICLES} articles; this would make {n + len(items)}.")
        if len(digests | {item.digest for item in items}) < n + len(items):
            raise InputError("An article is in the set twice: leave one of the two out.")
        sizes = [len(item.text.encode()) if item.keep_text else 0 for item in items]
        self.storage.check_quota(connection, sum(sizes))
        for i, (item, size) in enumerate(zip(items, sizes, strict=True)):
            if not item.keep_text and not (item.corpus and item.article):
                raise InputError("Only articles of a corpus can be kept by their ids: keep the texts of these.")
            self.storage.record(
                connection, "item", set_hash, number=n + i, label=item.label, corpus=item.corpus,
                article=item.article, digest=item.digest, text=item.text if item.keep_text else None, size=size,
            )  # fmt: skip

    def _row(self, connection: Connection, id_: str, owner: str | None = None, *, alone: bool = False) -> Row[Any]:
        """Return a set, which nobody else changes before the transaction ends if `alone`."""
        wanted = (SETS.c.id_hash == hashed(id_)) & (SETS.c.expires > self.storage.now())
        if owner is not None:
            wanted &= SETS.c.owner_hash == hashed(owner)
        query = select(SETS).where(wanted)
        row = connection.execute(query.with_for_update() if alone else query).first()
        if row is None:
            raise NotShared
        return row

    def _items(self, set_hash: str) -> Any:
        """Return the query of a set's articles, without their analyses."""
        columns = [column for column in ITEMS.c if column.name != "snapshot"]
        return select(*columns).where(ITEMS.c.set_hash == set_hash).order_by(ITEMS.c.number)

    def _item(self, connection: Connection, set_hash: str, number: int) -> Row[Any]:
        wanted = (ITEMS.c.set_hash == set_hash) & (ITEMS.c.number == number)
        row = connection.execute(select(ITEMS).where(wanted)).first()
        if row is None:
            raise InputError(f"There is no article {number} in this set.")
        return row

    def _mine(self, set_hash: str, key: str) -> Any:
        return select(REVIEWERS).where((REVIEWERS.c.id_hash == hashed(key)) & (REVIEWERS.c.set_hash == set_hash))

    def _reviewer(self, connection: Connection, set_hash: str, key: str, *, alone: bool = False) -> Row[Any]:
        query = self._mine(set_hash, key)
        row = connection.execute(query.with_for_update() if alone else query).first()
        if row is None:
            raise NotShared
        return row

    def _answer(self, connection: Connection, reviewer: str, number: int) -> Answer | None:
        wanted = (ANSWERS.c.reviewer_hash == reviewer) & (ANSWERS.c.number == number)
        row = connection.execute(select(ANSWERS).where(wanted)).first()
        return None if row is None else answer_of(row)

    def _n_reviewers(self, connection: Connection, set_hash: str) -> int:
        return int(connection.execute(select(func.count()).where(REVIEWERS.c.set_hash == set_hash)).scalar_one())

    def _set(self, connection: Connection, row: Row[Any], id_: str) -> ReviewSet:
        mine = ITEMS.c.set_hash == row.id_hash
        waiting = mine & ITEMS.c.models.is_(None) & ITEMS.c.problem.is_(None)
        n, n_pending = (connection.execute(select(func.count()).where(w)).scalar_one() for w in (mine, waiting))
        return set_of(row, id_, n, n_pending)

    def _check_open(self, connection: Connection, row: Row[Any]) -> None:
        if row.closed is not None:
            raise InputError(CLOSED)
        if self._set(connection, row, "").n_pending:
            raise InputError(NOT_READY)


def _merged(answer: Answer, before: Answer | None, blind: bool) -> Answer:
    """Return what is to be stored after what was said before; in a blind set the first verdict stands."""
    if not blind:
        if answer.after is not None:
            raise InputError("In an open set a verdict is changed by giving another: leave “after” out.")
        return answer
    if before is None:
        return replace(answer, after=None, spans=())
    if answer.verdict != before.verdict:
        raise InputError(FROZEN)
    return replace(answer, confidence=before.confidence, seconds=before.seconds)
