"""The promise every classifier keeps, and the little they all share: reading a text and calibrating scores."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from fakenews.classifiers.checks import check_texts
from fakenews.classifiers.entries import read_json
from fakenews.schema import FAKE, LABELS, Span
from fakenews.text import CLEANING, CLEANING_VERSION, RAW, TOKEN, CleanedText, clean, token_spans, untouched, word_spans

ANY = "any"  # language of an added model that judges texts in every one
P_MIN, P_MAX = 0.001, 0.999
SLOPES, SHIFTS = (0.05, 20.0), (-10.0, 10.0)  # bounds of a calibration
_NOT_KEPT = ("name", "cleaning", "seed", "device", "members")  # of the arguments of a classifier
RIDGE = 1e-3  # penalty of its shifts and in-domain slope


class NotFittedError(ValueError):
    """Raised when a classifier is asked before `fit` or `load`."""


@dataclass(frozen=True)
class CleanedDocument:
    """A text as classifiers read it."""

    source: str  # the user's text
    neutral: CleanedText  # what is left of it after cleaning, with the way back

    @cached_property
    def tokens(self) -> tuple[Span, ...]:
        """Runs of letters and digits of `neutral.text`, in order: what classifiers count."""
        return token_spans(self.neutral.text)

    @cached_property
    def source_spans(self) -> tuple[Span, ...]:
        """Words of the user's text of which cleaning left a token, in order: the features of every explanation."""
        return tuple(Span(*span) for span in self.source_edges.tolist())

    @cached_property
    def words(self) -> tuple[Span, ...]:
        """The part of `neutral.text` that stands for each of `source_spans`; every token lies in one."""
        return tuple(Span(*span) for span in self.word_edges.tolist())

    @cached_property
    def word_edges(self) -> NDArray[np.int64]:
        """Start and end of each of `words`, (n_words, 2)."""
        text, edges = self.neutral.text, self.source_edges
        starts = np.searchsorted(self.neutral.starts, edges[:, 0])
        ends = np.searchsorted(self.neutral.ends, edges[:, 1], side="right")
        parts = [text[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        blanks = [(len(part) - len(part.lstrip()), len(part.rstrip()) - len(part)) for part in parts]
        return np.stack([starts, ends], axis=1) + np.array(blanks, dtype=np.int64).reshape(-1, 2)

    @cached_property
    def source_edges(self) -> NDArray[np.int64]:
        """Start and end of `source_spans`, (n_words, 2); words that one token reaches over are one."""
        tokens = np.array([m.span() for m in TOKEN.finditer(self.neutral.text)], dtype=np.int64).reshape(-1, 2)
        words = np.array([(w.start, w.end) for w in word_spans(self.source)], dtype=np.int64).reshape(-1, 2)
        token_starts = self.neutral.starts[tokens[:, 0]]
        starts = np.concatenate([token_starts, words[:, 0]])
        ends = np.concatenate([self.neutral.ends[tokens[:, 1] - 1], words[:, 1]])
        order = np.argsort(starts, kind="stable")
        starts, ends = starts[order], np.maximum.accumulate(ends[order])
        first = np.flatnonzero(np.append(True, starts[1:] >= ends[:-1])[: len(starts)])
        last = np.append(first[1:], len(starts))[: len(first)] - 1
        read = np.unique(np.searchsorted(starts[first], token_starts, side="right") - 1)
        return np.stack([starts[first], ends[last]], axis=1)[read]


READ_AT_ONCE = 128  # texts that are in memory as they are read, where there may be thousands
_HELD: ContextVar[dict[str, CleanedDocument] | None] = ContextVar("held", default=None)


@lru_cache(maxsize=READ_AT_ONCE)
def cleaned(source: str) -> CleanedDocument:
    """Clean `source`; cached, because explainers ask for the same text many times."""
    return CleanedDocument(source, clean(source))


def clean_text(source: str) -> CleanedDocument:
    """Clean `source`, once inside `cleaning_once`."""
    held = _HELD.get()
    if held is None:
        return cleaned(source)
    if source not in held:
        held[source] = cleaned(source)
    return held[source]


@contextmanager
def cleaning_once() -> Iterator[None]:
    """Clean each text once while inside, whatever their number and whoever else reads; all stay in memory until then.

    Not around a `yield`: whoever takes what is yielded would be inside as well.
    """
    if _HELD.get() is not None:
        yield
        return
    token = _HELD.set({})
    try:
        yield
    finally:
        _HELD.reset(token)


def unread_spans(text: str) -> tuple[Span, ...]:
    """Return the stretches of a text with letters or digits of which cleaning left nothing, in order."""
    known = clean_text(text)
    covered = np.zeros(len(text), dtype=bool)
    for start, end, character in zip(known.neutral.starts, known.neutral.ends, known.neutral.text, strict=True):
        if not character.isspace():
            covered[start:end] = True
    for span in known.source_spans:
        covered[span.start : span.end] = True
    edges = np.flatnonzero(np.diff(~covered, prepend=False, append=False)).tolist()
    stretches = ((start, text[start:end]) for start, end in zip(edges[::2], edges[1::2], strict=True))
    return tuple(
        Span(start + len(stretch) - len(stretch.lstrip()), start + len(stretch.rstrip()))
        for start, stretch in stretches
        if sum(c.isalnum() for c in stretch) > 2
    )


def clean_text_as(source: str, cleaning: str) -> CleanedDocument:
    """Read `source` as `clean_text` does, or "raw", for classifiers fitted to show what happens without cleaning.

    Raise `ValueError` if `cleaning` is neither "neutral" nor "raw".
    """
    if cleaning == CLEANING:
        return clean_text(source)
    if cleaning != RAW:
        raise ValueError(f"Unknown cleaning {cleaning!r}. Known: {CLEANING}, {RAW}.")
    return CleanedDocument(source, untouched(source))


def lower_tokens(text: str, cleaning: str = CLEANING) -> list[str]:
    """Return the tokens of `clean_text_as(text, cleaning)` in lower case, one for each of its `tokens`."""
    return [token.lower() for token in TOKEN.findall(clean_text_as(text, cleaning).neutral.text)]


@runtime_checkable
class TextClassifier(Protocol):
    """A fitted classifier of news texts into `schema.LABELS`.

    Texts are the user's own (title and body joined by `text.join`); each classifier cleans them itself.
    """

    name: str
    mask_token: str
    info_: dict[str, Any]  # facts of the training that travel with the weights

    def predict_scores(self, texts: Sequence[str]) -> Scores:
        """Return the log-odds of fake before calibration and how in-domain each text is, each of shape (n_texts,)."""

    def calibrated(self, scores: Scores) -> NDArray[np.float64]:
        """Return the probability of fake, shape (n,), of scores already computed; in [0.001, 0.999]."""

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return calibrated probabilities of shape (n_texts, 2), columns `LABELS`, rows sum to 1."""

    def decision_function(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the log-odds of the fake class before calibration, shape (n_texts,)."""

    def masked_log_odds(self, text: str, keep: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the log-odds of perturbed samples of one text with words removed.

        `keep`, of shape (n_samples, n_words), is False where a word of `clean_text(text).words` is replaced by
        `mask_token`; the log-odds of fake have shape (n_samples,).
        """

    def save(self, folder: Path) -> None:
        """Write weights and settings into `folder`, created if missing; `store.load` reads them."""


@runtime_checkable
class OutOfDomainDetector(Protocol):
    """A classifier that can say how far a text lies from what it was trained on.

    The line above which a text is unlike the training data is `info_["novelty"]["threshold"]`, a quantile of
    held-out articles; a classifier without it has not been asked yet.
    """

    def fit_ood(self, texts: Sequence[str], seed: int = 42) -> None:
        """Keep what distances to training texts need; never the texts."""

    def predict_with_ood_score(self, texts: Sequence[str]) -> tuple[Scores, NDArray[np.float64]]:
        """Return scores as `predict_scores` gives them, and distances from the training texts, shape (n_texts,)."""


def is_calibrated(classifier: TextClassifier) -> bool:
    """Return whether the probabilities of a classifier were fitted to labels; only an added one may be without."""
    return bool(classifier.info_.get("calibrated", True))


def reads_any_language(classifier: TextClassifier) -> bool:
    """Return whether a classifier may judge texts that are not English; only an added one may."""
    return classifier.info_.get("language") == ANY


def distinct_scores(classifier: TextClassifier, texts: Sequence[str]) -> Scores:
    """Score `texts`, where those that read the same are asked once.

    A classifier's answer depends on nothing but the text it reads after its cleaning, and most edits of formatting
    are gone by then: twenty perturbed samples of an article cost one to five answers.
    """
    cleaning = getattr(classifier, "cleaning", CLEANING)
    with cleaning_once():
        readings = [clean_text_as(text, cleaning).neutral.text for text in check_texts(texts)]
        first = {reading: text for reading, text in reversed(list(zip(readings, texts, strict=True)))}
        index = {reading: i for i, reading in enumerate(first)}
        rows = np.array([index[reading] for reading in readings], dtype=np.int64)
        scores = classifier.predict_scores(list(first.values()))
    return Scores(scores.log_odds[rows], scores.in_domain[rows])


class Scores(NamedTuple):
    """What a classifier makes of texts before calibration."""

    log_odds: NDArray[np.float64]  # shape (n,): of the fake class
    # shape (n,): in [0, 1]: how much a text is like the first training corpus, whose publishers were seen in training;
    # 0 where the classifier has no measure
    in_domain: NDArray[np.float64]

    @classmethod
    def out_of_domain(cls, log_odds: NDArray[np.float64]) -> Scores:
        """Return the scores of a classifier that has no measure of how in-domain a text is."""
        log_odds = np.asarray(log_odds, dtype=np.float64)
        return cls(log_odds, np.zeros_like(log_odds))


class Calibration(NamedTuple):
    """From log-odds of fake to calibrated ones, by a slope and a shift that depend on how in-domain a text is.

    Platt, "Probabilistic outputs for support vector machines" (1999), extended by the two terms that are multiplied
    by `Scores.in_domain`: a score is worth more on publishers like those seen in training than on others.
    """

    slope: float = 1.0  # slope, shift: of a text that is not in-domain at all
    shift: float = 0.0
    # slope_in_domain, shift_in_domain: added to them at `in_domain` 1, and in proportion below
    slope_in_domain: float = 0.0
    shift_in_domain: float = 0.0

    def logits(self, scores: Scores) -> NDArray[np.float64]:
        """Return the calibrated log-odds of fake, shape (n,)."""
        log_odds, in_domain = (np.asarray(part, dtype=np.float64) for part in scores)
        slope = self.slope + self.slope_in_domain * in_domain
        return np.asarray(slope * log_odds + self.shift + self.shift_in_domain * in_domain)

    def to_dict(self) -> dict[str, float]:
        """Return the JSON form."""
        return dict(self._asdict())

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calibration:
        """Invert `to_dict`.

        Of the old form, with one calibration for each domain, the one under "home" is taken. Keys that are none
        of its own, as evaluation.json has them beside, are passed over.
        """
        if "home" in values:
            return cls(1.0 / values["home"]["temperature"], values["home"]["shift"])
        return cls(**{name: float(values[name]) for name in cls._fields if name in values})


class CalibratedClassifier(ABC):
    """A classifier that gives scores, and what turns these into one probability.

    `calibration_` is fitted on unseen articles of publishers seen in training and, where whole corpora were left out of
    training, on these: the probability has to hold on publishers that were never seen.
    """

    kind: ClassVar[str]
    name: str
    cleaning: str
    calibration_: Calibration
    info_: dict[str, Any]

    @abstractmethod
    def decision_function(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the log-odds of the fake class before calibration, shape (n_texts,)."""

    def predict_scores(self, texts: Sequence[str]) -> Scores:
        """Return the log-odds of fake before calibration and how in-domain each text is, each of shape (n_texts,)."""
        return Scores.out_of_domain(self.decision_function(texts))

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return calibrated probabilities of shape (n_texts, 2), columns `LABELS`."""
        return probabilities(self.predict_scores(texts), self.calibration_)

    def calibrated(self, scores: Scores) -> NDArray[np.float64]:
        """Return the probability of fake, shape (n,), of scores already computed."""
        return probabilities(scores, self.calibration_)[:, 0]

    def calibrate(self, texts: Sequence[str], labels: Sequence[int]) -> Self:
        """Set the calibration on held-out texts of publishers seen in training."""
        self.calibration_ = fit_calibration(self.predict_scores(texts), labels)
        return self

    def _settings(self, **own: Any) -> dict[str, Any]:
        """Return what is written beside the weights, with the `own` settings of a kind of classifier."""
        return {
            "kind": self.kind,
            "name": self.name,
            "labels": list(LABELS),
            "cleaning": {"name": self.cleaning, "version": CLEANING_VERSION},
            "calibration": self.calibration_.to_dict(),
            **own,
            **self.info_,
        }

    def _set_facts(self, settings: Mapping[str, Any], own: Iterable[str]) -> None:
        """Take over the calibration, and as facts of the training whatever is no setting of its `own`."""
        self.calibration_ = Calibration.from_dict(settings["calibration"])
        known = {"kind", "name", "labels", "cleaning", "calibration", *own}
        self.info_ = {name: value for name, value in settings.items() if name not in known}


@dataclass(eq=False, repr=False)
class LogOddsClassifier(CalibratedClassifier):
    """A classifier whose settings are written beside its weights.

    A subclass is a dataclass, whose fields are the settings that `config.json` keeps, but for those in `_NOT_KEPT`. A
    seed travels with the facts of the training, in `info_`.
    """

    mask_token = ""
    name: str  # key in the registry
    # {"neutral", "raw"}: what is done to a text before it is read; "raw" is for measuring what cleaning takes away
    cleaning: str = CLEANING
    calibration_: Calibration = field(default=Calibration(), init=False)
    info_: dict[str, Any] = field(default_factory=dict, init=False)

    @classmethod
    def _own_settings(cls) -> tuple[str, ...]:
        return tuple(f.name for f in fields(cls) if f.init and f.name not in _NOT_KEPT)

    def _write_settings(self, folder: Path) -> None:
        config = self._settings(**{setting: getattr(self, setting) for setting in self._own_settings()})
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def _from_settings(cls, folder: Path, **arguments: Any) -> Self:
        """Return an unfitted classifier with the settings of `folder` and further constructor `arguments`."""
        config = read_json(folder / "config.json")
        cleaning = cleaning_of(config, folder)
        settings = {setting: config[setting] for setting in cls._own_settings()}
        self = cls(name=config["name"], **settings, **arguments)
        self.cleaning = cleaning
        self._set_facts(config, cls._own_settings())
        return self


def cleaning_of(settings: Mapping[str, Any], folder: Path) -> str:
    """Return the cleaning that a stored model was trained on.

    Raise `ValueError` if this code does not have it.
    """
    cleaning = settings["cleaning"]
    if cleaning["name"] not in (CLEANING, RAW) or cleaning["version"] != CLEANING_VERSION:
        raise ValueError(f"{folder} was trained on cleaning {cleaning}; this code reads {CLEANING} {CLEANING_VERSION}.")
    return str(cleaning["name"])


def probabilities(scores: Scores, calibration: Calibration) -> NDArray[np.float64]:
    """Return calibrated probabilities of shape (n, 2) from scores, clipped to [0.001, 0.999]."""
    p = np.clip(expit(calibration.logits(scores)), P_MIN, P_MAX)
    return np.stack([p, 1.0 - p], axis=1)


def fit_calibration(
    scores: Scores,
    labels: Sequence[int] | NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
    shift_ridge: float = RIDGE,
    shift: float = 0.0,
) -> Calibration:
    """Fit the calibration of least weighted log-loss on held-out labels, 0 fake, 1 real.

    Four parameters, found by quasi-Newton search from the identity. Slopes are bounded so that the probability never
    falls as the log-odds rise. A ridge of `RIDGE` on the in-domain slope and shift, and of `shift_ridge` on how far the
    shift itself is from `shift`, decides where the texts do not: a constant `in_domain` leaves plain Platt scaling.
    """
    from scipy.optimize import minimize

    log_odds, in_domain = (np.asarray(part, dtype=np.float64) for part in scores)
    design = np.stack([log_odds, np.ones_like(log_odds), in_domain * log_odds, in_domain], axis=1)
    signs = np.where(np.asarray(labels) == FAKE, 1.0, -1.0)
    sample_weight = np.ones(len(signs)) if weights is None else np.asarray(weights, dtype=np.float64)
    sample_weight = sample_weight / sample_weight.sum()
    ridge, start = np.array([0.0, shift_ridge, RIDGE, RIDGE]), np.array(Calibration(shift=shift))

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        signed = signs * (design @ parameters)
        value = sample_weight @ np.logaddexp(0.0, -signed) + ridge @ (parameters - start) ** 2
        gradient = design.T @ (-sample_weight * signs * expit(-signed)) + 2.0 * ridge * (parameters - start)
        return float(value), gradient

    bounds = [SLOPES, SHIFTS, (0.0, SLOPES[1]), SHIFTS]
    result = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B")
    return Calibration(*result.x.tolist())
