"""An owner's list: everything shared under one key, with reviews and agreement, as JSON or JSON lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fakenews.share.review import summarize
from fakenews.share.shared import Owned


def listing(shares: Sequence[Owned]) -> dict[str, Any]:
    """Return the JSON form: every share with its reviews, and their agreement."""
    return {
        "shares": [_share(o) | {"reviews": [r.to_dict() for r in o.reviews]} for o in shares],
        "agreement": summarize([(o.shared.snapshot, o.reviews) for o in shares]).to_dict(),
    }


def review_lines(shares: Sequence[Owned]) -> str:
    """Return a line of JSON for every review, with the share it is of."""
    rows = [{"share": _share(o), "review": r.to_dict()} for o in shares for r in o.reviews]
    return "".join(json.dumps(row) + "\n" for row in rows)


def _share(owned: Owned) -> dict[str, Any]:
    snapshot = owned.shared.snapshot
    return {
        "id": owned.id,
        "heading": snapshot.heading,
        "created": snapshot.created,
        "expires": owned.shared.expires,
        "blind": owned.shared.blind,
        "redacted": snapshot.redacted,
        "verdicts": {p.model: p.verdict for p in snapshot.analysis.predictions},
    }
