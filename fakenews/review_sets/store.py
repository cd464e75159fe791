"""Review sets in the storage of shared analyses: made, analyzed, answered, read, closed and deleted.

Whoever holds a set's link may begin a review of it; only the key that began it reads and writes its answers. Only the
owner's key reads all of them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection, Container, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, select

from fakenews.engine.errors import InputError
from fakenews.review_sets.rows import TEXT_COLUMNS, answer_of, item_of, set_of, shown_of, text_of, weights_of
from fakenews.review_sets.values import (
    MAX_ARTICLES,
    MAX_REVIEWERS,
    Answer,
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
from fakenews.schema import Span
from fakenews.share.keys import hashed, is_key, new_key, share_id
from fakenews.share.review import checked_name, checked_spans
from fakenews.share.shared import NotShared
from fakenews.share.store import DAY, DAYS, check_days
from fakenews.share.tables import ANSWERS, ITEMS, REVIEWERS, SETS
from fakenews.text import browser_lines

if TYPE_CHECKING:
    from sqlalchemy import Column, Connection, Row

    from fakenews.share.storage import Storage

CLOSED = "This review set is closed: it takes no more answers. What you sent before is stored."
NOT_READY = "This review set is being prepared: come back in a few minutes."
NOT_ANALYZED = "This article is being prepared: go on with the others and come back to it in a few minutes."
FULL = "make a smaller set, or delete what is not needed any more"
FIRST = "Give your own verdict first: “after” and marks can be sent once it is stored."
AFTER = "Send your verdict with the models' answers in sight, “after”, again with what you change."
FROZEN = "Your first verdict stands: it was given before you saw the models' answers."
TextOf = Callable[[str, str], "str | None"]  # from a corpus and an article's id in it to its text, where it is here


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
        values, size = _as_stored(items, frozenset())
        self.storage.purge()
        expires = self.storage.now() + days * DAY
        with self.storage.writing() as connection:
            self.storage.check_quota(connection, size, FULL)
            self.storage.record(
                connection, "set", hashed(id_), owner=hashed(owner), nonce=nonce, expires=expires, blind=blind,
                title=title, instructions=instructions, models=list(models), seed=secrets.randbits(31), items=values,
                size=size,
            )  # fmt: skip
        return SetLink(id_, owner, expires)

    def add(self, owner: str, id_: str, items: Sequence[NewItem]) -> None:
        """Add articles to a set, which reviewers see once they are analyzed; raise `InputError` as `create` does."""
        with self.storage.writing() as connection:
            self.storage.check_quota(connection, sum(map(_size, items)), FULL)
            row = self._row(connection, id_, owner, alone=True)
            digests = select(ITEMS.c.digest).where(ITEMS.c.set_hash == row.id_hash)
            there = frozenset(connection.execute(digests).scalars())
            values, size = _as_stored(items, there)
            self.storage.record(connection, "items", row.id_hash, first=len(there), items=values, size=size)

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
        n, analyzed = len(items), {item.number for item in items if item.analyzed is not None}
        found: dict[str, dict[int, Answer]] = {r.id: {} for r in reviewers}
        for answer in answers:
            if answer.reviewer_id in found and answer.number < n:  # PostgreSQL shows what was saved between two queries
                found[answer.reviewer_id][answer.number] = answer_of(answer)
        is_ready = all(number in analyzed for number in range(row.n_first))
        return Results(
            set_of(row, id_, n, n - len(analyzed), is_ready),
            tuple(item_of(item, self.text_of) for item in items),
            tuple(
                Reviewer(r.number, r.name, r.begun, _shown_order(row.seed, r.seed, n, analyzed), found[r.id])
                for r in reviewers
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
            at = max(self.storage.now(), row.decided + 1)
            self.storage.record(connection, "close", row.id_hash, closed=closed, at=at)

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
            known = 0 < reviewer <= row.n_begun
            gone = connection.execute(select(REVIEWERS.c.id).where(wanted)).scalar() if known else None
            if gone is None:
                raise InputError(f"There is no reviewer {reviewer} in this set.")
            self.storage.record(connection, "forget", row.id_hash, reviewer=gone, number=reviewer)
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
            if row.closed is not None:
                raise InputError(CLOSED)
            if not self._set(connection, row, id_).is_ready:
                raise InputError(NOT_READY)
            if self._n_reviewers(connection, row.id_hash) >= MAX_REVIEWERS:
                raise InputError(f"This set has {MAX_REVIEWERS} reviewers, and takes no more.")
            self.storage.record(
                connection, "reviewer", row.id_hash, reviewer=secrets.token_hex(16), key=hashed(key),
                number=row.n_begun + 1, name=name, seed=secrets.randbits(31),
            )  # fmt: skip
        return key

    def reviewer(self, id_: str, key: str) -> Reviewer:
        """Return a reviewer with all answers, for whoever has the key."""
        with self.storage.reading() as connection:
            row = self._row(connection, id_)
            mine = self._reviewer(connection, row.id_hash, key)
            numbers = select(ITEMS.c.number, ITEMS.c.analyzed).where(ITEMS.c.set_hash == row.id_hash)
            items = connection.execute(numbers).all()
            answers = connection.execute(select(ANSWERS).where(ANSWERS.c.reviewer_id == mine.id)).all()
        analyzed = {item.number for item in items if item.analyzed is not None}
        order = _shown_order(row.seed, mine.seed, len(items), analyzed)
        return Reviewer(mine.number, mine.name, mine.begun, order, {a.number: answer_of(a) for a in answers})

    def shown(self, id_: str, key: str, number: int) -> Shown:
        """Return an article as a reviewer may see it: in a blind set without the models' answers before the own one."""
        with self.storage.reading() as connection:
            row = self._row(connection, id_)
            mine = self._reviewer(connection, row.id_hash, key)
            item = self._item(connection, row.id_hash, number)
            is_open = not row.blind or self._answer(connection, mine.id, number) is not None
        return shown_of(item, self.text_of, is_open)

    def answer(self, id_: str, key: str, answer: Answer) -> Answer:
        """Store what a reviewer says of an article, in place of what was said before, and give what is stored.

        Sent twice it is stored once. In a blind set the first verdict stands with its confidence and seconds; `after`
        and marks wait until it is stored.

        Raise `InputError` if the set is closed or not ready, or something cannot be taken.
        """
        answer = checked_answer(answer)
        spans = checked_spans(answer.spans, self._length(id_, answer.number)) if answer.spans else []
        answer = replace(answer, spans=tuple(Span(*pair) for pair in spans))
        with self.storage.writing() as connection:
            row = self._row(connection, id_)
            mine = self._reviewer(connection, row.id_hash, key, alone=True)
            if row.closed is not None:
                raise InputError(CLOSED)
            if self._item(connection, row.id_hash, answer.number, ITEMS.c.analyzed).analyzed is None:
                raise InputError(NOT_ANALYZED)
            before = self._answer(connection, mine.id, answer.number)
            answer = _merged(answer, before, row.blind)
            if before is not None and answer == replace(before, saved=answer.saved):
                return before
            at = self.storage.now() if before is None else max(self.storage.now(), before.saved + 1)
            said = {name: getattr(answer, name) for name in ("number", "verdict", "confidence", "seconds", "after")}
            body = {"spans": [[span.start, span.end] for span in answer.spans], "comment": answer.comment}
            self.storage.record(connection, "answer", row.id_hash, reviewer=mine.id, at=at, body=body, **said)
        return replace(answer, saved=at)

    def _length(self, id_: str, number: int) -> int:
        """Return the characters of an article; 0 where its text is not here."""
        with self.storage.reading() as connection:
            row = self._row(connection, id_)
            item = self._item(connection, row.id_hash, number, *TEXT_COLUMNS)
        return len(text_of(item, self.text_of) or "")

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

    def _item(self, connection: Connection, set_hash: str, number: int, *columns: Column[Any]) -> Row[Any]:
        """Return an article, or these columns of it."""
        wanted = (ITEMS.c.set_hash == set_hash) & (ITEMS.c.number == number)
        known = 0 <= number < MAX_ARTICLES
        row = connection.execute(select(*(columns or ITEMS.c)).where(wanted)).first() if known else None
        if row is None:
            raise InputError(f"There is no article {number} in this set.")
        return row

    def _mine(self, set_hash: str, key: str) -> Any:
        return select(REVIEWERS).where((REVIEWERS.c.key_hash == hashed(key)) & (REVIEWERS.c.set_hash == set_hash))

    def _reviewer(self, connection: Connection, set_hash: str, key: str, *, alone: bool = False) -> Row[Any]:
        query = self._mine(set_hash, key)
        row = connection.execute(query.with_for_update() if alone else query).first()
        if row is None:
            raise NotShared
        return row

    def _answer(self, connection: Connection, reviewer: str, number: int) -> Answer | None:
        wanted = (ANSWERS.c.reviewer_id == reviewer) & (ANSWERS.c.number == number)
        row = connection.execute(select(ANSWERS).where(wanted)).first()
        return None if row is None else answer_of(row)

    def _n_reviewers(self, connection: Connection, set_hash: str) -> int:
        return int(connection.execute(select(func.count()).where(REVIEWERS.c.set_hash == set_hash)).scalar_one())

    def _set(self, connection: Connection, row: Row[Any], id_: str) -> ReviewSet:
        waiting = case((ITEMS.c.analyzed.is_(None) & (ITEMS.c.number < row.n_first), 1))
        counts = select(func.count(), func.count(ITEMS.c.analyzed), func.count(waiting))
        n, n_analyzed, n_waiting = connection.execute(counts.where(ITEMS.c.set_hash == row.id_hash)).one()
        return set_of(row, id_, n, n - n_analyzed, not n_waiting)


