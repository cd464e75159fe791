"""Values to markup, pure: no gradio, no model. Every piece of a user's or a corpus's text is escaped here."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from html import escape
from typing import Any, Literal

import numpy as np

from fakenews.classifiers.base import unread_spans
from fakenews.classifiers.ensemble import MEMBERS
from fakenews.data.registry import DATASETS
from fakenews.engine.values import Analysis, WhatIf
from fakenews.explain.agreement import Agreement, by_sentence, towards_fake
from fakenews.explain.flip import Flip
from fakenews.explain.global_importance import WordTotal
from fakenews.formatting import EDITS, EditOutcome, FormattingTest
from fakenews.schema import Explanation, Prediction, Span
from fakenews.share.snapshot import HIDDEN
from fakenews.similar.neighbours import TrackRecord
from fakenews.text import INVISIBLE, sentence_spans, word_spans
from fakenews.verdict import REASONS, UNDECIDED, VERDICTS, agreement, share_sentence

STEPS = (0.12, 0.22, 0.36, 0.52, 0.72)  # shares of the strongest weight from which a word has tint 1 to 5
FOCUSABLE = 4  # tints from here on can be reached with the keyboard
TOP_WORDS = 10
LONGEST_WORD = 40  # characters, in lists
_VISIBLE = dict.fromkeys(map(ord, INVISIBLE))
ACROSS_WORDS = 15
Unit = Literal["word", "sentence"]
UNCOLOURED = (
    "Not coloured: taking words away in the order of this explanation moves the score hardly more than taking them "
    "away at random, so colours would mislead. Another method may do better."
)
UNGRADED = "Grade: none, because taking words away hardly moves this score."
NOT_READ = "Not read: it names the publisher or the file"
_PIECES = re.compile(r"\w+|\s+|[^\w\s]+")
_MOST_COMPARED = 1_000_000  # pairs of equal pieces looked at for what an edit kept: about 0.2 seconds
HOW_OFTEN = "How often it is right"
NEIGHBOUR_CORPORA = 3  # named in a track record; the others are counted


def percent(p: float) -> str:
    """Probability as whole per cents, never 0 or 100; below 1 and above 99 with one digit."""
    value = 100 * min(max(p, 0.001), 0.999)
    return f"{value:.1f} %" if value < 1 or value > 99 else f"{value:.0f} %"


def problem(sentence: str) -> str:
    """A sentence about input that cannot be worked with, at the place where the result would stand."""
    return f'<p class="fn-problem" role="alert">{escape(sentence)}</p>'


def heard(sentence: str) -> str:
    """A sentence that a screen reader says when it comes, and nobody sees: the page shows the same in another way.

    It has to stand on the page before, empty: what comes together with its place is not said.
    """
    return f'<p class="fn-sr" role="status">{escape(sentence)}</p>'


def verdicts_heard(analysis: Analysis, titles: Mapping[str, str]) -> str:
    """What every model says, to be heard."""
    said = []
    for p in analysis.predictions:
        why = _reasons(p) if p.verdict == "cannot_judge" else f"{percent(p.p_fake)} fake"
        said.append(f"{titles[p.model]}: {VERDICTS[p.verdict]}{f', {why}' if why else ''}.")
    return heard(" ".join(said))


def _reasons(prediction: Prediction) -> str:
    return "; ".join(REASONS.get(r, r) for r in prediction.reasons)


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
    rows = [("", ("as it is", *(percent(p) for p in test.p_fake.values())))]
    described = {o.edit: EDITS[o.edit].description if o.edit in EDITS else o.edit for o in applied}
    rows += [("", (described[o.edit], *(_after(o, m) for m in test.p_fake))) for o in applied]
    unchanged = len(test.outcomes) - len(applied)
    note = f"{unchanged} more edits found nothing to change. " if unchanged else ""
    return (
        f"<details><summary>{escape(told)}</summary>{table(headers, rows, 'Formatting test')}"
        f'<p class="fn-meta">{note}Each edit keeps the meaning; an honest model hardly moves.</p></details>'
    )


def _after(outcome: EditOutcome, model: str) -> str:
    return percent(outcome.p_fake[model]) + (", turned round" if model in outcome.moved else "")


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


def _card(prediction: Prediction, title: str, track: tuple[str, str], record: str) -> str:
    sure = prediction.verdict != "cannot_judge"
    tone = prediction.verdict if sure else "none"
    low, high = (100 * x for x in UNDECIDED)
    reasons = _reasons(prediction)
    towards = "fake" if prediction.margin >= 0 else "real"
    margin = f"Margin {abs(prediction.margin):.2f} log-odds towards {towards}."
    behind = [part for part in (track[1], record, margin) if part]
    p = percent(prediction.p_fake)
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


def reading(analysis: Analysis) -> str:
    """The line under the text box: how much there is and how much was read."""
    words = f"{analysis.n_words:,} words" if analysis.n_words != 1 else "1 word"
    return f'<p class="fn-meta">{words} read, whole text · answered in {analysis.seconds:.2f} s</p>'


def highlighted(
    explanation: Explanation, unit: Unit = "word", unread: Sequence[Span] | None = None, hint: bool = True
) -> str:
    """The user's text with every read word, or sentence, tinted and underlined by its weight.

    Five strengths relative to the strongest; solid underline towards fake, dotted towards real, so the sign does not
    hang on colour. What cleaning removed is struck in grey: the models did not read it. An explanation graded poor is
    not coloured; a sentence above the text says why.

    Parameters
    ----------
    unread : sequence of Span, optional
        What is struck, where it was found before; looked up otherwise.
    hint : bool
        Whether strong words can be reached with the keyboard and tell their weight; a third of the markup.
    """
    text = explanation.text
    if explanation.grade is not None and explanation.grade.level == "poor":
        return f'<p class="fn-poor" role="note">{UNCOLOURED}</p>{plain(text)}'
    found = explanation.attributions if unit == "word" else by_sentence(explanation)
    weights = {(a.start, a.end): a.weight for a in found}
    strongest = max((abs(w) for w in weights.values()), default=0.0)
    towards = {"fake": ("fake", "real"), "real": ("real", "fake")}[explanation.target]
    pieces: list[str] = []
    last = 0
    marks: list[tuple[int, int, str]] = [
        (start, end, _mark(text[start:end], weight, strongest, towards, hint))
        for (start, end), weight in weights.items()
    ]
    marks += [
        (s.start, s.end, f'<del title="{NOT_READ}">{escape(text[s.start : s.end])}</del>')
        for s in (unread_spans(text) if unread is None else unread)
        if unit == "word"
    ]
    for start, end, markup in sorted(marks):
        pieces += (escape(text[last:start]), markup)
        last = end
    pieces.append(escape(text[last:]))
    blocks = " fn-blocks" if text.startswith(HIDDEN) else ""
    return f'<div class="fn-text{blocks}" lang="und" dir="auto">{"".join(pieces)}</div>'


def plain(text: str) -> str:
    """The user's text as it is, before its highlights are there."""
    return f'<div class="fn-text" lang="und" dir="auto">{escape(text)}</div>'


