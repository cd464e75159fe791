"""What the page shows of verdicts, pure: the answer, every model on one axis, checks, and the page before a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from fakenews.classifiers.ensemble import MEMBERS
from fakenews.data.registry import DATASETS
from fakenews.engine.values import Analysis, WhatIf
from fakenews.formatting import EDITS, EditOutcome, FormattingTest
from fakenews.schema import Prediction
from fakenews.similar.track_record import TrackRecord
from fakenews.ui import render
from fakenews.ui.templates import draw
from fakenews.verdict import MIN_WORDS, REASONS, VERDICTS, agreement, share_sentence

NEIGHBOR_CORPORA = 3  # named in a track record; the others are counted
_DECLINED = {  # what a check says where it is why there is no verdict
    "uncalibrated": "Uncalibrated: never compared with labeled articles",
    "not_english": "Not English, which the models were trained on",
    "unlike_training": "Unlike the training articles",
    "too_close": "Too close to call",
    "mostly_wrong": "Mostly wrong on similar articles",
    "elsewhere": "Often wrong on publishers it never saw",
}


def verdicts_heard(analysis: Analysis, titles: Mapping[str, str]) -> Markup:
    """Draw what every model says, to be heard."""
    sentences = []
    for p in analysis.predictions:
        why = _reasons(p) if p.verdict == "cannot_judge" else f"{render.percent(p.p_fake)} fake"
        sentences.append(f"{titles[p.model]}: {VERDICTS[p.verdict]}{f', {why}' if why else ''}.")
    return render.heard(" ".join(sentences))


def changes_heard(answer: WhatIf, titles: Mapping[str, str]) -> Markup:
    """Draw what an edit did to every model, to be heard."""
    return render.heard(
        " ".join(
            f"{titles[a.model]}: {VERDICTS[a.verdict]}, {render.percent(a.p_fake)} fake, "
            f"before {render.percent(b.p_fake)}."
            for b, a in zip(answer.before, answer.after, strict=True)
        )
    )


def verdicts(
    analysis: Analysis, titles: Mapping[str, str], records: Mapping[str, str], edited: WhatIf | None = None
) -> Markup:
    """Draw one answer with its number, every model on one axis, and the checks.

    Parameters
    ----------
    titles : mapping
        Name of each model for people.
    records : mapping
        One sentence per model on what it reached where it was measured; may lack models.
    edited : WhatIf, optional
        Answers to the text under edits, shown in place of those to the text, which stand beside them.
    """
    before = {p.model: p for p in analysis.predictions}
    now = {p.model: p for p in edited.after} if edited else before
    head = headline(analysis.predictions)
    single = [p for p in analysis.predictions if p.model not in MEMBERS or len(before) == 1]
    return draw(
        "verdicts",
        "verdicts",
        head=_answer(now[head.model], before[head.model], titles[head.model], edited is not None),
        rows=[_answer(now[p.model], p, titles[p.model], edited is not None) for p in single],
        checks=[c for c in _checks(analysis, head, titles, records) if c],
    )


def headline(predictions: Sequence[Prediction]) -> Prediction:
    """Return the prediction that stands for all: an ensemble's where one was asked, else the first."""
    return next((p for p in predictions if p.model in MEMBERS), predictions[0])


def reading(analysis: Analysis) -> Markup:
    """Draw the line over the article: how long it is, its language, and that all of it was read."""
    english = not any("not_english" in p.reasons for p in analysis.predictions)
    return draw("verdicts", "reading", n_words=analysis.n_words, english=english, seconds=analysis.seconds)


def track_record(record: TrackRecord) -> tuple[str, str]:
    """Return how a model fared on the held-out articles most like a text, and which these are."""
    places = [(DATASETS[name].title if name in DATASETS else name, n) for name, n in record.corpora.items()]
    nearest = "nearest to it, " + ", ".join(f"{n} of {place}" for place, n in places[:NEIGHBOR_CORPORA])
    rest = sum(n for _, n in places[NEIGHBOR_CORPORA:])
    nearest += f", {rest} of others" if rest else ""
    if record.error is None or record.interval is None:
        return "no verdict", f"on none of the {record.n_nearest} held-out articles {nearest}"
    low, high = (100 * bound for bound in record.interval)
    wrong = f"wrong {100 * record.error:.0f}% of the time ({low:.0f}–{high:.0f}%)"
    if record.n_nearest is None:
        return wrong, f"measured on the {record.n} held-out articles {nearest}"
    return wrong, f"{record.n} verdicts on the {record.n_nearest} held-out articles {nearest}"


def examples(choices: Sequence[tuple[str, str, str]]) -> Markup:
    """Draw what stands beside the box before the first run: a line, a picture, three examples (key, title, kind)."""
    return draw("verdicts", "examples", choices=choices)


