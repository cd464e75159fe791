"""A track record for a new text: how often a model's verdict was wrong on the held-out articles most like it.

The store holds a short vector, an id and a corpus for every held-out article, and no text. Vectors are 64 directions
of TF-IDF (latent semantic analysis: Deerwester et al., JASIS 41, 1990) in eight bits, so a new text is placed among
nine thousand articles in milliseconds, with nothing loaded but numpy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import lower_tokens
from fakenews.classifiers.ood import unit
from fakenews.metrics.evaluation import Interval, wilson_interval
from fakenews.schema import LABELS, JsonValue

if TYPE_CHECKING:
    import pandas as pd

FILE = "neighbours.safetensors"
WIDTH = 64
K = 100  # nearest articles: an error of a tenth is then known to within six points
UNASKED, RIGHT, WRONG, SILENT = -1, 0, 1, 2  # what a model made of an article; the last gave no verdict
IDENTICAL = 0.999  # cosine from which an article is the text itself; eight bits leave 0.9996 of 1 at least
STEPS = 127  # of a signed byte


@dataclass(frozen=True, slots=True)
class TrackRecord(JsonValue):
    """How a model fared on held-out articles like a text.

    Attributes
    ----------
    model : str
        Key of the classifier.
    n, n_wrong : int
        Verdicts on the nearest articles, and how many of them were wrong.
    error : float or None
        `n_wrong / n`; None where there was no verdict.
    interval : (low, high) or None
        95% Wilson interval of `error`.
    corpora : mapping of str to int
        How many of the articles each corpus gave, the most first.
    similarity : float
        Mean cosine of the text and these articles, in [-1, 1]; near 0 there is nothing like it.
    n_nearest : int or None
        Nearest articles that were looked at; None in records from before verdicts were counted, where `n` is all of
        them and what was counted is the side of 50% that the probability was on.
    """

    model: str
    n: int
    n_wrong: int
    error: float | None
    interval: Interval | None
    corpora: Mapping[str, int]
    similarity: float
    n_nearest: int | None = None

    @property
    def mostly_wrong(self) -> bool:
        """Return whether wrong verdicts outnumber right ones by more than chance: the interval lies above a half."""
        return self.interval is not None and self.interval[0] > 0.5


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Held-out articles as points.

    Attributes
    ----------
    terms : tuple of str
        Words that are counted.
    weights : ndarray of shape (n_terms, WIDTH), float32
        Directions of TF-IDF, inverse document frequency included.
    vectors : ndarray of shape (n_articles, WIDTH), int8
        127 times the unit vectors of the articles.
    ids, corpora : tuple of str
        Of the articles, as in predictions.parquet.
    """

    terms: tuple[str, ...]
    weights: NDArray[np.float32]
    vectors: NDArray[np.int8]
    ids: tuple[str, ...]
    corpora: tuple[str, ...]

    @cached_property
    def _index(self) -> dict[str, int]:
        return {term: i for i, term in enumerate(self.terms)}

    def project(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit vectors of texts, shape (n_texts, WIDTH); zeros for a text without a known word."""
        rows = np.zeros((len(texts), WIDTH), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            term_counts = Counter(self._index[word] for word in words(text) if word in self._index)
            if term_counts:
                row[:] = (1 + np.log(list(term_counts.values()))) @ self.weights[list(term_counts)]
        return unit(rows)

    @cached_property
    def _lengths(self) -> NDArray[np.float32]:
        return np.asarray(np.maximum(np.linalg.norm(self.vectors.astype(np.float32), axis=1), 1.0), dtype=np.float32)

    def cosines(self, vector: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the cosines of a projected text with every article, shape (n_articles,)."""
        return np.asarray(self.vectors @ vector / self._lengths, dtype=np.float64)

    @cached_property
    def similarities(self) -> Callable[[str], NDArray[np.float64]]:
        """Cosines of a text with every article, shape (n_articles,); the last texts' are kept, models ask in turn."""

        @lru_cache(maxsize=8)
        def similarities(text: str) -> NDArray[np.float64]:
            similarity = self.cosines(self.project([text])[0])
            similarity.flags.writeable = False
            return similarity

        return similarities

    @cached_property
    def _ids(self) -> NDArray[np.str_]:
        return np.array(self.ids)

    def identical(self, text: str, similarities: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which articles are the text itself, by the words or by the id with or without a title; (n_articles,)."""
        from fakenews.data.table import article_id

        ids = [article_id(part) for part in (text, text.partition("\n\n")[2])]
        return np.asarray((similarities >= IDENTICAL) | np.isin(self._ids, ids))

    def save(self, folder: Path) -> None:
        """Write `neighbours.safetensors` into `folder`, created if missing; weights in eight bits."""
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        names = sorted(set(self.corpora))
        scale = np.abs(self.weights).max(axis=0, keepdims=True) / STEPS
        arrays = {
            "terms": _bytes("\n".join(self.terms)),
            "weights": np.round(self.weights / scale).astype(np.int8),
            "scale": scale.astype(np.float32),
            "vectors": self.vectors,
            "ids": np.frombuffer(bytes.fromhex("".join(self.ids)), dtype=np.uint8).reshape(-1, 8).copy(),
            "corpus": np.array([names.index(corpus) for corpus in self.corpora], dtype=np.uint8),
            "corpora": _bytes("\n".join(names)),
        }
        save_file(arrays, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Neighbours | None:
        """Read what `save` wrote; None where there is nothing."""
        from safetensors.numpy import load_file

        if not (folder / FILE).is_file():
            return None
        stored = load_file(folder / FILE)
        names = _text(stored["corpora"]).split("\n")
        return cls(
            tuple(_text(stored["terms"]).split("\n")),
            stored["weights"].astype(np.float32) * stored["scale"],
            stored["vectors"],
            tuple(row.tobytes().hex() for row in stored["ids"]),
            tuple(names[i] for i in stored["corpus"]),
        )


def outcomes(neighbours: Neighbours, rows: pd.DataFrame) -> NDArray[np.int8]:
    """Return outcomes of a model on every article of the store, shape (n_articles,): RIGHT, WRONG, SILENT or UNASKED.

    `rows` are those of the model's predictions.parquet with their `prediction` (`verdicts.judged`).
    """
    verdicts = [prediction.verdict for prediction in rows["prediction"]]
    results = [
        SILENT if verdict == "cannot_judge" else RIGHT if verdict == LABELS[label] else WRONG
        for verdict, label in zip(verdicts, rows["label"], strict=True)
    ]
    of_article = dict(zip(zip(rows["corpus"], rows["id"], strict=True), results, strict=True))
    keys = zip(neighbours.corpora, neighbours.ids, strict=True)
    return np.array([of_article.get(key, UNASKED) for key in keys], dtype=np.int8)


def track_record(
    neighbours: Neighbours, results: NDArray[np.int8], text: str, model: str, k: int = K
) -> TrackRecord | None:
    """Return how a model fared on the `k` held-out articles most like `text`, which never counts itself.

    None if it was asked about no other article of the store, or none has anything in common with the text.

    Parameters
    ----------
    neighbours : Neighbours
    results : ndarray of shape (n_articles,)
        The model's `outcomes`.
    text : str
        As the user gave it.
    model : str
        Key of the classifier.
    k : int
    """
    of_all = neighbours.similarities(text)
    return record_of(neighbours, results, of_all, neighbours.identical(text, of_all), model, k)


def record_of(
    neighbours: Neighbours,
    results: NDArray[np.int8],
    of_all: NDArray[np.float64],
    without: NDArray[np.bool_],
    model: str,
    k: int = K,
) -> TrackRecord | None:
    """Return a `track_record` from the similarities of a text with all articles, less those in `without`."""
    candidates = np.flatnonzero((results != UNASKED) & ~without)
    similarities = of_all[candidates]
    if not similarities.any():
        return None
    order = np.argsort(-similarities, kind="stable")[:k]
    nearest = candidates[order]
    n_wrong = int((results[nearest] == WRONG).sum())
    n = n_wrong + int((results[nearest] == RIGHT).sum())
    return TrackRecord(
        model,
        n,
        n_wrong,
        n_wrong / n if n else None,
        wilson_interval(n_wrong, n) if n else None,
        dict(Counter(neighbours.corpora[i] for i in nearest).most_common()),
        float(similarities[order].mean()),
        len(nearest),
    )


def words(text: str) -> list[str]:
    """Return lower-case words of the neutral text that are not numbers."""
    return [token for token in lower_tokens(text) if not token.isnumeric()]


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode("utf-8"), dtype=np.uint8).copy()


def _text(raw: NDArray[np.uint8]) -> str:
    return raw.tobytes().decode("utf-8")
