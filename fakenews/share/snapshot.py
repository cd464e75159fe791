"""What a link shows: an analysis as it stood when it was shared, drawn again later without asking a model."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from fakenews import __version__
from fakenews.classifiers.base import unread_spans
from fakenews.classifiers.ensemble import MEMBERS
from fakenews.engine import Engine
from fakenews.engine.values import Analysis, ExplanationRequest
from fakenews.explain import registry as explainers
from fakenews.formatting import FORMATTING_VERSION
from fakenews.schema import Attribution, Explanation, Span
from fakenews.text import CLEANING_VERSION, browser_lines, sentence_spans

SCHEMA = 2
READABLE = (1, SCHEMA)  # the first had a second probability, which is passed over
HIDDEN = "▇▇▇▇"  # stands for a word of any length, so that lengths tell nothing


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An analysis with everything a page about it draws."""

    created: str  # ISO 8601, UTC, in seconds
    analysis: Analysis  # with its text, or without it where `redacted`
    explanations: tuple[Explanation, ...]  # one for each model that stands side by side
    unread: tuple[Span, ...]  # what cleaning removed
    titles: Mapping[str, str]  # names for people of models and methods
    records: Mapping[str, str]  # one sentence per model on what it had reached where it was measured
    revisions: Mapping[str, str]  # first 12 hex digits of the SHA-256 of each model's weights
    code: Mapping[str, Any]  # versions of the package (`fakenews`), of cleaning and of the list of edits
    redacted: bool = False  # whether every word was replaced by `HIDDEN`

    @property
    def text(self) -> str:
        """Return what was analyzed, or the blocks that stand for it."""
        return self.analysis.text

    @property
    def heading(self) -> str:
        """Return the first line of the text, shortened; empty where it is not there."""
        return "" if self.redacted else heading_of(self.text)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, schema 2: what is stored under a link and what "JSON" exports.

        `analysis` and `explanations` are as the API gives them, but each attribution is [start, end, weight] on
        characters of `text`.
        """
        return {
            "schema": SCHEMA,
            "kind": "fakenews analysis",
            "created": self.created,
            "text": self.text,
            "redacted": self.redacted,
            "analysis": self.analysis.to_dict(),
            "explanations": [
                {**e.to_dict(), "attributions": [[a.start, a.end, a.weight] for a in e.attributions]}
                for e in self.explanations
            ],
            "unread": [[s.start, s.end] for s in self.unread],
            "titles": dict(self.titles),
            "records": dict(self.records),
            "revisions": dict(self.revisions),
            "code": dict(self.code),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Snapshot:
        """Invert `to_dict`.

        Raise `ValueError` if it is of a later schema than this code reads.
        """
        if values.get("schema") not in READABLE:
            raise ValueError(
                f"This snapshot has schema {values.get('schema')!r}; this code reads schemas {READABLE[0]} to {SCHEMA}."
            )
        text = values["text"]
        keys = ("start", "end", "weight")
        return cls(
            created=values["created"],
            analysis=Analysis.from_dict(values["analysis"], text),
            explanations=tuple(
                Explanation.from_dict(
                    {**e, "attributions": [dict(zip(keys, a, strict=True)) for a in e["attributions"]]}, text
                )
                for e in values["explanations"]
            ),
            unread=tuple(Span(*pair) for pair in values["unread"]),
            titles=values["titles"],
            records=values["records"],
            revisions=values["revisions"],
            code=values["code"],
            redacted=values["redacted"],
        )


def heading_of(text: str) -> str:
    """Return the first line of a text, shortened."""
    first = text.strip().partition("\n")[0].strip()
    return first if len(first) <= 120 else f"{first[:119].rstrip()}…"


def take(engine: Engine, analysis: Analysis, explanations: Sequence[Explanation]) -> Snapshot:
    """Return the snapshot of an analysis and its explanations, as they are."""
    models = [p.model for p in analysis.predictions]
    methods = [e.explainer for e in explanations]
    return Snapshot(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        analysis=analysis,
        explanations=tuple(explanations),
        unread=unread_spans(analysis.text),
        titles={m: engine.pool.title(m) for m in models} | {m: explainers.get(m).title for m in methods},
        records={m: engine.evidence.accuracy_sentence(m) for m in models},
        revisions={m: engine.pool.revision(m) for m in models},
        code={"fakenews": __version__, "cleaning": CLEANING_VERSION, "formatting": FORMATTING_VERSION},
    )


def make(
    engine: Engine,
    text: str,
    models: Sequence[str] | None = None,
    method: str | None = None,
    progress: Callable[[float], None] | None = None,
) -> Snapshot:
    """Analyze a text that `Judge.check` returned, in the lines a page has, and give the snapshot.

    Raise `InputError` if a model or the method is unknown or not here; `Cancelled` if `progress` raised it.

    Parameters
    ----------
    models : sequence of str, optional
        Those asked; the default ones otherwise. All but the ensemble are explained.
    method : str, optional
        Explanation of the models that have it; each model's quickest otherwise.
    """
    text = browser_lines(text)  # reviewers mark characters of the page
    analysis = engine.judge.analyse(text, models).tested(engine.judge.formatting_test(text, models))
    explained = [p.model for p in analysis.predictions if p.model not in MEMBERS or len(analysis.predictions) == 1]
    requests = [ExplanationRequest(text, model, engine.explainers.method(model, method)) for model in explained]
    explanations = [engine.explainers.explain(request, progress) for request in requests]
    return take(engine, analysis, explanations)


def redacted(snapshot: Snapshot) -> Snapshot:
    """Return the same numbers and highlights on blocks of one size instead of words; each sentence is a line.

    What it keeps of the text is the number of words and sentences, and the weight of each.
    """
    text = snapshot.text
    words = sorted({(a.start, a.end) for e in snapshot.explanations for a in e.attributions})
    starts = [s.start for s in sentence_spans(text)]
    pieces: list[str] = []
    spans: dict[tuple[int, int], tuple[int, int]] = {}
    at, last = 0, None
    for word in words:
        sentence = bisect_right(starts, word[0])
        gap = "" if last is None else " " if sentence == last else "\n"
        pieces += (gap, HIDDEN)
        at += len(gap)
        spans[word] = (at, at + len(HIDDEN))
        at, last = at + len(HIDDEN), sentence
    hidden = "".join(pieces)
    return replace(
        snapshot,
        analysis=replace(snapshot.analysis, text=hidden),
        explanations=tuple(
            replace(
                e,
                text=hidden,
                attributions=tuple(Attribution(*spans[a.start, a.end], a.weight) for a in e.attributions),
            )
            for e in snapshot.explanations
        ),
        unread=(),
        redacted=True,
    )


def changes(snapshot: Snapshot, engine: Engine) -> tuple[str, ...]:
    """Return what differs today from when the snapshot was taken, one sentence each; empty where nothing does."""
    sentences = []
    for model, revision in snapshot.revisions.items():
        title = snapshot.titles.get(model, model)
        if model not in engine.pool.models:
            sentences.append(f"{title} is not among today's models.")
        elif engine.pool.revision(model) != revision:
            sentences.append(f"Today's {title} has other weights ({engine.pool.revision(model)}, then {revision}).")
    now = {"cleaning": CLEANING_VERSION, "formatting": FORMATTING_VERSION}
    what = {"cleaning": "The cleaning of texts", "formatting": "The list of edits of the formatting test"}
    sentences += [
        f"{what[part]} has version {version} today, {snapshot.code[part]} then."
        for part, version in now.items()
        if snapshot.code.get(part) != version
    ]
    return tuple(sentences)
