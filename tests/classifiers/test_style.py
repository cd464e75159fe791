"""Style features by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fakenews.classifiers.style import STYLE_FEATURES, read_style, style_vector
from fakenews.classifiers.wordlists import LISTS_OF, WORD_LISTS
from fakenews.text import clean
from tests.running import ends_within

TEXT = "Wow! The U.S. mayor told us 1,200 people on Tuesday: dont worry. Why would Mr. Lee, 45, totally lie?? NEVER."


def values(text: str) -> dict[str, float]:
    return dict(zip((f.name for f in STYLE_FEATURES), style_vector(text).tolist(), strict=True))


def test_names_are_different_and_meanings_are_sentences_without_an_end():
    names = [f.name for f in STYLE_FEATURES]
    assert len(set(names)) == len(names) > 70
    assert all(f.meaning and not f.meaning.endswith(".") for f in STYLE_FEATURES)


def test_a_text_counted_by_hand():
    found = values(TEXT)
    n = 22  # Wow The U S mayor told us 1 200 people on Tuesday dont worry Why would Mr Lee 45 totally lie NEVER
    assert read_style(TEXT).sentences.tolist() == [1, 13, 7, 1]
    assert found["length"] == pytest.approx(np.log(n + 1))
    assert found["sentence_length"] == pytest.approx(n / 4)
    assert (found["longest_sentence"], found["shortest_sentence"]) == (13, 1)
    assert (found["questions"], found["exclamations"]) == (25, 25)
    counted = {
        "commas": 3, "colons": 1, "question_marks": 2, "repeated_marks": 1, "dotted_abbreviations": 1,
        "grouped_numbers": 1, "numbers": 3, "shouted_words": 1, "weekdays": 1, "articles": 1, "reporting_verbs": 1,
        "first_person_plural": 1, "boosters": 1, "contracted_negations": 1, "modals": 1, "informal_words": 1,
    }  # fmt: skip
    assert {name: found[name] * n / 100 for name in counted} == pytest.approx(counted)


def test_readability_by_its_formulas():
    found = values("The cat sat on the mat. It was happy.")  # 9 words, 2 sentences, 10 syllables, 27 letters
    assert found["flesch"] == pytest.approx(206.835 - 1.015 * 4.5 - 84.6 * 10 / 9)
    assert found["grade"] == pytest.approx(0.39 * 4.5 + 11.8 * 10 / 9 - 15.59)
    assert found["fog"] == pytest.approx(0.4 * 4.5)
    assert found["coleman_liau"] == pytest.approx(5.88 * 27 / 9 - 29.6 * 2 / 9 - 15.8)
    assert found["automated_readability"] == pytest.approx(4.71 * 27 / 9 + 0.5 * 4.5 - 21.43)


def test_diversity_by_hand():
    found = values("a b a c")
    assert found["moving_types"] == 0.75
    assert found["hapaxes"] == pytest.approx(2 / 3)
    assert found["yule"] == pytest.approx(1e4 * (6 - 4) / 16)
    repeated = ("a b " * 26).split()  # 52 words: three windows of 50, two types in each
    assert values(" ".join(repeated))["moving_types"] == pytest.approx(2 / 50)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("One... Two?! Three…. Four.", "...!"),
        ("Mr. Lee, Mr... Lee. U.S... A!.", "...."),
        ("a...b ...c ...", "."),
    ],
)
def test_a_sentence_ends_once_with_its_last_mark(text, ends):
    assert sorted(read_style(text).ends.elements()) == sorted(ends)


@pytest.mark.parametrize("expression", ["'.' * 19000 + 'x'", "'?!' * 9500 + 'x'", "'x' + '…' * 19000 + 'x'"])
def test_hostile_marks_do_not_hold_counting_up(expression):
    ends_within(5, f"from fakenews.classifiers.style import read_style; read_style({expression})")


@pytest.mark.parametrize("text", ["", " ", "...", "?!", "市长今天公布", "a", "lizard" * 3000, "! " * 500])
def test_any_text_has_finite_features(text):
    assert np.isfinite(style_vector(text)).all()


@pytest.mark.parametrize(
    ("edited", "original"),
    [
        ("He left early.She stayed on.", "He left early. She stayed on."),
        ("“He left early,” she said — twice.", '"He left early," she said - twice.'),
        ("She couldn’t say. It’s late.", "She couldn t say. It s late."),
    ],
)
def test_what_a_file_does_to_a_text_does_not_count(edited, original):
    np.testing.assert_allclose(style_vector(clean(edited).text), style_vector(clean(original).text))


def test_lists_hold_words_the_neutral_text_can_hold():
    for name, words in WORD_LISTS.items():
        for word in words:
            assert word.isalnum() and word == word.lower(), f"{name}: {word}"
            assert name in LISTS_OF[word]


def test_every_list_is_a_feature():
    assert set(WORD_LISTS) <= {f.name for f in STYLE_FEATURES}
