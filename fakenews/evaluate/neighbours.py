"""A track record for a new text: how often a model was wrong on the held-out articles most like it.

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
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import read
from fakenews.evaluate.metrics import Interval, predict_labels, wilson_interval

if TYPE_CHECKING:
    import pandas as pd

FILE = "neighbours.safetensors"
WIDTH, N_TERMS = 64, 20_000
K = 100  # nearest articles: an error of a tenth is then known to within six points
_STEPS = 127  # of a signed byte


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """How a model fared on held-out articles like a text.

    Attributes
    ----------
    model : str
        Key of the classifier.
    n, n_wrong : int
        Nearest articles that the model answered, and how many of them wrongly.
    error : float
        `n_wrong / n`.
    interval : (low, high)
        95 % Wilson interval of `error`.
    corpora : mapping of str to int
        How many of the articles each corpus gave, the most first.
    similarity : float
        Mean cosine of the text and these articles, in [-1, 1]; near 0 there is nothing like it.
    """

    model: str
    n: int
    n_wrong: int
    error: float
    interval: Interval
    corpora: Mapping[str, int]
    similarity: float

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "model": self.model,
            "n": self.n,
            "n_wrong": self.n_wrong,
            "error": self.error,
            "interval": list(self.interval),
            "corpora": dict(self.corpora),
            "similarity": self.similarity,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrackRecord:
        """Inverse of `to_dict`."""
        low, high = values["interval"]
        return cls(**{**values, "interval": (low, high)})


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
        """Unit vectors of texts, shape (n_texts, WIDTH); zeros for a text without a known word."""
        rows = np.zeros((len(texts), WIDTH), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            counts = Counter(self._index[word] for word in words(text) if word in self._index)
            if counts:
                row[:] = (1 + np.log(list(counts.values()))) @ self.weights[list(counts)]
        return _unit(rows)

    @cached_property
    def similarities(self) -> Callable[[str], NDArray[np.float64]]:
        """Cosines of a text with every article, shape (n_articles,); the last texts' are kept, models ask in turn."""

        @lru_cache(maxsize=8)
        def similarities(text: str) -> NDArray[np.float64]:
            found = np.asarray(self.vectors @ self.project([text])[0], dtype=np.float64) / _STEPS
            found.flags.writeable = False
            return found

        return similarities

    def save(self, folder: Path) -> None:
        """Write `neighbours.safetensors` into `folder`, created if missing; weights in eight bits."""
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        names = sorted(set(self.corpora))
        scale = np.abs(self.weights).max(axis=0, keepdims=True) / _STEPS
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


def fit_neighbours(
    texts: Sequence[str], ids: Sequence[str], corpora: Sequence[str], n_terms: int = N_TERMS, seed: int = 42
) -> Neighbours:
    """Place articles; `ids` are those of `table.article_id`. Two minutes for 9,000 articles, most of it cleaning.

    Raises
    ------
    ValueError
        If there are fewer than two articles, or their words too few for 64 directions.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.utils.extmath import randomized_svd

    if len(texts) < 2:
        raise ValueError(f"Neighbours need at least two articles, got {len(texts)}.")
    counts = TfidfVectorizer(analyzer=words, sublinear_tf=True, min_df=2, max_df=0.5, max_features=n_terms)
    features = counts.fit_transform(texts)
    if min(features.shape) < WIDTH:
        raise ValueError(
            f"{features.shape[0]} articles with {features.shape[1]} words are too few for {WIDTH} directions."
        )
    _, _, directions = randomized_svd(features, WIDTH, random_state=seed)
    weights = (directions * counts.idf_).T.astype(np.float32)
    vectors = _unit(np.asarray(features @ directions.T, dtype=np.float32))
    terms = tuple(counts.get_feature_names_out().tolist())
    return Neighbours(terms, weights, np.round(vectors * _STEPS).astype(np.int8), tuple(ids), tuple(corpora))


def wrong_answers(neighbours: Neighbours, predictions: pd.DataFrame) -> NDArray[np.float64]:
    """What a model made of every article of the store, shape (n_articles,): 1 wrong, 0 right, NaN not answered.

    `predictions` are rows of the model's predictions.parquet: id, corpus, label, p_fake.
    """
    wrong = predict_labels(predictions["p_fake"].to_numpy()) != predictions["label"].to_numpy()
    by_article = dict(zip(zip(predictions["corpus"], predictions["id"], strict=True), wrong.tolist(), strict=True))
    keys = zip(neighbours.corpora, neighbours.ids, strict=True)
    return np.array([by_article.get(key, np.nan) for key in keys], dtype=np.float64)


def track_record(
    neighbours: Neighbours, wrong: NDArray[np.float64], text: str, model: str, k: int = K
) -> TrackRecord | None:
    """How a model fared on the `k` held-out articles most like `text`; None if it answered none of the store.

    Parameters
    ----------
    neighbours : Neighbours
    wrong : ndarray of shape (n_articles,)
        The model's `wrong_answers`.
    text : str
        As the user gave it.
    model : str
        Key of the classifier.
    k : int
    """
    answered = np.flatnonzero(~np.isnan(wrong))
    if not answered.size:
        return None
    similarities = neighbours.similarities(text)[answered]
    nearest = np.argsort(-similarities, kind="stable")[:k]
    n, n_wrong = len(nearest), int(wrong[answered[nearest]].sum())
    low, high = wilson_interval(n_wrong, n)
    return TrackRecord(
        model,
        n,
        n_wrong,
        n_wrong / n,
        (float(low), float(high)),
        dict(Counter(neighbours.corpora[i] for i in answered[nearest]).most_common()),
        float(similarities[nearest].mean()),
    )


def words(text: str) -> list[str]:
    """Lower-cased words of the neutral text that are not numbers."""
    known = read(text)
    found = (known.neutral.text[w.start : w.end].lower() for w in known.words)
    return [word for word in found if not word.isnumeric()]


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode("utf-8"), dtype=np.uint8).copy()


def _text(raw: NDArray[np.uint8]) -> str:
    return raw.tobytes().decode("utf-8")
