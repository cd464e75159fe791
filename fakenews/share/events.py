"""Events: everything that happens to a shared analysis or a review set, and the one way of each into the tables."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from fakenews.share.bucket import Event
from fakenews.share.tables import ANSWERS, ITEMS, REVIEWERS, REVIEWS, SETS, SHARES

if TYPE_CHECKING:
    from sqlalchemy import Connection

# In which a bucket's events are applied.
KINDS = (
    *("share", "set", "items", "analysis", "expire", "close"),
    *("begin", "review", "reviewer", "answer", "forget", "delete"),
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
    if kind == "share":
        connection.execute(insert(SHARES).values(**_share(event)))
        return True
    if kind == "set":
        connection.execute(insert(SETS).values(**_set(event)))
        _items(connection, {**event, "first": 0})
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
    first = {
        "created": event["at"],
        "n_first": len(event["items"]),
        "n_begun": 0,
        "decided": 0,
        "size": 0,
        "claimed": 0,
    }
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
    mine = REVIEWS.c.id_hash == event["review"]
    if not connection.execute(update(REVIEWS).where(mine).values(**values)).rowcount:
        row = {"id_hash": event["review"], "share_hash": event["share"], **values, **if_new}
        connection.execute(insert(REVIEWS).values(**row))


def _delete_share(connection: Connection, event: Event) -> None:
    connection.execute(delete(REVIEWS).where(REVIEWS.c.share_hash == event["share"]))
    connection.execute(delete(SHARES).where(SHARES.c.id_hash == event["share"]))


def _items(connection: Connection, event: Event) -> None:
    rows = [
        {
            "set_hash": event["share"],
            "number": number,
            **{key: item[key] for key in ("label", "corpus", "article", "digest")},
            "text": None if item["text"] is None else packed(item["text"]),
        }
        for number, item in enumerate(event["items"], event["first"])
    ]
    connection.execute(insert(ITEMS), rows)
    _grow(connection, event)


def _analysis(connection: Connection, event: Event) -> bool:
    snapshot, models = event["snapshot"], event["models"]
    values = {
        "analyzed": event["at"],
        "models": None if models is None else json.dumps(models),
        "snapshot": None if snapshot is None else packed(snapshot),
        "problem": event["problem"],
    }
    mine = (ITEMS.c.set_hash == event["share"]) & (ITEMS.c.number == event["number"])
    if not connection.execute(update(ITEMS).where(mine).values(**values)).rowcount:
        return False
    _grow(connection, event)
    return True


def _grow(connection: Connection, event: Event) -> None:
    mine = SETS.c.id_hash == event["share"]
    connection.execute(update(SETS).where(mine).values(size=SETS.c.size + event["size"]))


def _close(connection: Connection, event: Event) -> None:
    values = {"closed": event["at"] if event["closed"] else None, "decided": event["at"]}
    latest = (SETS.c.id_hash == event["share"]) & (SETS.c.decided <= event["at"])
    connection.execute(update(SETS).where(latest).values(**values))


def _reviewer(connection: Connection, event: Event) -> None:
    values = {key: event[key] for key in ("number", "name", "seed")}
    row = {"id": event["reviewer"], "key_hash": event["key"], "set_hash": event["share"], "begun": event["at"]}
    connection.execute(insert(REVIEWERS).values(**values, **row))
    _count(connection, event)


def _answer(connection: Connection, event: Event) -> bool:
    key = {"reviewer_id": event["reviewer"], "number": event["number"]}
    if connection.execute(select(REVIEWERS.c.id).where(REVIEWERS.c.id == event["reviewer"])).first() is None:
        return False
    mine = (ANSWERS.c.reviewer_id == event["reviewer"]) & (ANSWERS.c.number == event["number"])
    saved = connection.execute(select(ANSWERS.c.saved).where(mine)).scalar()
    if saved is None or saved < event["at"]:
        values = {name: event[name] for name in ("verdict", "confidence", "seconds", "after")}
        values |= {"body": json.dumps(event["body"]), "saved": event["at"]}
        connection.execute(
            insert(ANSWERS).values(**key, **values) if saved is None else update(ANSWERS).where(mine).values(**values)
        )
    return True


def _forget(connection: Connection, event: Event) -> None:
    connection.execute(delete(ANSWERS).where(ANSWERS.c.reviewer_id == event["reviewer"]))
    connection.execute(delete(REVIEWERS).where(REVIEWERS.c.id == event["reviewer"]))
    _count(connection, event)


def _count(connection: Connection, event: Event) -> None:
    """Keep the number of a reviewer from being given to another, also after this one was deleted."""
    fewer = (SETS.c.id_hash == event["share"]) & (SETS.c.n_begun < event["number"])
    connection.execute(update(SETS).where(fewer).values(n_begun=event["number"]))


def _delete_set(connection: Connection, event: Event) -> None:
    reviewers = select(REVIEWERS.c.id).where(REVIEWERS.c.set_hash == event["share"])
    connection.execute(delete(ANSWERS).where(ANSWERS.c.reviewer_id.in_(reviewers)))
    for table in (REVIEWERS, ITEMS):
        connection.execute(delete(table).where(table.c.set_hash == event["share"]))
    connection.execute(delete(SETS).where(SETS.c.id_hash == event["share"]))


_Step = Callable[["Connection", Event], bool | None]
_OF_A_SHARE: dict[str, _Step] = {"begin": _begin, "review": _review, "delete": _delete_share}
_OF_A_SET: dict[str, _Step] = {
    "items": _items,
    "analysis": _analysis,
    "close": _close,
    "reviewer": _reviewer,
    "answer": _answer,
    "forget": _forget,
    "delete": _delete_set,
}
