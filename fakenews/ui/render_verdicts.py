"""Markup of verdicts, pure: cards, agreement, formatting test and the page before the first run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from fakenews.classifiers.ensemble import MEMBERS
from fakenews.data.registry import DATASETS
from fakenews.engine.values import Analysis
from fakenews.formatting import EDITS, EditOutcome, FormattingTest
from fakenews.schema import Prediction
from fakenews.similar.neighbours import TrackRecord
from fakenews.ui import render
from fakenews.verdict import REASONS, UNDECIDED, VERDICTS, agreement, share_sentence

HOW_OFTEN = "How often it is right"
NEIGHBOUR_CORPORA = 3  # named in a track record; the others are counted


def verdicts_heard(analysis: Analysis, titles: Mapping[str, str]) -> str:
    """What every model says, to be heard."""
    said = []
    for p in analysis.predictions:
        why = _reasons(p) if p.verdict == "cannot_judge" else f"{render.percent(p.p_fake)} fake"
        said.append(f"{titles[p.model]}: {VERDICTS[p.verdict]}{f', {why}' if why else ''}.")
    return render.heard(" ".join(said))


def verdicts(analysis: Analysis, titles: Mapping[str, str], records: Mapping[str, str]) -> str:
    """All models together, the cards side by side, and the strip on agreement and formatting beneath.

    Parameters
    ----------
    titles : mapping
        Name of each model for people.
    records : mapping
        One sentence per model on what it reached where it was measured; may lack models.
    """
    tracks = {r.model: track_record(r) for r in analysis.track_records}
    drawn = {
        p.model: _card(p, titles[p.model], tracks.get(p.model, (HOW_OFTEN, "")), records.get(p.model, ""))
        for p in analysis.predictions
    }
    ensembles = [model for model in drawn if model in MEMBERS][: len(drawn) - 1]
    together = "".join(f'<div class="fn-together">{drawn.pop(model)}</div>' for model in ensembles)
    cards = "".join(drawn.values())
    test = _formatting(analysis.formatting, titles)
    return (
        f'<h2 class="fn-sr">Verdicts</h2>{together}<div class="fn-cards">{cards}</div>'
        f'<div class="fn-strip"><span>{escape(agreement(analysis.predictions))}</span>{test}</div>'
    )


def reading(analysis: Analysis) -> str:
    """The line under the text box: how much there is and how much was read."""
    words = f"{analysis.n_words:,} words" if analysis.n_words != 1 else "1 word"
    return f'<p class="fn-meta">{words} read, whole text · answered in {analysis.seconds:.2f} s</p>'


def track_record(record: TrackRecord) -> tuple[str, str]:
    """How a model fared on the held-out articles most like a text, in one sentence, and which articles these are."""
    places = [(DATASETS[name].title if name in DATASETS else name, n) for name, n in record.corpora.items()]
    told = "nearest to it, " + ", ".join(f"{n} of {place}" for place, n in places[:NEIGHBOUR_CORPORA])
    rest = sum(n for _, n in places[NEIGHBOUR_CORPORA:])
    told += f", {rest} of others" if rest else ""
    if record.error is None or record.interval is None:
        return "On text like this it gave no verdict", f"On none of the {record.n_nearest} held-out articles {told}."
    low, high = (100 * bound for bound in record.interval)
    wrong = f"wrong {100 * record.error:.0f} % of the time ({low:.0f}–{high:.0f} %)"
    if record.n_nearest is None:
        return f"On text like this it was {wrong}", f"Measured on the {record.n} held-out articles {told}."
    return (
        f"On text like this its verdicts were {wrong}",
        f"It gave {record.n} on the {record.n_nearest} held-out articles {told}.",
    )


def examples(choices: Sequence[tuple[str, str, str]]) -> str:
    """What the right column shows before the first run: words, one picture, three examples (key, title, kind)."""
    buttons = "".join(
        f'<button type="button" data-open="{escape(key)}"><b>{escape(title)}</b><small>{escape(kind)}</small></button>'
        for key, title, kind in choices
    )
    return (
        '<div class="fn-empty"><h2>Two models read your article, side by side</h2>'
        "<p>Each says how much it resembles the fake or the real class of its training data, with a calibrated "
        "probability, and marks the words that moved it. Neither knows whether a story is true.</p>"
        '<div class="fn-scale fn-fake" role="img" aria-label="Example of the scale: a dot towards the fake class, '
        'and a hatched band in the middle where no verdict is given."><i></i>'
        f'<u style="left:{100 * UNDECIDED[0]:.0f}%;width:{100 * (UNDECIDED[1] - UNDECIDED[0]):.0f}%"></u>'
        '<b style="left:84%"></b></div>'
        '<div class="fn-ends"><span>like the real class</span><span>too close to call</span>'
        "<span>like the fake class</span></div>"
        '<p class="fn-text fn-sample">Insiders say they <mark class="fn-f4">never wanted you</mark> to '
        '<mark class="fn-f2">read</mark> this. A <mark class="fn-r3">spokesman</mark> '
        '<mark class="fn-r5">said</mark> on <mark class="fn-r4">Tuesday</mark> the figures were preliminary.</p>'
        f'<h3>Try one, written for this demo</h3><div class="fn-examples">{buttons}</div></div>'
    )


def _card(prediction: Prediction, title: str, track: tuple[str, str], record: str) -> str:
    sure = prediction.verdict != "cannot_judge"
    tone = prediction.verdict if sure else "none"
    low, high = (100 * x for x in UNDECIDED)
    reasons = _reasons(prediction)
    towards = "fake" if prediction.margin >= 0 else "real"
    margin = f"Margin {abs(prediction.margin):.2f} log-odds towards {towards}."
    behind = [part for part in (track[1], record, margin) if part]
    p = render.percent(prediction.p_fake)
    number = (
        f"<b>{p}</b> probability of resembling the fake class" if sure else f"<b>{p}</b> fake, for what it is worth"
    )
    share = "" if prediction.share_fake is None else share_sentence(prediction.share_fake)
    return (
        f'<article class="fn-card" data-model="{escape(prediction.model)}" data-verdict="{prediction.verdict}">'
        f"<h3>{escape(title)}</h3>"
        f'<p class="fn-verdict">{VERDICTS[prediction.verdict]}</p>'
        f'<div class="fn-scale fn-{tone}" role="img" aria-label="On a scale from like the real class to like the fake '
        f'class this text stands at {p}; between {low:.0f} and {high:.0f} per cent is undecided.">'
        f'<i></i><u style="left:{low:.0f}%;width:{high - low:.0f}%"></u>'
        f'<b style="left:{100 * prediction.p_fake:.1f}%"></b></div>'
        '<div class="fn-ends"><span>like the real class</span><span>like the fake class</span></div>'
        f'<p class="fn-number">{number}</p>'
        + (f'<p class="fn-soft">{share}</p>' if share else "")
        + (f'<p class="fn-soft">{_sentence(reasons)}.</p>' if reasons else "")
        + f'<details class="fn-record"><summary>{escape(track[0])}</summary><p>{escape(" ".join(behind))}</p></details>'
        + "</article>"
    )


def _formatting(test: FormattingTest | None, titles: Mapping[str, str]) -> str:
    """What the formatting test found, and behind it what every edit did."""
    if test is None:
        return "<span>Formatting test: under way</span>"
    applied = [o for o in test.outcomes if o.changed]
    if test.moved:
        told = f"Formatting alone turns round {' and '.join(titles[m] for m in test.moved)}"
    else:
        told = "Formatting test: no answer turned round"
    headers = [("Edit", False), *((f"{titles[m]}, fake", True) for m in test.p_fake)]
    rows = [("", ("as it is", *(render.percent(p) for p in test.p_fake.values())))]
    described = {o.edit: EDITS[o.edit].description if o.edit in EDITS else o.edit for o in applied}
    rows += [("", (described[o.edit], *(_after(o, m) for m in test.p_fake))) for o in applied]
    unchanged = len(test.outcomes) - len(applied)
    note = f"{unchanged} more edits found nothing to change. " if unchanged else ""
    return (
        f"<details><summary>{escape(told)}</summary>{render.table(headers, rows, 'Formatting test')}"
        f'<p class="fn-meta">{note}Each edit keeps the meaning; an honest model hardly moves.</p></details>'
    )


def _after(outcome: EditOutcome, model: str) -> str:
    return render.percent(outcome.p_fake[model]) + (", turned round" if model in outcome.moved else "")


def _reasons(prediction: Prediction) -> str:
    return "; ".join(REASONS.get(r, r) for r in prediction.reasons)


def _sentence(text: str) -> str:
    return escape(text[:1].upper() + text[1:])