def _answer(now: Prediction, before: Prediction, title: str, is_edited: bool) -> dict[str, Any]:
    """Return what is drawn of one model: its number, its word, its place on the axis and where that was before."""
    sentence = "" if before.share_fake is None else share_sentence(before.share_fake)
    if is_edited:
        sentence = f"{render.percent(before.p_fake)} before the edit, {VERDICTS[before.verdict].lower()}."
    return {
        "model": now.model,
        "title": title,
        "verdict": now.verdict,
        "word": VERDICTS[now.verdict].lower() if now.verdict != "cannot_judge" else VERDICTS[now.verdict],
        "sure": now.verdict != "cannot_judge",
        "percent": render.percent(now.p_fake),
        "left": f"{100 * now.p_fake:.1f}",
        "was": f"{100 * before.p_fake:.1f}" if is_edited else "",
        "was_percent": render.percent(before.p_fake) if is_edited else "",
        "sentence": sentence,
        "reasons": _reasons(now),
    }


def _checks(
    analysis: Analysis, head: Prediction, titles: Mapping[str, str], records: Mapping[str, str]
) -> Iterator[dict[str, Any] | None]:
    """Yield what was checked, why there is no verdict first; a check is a sentence, whether it is passed, evidence."""
    reasons = dict.fromkeys(r for p in (head, *analysis.predictions) for r in p.reasons)
    declined = [r for r in reasons if r in _DECLINED]
    for reason in declined if head.verdict == "cannot_judge" else ():
        yield _check(_DECLINED[reason], False, [_reasons_by_model(analysis, reason, titles)])
    if "too_short" in reasons:
        words = "word" if analysis.n_words == 1 else "words"
        yield _check(f"Only {analysis.n_words} {words}; {MIN_WORDS} are needed", False)
    yield _agreement(analysis)
    yield _formatting(analysis.formatting, titles)
    if not reasons.keys() & {"too_short", "not_english"}:
        yield _check("Long enough, and in English", True)
    if not reasons.keys() & {"too_short", "not_english", "unlike_training"}:
        yield _check("Like the articles the models were trained on", True)
    yield _similar(analysis, head, titles, records)


def _check(text: str, passed: bool | None, evidence: Sequence[str] = (), **table: Any) -> dict[str, Any]:
    """Return a check; `passed` is None while it is under way."""
    return {"text": text, "passed": passed, "evidence": [e for e in evidence if e], "table": table}


def _agreement(analysis: Analysis) -> dict[str, Any] | None:
    single = [p for p in analysis.predictions if p.model not in MEMBERS]
    if len(single) < 2:
        return None
    agree = len({p.p_fake >= 0.5 for p in single}) == 1
    return _check("The models agree" if agree else "The models disagree", agree, [agreement(analysis.predictions)])


def _formatting(test: FormattingTest | None, titles: Mapping[str, str]) -> dict[str, Any]:
    """Return what the formatting test found, and behind it what every edit did."""
    if test is None:
        return _check("Formatting: being tested", None)
    summary = "Formatting changes nothing"
    if test.moved:
        summary = f"Formatting alone flips {' and '.join(titles[m] for m in test.moved)}"
    applied = [o for o in test.edits if o.changed]
    rows = [("as it is", *map(render.percent, test.p_fake.values()))]
    for o in applied:
        description = EDITS[o.edit].description if o.edit in EDITS else o.edit
        rows.append((description, *(_after(o, m) for m in test.p_fake)))
    tried = f"{len(test.edits)} edits that keep the meaning were tried; {len(applied)} changed this text."
    headers = [("Edit", False), *((f"{titles[m]}, fake", True) for m in test.p_fake)]
    return _check(summary, not test.moved, [tried], headers=headers, rows=rows, label="Formatting test")


def _similar(
    analysis: Analysis, head: Prediction, titles: Mapping[str, str], records: Mapping[str, str]
) -> dict[str, Any] | None:
    """Return how the models fared on the held-out articles most like the text, the one that stands for all first."""
    tracks = {r.model: r for r in analysis.track_records}
    lines = []
    for p in analysis.predictions:
        record = f"{'; '.join(track_record(tracks[p.model]))}. " if p.model in tracks else ""
        towards = "fake" if p.log_odds >= 0 else "real"
        known = records.get(p.model, "")
        lines.append(f"{titles[p.model]}: {record}{known} Log-odds {abs(p.log_odds):.2f} towards {towards}.")
    if head.model not in tracks:
        return _check("How often the models are right", None, lines)
    found = tracks[head.model]
    # A tick only where it is clearly more often right than wrong.
    is_right = found.interval is not None and found.interval[1] < 0.5
    passed = False if found.mostly_wrong else True if is_right else None
    return _check(f"On similar articles: {track_record(found)[0]}", passed, lines)


def _reasons_by_model(analysis: Analysis, reason: str, titles: Mapping[str, str]) -> str:
    models = [titles[p.model] for p in analysis.predictions if reason in p.reasons]
    return f"{', '.join(models)}: {REASONS[reason]}."


def _after(outcome: EditOutcome, model: str) -> str:
    return render.percent(outcome.p_fake[model]) + (", flipped" if model in outcome.moved else "")


def _reasons(prediction: Prediction) -> str:
    return "; ".join(REASONS.get(r, r) for r in prediction.reasons)
