"""Slices partition a corpus and are listed in reading order."""

import pandas as pd
import pytest

from fakenews.metrics.slices import SLICES, UNKNOWN, length_slice, slice_names, slice_of


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "text": [
                "SEOUL (Agency) - " + "word " * 99,
                "word " * 100,
                "word " * 1200,
                "A town met. It - as ever - voted.",
            ],
            "subject": ["world", "", "world", "local"],
            "date": ["2017-02-03", "2016-12-31", "19-Feb-18", ""],
        }
    )


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("length", ["100 to 249 words", "100 to 249 words", "1,000 words and more", "under 100 words"]),
        ("dateline", ["with a dateline", *["without a dateline"] * 3]),
        ("subject", ["world", UNKNOWN, "world", "local"]),
        ("month", ["2017-02", "2016-12", UNKNOWN, UNKNOWN]),
    ],
)
def test_every_row_belongs_to_its_slice(by: str, expected: list[str]) -> None:
    assert slice_of(frame(), by).tolist() == expected


@pytest.mark.parametrize("by", SLICES)
def test_the_names_cover_all_rows_once(by: str) -> None:
    found = slice_of(frame(), by)
    names = slice_names(by, found)
    assert len(names) == len(set(names))
    assert sum((found == name).sum() for name in names) == len(found)


def test_lengths_rise_and_months_pass_with_the_unknown_last() -> None:
    assert slice_names("length", slice_of(frame(), "length"))[0] == "under 100 words"
    assert slice_names("month", slice_of(frame(), "month")) == ["2016-12", "2017-02", UNKNOWN]
    assert [length_slice(n) for n in (99, 100, 249, 250, 999, 1000)] == [
        "under 100 words", "100 to 249 words", "100 to 249 words", "250 to 499 words", "500 to 999 words",
        "1,000 words and more",
    ]  # fmt: skip


def test_an_unknown_slice_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"Unknown slice 'size'\. Known: length, dateline, subject, month\."):
        slice_of(frame(), "size")
