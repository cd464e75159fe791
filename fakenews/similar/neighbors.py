"""Articles as unit vectors, and how near a text is to each: of what a model was measured on, or trained on.

The stored ones are held-out articles: a short vector, an id and a corpus for each, and no text. Vectors are 64
directions of TF-IDF (latent semantic analysis: Deerwester et al., JASIS 41, 1990) in eight bits, so a new text is
placed among nine thousand articles in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import lower_tokens
from fakenews.classifiers.ood import unit

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.feature_extraction.text import TfidfVectorizer

FILE = "neighbours.safetensors"  # as it is stored beside the models
WIDTH = 64
IDENTICAL = 0.999  # cosine from which an article is the text itself; eight bits leave 0.9996 of 1 at least
STEPS = 127  # of a signed byte


class NearestArticle(NamedTuple):
    """The article nearest to a text, in a store of titled and labeled ones."""

    similarity: float  # cosine in [0, 1]: 0 where no word is shared, 1 for a copy
    title: str  # its first words where it has none
    label: int


@dataclass(frozen=True, eq=False)
class Neighbors:
    """Articles as points."""

    vectorizer: TfidfVectorizer  # of the words that are counted
    weights: NDArray[np.float32] | None  # directions, shape (n_terms, WIDTH); None where each word is one of its own
    vectors: Any  # unit vectors of the articles, shape (n_articles, n_directions); sparse without `weights`
    articles: pd.DataFrame  # id and corpus of held-out ones, title and label of training ones

    @classmethod
    def of_training(cls, table: pd.DataFrame) -> Neighbors:
        """Place the articles of a table (`table.read_table`), two at least; two seconds for 10,000."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        from fakenews.data.table import joined_texts

        vectorizer = TfidfVectorizer(sublinear_tf=True, max_df=0.5, dtype=np.float32)
        vectors = vectorizer.fit_transform(joined_texts(table))
        titles, starts = table["title"].str.strip(), table["text"].str.slice(0, 70).str.strip() + "…"
        return cls(vectorizer, None, vectors, table[["label"]].assign(title=titles.where(titles != "", starts)))

    def project(self, texts: Sequence[str]) -> Any:
        """Return the unit vectors of texts, shape (n_texts, n_directions); zeros for a text without a known word."""
        if not texts:
            return self.vectors[:0]
        counts = self.vectorizer.transform(texts)
        return counts if self.weights is None else unit(counts @ self.weights)

    def cosines(self, vectors: Any) -> NDArray[np.float64]:
        """Return the cosines of projected texts with every article, shape (n_texts, n_articles), or of one."""
        from sklearn.utils.extmath import safe_sparse_dot

        return np.asarray(safe_sparse_dot(vectors, self.vectors.T, dense_output=True), dtype=np.float64)

    def nearest(self, texts: Sequence[str]) -> list[NearestArticle]:
        """Return the article most like each text, title and body as `text.join` gives them."""
        found = []
        for cosines in self.cosines(self.project(texts)):
            article = self.articles.iloc[cosines.argmax()]
            found.append(NearestArticle(min(float(cosines.max()), 1.0), article["title"], int(article["label"])))
        return found

    @cached_property
    def similarities(self) -> Callable[[str], NDArray[np.float64]]:
        """Cosines of a text with every article, shape (n_articles,); the last texts' are kept, models ask in turn."""

        @lru_cache(maxsize=8)
        def similarities(text: str) -> NDArray[np.float64]:
            (similarity,) = self.cosines(self.project([text]))
            similarity.flags.writeable = False
            return np.asarray(similarity)

        return similarities

    def identical(self, text: str, similarities: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which articles are the text itself, by the words or by the id with or without a title; (n_articles,)."""
        from fakenews.data.table import article_id

        ids = [article_id(part) for part in (text, text.partition("\n\n")[2])]
        return np.asarray((similarities >= IDENTICAL) | self.articles["id"].isin(ids))

    def save(self, folder: Path) -> None:
        """Write `neighbours.safetensors` into `folder`, created if missing; weights and vectors in eight bits."""
        from safetensors.numpy import save_file

        if self.weights is None:
            raise ValueError("Training articles are not stored.")
        folder.mkdir(parents=True, exist_ok=True)
        scale = np.abs(self.weights).max(axis=0, keepdims=True) / STEPS
        corpus = self.articles["corpus"].astype("category")
        arrays = {
            "terms": _bytes(self.vectorizer.get_feature_names_out()),
            "weights": np.round(self.weights / scale).astype(np.int8),
            "scale": scale.astype(np.float32),
            "vectors": np.round(self.vectors * STEPS).astype(np.int8),
            "ids": np.frombuffer(bytes.fromhex("".join(self.articles["id"])), dtype=np.uint8).reshape(-1, 8).copy(),
            "corpus": corpus.cat.codes.to_numpy(np.uint8),
            "corpora": _bytes(corpus.cat.categories),
        }
        save_file(arrays, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Neighbors | None:
        """Read what `save` wrote; None where there is nothing."""
        import pandas as pd
        from safetensors.numpy import load_file

        if not (folder / FILE).is_file():
            return None
        stored = load_file(folder / FILE)
        ids = [row.tobytes().hex() for row in stored["ids"]]
        return cls(
            term_counts(_lines(stored["terms"])),
            stored["weights"].astype(np.float32) * stored["scale"],
            unit(stored["vectors"].astype(np.float32)),
            pd.DataFrame({"id": ids, "corpus": np.array(_lines(stored["corpora"]))[stored["corpus"]]}),
        )


def term_counts(terms: Sequence[str]) -> TfidfVectorizer:
    """Return what counts `terms` in texts, 1 + log(n) for each that stands in one; directions weigh them."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        analyzer=words, vocabulary=terms, sublinear_tf=True, use_idf=False, norm=None, dtype=np.float32
    )
    return vectorizer.fit([""])  # its vocabulary is given, and nothing is learned


def words(text: str) -> list[str]:
    """Return lower-case words of the neutral text that are not numbers."""
    return [token for token in lower_tokens(text) if not token.isnumeric()]


def _bytes(lines: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(lines).encode("utf-8"), dtype=np.uint8).copy()


def _lines(raw: NDArray[np.uint8]) -> list[str]:
    return raw.tobytes().decode("utf-8").split("\n")