def _mark(word: str, weight: float, strongest: float, towards: tuple[str, str], hint: bool) -> str:
    step = strength(weight, strongest)
    if not step:
        return escape(word)
    side = towards[0] if weight > 0 else towards[1]
    focus = ' tabindex="0"' if step >= FOCUSABLE else ""
    told = f'{focus} title="{abs(weight):.3f} log-odds towards {side}"' if hint else ""
    return f'<mark class="fn-{side[0]}{step}"{told}>{escape(word)}</mark>'


def strength(weight: float, strongest: float) -> int:
    """Tint from 0 (no evidence) to 5 (the strongest words) of a weight."""
    share = abs(weight) / strongest if strongest > 0 else 0.0
    return sum(share >= s for s in STEPS)


def legend(explanation: Explanation, title: str, method_title: str) -> str:
    """Key to the tints and one sentence on how they came about."""
    facts = [method_title]
    used = explanation.settings.get("evaluations")
    if used:
        facts.append(f"{used} evaluations")
    if explanation.stability is not None:
        facts.append(f"ranking {explanation.stability:.2f} stable between halves of the samples")
    facts.append(f"seed {explanation.seed}")
    facts.append(f"{explanation.seconds:.1f} s")
    if explanation.fidelity is not None:
        facts.append(f"the local model explains {explanation.fidelity:.2f} of the variance (R²)")
    elif explanation.residual is not None:
        missed = abs(explanation.residual)
        facts.append(
            "weights sum to the margin" if missed < 1e-3 else f"weights miss the margin by {missed:.2g} log-odds"
        )
    return (
        '<div class="fn-key"><span><mark class="fn-f3">solid</mark> towards fake</span>'
        '<span><mark class="fn-r3">dotted</mark> towards real</span>'
        "<span>stronger tint, stronger pull</span><span><del>struck</del> not read</span></div>"
        f'<p class="fn-meta">{escape(title)}: {escape(", ".join(facts))}.</p>'
    )


