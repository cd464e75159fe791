"""Markup of links, shared analyses and reviews, pure; every piece of anybody's text is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from fakenews.schema import Span
from fakenews.share.review import OPINIONS, Kappa, Review, Summary, summarize
from fakenews.share.shared import Owned, Shared
from fakenews.share.snapshot import Snapshot
from fakenews.ui import render
from fakenews.verdict import VERDICTS

_QUOTED, _NAMED = 90, 48  # characters of a marked stretch, and of a heading, that are shown
NOT_YET = "—"
READERS = "Link for reviewers"
BLIND = "Say what you think of it; then see what the models say."
MARK = (
    "Nothing marked yet. Select words in the text above, then press “Mark selection”; or Tab to the text, select with "
    "Shift and the arrow keys, and press Enter."
)
NOTHING_SHARED = (
    "Nothing is shared under this key: analyse an article, press Share, and reviewers' answers will stand here."
)

# A click on anything with data-copy copies it and says so; where the browser refuses, the text is selected instead.
COPY = """element.addEventListener('click', async e => {
  const b = e.target.closest('[data-copy]');
  if (!b) return;
  const field = document.getElementById(b.dataset.copy);
  field.select();
  let done = false;
  try { await navigator.clipboard.writeText(field.value); done = true; }
  catch { done = document.execCommand('copy'); }
  b.firstChild.data = done ? 'Copied' : 'Selected';
});"""


def done(sentence: str) -> str:
    """What a press of a button came to; it is read out, and focus can be brought to it."""
    return f'<p class="fn-meta" role="status" tabindex="-1">{escape(sentence)}</p>'


def link(address: str, owner_address: str, expires: int, redacted: bool, blind: bool) -> str:
    """Both links, each with a button that copies it, and what they do."""
    how = "highlights and numbers, no word of the text" if redacted else "the text, its highlights and numbers"
    order = " Readers judge first and see the models' answers after." if blind else ""
    own = "Your own link, to delete it and to see the reviews"
    return (
        f'<div class="fn-links" role="status">{_copied("fn-link", READERS, address)}'
        f"{render.caption(f'Shows {how}, as they are now, until {day(expires)}.{order}')}"
        f"{_copied('fn-owner-link', own, owner_address, 'your own link')}"
        f"{render.caption('Keep this one to yourself: there is no account, and whoever has it can delete.')}</div>"
    )


def _copied(id_: str, label: str, address: str, what: str = "the link for reviewers") -> str:
    return (
        f'<label for="{id_}">{escape(label)}</label><div class="fn-copy"><input id="{id_}" readonly '
        f'value="{escape(address)}"><button type="button" data-copy="{id_}">Copy<span class="fn-sr"> {what}</span>'
        "</button></div>"
    )


def again(address: str) -> str:
    """The link for reviewers once more."""
    return f'<div class="fn-links" role="status">{_copied("fn-link-copy", READERS, address)}</div>'


def head(shared: Shared, changes: Sequence[str]) -> str:
    """What is shared, when, by which code, until when; and what differs today."""
    snapshot = shared.snapshot
    title = "Read it first" if shared.hidden else "A shared analysis"
    taken = snapshot.created[:16].replace("T", " ")
    if shared.hidden:
        told = f"Shared on {taken} UTC, here until {day(shared.expires)}. {BLIND}"
        return f'<h1 tabindex="-1">{title}</h1><p class="fn-meta">{told}</p>'
    weights = ", ".join(f"{snapshot.titles[m]} {revision}" for m, revision in snapshot.revisions.items())
    told = f"As analysed on {taken} UTC with {weights}; no model was asked again. Here until {day(shared.expires)}."
    told += " It was shared without its text: each block stands for a word." if snapshot.redacted else ""
    note = "".join(f"<li>{escape(change)}</li>" for change in changes)
    if note:
        since = "The numbers below are those of the day of sharing. Since then:"
        note = f'<div class="fn-note"><p>{since}</p><ul>{note}</ul></div>'
    return f'<h1 tabindex="-1">{title}</h1><p class="fn-meta">{escape(told)}</p>{note}'


def marks(snapshot: Snapshot, spans: Sequence[Span], said: str = "") -> str:
    """The stretches a reviewer has marked so far, each with a button that takes it away."""
    if not spans:
        return done(said) if said else render.caption(MARK)
    items = []
    for s in spans:
        quote = escape(_quoted(snapshot.text[s.start : s.end]))
        items.append(
            f'<li><q>{quote}</q> <button type="button" data-open="{s.start}-{s.end}" '
            f'aria-label="remove “{quote}”">remove</button></li>'
        )
    places = " ".join(f"{s.start}-{s.end}" for s in spans)
    count = "1 stretch is marked." if len(spans) == 1 else f"{len(spans)} stretches are marked."
    return f'{done(said or count)}<ul class="fn-marks" data-spans="{places}">{"".join(items)}</ul>'


def _quoted(text: str, at_most: int = _QUOTED) -> str:
    text = " ".join(text.split())
    return text if len(text) <= at_most else f"{text[: at_most - 1].rstrip()}…"


def owned(found: Sequence[Owned]) -> str:
    """An owner's list: what is shared, what reviewers said, how far they agree."""
    if not found:
        return render.caption(NOTHING_SHARED)
    headers = [("Shared", False), ("On (UTC)", False), ("Until", False), ("Kind", False), ("Reviews", True)]
    rows = [
        (
            "",
            (
                _name(o.shared),
                _when(o.shared),
                day(o.shared.expires),
                _kind(o.shared),
                f"{sum(r.finished is not None for r in o.reviews)}",
            ),
        )
        for o in found
    ]
    summary = summarize([(o.shared.snapshot, o.reviews) for o in found])
    reviews = [(o, r) for o in found for r in o.reviews]
    return (
        render.table(headers, rows, "What is shared")
        + ("<h3>Reviews</h3>" + _reviews(reviews) if reviews else render.caption("No review yet."))
        + (_agreement(summary) if reviews else "")
    )


