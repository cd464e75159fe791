"""Events: everything that happens to a shared analysis, and the one way of each into the tables."""

from __future__ import annotations

import json
import re
import zlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from fakenews.share.bucket import Event
from fakenews.share.tables import REVIEWS, SHARES

if TYPE_CHECKING:
    from sqlalchemy import Connection

ORDER = {"share": 0, "expire": 1, "begin": 2, "review": 3, "delete": 4}  # in which a bucket's events are applied


def is_event(values: Event) -> bool:
    """Return whether an object of the bucket says what happened, to which share and when."""
    kind, share, at = (values.get(key) for key in ("kind", "share", "at"))
    named = isinstance(kind, str) and kind in ORDER and isinstance(at, int)
    return named and isinstance(share, str) and re.fullmatch("[0-9a-f]{64}", share) is not None


def apply(connection: Connection, event: Event) -> bool:
    """Write an event to the tables, new or from the bucket; False where it belongs to a share that is missing."""
    kind, share = event["kind"], event["share"]
    if kind == "share":
        connection.execute(
            insert(SHARES).values(
                id_hash=share, owner_hash=event["owner"], nonce=event["nonce"], created=event["at"],
                expires=event["expires"], blind=event["blind"], size=event["size"],
                snapshot=zlib.compress(json.dumps(event["snapshot"], allow_nan=False).encode()),
            )
        )  # fmt: skip
        return True
    if connection.execute(select(SHARES.c.id_hash).where(SHARES.c.id_hash == share)).first() is None:
        return False
    if kind == "expire":
        connection.execute(update(SHARES).where(SHARES.c.id_hash == share).values(expires=event["expires"]))
    elif kind == "begin":
        first = {"begun": event["at"], "first_verdict": event["verdict"]}
        _store_review(connection, event, first, {"name": event["name"]})
    elif kind == "review":
        last = {"name": event["name"], "finished": event["at"], "body": json.dumps(event["body"])}
        _store_review(connection, event, last, {"begun": event["at"]})
    elif kind == "delete":
        connection.execute(delete(REVIEWS).where(REVIEWS.c.share_hash == share))
        connection.execute(delete(SHARES).where(SHARES.c.id_hash == share))
    return True


def _store_review(connection: Connection, event: Event, values: dict[str, Any], if_new: dict[str, Any]) -> None:
    mine = REVIEWS.c.id_hash == event["review"]
    if not connection.execute(update(REVIEWS).where(mine).values(**values)).rowcount:
        row = {"id_hash": event["review"], "share_hash": event["share"], **values, **if_new}
        connection.execute(insert(REVIEWS).values(**row))