def top_words(explanations: Sequence[tuple[str, Explanation]]) -> str:
    """The words that moved the models most, repeated words summed, as mirrored bars: the same words for each model."""
    totals = [_totals(e) for _, e in explanations]
    scales = [max((abs(w) for w, _ in t.values()), default=0.0) or 1.0 for t in totals]
    shares: dict[str, float] = {}
    for total, scale in zip(totals, scales, strict=True):
        for word, (weight, _) in total.items():
            shares[word] = max(shares.get(word, 0.0), abs(weight) / scale)
    words = sorted(shares, key=lambda word: -shares[word])[:TOP_WORDS]
    drawn = (
        _words(title, words, total, scale)
        for (title, _), total, scale in zip(explanations, totals, scales, strict=True)
    )
    return f'<div class="fn-words">{"".join(drawn)}</div>'


def _totals(explanation: Explanation) -> dict[str, tuple[float, int]]:
    """Weight towards fake and number of places of every word."""
    found: dict[str, tuple[float, int]] = {}
    for a, weight in zip(explanation.attributions, towards_fake(explanation).tolist(), strict=True):
        word = _word(explanation.text[a.start : a.end])
        total, count = found.get(word, (0.0, 0))
        found[word] = (total + weight, count + 1)
    return found


def _word(found: str) -> str:
    """A word of the user's text as it is listed: in lower case, without invisible hyphens, not endlessly long."""
    word = found.translate(_VISIBLE).casefold()
    return word if len(word) <= LONGEST_WORD else f"{word[: LONGEST_WORD - 1]}…"


def _words(title: str, words: Sequence[str], totals: Mapping[str, tuple[float, int]], scale: float) -> str:
    rows = []
    for word in words:
        weight, count = totals.get(word, (0.0, 0))
        side = "fake" if weight > 0 else "real"
        bar = f'<i style="width:{100 * abs(weight) / scale:.0f}%"></i>'
        times = f" ×{count}" if count > 1 else ""
        rows.append(
            f'<li title="{abs(weight):.3f} log-odds towards {side}">'
            f'<span class="l">{bar if side == "real" else ""}</span>'
            f'<em>{escape(word)}<small>{times}</small></em><span class="r">{bar if side == "fake" else ""}</span>'
            f'<span class="fn-sr">towards {side}, {abs(weight):.2f}</span></li>'
        )
    body = "".join(rows) or '<li class="fn-none">No word was read.</li>'
    return (
        f"<section><h3>{escape(title)}: strongest words</h3>"
        '<div class="fn-axis" aria-hidden="true"><span>towards real</span><span>towards fake</span></div>'
        f"<ul>{body}</ul></section>"
    )


