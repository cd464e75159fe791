import pandas as pd

from fakenews.data.exact import drop_overlap, drop_repeats, normalized
from fakenews.data.table import as_table


def test_normalized_keeps_letters_and_digits_of_any_script() -> None:
    assert normalized(" “Don’t”, she_said: 5 %\r\n") == "don t she said 5"
    assert normalized("Верхнеозёрск — 沿海!") == "верхнеозёрск 沿海"


def test_repeats_go_conflicts_go_and_empty_texts_go() -> None:
    texts = ["One story.", "one  STORY", "Both ways", "both ways!", "...", "Another"]
    table = drop_repeats(as_table(pd.DataFrame({"text": texts, "label": [0, 0, 0, 1, 1, 1]})))
    assert table["text"].tolist() == ["One story.", "Another"]
    assert table.index.tolist() == [0, 1]


def test_overlap_is_the_same_opening_or_the_same_long_title() -> None:
    opening = "word " * 40
    reference = as_table(
        pd.DataFrame({"title": ["A title of five words", "Short"], "text": [opening + "x", "ref"], "label": 0})
    )
    frame = as_table(
        pd.DataFrame(
            {
                "title": ["", "A TITLE of five words!", "Short", "", ""],
                "text": [opening + "y", "other body", "own body", "...", "word " * 20],
                "label": 1,
            }
        )
    )
    assert drop_overlap(frame, reference)["text"].tolist() == ["own body", "...", "word " * 20]
