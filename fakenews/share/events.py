"""Events: everything that happens to a shared analysis or a review set, and the one way of each into the tables."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, insert, select, update

from fakenews.share.bucket import Event
from fakenews.share.tables import ANSWERS, ITEMS, REVIEWERS, REVIEWS, SETS, SHARES

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

# In which a bucket's events are applied.
KINDS = ("share", "set", "item", "analysis", "expire", "close") + (
    "begin",
    "review",
    "reviewer",
    "answer",
    "forget",
    "delete",
)
ORDER = {kind: i for i, kind in enumerate(KINDS)}


def is_event(values: Event) -> bool:
    """Return whether an object of the bucket says what happened, to which share and when."""
    kind, share, at = (values.get(key) for key in ("kind", "share", "at"))
    named = isinstance(kind, str) and kind in ORDER and isinstance(at, int)
    return named and isinstance(share, str) and re.fullmatch("[0-9a-f]{64}", share) is not None


def apply(connection: Connection, event: Event) -> bool:
    """Write an event to the tables, new or from the bucket; False where it belongs to something that is missing."""
    kind, share = event["kind"], event["share"]
    if kind in ("share", "set"):
        connection.execute(
            insert(SHARES).values(**_share(event)) if kind == "share" else insert(SETS).values(**_set(event))
        )
        return True
    for table, steps in ((SHARES, _OF_A_SHARE), (SETS, _OF_A_SET)):
        if connection.execute(select(table.c.id_hash).where(table.c.id_hash == share)).first() is not None:
            if kind == "expire":
                connection.execute(update(table).where(table.c.id_hash == share).values(expires=event["expires"]))
                return True
            return steps[kind](connection, event) is not False
    return False


def _share(event: Event) -> dict[str, Any]:
    return {
        "id_hash": event["share"],
        "owner_hash": event["owner"],
        "nonce": event["nonce"],
        "created": event["at"],
        "expires": event["expires"],
        "blind": event["blind"],
        "size": event["size"],
        "snapshot": packed(event["snapshot"]),
    }


def _set(event: Event) -> dict[str, Any]:
    same = {key: event[key] for key in ("nonce", "expires", "blind", "title", "instructions", "seed")}
    models = json.dumps(event["models"])
    first = {"created": event["at"], "size": 0, "claimed": 0}
    return {"id_hash": event["share"], "owner_hash": event["owner"], "models": models, **same, **first}


def packed(values: Any) -> bytes:
    """Return JSON as the tables keep it."""
    return zlib.compress(json.dumps(values, allow_nan=False).encode())


def unpacked(stored: bytes) -> Any:
    """Invert `packed`."""
    return json.loads(zlib.decompress(stored))


def _begin(connection: Connection, event: Event) -> None:
    first = {"begun": event["at"], "first_verdict": event["verdict"]}
    _store_review(connection, event, first, {"name": event["name"]})


def _review(connection: Connection, event: Event) -> None:
    last = {"name": event["name"], "finished": event["at"], "body": json.dumps(event["body"])}
    _store_review(connection, event, last, {"begun": event["at"]})


def _store_review(connection: Connection, event: Event, values: dict[str, Any], if_new: dict[str, Any]) -> None:
    row = {"share_hash": event["share"], **if_new}
    _store(connection, REVIEWS, {"id_hash": event["review"]}, values, row)


def _delete_share(connection: Connection, event: Event) -> None:
    connection.execute(delete(REVIEWS).where(REVIEWS.c.share_hash == event["share"]))
    connection.execute(delete(SHARES).where(SHARES.c.id_hash == event["share"]))


def _item(connection: Connection, event: Event) -> None:
    text = event["text"]
    values = {key: event[key] for key in ("label", "corpus", "article", "digest")}
    key = {"set_hash": event["share"], "number": event["number"]}
    _store(connection, ITEMS, key, {**values, "text": None if text is None else packed(text)}, {})
    _grow(connection, event)


def _analysis(connection: Connection, event: Event) -> None:
    snapshot, models = event["snapshot"], event["models"]
    values = {
        "models": None if models is None else json.dumps(models),
        "snapshot": None if snapshot is None else packed(snapshot),
        "problem": event["problem"],
    }
    mine = (ITEMS.c.set_hash == event["share"]) & (ITEMS.c.number == event["number"])
    connection.execute(update(ITEMS).where(mine).values(**values))
    _grow(connection, event)


def _grow(connection: Connection, event: Event) -> None:
    mine = SETS.c.id_hash == event["share"]
    connection.execute(update(SETS).where(mine).values(size=SETS.c.size + event["size"]))


def _close(connection: Connection, event: Event) -> None:
    closed = event["at"] if event["closed"] else None
    connection.execute(update(SETS).where(SETS.c.id_hash == event["share"]).values(closed=closed))


def _reviewer(connection: Connection, event: Event) -> None:
    values = {key: event[key] for key in ("number", "name", "seed")}
    row = {"set_hash": event["share"], "begun": event["at"]}
    _store(connection, REVIEWERS, {"id_hash": event["reviewer"]}, values, row)


def _answer(connection: Connection, event: Event) -> bool:
    mine = REVIEWERS.c.id_hash == event["reviewer"]
    if connection.execute(select(REVIEWERS.c.id_hash).where(mine)).first() is None:
        return False
    values = {key: event[key] for key in ("verdict", "confidence", "seconds", "after")}
    values |= {"body": json.dumps(event["body"]), "saved": event["at"]}
    _store(connection, ANSWERS, {"reviewer_hash": event["reviewer"], "number": event["number"]}, values, {})
    return True


def _forget(connection: Connection, event: Event) -> None:
    connection.execute(delete(ANSWERS).where(ANSWERS.c.reviewer_hash == event["reviewer"]))
    connection.execute(delete(REVIEWERS).where(REVIEWERS.c.id_hash == event["reviewer"]))


def _delete_set(connection: Connection, event: Event) -> None:
    reviewers = select(REVIEWERS.c.id_hash).where(REVIEWERS.c.set_hash == event["share"])
    connection.execute(delete(ANSWERS).where(ANSWERS.c.reviewer_hash.in_(reviewers)))
    for table in (REVIEWERS, ITEMS):
        connection.execute(delete(table).where(table.c.set_hash == event["share"]))
    connection.execute(delete(SETS).where(SETS.c.id_hash == event["share"]))


def _store(
    connection: Connection, table: Table, key: dict[str, Any], values: dict[str, Any], if_new: dict[str, Any]
) -> None:
    """Write a row, or change the one of this key."""
    mine = and_(*(table.c[name] == value for name, value in key.items()))
    if not connection.execute(update(table).where(mine).values(**values)).rowcount:
        connection.execute(insert(table).values(**key, **values, **if_new))


_Step = Callable[["Connection", Event], bool | None]
_OF_A_SHARE: dict[str, _Step] = {"begin": _begin, "review": _review, "delete": _delete_share}
_OF_A_SET: dict[str, _Step] = {
    "item": _item,
    "analysis": _analysis,
    "close": _close,
    "reviewer": _reviewer,
    "answer": _answer,
    "forget": _forget,
    "delete": _delete_set,
}