def grade(explanation: Explanation, title: str) -> str:
    """The badge of an explanation's faithfulness, and the numbers behind it."""
    found = explanation.grade
    if found is None:
        return f'<p class="fn-meta fn-grade">{UNGRADED}</p>'
    means = {
        "good": "words go in its order, and the score follows",
        "fair": "its order is well ahead of chance, and well behind the best one found",
        "poor": "its order says little more than chance",
    }[found.level]
    rows = [
        ("", ("this order", f"{found.comprehensiveness:.2f}", f"{found.sufficiency:.2f}")),
        ("", ("random orders", f"{found.random[0]:.2f}", f"{found.random[1]:.2f}")),
        ("", ("best order found", f"{found.best[0]:.2f}", f"{found.best[1]:.2f}")),
    ]
    numbers = table([("Log-odds lost", False), ("strongest go", True), ("they alone stay", True)], rows, "Grade")
    return (
        f'<details class="fn-grade"><summary><b class="fn-badge" data-level="{found.level}">{found.level}</b> '
        f"Faithfulness of {escape(title)}: {found.normalised:.2f}, where random orders have 0 and the best order found "
        f"has 1: {means}.</summary>{numbers}"
        '<p class="fn-meta">Means over the strongest 1, 5, 10, 20 and 50 % of the words (comprehensiveness and '
        "sufficiency, DeYoung et al. 2020; bounds as in Edin et al. 2024). The more the first column and the less the "
        "second, the better.</p></details>"
    )


def rank_agreement(found: Agreement, text: str, titles: Sequence[str]) -> str:
    """One line on how alike two explanations rank the words, and the words both hang on."""
    value = found.pairs[0][2]
    alike = "much alike" if value >= 0.7 else "partly alike" if value >= 0.3 else "differently"
    words = list(dict.fromkeys(_word(text[s.start : s.end]) for s in found.shared))
    shared = f" Both hang on: {', '.join(words)}." if words else " No strongest word is common to both."
    return caption(f"{' and '.join(titles)} rank the words {alike} (rank agreement {value:.2f}).{shared}")


def edited(before: str, after: str, unit: Unit) -> str:
    """A text after its edits: what went is struck, what came is underlined, and what is left can be clicked away.

    A click tells the characters of `after` it is about as "start-end" in `data-open`.
    """
    spans = word_spans(after) if unit == "word" else sentence_spans(after)
    pieces = []
    old, new = _PIECES.findall(before), _PIECES.findall(after)
    ends = np.cumsum([0, *map(len, new)]).tolist()
    i1 = j1 = 0
    for i2, j2, size in _kept(old, new):
        if i2 > i1:
            pieces.append(f'<del class="fn-gone">{escape("".join(old[i1:i2]))}</del>')
        if j2 > j1:
            pieces.append(f'<ins class="fn-came">{_clickable(after, ends[j1], ends[j2], spans)}</ins>')
        i1, j1 = i2 + size, j2 + size
        pieces.append(_clickable(after, ends[j2], ends[j1], spans))
    return f'<div class="fn-text fn-edit" lang="und" dir="auto">{"".join(pieces)}</div>'


def _kept(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]]:
    """What two lists of pieces share, in order: where it begins in either and how many pieces; the end of both is last.

    Words and marks are matched, and the space beside them kept where it is the same.
    """
    olds, news = ([i for i, piece in enumerate(pieces) if not piece.isspace()] for pieces in (old, new))
    joined = [(0, 0, 0)]
    for first, second, size in sorted(_matches([old[i] for i in olds], [new[j] for j in news])):
        for i, j in zip(olds[first : first + size], news[second : second + size], strict=True):
            for a, b in ((i - 1, j - 1), (i, j), (i + 1, j + 1)):
                if a < 0 or b < 0 or a >= len(old) or b >= len(new) or old[a] != new[b]:
                    continue
                i1, j1, n = joined[-1]
                if (a, b) == (i1 + n, j1 + n):
                    joined[-1] = (i1, j1, n + 1)
                elif a >= i1 + n and b >= j1 + n:
                    joined.append((a, b, 1))
    return [*joined, (len(old), len(new), 0)]


