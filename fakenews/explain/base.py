"""The promise every explainer keeps, and what they share: checks, asking a classifier many times, the result.

The features of every explanation are the words of `classifiers.base.clean_text(text).words`, so classifiers and
methods stand side by side. Methods work on log-odds of the fake class before calibration; the sign of the
target is applied in one place, `WordExplainer.explain`.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, ClassVar, SupportsInt, TypeGuard

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import TextClassifier, clean_text
from fakenews.classifiers.precision import fast_products
from fakenews.schema import LABELS, Attribution, Explanation, Target

Progress = Callable[[float], None]

MAX_SEED = 2**32 - 1
BATCH_ROWS, BATCH_WORDS = 32, 2048  # at most so many samples, and words in them, are evaluated at once
MAX_PLACES = 10_000_000  # samples times words: a fit to them takes up to 70 bytes for each
_MANY = 16  # samples asked for together that may be answered in bfloat16
BATCH_SECONDS = 0.5  # a batch that took longer is halved: progress is due every second


class Cancelled(Exception):
    """Raised by a progress callback to stop an explanation; explainers let it through."""


@dataclass(frozen=True, slots=True)
class SampleRange:
    """What a method's `n_samples` counts, its default and the values it takes."""

    name: str
    default: int
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class WordWeights:
    """What a method found, on log-odds of the fake class."""

    weights: NDArray[np.float64]  # shape (n_words,): one weight for every word of `clean_text(text).words`
    # base_value, log_odds: the method's reference, and the classifier's own value for the whole text
    base_value: float
    log_odds: float
    # R² of a local model; None where the weights and the base are meant to sum to the log-odds
    fidelity: float | None = None
    # rank agreement of the strongest words between two halves of the samples; None where nothing is sampled
    stability: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)  # what was actually used
    share: float = 1.0  # of the work that is done, in (0, 1]


@dataclass(frozen=True, slots=True)
class Refinement:
    """An explanation as far as it is known, and how far that is."""

    explanation: Explanation
    share: float  # of the work that is done, in (0, 1]; 1 with the last
    seconds_left: float  # by extrapolation