def _reviews(reviews: Sequence[tuple[Owned, Review]]) -> str:
    headers = [
        ("Reviewer", False), ("Of", False), ("Before seeing the models", False), ("After", False),
        ("Models", False), ("Marked", False), ("Comment", False),
    ]  # fmt: skip
    rows = []
    for o, r in reviews:
        titles = o.shared.snapshot.titles
        agree = "; ".join(f"{'agrees' if yes else 'disagrees'} with {titles[m]}" for m, yes in (r.agree or {}).items())
        quotes = "; ".join(f"“{_quoted(o.shared.snapshot.text[s.start : s.end])}”" for s in r.spans)
        after = OPINIONS[r.verdict] if r.verdict else "begun only"
        first = OPINIONS[r.first_verdict] if r.first_verdict else NOT_YET
        rest = (agree or NOT_YET, quotes or NOT_YET, r.comment or NOT_YET)
        rows.append(("", (r.name, _name(o.shared), first, after, *rest)))
    return render.table(headers, rows, "Reviews")


def _agreement(summary: Summary) -> str:
    if summary.n_blind:
        changed = (
            f"Of {summary.n_blind} blind {'review' if summary.n_blind == 1 else 'reviews'}, {summary.n_changed} had "
            "another verdict once the models' answers were seen."
        )
    else:
        changed = "No blind review yet, so nothing can be said on whether the models change minds."
    parts = ["<h3>Agreement</h3>", f'<p class="fn-read">{changed}</p>']
    for kappas, what, unit in (
        (summary.verdicts, "On verdicts", "analyses"),
        (summary.marks, "On words: marked, or among a model's twenty strongest", "words"),
    ):
        if kappas:
            headers = [(what, False), (unit, True), ("agree", True), ("Cohen's κ", True)]
            parts.append(render.table(headers, [("", _kappa(k)) for k in kappas], what))
    parts.append(
        render.caption(
            "κ is 1 where two always agree and 0 where they agree as often as chance would have it. It takes two items "
            "and two different answers at least; “—” means there are not. Blind verdicts count as first given, before "
            "the models were seen."
        )
    )
    return "".join(parts)


def _kappa(found: Kappa) -> tuple[str, ...]:
    value = NOT_YET if found.kappa is None else f"{found.kappa:.2f}"
    return f"{found.first} and {found.second}", f"{found.n:,}", f"{100 * found.agreed:.0f} %", value


def choices(found: Sequence[Owned]) -> list[tuple[str, str]]:
    """Name and id of everything shared."""
    return [(named(o.shared), o.id) for o in found]


def named(shared: Shared) -> str:
    """What tells a share from others of the same text: its heading, kind and second."""
    return f"{_name(shared)}{', blind' if shared.blind else ''}, shared {_when(shared)} UTC"


def _name(shared: Shared) -> str:
    return _quoted(shared.snapshot.heading, _NAMED) or "Without its text"


def _when(shared: Shared) -> str:
    return shared.snapshot.created[:19].replace("T", " ")


def _kind(shared: Shared) -> str:
    return "blind" if shared.blind else "without text" if shared.snapshot.redacted else "open"


def day(milliseconds: int) -> str:
    """A date, UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date().isoformat()


def own_words(verdict: str, snapshot: Snapshot) -> str:
    """What a reviewer said first, beside what every model says."""
    titles, predictions = snapshot.titles, snapshot.analysis.predictions
    models = "; ".join(f"{titles[p.model]}: {VERDICTS[p.verdict].lower()}" for p in predictions)
    return render.caption(f"You said first: {OPINIONS[verdict].lower()}. {models}.")