def _size(item: NewItem) -> int:
    return len(item.text.encode()) if item.keep_text else 0


def _as_stored(items: Sequence[NewItem], there: frozenset[str]) -> tuple[list[dict[str, Any]], int]:
    """Return articles as events hold them, and their bytes; refuse too many, and those whose digests are there."""
    items = [replace(item, text=browser_lines(item.text)) for item in items]
    n = len(there) + len(items)
    if n > MAX_ARTICLES:
        raise InputError(f"A set holds up to {MAX_ARTICLES} articles; this would make {n}.")
    if len(there | {item.digest for item in items}) < n:
        raise InputError("An article is in the set twice: leave one of the two out.")
    if any(not item.keep_text and not (item.corpus and item.article) for item in items):
        raise InputError("Only articles of a corpus can be kept by their ids: keep the texts of these.")
    values = [
        {
            **{key: getattr(item, key) for key in ("label", "corpus", "article", "digest")},
            "text": item.text if item.keep_text else None,
        }
        for item in items
    ]
    return values, sum(map(_size, items))


def _shown_order(set_seed: int, reviewer_seed: int, n: int, analyzed: Container[int]) -> tuple[int, ...]:
    """Return the order in which a reviewer sees the articles, without those that have yet to be analyzed."""
    return tuple(number for number in order_of(set_seed, reviewer_seed, n) if number in analyzed)


def _merged(answer: Answer, before: Answer | None, blind: bool) -> Answer:
    """Return what is to be stored after what was said before; in a blind set the first verdict stands."""
    if not blind:
        if answer.after is not None:
            raise InputError("In an open set a verdict is changed by giving another: leave “after” out.")
        return answer
    if before is None:
        if answer.after is not None or answer.spans:
            raise InputError(FIRST)
        return answer
    if answer.verdict != before.verdict:
        raise InputError(FROZEN)
    if answer.after is None and before.after is not None:
        if answer.spans or answer.comment not in ("", before.comment):
            raise InputError(AFTER)
        return before  # the first verdict once more, which was on the way for long
    return replace(answer, confidence=before.confidence, seconds=before.seconds)
