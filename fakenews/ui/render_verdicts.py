"""What the page shows of verdicts, pure: cards, agreement, formatting test and the page before the first run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from fakenews.classifiers.ensemble import MEMBERS
from fakenews.data.registry import DATASETS
from fakenews.engine.values import Analysis
from fakenews.formatting import EDITS, EditOutcome, FormattingTest
from fakenews.schema import Prediction
from fakenews.similar.neighbours import TrackRecord
from fakenews.ui import render
from fakenews.ui.templates import draw
from fakenews.verdict import REASONS, VERDICTS, agreement, share_sentence

HOW_OFTEN = "How often it is right"
NEIGHBOUR_CORPORA = 3  # named in a track record; the others are counted


def verdicts_heard(analysis: Analysis, titles: Mapping[str, str]) -> Markup:
    """Draw what every model says, to be heard."""
    sentences = []
    for p in analysis.predictions:
        why = _reasons(p) if p.verdict == "cannot_judge" else f"{render.percent(p.p_fake)} fake"
        sentences.append(f"{titles[p.model]}: {VERDICTS[p.verdict]}{f', {why}' if why else ''}.")
    return render.heard(" ".join(sentences))


def verdicts(analysis: Analysis, titles: Mapping[str, str], records: Mapping[str, str]) -> Markup:
    """Draw all models together, the cards side by side, and the strip on agreement and formatting beneath.

    Parameters
    ----------
    titles : mapping
        Name of each model for people.
    records : mapping
        One sentence per model on what it reached where it was measured; may lack models.
    """
    tracks = {r.model: track_record(r) for r in analysis.track_records}
    cards = {
        p.model: _card(p, titles[p.model], tracks.get(p.model, (HOW_OFTEN, "")), records.get(p.model, ""))
        for p in analysis.predictions
    }
    together = [cards.pop(model) for model in [m for m in cards if m in MEMBERS][: len(cards) - 1]]
    test = _formatting(analysis.formatting, titles)
    relation = agreement(analysis.predictions)
    return draw("verdicts", "verdicts", together=together, cards=cards.values(), agreement=relation, test=test)


def reading(analysis: Analysis) -> Markup:
    """Draw the line under the text box: how much there is and how much was read."""
    return draw("verdicts", "reading", n_words=analysis.n_words, seconds=analysis.seconds)


def track_record(record: TrackRecord) -> tuple[str, str]:
    """Return how a model fared on the held-out articles most like a text, and which these are, a sentence each."""
    places = [(DATASETS[name].title if name in DATASETS else name, n) for name, n in record.corpora.items()]
    nearest = "nearest to it, " + ", ".join(f"{n} of {place}" for place, n in places[:NEIGHBOUR_CORPORA])
    rest = sum(n for _, n in places[NEIGHBOUR_CORPORA:])
    nearest += f", {rest} of others" if rest else ""
    if record.error is None or record.interval is None:
        return "On text like this it gave no verdict", f"On none of the {record.n_nearest} held-out articles {nearest}."
    low, high = (100 * bound for bound in record.interval)
    wrong = f"wrong {100 * record.error:.0f} % of the time ({low:.0f}–{high:.0f} %)"
    if record.n_nearest is None:
        return f"On text like this it was {wrong}", f"Measured on the {record.n} held-out articles {nearest}."
    return (
        f"On text like this its verdicts were {wrong}",
        f"It gave {record.n} on the {record.n_nearest} held-out articles {nearest}.",
    )


def examples(choices: Sequence[tuple[str, str, str]]) -> Markup:
    """Draw what the right column shows before the first run: words, one picture, three examples (key, title, kind)."""
    return draw("verdicts", "examples", choices=choices)


def _card(prediction: Prediction, title: str, track: tuple[str, str], record: str) -> dict[str, Any]:
    towards = "fake" if prediction.margin >= 0 else "real"
    margin = f"Margin {abs(prediction.margin):.2f} log-odds towards {towards}."
    reasons = _reasons(prediction)
    return {
        "model": prediction.model,
        "verdict": prediction.verdict,
        "title": title,
        "word": VERDICTS[prediction.verdict],
        "sure": prediction.verdict != "cannot_judge",
        "percent": render.percent(prediction.p_fake),
        "left": f"{100 * prediction.p_fake:.1f}",
        "sentences": (
            "" if prediction.share_fake is None else share_sentence(prediction.share_fake),
            f"{reasons[0].upper()}{reasons[1:]}." if reasons else "",
        ),
        "record": track[0],
        "details": " ".join(filter(None, (track[1], record, margin))),
    }


def _formatting(test: FormattingTest | None, titles: Mapping[str, str]) -> dict[str, Any] | None:
    """Return what the formatting test found, and behind it what every edit did."""
    if test is None:
        return None
    summary = "Formatting changes nothing"
    if test.moved:
        summary = f"Formatting alone flips {' and '.join(titles[m] for m in test.moved)}"
    applied = [o for o in test.edits if o.changed]
    rows = [("as it is", *map(render.percent, test.p_fake.values()))]
    for o in applied:
        description = EDITS[o.edit].description if o.edit in EDITS else o.edit
        rows.append((description, *(_after(o, m) for m in test.p_fake)))
    return {
        "summary": summary,
        "headers": [("Edit", False), *((f"{titles[m]}, fake", True) for m in test.p_fake)],
        "rows": rows,
        "unchanged": len(test.edits) - len(applied),
    }


def _after(outcome: EditOutcome, model: str) -> str:
    return render.percent(outcome.p_fake[model]) + (", flipped" if model in outcome.moved else "")


def _reasons(prediction: Prediction) -> str:
    return "; ".join(REASONS.get(r, r) for r in prediction.reasons)