class WordExplainer(ABC):
    """An explainer that only says how it weighs; checks, sign and result are done here."""

    name: ClassVar[str]
    samples: ClassVar[SampleRange | None]
    explains: ClassVar[Any] = TextClassifier  # classifiers with these methods; may be a union

    def supports(self, classifier: object) -> bool:
        """Return whether the method can explain this classifier."""
        return isinstance(classifier, self.explains)

    @abstractmethod
    def _weigh(
        self, text: str, classifier: TextClassifier, n_samples: int, seed: int, progress: Progress, known: float | None
    ) -> Iterator[WordWeights]:
        """Weigh the words of a text that has some, better and better; the last has a share of 1.

        `n_samples` is in range, 0 where the method takes none; `known` is what `refine` was given.
        """

    def default_samples(self, text: str, classifier: TextClassifier) -> int:
        """Return samples taken where none are asked for."""
        return self.samples.default if self.samples else 0

    def explain(
        self,
        text: str,
        classifier: TextClassifier,
        *,
        target: Target = "fake",
        n_samples: int | None = None,
        seed: int = 42,
        progress: Progress | None = None,
        log_odds: float | None = None,
    ) -> Explanation:
        """Weigh every word of `text`.

        Raise `TypeError` if `text` is not a string; `ValueError` if the classifier is not supported, or `target`,
        `n_samples` or `seed` is out of range; `Cancelled` if `progress` raised it.

        Parameters
        ----------
        text : str
            The user's text, uncleaned; the attributions lie on its characters.
        classifier : TextClassifier
            One that this method supports.
        target : {"fake", "real"}
            Class that a positive weight pushes towards.
        n_samples : int, optional
            Samples, steps or evaluations; the method's own default where None. Time and memory grow with it, and
            with the words: of a long text fewer are taken, `MAX_PLACES` over its words.
        seed : int
            From 0 to 2**32 - 1; the same seed gives the same weights.
        progress : callable, optional
            Called with a share done in [0, 1], never falling, after every evaluated batch and at the end. What it
            raises stops the computation: raise `Cancelled` to cancel.
        log_odds : float, optional
            What the classifier's `decision_function` says of the text, where it is known; asked for where it is not.

        Returns
        -------
        Explanation
            On log-odds, signed towards `target`; without attributions where the text has no words.
        """
        *_, last = self.refine(
            text, classifier, target=target, n_samples=n_samples, seed=seed, progress=progress, log_odds=log_odds
        )
        return last.explanation

    def refine(
        self,
        text: str,
        classifier: TextClassifier,
        *,
        target: Target = "fake",
        n_samples: int | None = None,
        seed: int = 42,
        progress: Progress | None = None,
        log_odds: float | None = None,
    ) -> Iterator[Refinement]:
        """Weigh every word of `text`, better and better: at least once, the last time as `explain` does.

        Takes and raises what `explain` takes and raises, the errors when the first is asked for. Whoever stops asking
        stops the work.
        """
        started = time.perf_counter()
        n_samples = self._check(text, classifier, target, n_samples, seed)
        report = progress or _ignore
        report(0.0)
        spans = clean_text(text).source_spans
        if spans:
            steps = self._weigh(text, classifier, n_samples, seed, report, log_odds)
        else:
            known = float(classifier.decision_function([text])[0]) if log_odds is None else log_odds
            steps = iter([WordWeights(np.zeros(0), base_value=known, log_odds=known)])
        sign = 1.0 if target == "fake" else -1.0
        for step in steps:
            if step.share >= 1.0:
                report(1.0)
            weights = sign * step.weights
            base_value, full_value = sign * step.base_value, sign * step.log_odds
            seconds = time.perf_counter() - started
            explanation = Explanation(
                text=text,
                target=target,
                attributions=tuple(
                    Attribution(s.start, s.end, w) for s, w in zip(spans, weights.tolist(), strict=True)
                ),
                unit="log-odds",
                base_value=base_value,
                log_odds=full_value,
                fidelity=step.fidelity,
                residual=full_value - base_value - float(weights.sum()) if step.fidelity is None else None,
                stability=step.stability,
                classifier=classifier.name,
                explainer=self.name,
                seed=int(seed),
                seconds=seconds,
                settings=dict(step.settings),
            )
            yield Refinement(explanation, step.share, seconds * (1.0 - step.share) / step.share)

    def _check(self, text: object, classifier: TextClassifier, target: object, n_samples: object, seed: object) -> int:
        if not isinstance(text, str):
            raise TypeError(f"Expected one text as str, got {type(text).__name__}.")
        if not self.supports(classifier):
            raise ValueError(f"The explainer {self.name} cannot explain {getattr(classifier, 'name', classifier)!r}.")
        if target not in LABELS:
            raise ValueError(f"Unknown target {target!r}. Known: {', '.join(LABELS)}.")
        if not _is_whole(seed, 0, MAX_SEED):
            raise ValueError(f"Got seed={seed!r}: it must be a whole number from 0 to {MAX_SEED}.")
        if self.samples is None:
            if n_samples is not None:
                raise ValueError(f"Got n_samples={n_samples!r}: the explainer {self.name} is exact and takes none.")
            return 0
        if n_samples is None:
            return self.default_samples(text, classifier)
        low, high = self.samples.minimum, self.samples.maximum
        if not _is_whole(n_samples, low, high):
            raise ValueError(
                f"Got n_samples={n_samples!r}: the explainer {self.name} takes a whole number of "
                f"{self.samples.name} from {low} to {high}."
            )
        if (most := MAX_PLACES // max(1, len(clean_text(text).words))) < int(n_samples):
            raise ValueError(
                f"Got n_samples={n_samples}: for a text as long as this the explainer {self.name} takes at most "
                f"{most:,} {self.samples.name}, so ask for fewer or shorten the text."
            )
        return int(n_samples)


class Pace:
    """How many samples of one text are evaluated at once: fewer of a long one, half as many after a slow batch."""

    def __init__(self, n_words: int) -> None:
        self._rows = max(1, min(BATCH_ROWS, BATCH_WORDS // max(1, n_words)))

    def batches(self, n: int) -> Iterator[slice]:
        """Yield parts of `n` samples, in order; the time until the next part is asked for sets its size."""
        first = 0
        while first < n:
            batch = slice(first, first + self._rows)
            started = time.perf_counter()
            yield batch
            if time.perf_counter() - started > BATCH_SECONDS:
                self._rows = max(1, self._rows // 2)
            first = batch.stop


class MaskedLogOdds:
    """Log-odds of perturbed samples of one text: in bounded batches, each sample asked once, progress after each batch.

    Parameters
    ----------
    text : str
        The user's text.
    classifier : TextClassifier
        Whose `masked_log_odds` is asked.
    expected : int
        Number of samples after which `progress` hears 1.0.
    progress : callable
        Called with the share done; what it raises stops the evaluation.
    log_odds : float, optional
        Of the whole text, where it is known.
    coarse : bool
        Whether many samples asked for together may be answered in bfloat16.
    """

    def __init__(
        self,
        text: str,
        classifier: TextClassifier,
        expected: int,
        progress: Progress,
        log_odds: float | None = None,
        coarse: bool = True,
    ) -> None:
        self._text = text
        self._classifier = classifier
        self._expected = expected
        self._progress = progress
        self._coarse = coarse
        n_words = len(clean_text(text).words)
        whole = np.packbits(np.ones(n_words, dtype=bool)).tobytes()
        self._known: dict[bytes, float] = {} if log_odds is None else {whole: log_odds}
        self._pace = Pace(n_words)

    @property
    def n_evaluated(self) -> int:
        """Number of different samples whose log-odds are known."""
        return len(self._known)

    def __call__(self, keep: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the log-odds of fake, shape (n_samples,), for rows of `keep`, shape (n_samples, n_words)."""
        keys = [row.tobytes() for row in np.packbits(keep, axis=1)]
        new = {key: i for i, key in enumerate(keys) if key not in self._known}
        new_keys, new_rows = list(new), list(new.values())
        # A few answers stand for themselves; of hundreds the mean counts, so they may be coarser and sooner. How large
        # a batch is does not decide it: that depends on how busy the machine is.
        precision = fast_products if self._coarse and len(new_rows) >= _MANY else nullcontext
        for batch in self._pace.batches(len(new_rows)):
            rows = new_rows[batch]
            with precision():
                log_odds = self._classifier.masked_log_odds(self._text, keep[rows])
            self._known.update(zip(new_keys[batch], log_odds.tolist(), strict=True))
            self._progress(min(1.0, self.n_evaluated / self._expected))
        return np.array([self._known[key] for key in keys])


def _ignore(fraction: float) -> None:
    """Ignore progress."""


def _is_whole(value: object, low: int, high: int) -> TypeGuard[SupportsInt]:
    return isinstance(value, Integral) and not isinstance(value, bool) and low <= int(value) <= high
