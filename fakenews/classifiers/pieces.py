"""What differs between tokenizers: special pieces, the mask, and where the pieces of a word lie in a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import clean_text, clean_text_as
from fakenews.text import CLEANING, RAW

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def special_ids(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """Return ids of the pieces that stand before and after a text, by the tokenizer's template or its own names.

    Raise `ValueError` if there are neither.
    """
    tried = tokenizer("a", return_special_tokens_mask=True)
    ids, is_special = list(tried["input_ids"]), list(tried["special_tokens_mask"])
    if 0 in is_special and 1 in is_special:
        first, last = is_special.index(0), len(ids) - is_special[::-1].index(0)
        return ids[:first], ids[last:]
    if tokenizer.cls_token_id is None or tokenizer.sep_token_id is None:
        raise ValueError("The tokenizer puts no special pieces around a text, so it is of no classifier.")
    return [int(tokenizer.cls_token_id)], [int(tokenizer.sep_token_id)]


def removed_token(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return the piece that stands for a removed word: the mask, or the unknown piece where there is none.

    Raise `ValueError` if there are neither.
    """
    token = tokenizer.mask_token or tokenizer.unk_token
    if token is None:
        raise ValueError("The tokenizer has neither a mask nor an unknown piece, which explanations need.")
    return str(token)


def words_of_pieces(source: str, offsets: NDArray[np.int64], cleaning: str = CLEANING) -> NDArray[np.int64]:
    """Return the index in `clean_text(source).words` of the word of every piece that a classifier reads; -1 for none.

    A piece belongs to the word that it is part of, or the first of several; between words a blank belongs to the next,
    and punctuation to the one before it, or to the first. Of a raw text, what cleaning takes away belongs to no word.

    Parameters
    ----------
    offsets : ndarray of shape (n_pieces, 2)
        Characters of the text as it is read after `cleaning`: of tokens, word pieces or n-grams.
    """
    cleaned = clean_text_as(source, cleaning)
    owners = _owners(cleaned.neutral.text, offsets, cleaned.word_edges)
    if cleaning != RAW:
        return owners
    neutral = np.append(_owners_of_words(cleaned.word_edges, clean_text(source).source_edges), -1)  # -1 stays -1
    return np.asarray(neutral[owners], dtype=np.int64)


def words_of_tokens(source: str, cleaning: str = CLEANING) -> NDArray[np.int64]:
    """Return the index in `clean_text(source).words` of the word of each of the `tokens` a classifier reads."""
    tokens = [(token.start, token.end) for token in clean_text_as(source, cleaning).tokens]
    return words_of_pieces(source, np.array(tokens, dtype=np.int64).reshape(-1, 2), cleaning)


def kept_pieces(keep: NDArray[np.bool_], words: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether pieces stay where `keep`, (n_samples, n_words), tells which words do; those of no word always do.

    Parameters
    ----------
    words : ndarray of shape (n_pieces,)
        As `words_of_pieces` gives them.

    Returns
    -------
    ndarray of shape (n_samples, n_pieces)
    """
    keep = np.atleast_2d(keep)
    return np.concatenate([keep, np.ones((len(keep), 1), dtype=bool)], axis=1)[:, words]


def summed_onto_words(weights: NDArray[np.float64], words: NDArray[np.int64], n_words: int) -> NDArray[np.float64]:
    """Return the sums of the weights of pieces over each word, (n_words + 1,): the last is of pieces of no word."""
    return np.bincount(np.where(words < 0, n_words, words), weights, n_words + 1).astype(np.float64)


def _owners(text: str, offsets: NDArray[np.int64], words: NDArray[np.int64]) -> NDArray[np.int64]:
    if not len(words):
        return np.full(len(offsets), -1, dtype=np.int64)
    starts, ends = words.T
    last = len(words) - 1
    following = np.searchsorted(ends, offsets[:, 0], side="right")  # the first word that ends behind a piece's start
    reaches = (following <= last) & (starts[np.minimum(following, last)] < offsets[:, 1])
    owners = np.where(reaches, following, np.maximum(following - 1, 0))
    for i in np.flatnonzero(~reaches):
        if text[offsets[i, 0] : offsets[i, 1]].isspace():
            owners[i] = min(following[i], last)
    return owners.astype(np.int64)


def _owners_of_words(words: NDArray[np.int64], neutral: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the index in `neutral` of the first span that each of `words` shares characters with; -1 for none."""
    if not len(neutral):
        return np.full(len(words), -1, dtype=np.int64)
    owners = np.searchsorted(neutral[:, 1], words[:, 0], side="right")
    shared = (owners < len(neutral)) & (neutral[np.minimum(owners, len(neutral) - 1), 0] < words[:, 1])
    return np.where(shared, owners, -1).astype(np.int64)
