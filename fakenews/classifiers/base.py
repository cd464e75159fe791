"""The promise every classifier keeps, and the little they all share: reading a text and calibrating a margin."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from fakenews.schema import LABELS, Span
from fakenews.text import CLEANING, CLEANING_VERSION, RAW, NeutralText, neutralise, untouched, word_spans

P_MIN, P_MAX = 0.001, 0.999


class NotFittedError(ValueError):
    """Raised when a classifier is asked before `fit` or `load`."""


@dataclass(frozen=True, slots=True)
class ReadText:
    """A text as classifiers read it.

    Attributes
    ----------
    source : str
        The user's text.
    neutral : NeutralText
        What is left of it after cleaning, with the way back.
    words : tuple of Span
        The words of `neutral.text`, in order: the features of every explanation, the same for all classifiers.
    """

    source: str
    neutral: NeutralText
    words: tuple[Span, ...]

    def source_spans(self) -> tuple[Span, ...]:
        """The words as character spans of the user's text, in order, never overlapping."""
        return tuple(self.neutral.source_span(w.start, w.end) for w in self.words)


@lru_cache(maxsize=128)
def read(source: str) -> ReadText:
    """Clean `source` and find its words; cached, because explainers ask for the same text many times."""
    neutral = neutralise(source)
    return ReadText(source, neutral, word_spans(neutral.text))


def unread_spans(text: str) -> tuple[Span, ...]:
    """Stretches of a text with letters or digits of which cleaning left nothing, in order."""
    known = read(text)
    covered = np.zeros(len(text) + 1, dtype=bool)
    for start, end, character in zip(known.neutral.starts, known.neutral.ends, known.neutral.text, strict=True):
        if not character.isspace():
            covered[start:end] = True
    for span in known.source_spans():
        covered[span.start : span.end] = True
    stretches, first = [], None
    for i in range(len(text) + 1):
        gone = i < len(text) and not covered[i]
        if gone and first is None:
            first = i
        elif not gone and first is not None:
            stretch = text[first:i]
            if sum(c.isalnum() for c in stretch) > 2:
                left = len(stretch) - len(stretch.lstrip())
                stretches.append(Span(first + left, first + len(stretch.rstrip())))
            first = None
    return tuple(stretches)


def read_as(source: str, cleaning: str) -> ReadText:
    """Read `source` as `read` does, or «raw», for classifiers fitted to show what happens without cleaning.

    Raises
    ------
    ValueError
        If `cleaning` is neither «neutral» nor «raw».
    """
    if cleaning == CLEANING:
        return read(source)
    if cleaning != RAW:
        raise ValueError(f"Unknown cleaning {cleaning!r}. Known: {CLEANING}, {RAW}.")
    return ReadText(source, untouched(source), word_spans(source))


def lower_words(text: str, cleaning: str = CLEANING) -> list[str]:
    """Words of `read_as(text, cleaning)` in lower case, one for every place of its `words`."""
    known = read_as(text, cleaning)
    return [known.neutral.text[w.start : w.end].lower() for w in known.words]