def _matches(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]]:
    """Stretches that two lists share, as `SequenceMatcher` finds them.

    Of lists that repeat few pieces that takes the cube of their length: after `_MOST_COMPARED` pairs, what lies between
    two stretches is not searched any further.
    """
    shortest = min(len(old), len(new))
    head = next((i for i in range(shortest) if old[i] != new[i]), shortest)
    tail = next((i for i in range(shortest - head) if old[-1 - i] != new[-1 - i]), shortest - head)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    times = Counter(new)
    pairs = np.cumsum([0, *(1 + times[piece] for piece in old)]).tolist()
    found = [(0, 0, head), (len(old) - tail, len(new) - tail, tail)]
    between, left = [(head, len(old) - tail, head, len(new) - tail)], _MOST_COMPARED
    for i1, i2, j1, j2 in between:
        left -= pairs[i2] - pairs[i1]
        if left < 0:
            break
        i, j, size = matcher.find_longest_match(i1, i2, j1, j2)
        if size:
            found.append((i, j, size))
            between += [(i1, i, j1, j), (i + size, i2, j + size, j2)]
    return found


def _clickable(text: str, first: int, last: int, spans: Sequence[Span]) -> str:
    """Characters `first` to `last` of a text, those inside a span on something that can be clicked."""
    pieces, place = [], first
    for span in spans[bisect_right(spans, first, key=lambda span: span.end) :]:
        if span.start >= last:
            break
        start, end = max(span.start, first), min(span.end, last)
        pieces.append(escape(text[place:start]))
        pieces.append(f'<span data-open="{span.start}-{span.end}">{escape(text[start:end])}</span>')
        place = end
    return "".join((*pieces, escape(text[place:last])))


def changes(found: WhatIf, titles: Mapping[str, str]) -> str:
    """What an edit did to every model, to be heard and as a table."""
    said = (
        f"{titles[a.model]}: {VERDICTS[a.verdict]}, {percent(a.p_fake)} fake, before {percent(b.p_fake)}."
        for b, a in zip(found.before, found.after, strict=True)
    )
    rows = [
        (
            "",
            (
                titles[b.model],
                percent(b.p_fake),
                percent(a.p_fake),
                f"{a.margin - b.margin:+.2f}",
                VERDICTS[a.verdict] + ("" if a.verdict == b.verdict else ", changed"),
            ),
        )
        for b, a in zip(found.before, found.after, strict=True)
    ]
    headers = [("Model", False), ("before", True), ("now", True), ("log-odds", True), ("Verdict now", False)]
    return (
        heard(" ".join(said))
        + table(headers, rows, "What the edit changed")
        + f'<p class="fn-meta">Probability of resembling the fake class; answered in {found.seconds:.2f} s.</p>'
    )


def words_across(totals: Sequence[WordTotal], n_articles: int, title: str, corpus: str) -> str:
    """The words that moved a model most across articles of a corpus, towards either class, with their counts."""
    if not totals:
        return caption(f"No word stands in three of these {n_articles} articles of “{corpus}”.")
    halves = []
    for side, chosen in (("fake", [t for t in totals if t.weight > 0]), ("real", [t for t in totals if t.weight < 0])):
        headers = [(f"Towards {side}", False), ("log-odds", True), ("articles", True), ("times", True)]
        rows = [
            ("", (t.word, f"{abs(t.weight):.2f}", f"{t.articles:,}", f"{t.occurrences:,}"))
            for t in chosen[:ACROSS_WORDS]
        ]
        halves.append(f"<section>{table(headers, rows, f'Words towards {side}')}</section>")
    return f'<div class="fn-words">{"".join(halves)}</div>' + caption(
        f"{title} on {n_articles:,} articles of “{corpus}”: what a word adds to an article in which it stands, on "
        "average, its places there summed; those that moved most in all come first. Words in fewer than three "
        "articles are left out."
    )


