"""Rows of any file: what can be read is read, what cannot is told with its line, nothing is fatal."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from fakenews.batch.rows import BadRow, Columns, Row, Table
from fakenews.engine.errors import InputError


def rows(path: Path, columns: Columns | None = None) -> list[Row | BadRow]:
    table = Table(path)
    return [item for item, _ in table.items(columns or table.guess())]


def lines(path: Path) -> list[tuple[int, str]]:
    """Line and text, or line and reason, of every row."""
    return [(r.line, r.text if isinstance(r, Row) else f"! {r.reason}") for r in rows(path)]


def test_csv_with_everything_that_occurs(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(
        b"\xef\xbb\xbfid,text,title\r\n"
        b"1,plain,\r\n"
        b'2,"two\r\nlines, quoted ""so""",T\r\n'
        b"3,only two\r\n"
        b"\r\n"
        b"4,,no text\r\n"
        b"5,caf\xe9 \x80,\r\n"
        b"6,caf\xc3\xa9,\r\n"
        b"7,a\x00b,\r\n"
        b'8,"bad"quote,\r\n'
        b"9,last,"
    )
    assert lines(path) == [
        (2, "plain"),
        (3, 'T\n\ntwo\r\nlines, quoted "so"'),
        (5, "! cells: 2, where the header has 3"),
        (7, "! no text in text, a title alone"),
        (8, "café €"),
        (9, "café"),
        (10, "a\x00b"),
        (11, "! not CSV: text behind the quote that closes a cell"),
        (12, "last"),
    ]


def test_an_unclosed_quote_costs_one_row_and_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('id,text\n1,good\n2,"never closed\n3,not swallowed\n', encoding="utf-8")
    stray = "! not CSV: the quote that opens a cell in line 3 is never closed"
    assert lines(path) == [(2, "good"), (3, stray), (4, "not swallowed")]


def test_a_cell_too_long_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"text\n{'x' * 1_000_001}\n{'y ' * 600_000}\nshort\n", encoding="utf-8")
    told = "! a cell of more than 1,000,000 characters"
    assert lines(path) == [(2, told), (3, told), (4, "short")]


def test_the_rest_of_a_cell_too_long_is_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    cell = '"' + 'a line of the cell, with ""quotes""\n' * 60_000
    path.write_text(f'id,text\n1,good\n2,{cell}"\n3,"short, ""too"""\n', encoding="utf-8")
    told = "! a cell of more than 1,000,000 characters (lines 3–60003)"
    assert lines(path) == [(2, "good"), (3, told), (60_004, 'short, "too"')]


def test_jsonl_with_everything_that_occurs(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    good = {"text": "good", "n": 1, "more": None}
    content = [json.dumps(good), "", "{broken", "[1, 2]", '"x"', '{"text": 7}', '{"other": 1}', '{"text": "\\ud800 x"}']
    path.write_text("\n".join([*content, "[" * 100_000]), encoding="utf-8")
    table = Table(path)
    assert table.columns == ("text", "n", "more", "other")
    assert lines(path) == [
        (1, "good"),
        (3, "! not JSON: Expecting property name enclosed in double quotes"),
        (4, "! expected a JSON object, got list"),
        (5, "! expected a JSON object, got str"),
        (6, "! text is no text but int"),
        (7, "! no text in text"),
        (8, "� x"),
        (9, "! not JSON: nested too deep"),
    ]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_more_than_a_thousand_columns_are_refused(tmp_path: Path, suffix: str) -> None:
    path, names = tmp_path / f"t{suffix}", [f"k{i}" for i in range(1001)]
    if suffix == ".parquet":
        pd.DataFrame([names], columns=names).to_parquet(path)
    elif suffix == ".csv":
        path.write_text(f"{','.join(names)}\n{',' * 1000}\n", encoding="utf-8")
    else:
        path.write_text("".join(f'{{"text": "a", "{name}": 1}}\n' for name in names), encoding="utf-8")
    with pytest.raises(InputError, match=rf"^t\{suffix} has more than 1,000 columns: keep those that are needed\.$"):
        Table(path)


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"Headline": ["A", None], "Content": ["one", None], "n": [1, 2]}).to_parquet(path)
    assert Table(path).guess() == Columns("Content", "Headline")
    assert lines(path) == [(1, "A\n\none"), (2, "! no text in Content")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.xlsx", b"x", "expected one of .csv, .tsv, .jsonl"),
        ("t.csv", b"", "no rows beneath a header"),
        ("t.csv", b"text\n", "no rows beneath a header"),
        ("t.csv", b"text,text\na,b\n", "column text more than once"),
        ("t.csv", b"text\n\n", "no rows beneath a header"),
        ("t.csv", b"\ntext\nbody\n", "begins with an empty line"),
        ("t.csv", b",text,,n\n1,a,b,2\n", "t.csv has 2 columns without a name: name them"),
        ("t.csv", b'id,"text\n1,a\n', "as CSV with a header: not CSV: the quote that opens a cell in line 1"),
        ("t.jsonl", b"nothing\n", "holds no JSON object: one a line is expected"),
        ("t.parquet", b"not parquet", "cannot be read as parquet"),
    ],
)
def test_files_that_are_no_tables_are_refused_in_a_sentence(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        Table(tmp_path / name)


def test_utf16_is_read_in_json_lines_too(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes('{"text": "café 🌉"}\n{"text": "two"}\n'.encode("utf-16"))
    assert lines(path) == [(1, "café 🌉"), (2, "two")]


def test_a_column_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column 'text': it has a, b"):
        Table(tmp_path / "t.csv").check(Columns("text"))


def test_a_question_which_of_two_columns_is_meant_is_asked_and_can_be_answered(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Text,text\nfirst,second\n", encoding="utf-8")
    with pytest.raises(InputError, match="has the columns Text and text: which one holds the text.+--text-column"):
        Table(path).guess()
    assert Table(path).guess("text") == Columns("text")


def test_shares_grow_to_one(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("text\n" + "word word\n" * 500, encoding="utf-8")
    shares = [share for _, share in Table(path).items(Columns("text"))]
    assert shares == sorted(shares) and 0 < shares[0] < 0.01 and shares[-1] == 1.0
