"""The fewest sentences whose removal flips the prediction, and what removing stretches does to a text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import Scores, TextClassifier, clean_text
from fakenews.explain.base import Pace, Progress
from fakenews.schema import Span
from fakenews.text import sentence_spans

MOST_EXACT = 12  # sentences of which every set is tried, smallest first
BEAM, TRIED = 4, 8  # sets kept at each size, and sentences tried for each
MOST_EVALUATIONS = 600  # of the beam search
_AT_ONCE = 16  # sets among which the best is looked for, before others are asked


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """The fewest sentences whose removal flips a prediction."""

    model: str
    sentences: tuple[Span, ...]  # all sentences with words, on the user's text
    removed: tuple[int, ...]  # indices in `sentences`; empty where no set flips the prediction
    # p_before, p_after: calibrated probability of fake, of the text and without the sentences; alike where nothing was
    # found
    p_before: float
    p_after: float
    # whether every smaller set was tried, and so none is smaller: with up to `MOST_EXACT` sentences, and where one or
    # two are removed of more, as each alone is always tried
    exact: bool
    evaluations: int
    seconds: float

    def to_dict(self, text: str) -> dict[str, Any]:
        """Return the JSON form, each removed sentence with its text and its number, counted from 1."""
        spans = [self.sentences[i] for i in self.removed]
        return {
            **asdict(self),
            "sentences": len(self.sentences),
            "removed": [
                {"sentence": i + 1, **asdict(s), "text": text[s.start : s.end]}
                for i, s in zip(self.removed, spans, strict=True)
            ],
        }


def without(text: str, spans: Sequence[Span]) -> str:
    """Cut stretches out of `text`, with the space that then stands twice."""
    merged: list[list[int]] = []
    for span in sorted(spans, key=lambda s: s.start):
        if merged and span.start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], span.end)
        else:
            merged.append([span.start, span.end])
    pieces, last = [], 0
    for start, end in merged:
        if start == 0 or text[start - 1] == "\n":
            end += len(text[end:]) - len(text[end:].lstrip())
        elif text[start - 1].isspace() and text[end : end + 1] == " ":
            end += 1
        pieces.append(text[last:start])
        last = end
    return "".join((*pieces, text[last:]))


def worded_sentences(text: str) -> tuple[Span, ...]:
    """Return the sentences of `text` in which classifiers read words, in order."""
    starts = [span.start for span in clean_text(text).source_spans]
    spans = sentence_spans(text)
    return tuple(s for s in spans if np.searchsorted(starts, s.end) > np.searchsorted(starts, s.start))


def minimal_counterfactual(
    text: str, classifier: TextClassifier, progress: Progress = lambda share: None
) -> Counterfactual:
    """Find the fewest sentences without which the calibrated probability lies on the other side of one half.

    Of up to `MOST_EXACT` sentences every set is tried, size by size, so nothing smaller exists; of more, a beam search
    adds to the best sets of each size, after each sentence alone. At least one sentence stays.

    Parameters
    ----------
    text : str
        The user's text.
    progress : callable, optional
        Hears the share of the worst case that is done; what it raises stops the search.
    """
    search = _Search(text, classifier, progress)
    removed = search.exact() if len(search.spans) <= MOST_EXACT else search.beam()
    return search.result(removed)


class _Search:
    def __init__(self, text: str, classifier: TextClassifier, progress: Progress) -> None:
        self.started = time.perf_counter()
        self.text, self.classifier, self.progress = text, classifier, progress
        self.spans = worded_sentences(text)
        self.n = len(self.spans)
        self.pace = Pace(len(clean_text(text).words))
        self.worst = 2**self.n - 1 if self.n <= MOST_EXACT else MOST_EVALUATIONS
        self.known: dict[tuple[int, ...], float] = {}
        whole = classifier.predict_scores([text])
        self.in_domain = whole.in_domain
        self.before = float(whole.log_odds[0])
        self.known[()] = self.before
        self.lean = 1.0 if self.p(self.before) >= 0.5 else -1.0

    def p(self, log_odds: float) -> float:
        """Return the probability of fake of a sample, taken to be as in-domain as the whole text."""
        return float(self.classifier.calibrated(Scores(np.array([log_odds]), self.in_domain))[0])

    def flips(self, log_odds: float) -> bool:
        return (self.p(log_odds) >= 0.5) != (self.lean > 0)

    def ask(self, sets: Sequence[tuple[int, ...]]) -> list[float]:
        """Score the text without each set of sentences, in batches, each once."""
        new = [s for s in dict.fromkeys(sets) if s not in self.known]
        for batch in self.pace.batches(len(new)):
            texts = [without(self.text, [self.spans[i] for i in s]) for s in new[batch]]
            self.known.update(zip(new[batch], self.classifier.decision_function(texts).tolist(), strict=True))
            self.progress(min(1.0, len(self.known) / max(self.worst, 1)))
        return [self.known[s] for s in sets]

    def first_flip(self, sets: Sequence[tuple[int, ...]]) -> tuple[int, ...] | None:
        """Return the first of `sets` that flips the prediction; later ones are not asked."""
        for first in range(0, len(sets), _AT_ONCE):
            batch = sets[first : first + _AT_ONCE]
            log_odds = self.ask(batch)
            best = min(range(len(batch)), key=lambda i: self.lean * log_odds[i])
            if self.flips(log_odds[best]):
                return batch[best]
        return None

    def pulls(self) -> NDArray[np.float64]:
        """Return what each sentence alone adds towards the answer, on log-odds."""
        return self.lean * (self.before - np.array(self.ask([(i,) for i in range(self.n)])))

    def exact(self) -> tuple[int, ...]:
        if self.n < 2:
            return ()
        pulls = self.pulls()
        for size in range(1, self.n):
            sets = sorted(combinations(range(self.n), size), key=lambda s: -pulls[list(s)].sum())
            if flipping := self.first_flip(sets):
                return flipping
        return ()

    def beam(self) -> tuple[int, ...]:
        pulls = self.pulls()
        beams: list[tuple[int, ...]] = [()]
        for _ in range(1, self.n):
            tried = {
                tuple(sorted((*s, i)))
                for s in beams
                for i in sorted(set(range(self.n)) - set(s), key=lambda i: -pulls[i])[:TRIED]
            }
            sets = sorted(tried, key=lambda s: -pulls[list(s)].sum())
            if flipping := self.first_flip(sets):
                return flipping
            if len(self.known) >= MOST_EVALUATIONS:
                return ()
            beams = sorted(sets, key=lambda s: self.lean * self.known[s])[:BEAM]
        return ()

    def result(self, removed: tuple[int, ...]) -> Counterfactual:
        after = self.ask([removed])[0]
        self.progress(1.0)
        return Counterfactual(
            model=self.classifier.name,
            sentences=self.spans,
            removed=removed,
            p_before=self.p(self.before),
            p_after=self.p(after),
            exact=self.n <= MOST_EXACT or len(removed) in (1, 2),
            evaluations=len(self.known),
            seconds=time.perf_counter() - self.started,
        )
