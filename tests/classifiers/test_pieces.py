"""Where the pieces of a word lie: under three kinds of tokenizers, on the neutral and on the raw text."""

from __future__ import annotations

import numpy as np
import pytest

from fakenews.classifiers.base import clean_text, clean_text_as
from fakenews.classifiers.pieces import removed_token, special_ids, words_of_pieces
from fakenews.text import CLEANING, RAW, encodable
from tests.explain.toys import OWN_KINDS, own_tokenizer, small_tokenizer

# Dateline, curly quotes, a clitic, an accent, emoji of several code points, an en dash, a credit, a lone surrogate.
TEXT = (
    "WASHINGTON (Reuters) \u2014 \u201cThe \U0001f468\u200d\U0001f469\u200d\U0001f467 caf\u00e9\u201d said\r\n"
    "the mayor\u2019s lizard couldn\u2019t\u2026 plan \U0001f600today\u2013road \ud83d. Photo by Ann Lee/Getty Images"
)
every_kind = pytest.mark.parametrize("kind", OWN_KINDS)
every_cleaning = pytest.mark.parametrize("cleaning", [CLEANING, RAW])


@every_kind
@every_cleaning
def test_every_letter_of_a_word_is_in_a_piece_of_that_word_and_of_no_other(kind: str, cleaning: str) -> None:
    read = clean_text_as(TEXT, cleaning).neutral
    pieces = own_tokenizer(kind)(encodable(read.text), add_special_tokens=False, return_offsets_mapping=True)
    offsets = np.array(pieces["offset_mapping"], dtype=np.int64).reshape(-1, 2)
    owners = words_of_pieces(TEXT, offsets, cleaning)
    spans = clean_text(TEXT).source_spans
    assert [TEXT[s.start : s.end] for s in spans][:6] == ["The", "caf\u00e9", "said", "the", "mayor\u2019s", "lizard"]
    for (start, end), owner in zip(offsets, owners, strict=True):
        if letters := [i for i in range(start, end) if read.text[i].isalnum()]:
            source = read.starts[letters[0]]
            expected = [i for i, span in enumerate(spans) if span.start <= source < span.end]
            assert owner == (expected[0] if expected else -1), read.text[start:end]
    assert set(range(len(spans))) <= set(owners.tolist())


@every_kind
def test_a_blank_belongs_to_the_next_word_and_punctuation_to_the_word_before(kind: str) -> None:
    text = "the plan, said"
    offsets = np.array([(0, 3), (3, 4), (4, 8), (8, 9), (9, 14)])
    assert words_of_pieces(text, offsets, CLEANING).tolist() == [0, 1, 1, 1, 2]
    assert words_of_pieces("...", np.array([(0, 3)]), CLEANING).tolist() == [-1]
    assert words_of_pieces(text, np.zeros((0, 2), dtype=np.int64), RAW).tolist() == []


def test_special_pieces_come_from_the_template_or_from_their_names() -> None:
    for kind in OWN_KINDS:
        tokenizer = own_tokenizer(kind)
        assert special_ids(tokenizer) == ([tokenizer.cls_token_id], [tokenizer.sep_token_id])
    plain = small_tokenizer()  # has no template
    assert special_ids(plain) == ([plain.cls_token_id], [plain.sep_token_id])
    plain.cls_token = None
    with pytest.raises(ValueError, match="no special pieces"):
        special_ids(plain)


def test_without_a_mask_the_unknown_piece_stands_for_a_removed_word() -> None:
    tokenizer = small_tokenizer()
    assert removed_token(tokenizer) == "[MASK]"
    tokenizer.mask_token = None
    assert removed_token(tokenizer) == "[UNK]"
    tokenizer.unk_token = None
    with pytest.raises(ValueError, match="neither a mask nor an unknown piece"):
        removed_token(tokenizer)
