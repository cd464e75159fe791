"""What differs between tokenizers: special pieces, the mask, and where the pieces of a word lie in a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import clean_text, clean_text_as
from fakenews.schema import Span
from fakenews.text import RAW

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


def words_of_pieces(source: str, offsets: NDArray[np.int64], cleaning: str) -> NDArray[np.int64]:
    """Return the index in `clean_text(source).words` of the word of every piece; -1 for none.

    A piece belongs to the word of its first letter, a blank to the next word, and punctuation to the word before it,
    or to the first. Of a raw text, what cleaning takes away belongs to no word.

    Parameters
    ----------
    offsets : ndarray of shape (n_pieces, 2)
        Characters of the text as it is read after `cleaning`.
    """
    document = clean_text_as(source, cleaning)
    owners = _owners(document.neutral.text, offsets, document.words)
    if cleaning != RAW:
        return owners
    neutral = np.append(_owners_of_words(document.words, clean_text(source).source_spans()), -1)  # -1 stays -1
    return np.asarray(neutral[owners], dtype=np.int64)


def _owners(text: str, offsets: NDArray[np.int64], words: Sequence[Span]) -> NDArray[np.int64]:
    if not words:
        return np.full(len(offsets), -1, dtype=np.int64)
    starts = np.array([word.start for word in words], dtype=np.int64)
    ends = np.array([word.end for word in words], dtype=np.int64)
    last = len(words) - 1
    following = np.searchsorted(ends, offsets[:, 0], side="right")  # the first word that ends behind a piece's start
    reaches = (following <= last) & (starts[np.minimum(following, last)] < offsets[:, 1])
    owners = np.where(reaches, following, np.maximum(following - 1, 0))
    for i in np.flatnonzero(~reaches):
        if text[offsets[i, 0] : offsets[i, 1]].isspace():
            owners[i] = min(following[i], last)
    return owners.astype(np.int64)


def _owners_of_words(words: Sequence[Span], neutral: Sequence[Span]) -> NDArray[np.int64]:
    """Return the index in `neutral` of the first span that each of `words` shares characters with; -1 for none."""
    if not neutral or not words:
        return np.full(len(words), -1, dtype=np.int64)
    ends = np.array([span.end for span in neutral], dtype=np.int64)
    found = np.searchsorted(ends, [word.start for word in words], side="right")
    shared = [i < len(neutral) and neutral[i].start < word.end for i, word in zip(found, words, strict=True)]
    return np.where(shared, found, -1).astype(np.int64)