def flip(found: Flip, text: str, title: str) -> str:
    """What the search for the smallest set of sentences found."""
    n, one = len(found.sentences), len(found.removed) == 1
    how = f"by beam search over {n} sentences, so a smaller set may exist"
    if found.exact:
        how = "no smaller set can exist" if one else f"every smaller set of the {n} sentences was tried"
    cost = f"{found.evaluations:,} variants, {found.seconds:.1f} s"
    if not found.removed:
        none = (
            "no set of sentences turns it round" if found.exact else "no set of sentences was found that turns it round"
        )
        return caption(f"{title}: {none} ({cost}).")
    told = (
        f"{title} turns round without {'one sentence' if one else f'{len(found.removed)} sentences'}, from "
        f"{percent(found.p_before)} to {percent(found.p_after)} fake; {how} ({cost})."
    )
    items = "".join(
        f"<li>{escape(text[found.sentences[i].start : found.sentences[i].end])}</li>" for i in found.removed
    )
    return f'{caption(told)}<ol class="fn-flip">{items}</ol>'


def progress(what: str, share: float, seconds_left: float | None, stability: float | None = None) -> str:
    """A line and a bar on work that is under way."""
    left = "" if seconds_left is None else f" · {_duration(max(seconds_left, 0.1))} left"
    left += "" if stability is None else f" · ranking {stability:.2f} stable"
    return (
        f'<div class="fn-progress" role="status"><span>{escape(what)} {100 * share:.0f} %{left}</span>'
        f'<progress max="1" value="{share:.3f}" aria-label="{escape(what)}"></progress></div>'
    )


def status(sentence: str) -> str:
    """One quiet line on the state of the highlights."""
    return f'<div class="fn-progress" role="status"><span>{escape(sentence)}</span></div>'


def figures(cards: Iterable[tuple[str, str, str]]) -> str:
    """Metric cards: (value, name, interval) each."""
    items = "".join(
        f"<div><b>{escape(value)}</b><small>{escape(name)}{', ' + escape(interval) if interval else ''}</small></div>"
        for value, name, interval in cards
    )
    return f'<div class="fn-figs">{items}</div>'


def table(headers: Sequence[tuple[str, bool]], rows: Sequence[tuple[str, Sequence[str]]], label: str) -> str:
    """A table whose first column opens its row.

    Parameters
    ----------
    headers : sequence of (title, numeric)
    rows : sequence of (key, cells)
        The key travels in `data-open`; without one the first cell is plain text.
    """
    head = "".join(f'<th scope="col"{" class=n" if numeric else ""}>{escape(title)}</th>' for title, numeric in headers)
    body = []
    for key, cells in rows:
        first = (
            f'<button type="button" data-open="{escape(key)}">{escape(cells[0])}</button>' if key else escape(cells[0])
        )
        rest = "".join(
            f"<td{' class=n' if numeric else ''}>{escape(cell)}</td>"
            for cell, (_, numeric) in zip(cells[1:], headers[1:], strict=True)
        )
        body.append(f"<tr><td>{first}</td>{rest}</tr>")
    return wrapped(
        label,
        f'<table class="fn-table"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>',
    )


def wrapped(label: str, table: str) -> str:
    """A table's markup in a region of that name, which scrolls where the page is too narrow for it."""
    return f'<div class="fn-tablewrap" tabindex="0" role="region" aria-label="{escape(label)}">{table}</div>'


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


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100.0 else f"{seconds / 60:.0f} min"


def _sentence(text: str) -> str:
    return escape(text[:1].upper() + text[1:])


def caption(sentence: str) -> str:
    """What a figure shows, in words, beneath it."""
    return f'<p class="fn-meta">{escape(sentence)}</p>'


def facts(rows: Iterable[tuple[str, Any]]) -> str:
    """A definition list."""
    return (
        '<dl class="fn-facts">' + "".join(f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in rows) + "</dl>"
    )