@runtime_checkable
class TextClassifier(Protocol):
    """A fitted classifier of news texts into `schema.LABELS`.

    Texts are the user's own (title and body joined by `text.join`); each classifier cleans them itself.
    """

    name: str
    mask_token: str
    info_: dict[str, Any]  # facts of the training that travel with the weights

    def predict_margin(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Log-odds of the fake class before calibration, shape (n_texts,)."""

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Calibrated probabilities of shape (n_texts, 2), columns `LABELS`, rows sum to 1."""

    def calibrated(self, margins: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of fake, shape (n,), of margins already computed."""

    def calibrated_elsewhere(self, margins: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Probability of fake, shape (n,), on publishers that were never seen; None where that was not measured."""

    def predict_both(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Margins, and probabilities of fake on publishers that were never seen, both of shape (n_texts,)."""

    def masked_margin(self, text: str, keep: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Margins of variants of one text with words removed.

        Parameters
        ----------
        text : str
            The user's text.
        keep : ndarray of shape (n_variants, n_words), bool
            False where a word of `read(text).words` is replaced by `mask_token`.

        Returns
        -------
        ndarray of shape (n_variants,)
            Log-odds of the fake class.
        """

    def save(self, folder: Path) -> None:
        """Write weights and settings into `folder`, created if missing."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""


@runtime_checkable
class KnowsItsTraining(Protocol):
    """A classifier that can say how far a text lies from what it was trained on.

    The line above which a text is unlike the training data is `info_["novelty"]["threshold"]`, a quantile of
    held-out articles; a classifier without it has not been asked yet.
    """

    def remember(self, texts: Sequence[str], seed: int = 42) -> None:
        """Keep what distances to training texts need; never the texts."""

    def predict_with_novelty(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Margins as `predict_margin` gives them and distances from the training texts, both of shape (n_texts,)."""


def distinct_margins(classifier: TextClassifier, texts: Sequence[str]) -> NDArray[np.float64]:
    """Margins of `texts`, shape (n_texts,), where those that read the same are asked once.

    A classifier's answer depends on nothing but the text it reads after its cleaning, and most edits of formatting
    are gone by then: twenty variants of an article cost one to five answers.
    """
    cleaning = getattr(classifier, "cleaning", CLEANING)
    readings = [read_as(text, cleaning).neutral.text for text in check_texts(texts)]
    first = {reading: text for reading, text in reversed(list(zip(readings, texts, strict=True)))}
    margins = dict(zip(first, classifier.predict_margin(list(first.values())), strict=True))
    return np.array([margins[reading] for reading in readings], dtype=np.float64)


class Calibration(NamedTuple):
    """From log-odds of fake to calibrated ones: `margin / temperature + shift`.

    Platt, «Probabilistic outputs for support vector machines» (1999), with the temperature of Guo et al.,
    «On Calibration of Modern Neural Networks», ICML 2017 (arXiv:1706.04599), as its slope.
    """

    temperature: float = 1.0
    shift: float = 0.0

    def logits(self, margins: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated log-odds of fake, of the shape of `margins`."""
        return np.asarray(np.asarray(margins, dtype=np.float64) / self.temperature + self.shift)

    def to_dict(self) -> dict[str, float]:
        """JSON form."""
        return dict(self._asdict())


class CalibratedClassifier(ABC):
    """A classifier that gives margins, and what turns these into probabilities.

    There are two answers. At home, on text like that of the publishers it learnt from, `home_` says what a margin is
    worth. Elsewhere the same margin is worth less, and the line between the classes lies in another place:
    `elsewhere_` was fitted on whole corpora that were left out of training; None where that was not done.
    """

    home_: Calibration
    elsewhere_: Calibration | None

    @abstractmethod
    def predict_margin(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Log-odds of the fake class before calibration, shape (n_texts,)."""

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Calibrated probabilities of shape (n_texts, 2), columns `LABELS`."""
        return probabilities(self.predict_margin(texts), self.home_)

    def calibrated(self, margins: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of fake, shape (n,), of margins already computed."""
        return probabilities(margins, self.home_)[:, 0]

    def calibrated_elsewhere(self, margins: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Probability of fake, shape (n,), if the texts come from publishers unlike those of the training."""
        return None if self.elsewhere_ is None else probabilities(margins, self.elsewhere_)[:, 0]

    def predict_both(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Margins, and probabilities of fake on publishers that were never seen, both of shape (n_texts,)."""
        margins = self.predict_margin(texts)
        return margins, self.calibrated_elsewhere(margins)

    def calibrate(self, texts: Sequence[str], labels: Sequence[int]) -> Self:
        """Set the calibration at home on held-out texts."""
        self.home_ = fit_calibration(self.predict_margin(texts), labels)
        return self

    def _calibration_settings(self) -> dict[str, Any]:
        elsewhere = None if self.elsewhere_ is None else self.elsewhere_.to_dict()
        return {"calibration": {"home": self.home_.to_dict(), "elsewhere": elsewhere}}

    def _set_calibration(self, settings: Mapping[str, Any]) -> None:
        found = settings["calibration"]
        self.home_ = Calibration(**found["home"])
        self.elsewhere_ = Calibration(**found["elsewhere"]) if found["elsewhere"] else None


class MarginClassifier(CalibratedClassifier):
    """A classifier whose settings are written beside its weights.

    A subclass names in `own_settings` the constructor arguments that `config.json` keeps. A seed is none of them: it
    travels with the facts of the training, in `info_`.

    Parameters
    ----------
    name : str
        Key in the registry.
    cleaning : {"neutral", "raw"}
        What is done to a text before it is read; «raw» is for measuring what cleaning takes away.
    """

    kind: ClassVar[str]
    own_settings: ClassVar[tuple[str, ...]]
    mask_token = ""

    def __init__(self, name: str, cleaning: str = CLEANING) -> None:
        self.name = name
        self.cleaning = cleaning
        self.home_ = Calibration()
        self.elsewhere_ = None
        self.info_: dict[str, Any] = {}

    def _write_settings(self, folder: Path) -> None:
        config = {
            "kind": self.kind,
            "name": self.name,
            "labels": list(LABELS),
            "cleaning": {"name": self.cleaning, "version": CLEANING_VERSION},
            **self._calibration_settings(),
            **{setting: getattr(self, setting) for setting in self.own_settings},
            **self.info_,
        }
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def _from_settings(cls, folder: Path, **arguments: Any) -> Self:
        """An unfitted classifier with the settings of `folder` and further constructor `arguments`."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        cleaning = config["cleaning"]["name"]
        if cleaning not in (CLEANING, RAW) or config["cleaning"]["version"] != CLEANING_VERSION:
            raise ValueError(
                f"{folder} was trained on cleaning {config['cleaning']}; this code reads {CLEANING} {CLEANING_VERSION}."
            )
        settings = {setting: config[setting] for setting in cls.own_settings}
        self = cls(name=config["name"], **settings, **arguments)
        self.cleaning = cleaning
        self._set_calibration(config)
        own = {"kind", "name", "labels", "cleaning", "calibration", *cls.own_settings}
        self.info_ = {k: v for k, v in config.items() if k not in own}
        return self


def check_texts(texts: Sequence[str]) -> list[str]:
    """Refuse what is not a sequence of strings, the bare string above all.

    Raises
    ------
    TypeError
        If `texts` is one string, or holds something else than strings.
    """
    if isinstance(texts, str | bytes):
        raise TypeError(f"Expected a sequence of texts, got one {type(texts).__name__}: put it in a list.")
    texts = list(texts)
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"Expected texts to be str, got {type(text).__name__} at position {i}.")
    return texts


def check_labels(texts: Sequence[str], labels: Sequence[int]) -> NDArray[np.int64]:
    """Labels as an array of 0 (fake) and 1 (real), both present, one per text.

    Raises
    ------
    ValueError
        If the lengths differ, a label is neither 0 nor 1, or one class is missing.
    """
    y = np.asarray(labels, dtype=np.int64)
    if len(y) != len(texts):
        raise ValueError(f"Got {len(texts)} texts and {len(y)} labels: one label per text is needed.")
    if set(np.unique(y).tolist()) != {0, 1}:
        raise ValueError(f"Labels must be 0 (fake) and 1 (real), both present; got {np.unique(y).tolist()}.")
    return y


def check_weights(
    y: NDArray[np.int64], weights: Sequence[float] | NDArray[np.float64] | None
) -> NDArray[np.float64] | None:
    """Weights as an array of positive numbers, one per label; None if there are none.

    Raises
    ------
    ValueError
        If their number differs from the labels', or one is not positive.
    """
    if weights is None:
        return None
    found = np.asarray(weights, dtype=np.float64)
    if found.shape != y.shape or not (found > 0).all():
        raise ValueError(f"Expected {len(y)} positive weights, one per text, got shape {found.shape}.")
    return found


def probabilities(margins: NDArray[np.float64], calibration: Calibration) -> NDArray[np.float64]:
    """Calibrated probabilities of shape (n, 2) from log-odds of fake, clipped to [0.001, 0.999]."""
    p = np.clip(expit(calibration.logits(margins)), P_MIN, P_MAX)
    return np.stack([p, 1.0 - p], axis=1)


def fit_calibration(
    margins: NDArray[np.float64], labels: Sequence[int], weights: NDArray[np.float64] | None = None
) -> Calibration:
    """The calibration that minimises the log-loss of `margins` (log-odds of fake) on held-out `labels`.

    Two parameters, found by quasi-Newton search from (1, 0); the temperature stays within [0.05, 20].
    """
    from scipy.optimize import minimize

    margins = np.asarray(margins, dtype=np.float64)
    signs = np.where(np.asarray(labels) == 0, 1.0, -1.0)
    counts = np.ones(len(signs)) if weights is None else np.asarray(weights, dtype=np.float64)
    counts = counts / counts.sum()

    def loss(parameters: NDArray[np.float64]) -> float:
        log_t, shift = parameters
        return float(counts @ np.logaddexp(0.0, -signs * (margins / np.exp(log_t) + shift)))

    found = minimize(loss, np.zeros(2), bounds=[(np.log(0.05), np.log(20)), (-10.0, 10.0)], method="L-BFGS-B")
    return Calibration(float(np.exp(found.x[0])), float(found.x[1]))
