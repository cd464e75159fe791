"""Word vectors trained on the training texts alone by gensim, kept as bytes with one scale per word.

What is rounded is what is used: classifiers are fitted on the rounded vectors, so nothing changes at loading, and
gensim is needed for training only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_INSTALL = "Training word vectors needs gensim, which the demo does not: pip install gensim==4.4.0"


@dataclass(frozen=True, slots=True)
class WordVectors:
    """Vectors by word."""

    # Row of each word, from 1 on, the most frequent first; row 0 stands for every other word and is zero
    index: dict[str, int]
    codes: NDArray[np.int8]  # shape (n_words + 1, width)
    scales: NDArray[np.float32]  # shape (n_words + 1,): a vector is its codes times its scale

    @classmethod
    def rounded(cls, words: Sequence[str], vectors: NDArray[np.float32]) -> WordVectors:
        """Round `vectors`, shape (n_words, width), to 255 steps between minus and plus each one's largest entry."""
        scales = np.concatenate([np.zeros(1), np.abs(vectors).max(axis=1) / 127]).astype(np.float32)
        codes = np.zeros((len(words) + 1, vectors.shape[1]), dtype=np.int8)
        np.rint(vectors / np.maximum(scales[1:, None], np.finfo(np.float32).tiny), out=codes[1:], casting="unsafe")
        return cls({word: row for row, word in enumerate(words, start=1)}, codes, scales)

    @classmethod
    def from_tensors(cls, tensors: dict[str, NDArray[np.generic]]) -> WordVectors:
        """Invert `tensors`."""
        words = bytes(tensors["words"].tobytes()).decode("utf-8").split("\n")
        codes, scales = np.asarray(tensors["codes"], np.int8), np.asarray(tensors["scales"], np.float32)
        return cls({word: row for row, word in enumerate(words, start=1)}, codes, scales)

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """Return arrays for a safetensors file; the words are the bytes of their lines."""
        words = np.frombuffer("\n".join(self.index).encode("utf-8"), dtype=np.uint8)
        return {"words": words, "codes": self.codes, "scales": self.scales}

    def matrix(self) -> NDArray[np.float32]:
        """Return the vectors of shape (n_words + 1, width)."""
        return self.codes * self.scales[:, None]

    def rows(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each of `words`, 0 for those not known."""
        return np.array([self.index.get(word, 0) for word in words], dtype=np.int64)


def train_vectors(
    documents: Sequence[Sequence[str]],
    *,
    width: int,
    window: int,
    min_count: int,
    max_words: int,
    epochs: int,
    skip_gram: bool,
    seed: int,
) -> WordVectors:
    """Train Word2Vec with negative sampling (Mikolov et al. 2013, arXiv:1310.4546) in one thread, to repeat exactly.

    Raise `ModuleNotFoundError` if gensim is not installed; `ValueError` if no word occurs `min_count` times.

    Parameters
    ----------
    documents : sequence of sequences of str
        Words of each text, in lower case.
    width, window : int
        Length of a vector; words on each side that count as context.
    min_count, max_words : int
        Times a word must occur; most frequent words kept.
    skip_gram : bool
        Predict the context from the word (skip-gram) or the word from its context (CBOW); the former takes four times
        as long.
    """
    try:
        from gensim.models import Word2Vec
    except ImportError as error:
        raise ModuleNotFoundError(_INSTALL, name="gensim") from error
    model = Word2Vec(
        vector_size=width,
        window=window,
        min_count=min_count,
        max_final_vocab=max_words,
        sg=int(skip_gram),
        epochs=epochs,
        seed=seed,
        workers=1,
    )
    model.build_vocab(documents)
    if not len(model.wv):
        raise ValueError(f"No word occurs {min_count} times in these {len(documents)} texts: more text is needed.")
    model.train(documents, total_examples=model.corpus_count, epochs=epochs)
    return WordVectors.rounded(model.wv.index_to_key, model.wv.vectors)
