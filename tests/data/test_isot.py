"""ISOT from its public CSV files; all article text here is invented."""

from pathlib import Path

import pytest

from fakenews.data.isot import iso_day, load_isot_csv
from fakenews.schema import FAKE, REAL, TABLE_COLUMNS

HEADER = "title,text,subject,date\n"
FAKE_CSV = HEADER + (
    ' Mayor HIDES the town clock ,"He took it, they say.\r\nIt ticks in his garage.",News,"December 31, 2017"\n'
    'Again,"he took it they say it ticks in his garage",politics,"Dec 30, 2017"\n'
    'In both,"A text that both files hold.",News,19-Feb-18\n'
    'Nothing,"   ",News,"December 31, 2017"\n'
    'Link for a date,"Geese demand a vote.",left-news,https://example.org/geese\n'
)
TRUE_CSV = HEADER + (
    'Council opens pier,"HARBOUR (Wire) - The council opened a pier. ",politicsNews,"December 31, 2017 "\n'
    'In both,"A text that both files hold.",worldnews,"January 2, 2018 "\n'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Fake.csv").write_text(FAKE_CSV, "utf-8", newline="")
    (tmp_path / "True.csv").write_text(TRUE_CSV, "utf-8", newline="")
    return tmp_path


def test_the_file_name_gives_the_label(folder: Path) -> None:
    table = load_isot_csv(folder)
    assert list(table.columns) == list(TABLE_COLUMNS)
    assert dict(zip(table["title"], table["label"], strict=True)) == {
        "Mayor HIDES the town clock": FAKE,
        "Link for a date": FAKE,
        "Council opens pier": REAL,
    }


def test_space_line_ends_and_dates_are_cleaned(folder: Path) -> None:
    table = load_isot_csv(folder)
    assert table["text"].tolist()[0] == "He took it, they say.\nIt ticks in his garage."
    assert table["date"].tolist() == ["2017-12-31", "https://example.org/geese", "2017-12-31"]


def test_windows_bytes_are_understood(folder: Path) -> None:
    row = HEADER.encode() + b'Caf\xe9,\x93Open\x94 says the caf\xe9.,worldnews,"May 2, 2016"\n'
    (folder / "True.csv").write_bytes(row)
    assert load_isot_csv(folder)["text"].tolist()[-1] == "“Open” says the café."


def test_a_missing_file_names_what_the_folder_holds(folder: Path) -> None:
    (folder / "True.csv").rename(folder / "Real.csv")
    with pytest.raises(FileNotFoundError, match=r"must hold Fake.csv and True.csv; found: Fake.csv, Real.csv\."):
        load_isot_csv(folder)
    with pytest.raises(FileNotFoundError, match="found: no such folder"):
        load_isot_csv(folder / "nowhere")


def test_names_in_another_case_are_read(folder: Path) -> None:
    expected = load_isot_csv(folder)
    for name in ("Fake.csv", "True.csv"):
        (folder / name).rename(folder / name.lower())
    assert load_isot_csv(folder).equals(expected)


def test_a_missing_column_is_named(folder: Path) -> None:
    (folder / "True.csv").write_text("headline,text\na,b\n")
    with pytest.raises(ValueError, match=r"True.csv lacks title, subject, date: it has headline, text"):
        load_isot_csv(folder)


def test_swapped_files_are_noticed(folder: Path) -> None:
    (folder / "Fake.csv").write_text(TRUE_CSV)
    with pytest.raises(ValueError, match=r"Fake.csv holds the subject politicsNews, worldnews of the other file"):
        load_isot_csv(folder)


@pytest.mark.parametrize(
    ("date", "day"),
    [
        ("December 31, 2017 ", "2017-12-31"),
        ("Dec 1, 2016", "2016-12-01"),
        ("19-Feb-18", "2018-02-19"),
        ("2016-02-29", "2016-02-29"),
        ("February 30, 2016", "February 30, 2016"),
        ("", ""),
    ],
)
def test_dates_become_iso_where_they_can_be_read(date: str, day: str) -> None:
    assert iso_day(date) == day
