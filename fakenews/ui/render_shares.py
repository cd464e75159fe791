"""What the page shows of links, shared analyses and reviews, pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from markupsafe import Markup

from fakenews.reporting.digits import share_text
from fakenews.schema import Span
from fakenews.share.review import OPINIONS, Kappa, Review, summarize
from fakenews.share.shared import Owned, Shared
from fakenews.share.snapshot import Snapshot
from fakenews.ui import render
from fakenews.ui.templates import draw
from fakenews.verdict import VERDICTS

_QUOTED, _NAMED = 90, 48  # characters of a marked stretch, and of a heading, that are shown
NOT_YET = "—"
FILTERS = (("All", "all"), ("New", "new"), ("Without a review", "waiting"))
BLIND = "Say what you think of it; then see what the models say."
MARK = (
    "Nothing marked yet. Select words in the text, then press “Mark selection”; or Tab to the text, select with "
    "Shift and the arrow keys, and press Enter."
)
NOTHING_SHARED = (
    "Nothing is shared under this key: analyze an article, press Share, and reviewers' answers will stand here."
)


def link(address: str, owner_address: str, expires: int, redacted: bool, blind: bool) -> Markup:
    """Draw both links, each with a button that copies it, and what they do."""
    links = {"address": address, "owner_address": owner_address}
    return draw("shares", "link", **links, until=day(expires), redacted=redacted, blind=blind)


def again(address: str) -> Markup:
    """Draw the link for reviewers once more."""
    return draw("shares", "again", address=address)


def nothing(sentence: str) -> Markup:
    """Draw why a link shows nothing, and the way to the page."""
    return draw("shares", "nothing", sentence=sentence)


def head(shared: Shared, changes: Sequence[str]) -> Markup:
    """Draw what is shared, when, by which code, until when; and what differs today."""
    snapshot, until = shared.snapshot, day(shared.expires)
    taken = snapshot.created[:16].replace("T", " ")
    if shared.hidden:
        changes, weights, sentences = (), "", f"Shared on {taken} UTC, kept until {until}. {BLIND}"
    else:
        sentences = f"As analyzed on {taken} UTC; kept until {until}."
        weights = ", ".join(f"{snapshot.titles[m]} {revision}" for m, revision in snapshot.revisions.items())
        sentences += " It was shared without its text: each block stands for a word." if snapshot.redacted else ""
    return draw("shares", "head", hidden=shared.hidden, sentences=sentences, changes=changes, weights=weights)


def thanks(shared: Shared) -> Markup:
    """Draw that a review is stored, and what happens next; it is read out, and focus can be brought to it."""
    return draw("shares", "thanks", until=day(shared.expires))


def marks(snapshot: Snapshot, spans: Sequence[Span], message: str = "") -> Markup:
    """Draw the stretches a reviewer has marked so far, each with a button that takes it away."""
    if not spans:
        return render.done(message) if message else render.caption(MARK)
    count = "1 stretch is marked." if len(spans) == 1 else f"{len(spans)} stretches are marked."
    keys = [f"{s.start}-{s.end}" for s in spans]
    quotes = [_quoted(snapshot.text[s.start : s.end]) for s in spans]
    return draw("shares", "marks", spans=keys, quotes=quotes, sentence=message or count)


def _quoted(text: str, at_most: int = _QUOTED) -> str:
    text = " ".join(text.split())
    return text if len(text) <= at_most else f"{text[: at_most - 1].rstrip()}…"


def owned(shares: Sequence[Owned], only: str = "all", words: str = "", since: int = 0) -> Markup:
    """Draw an owner's list: what is shared, what reviewers said, how far they agree.

    Parameters
    ----------
    only : str
        Key of `FILTERS`.
    words : str
        Part of a title, in any case.
    since : int
        Last visit, milliseconds since 1970; reviews finished later are new. 0 of a first visit, where none is.
    """
    if not shares:
        return render.caption(NOTHING_SHARED)

    def is_new(review: Review) -> bool:
        return bool(since and review.finished and review.finished > since)

    listed = [
        (sum(map(is_new, o.reviews)), sum(r.finished is not None for r in o.reviews), o)
        for o in shares
        if words.strip().lower() in _name(o.shared).lower()
    ]
    listed = [row for row in listed if {"all": True, "new": row[0], "waiting": not row[1]}[only]]
    rows = [
        (new, (_name(o.shared), _when(o.shared), day(o.shared.expires), _kind(o.shared), f"{finished}"))
        for new, finished, o in listed
    ]
    summary = summarize([(o.shared.snapshot, o.reviews) for _, _, o in listed])
    agreements = [
        ("On verdicts", "analyses", [_kappa(k) for k in summary.verdicts]),
        ("On words: marked, or among a model's twenty strongest", "words", [_kappa(k) for k in summary.marks]),
    ]
    values = {
        "shares": rows,
        "reviews": [(is_new(r), _review(o, r)) for _, _, o in listed for r in o.reviews],
        "summary": summary,
        "agreements": agreements,
        "n_new": sum(map(is_new, (r for o in shares for r in o.reviews))),
        "since": f"{datetime.fromtimestamp(since / 1000, UTC):%Y-%m-%d %H:%M}" if since else "",
    }
    return draw("shares", "owned", **values)


def _review(share: Owned, review: Review) -> tuple[str, ...]:
    titles, text = share.shared.snapshot.titles, share.shared.snapshot.text
    agree = [f"{'agrees' if yes else 'disagrees'} with {titles[m]}" for m, yes in (review.agree or {}).items()]
    quotes = [f"“{_quoted(text[s.start : s.end])}”" for s in review.spans]
    after = OPINIONS[review.verdict] if review.verdict else "begun only"
    first = OPINIONS[review.first_verdict] if review.first_verdict else NOT_YET
    rest = (text or NOT_YET for text in ("; ".join(agree), "; ".join(quotes), review.comment))
    return (review.name, _name(share.shared), first, after, *rest)


def _kappa(kappa: Kappa) -> tuple[str, ...]:
    value = NOT_YET if kappa.kappa is None else f"{kappa.kappa:.2f}"
    return (
        f"{kappa.first} and {kappa.second}",
        f"{kappa.n:,}",
        share_text(round(kappa.agreed * kappa.n), kappa.n),
        value,
    )


def choices(owned: Sequence[Owned]) -> list[tuple[str, str]]:
    """Return name and id of everything shared."""
    return [(named(o.shared), o.id) for o in owned]


def named(shared: Shared) -> str:
    """Return what tells a share from others of the same text: its heading, kind and second."""
    return f"{_name(shared)}{', blind' if shared.blind else ''}, shared {_when(shared)} UTC"


def _name(shared: Shared) -> str:
    return _quoted(shared.snapshot.heading, _NAMED) or "Without its text"


def _when(shared: Shared) -> str:
    return shared.snapshot.created[:19].replace("T", " ")


def _kind(shared: Shared) -> str:
    return "blind" if shared.blind else "without text" if shared.snapshot.redacted else "open"


def day(milliseconds: int) -> str:
    """Return a date, UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date().isoformat()


def own_words(verdict: str, snapshot: Snapshot) -> Markup:
    """Draw a reviewer's first verdict beside those of the models."""
    titles, predictions = snapshot.titles, snapshot.analysis.predictions
    models = "; ".join(f"{titles[p.model]}: {VERDICTS[p.verdict].lower()}" for p in predictions)
    return render.caption(f"You said first: {OPINIONS[verdict].lower()}. {models}.")
