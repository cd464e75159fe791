"""CSV from anywhere: what marks cells and lines is read off the header, and a broken row costs itself alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakenews.data.delimited import Delimited
from fakenews.data.lines import Lines

STRAY = "not CSV: the quote that opens a cell in line"


def rows(path: Path, content: str | bytes) -> list[tuple[int, list[str] | str]]:
    """Line and cells, or line and reason, of every row."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [(line, found) for line, found, _ in Delimited(path).rows()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.csv"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_every_program_writes_the_same_table(path: Path, delimiter: str, end: str, encoding: str) -> None:
    table = ["id|te,xt|label", '1|"café, ""so""; or not"|0', "", '2|"two', '\tlines"|1', "3|last|"]
    content = end.join(line.replace("|", delimiter) for line in table).replace("te,xt", '"te,xt"')
    found = rows(path, content.encode(encoding))
    assert Delimited(path).columns == ("id", "te,xt", "label")
    texts = ['café, "so"; or not', f"two{end}\tlines", "last"]
    assert [cells for _, cells in found] == [["1", texts[0], "0"], ["2", texts[1], "1"], ["3", texts[2], ""]]
    if end != "\r\r\n":
        assert [line for line, _ in found] == [2, 4, 6]


def test_the_delimiter_is_looked_for_outside_quotes_of_the_header_only(path: Path) -> None:
    assert rows(path, '"a, b,\nc";d\n1,2;3\n') == [(3, ["1,2", "3"])]
    assert rows(path, "a\n1;2,3\n") == [(2, "cells: 2, where the header has 1")]
    assert rows(path, "a,b;c;d\n1,2;3\n") == [(2, ["1", "2;3"])]


def test_a_stray_quote_costs_its_row_and_the_rows_after_it_are_read(path: Path) -> None:
    body = [f"{i},plain,0" for i in range(2, 101)]
    body[8] = '10,"Stray,0'
    assert len([cells for _, cells in rows(path, "\n".join(["id,text,label", *body])) if len(cells) == 3]) == 98
    body[28] = '30,"two, of\na cell",1'
    found = dict(rows(path, "\n".join(["id,text,label", *body])))
    assert found[10] == f"{STRAY} 10 is never closed; the next, in line 30, has text behind it"
    assert found[30] == ["30", "two, of\na cell", "1"]
    assert sorted(found) == [line for line in range(2, 102) if line != 31]


def test_rows_that_quotes_and_cells_make_longer_tell_their_lines(path: Path) -> None:
    content = 'a,b\n"1\n",2,3\n"4\n","5\n6,7\n'
    assert rows(path, content) == [
        (2, "cells: 3, where the header has 2 (lines 2–3)"),
        (4, f"{STRAY} 5 is never closed (lines 4–5)"),
        (6, ["6", "7"]),
    ]


def test_only_so_much_of_a_cell_is_held(path: Path) -> None:
    path.write_text('a,b\n1,"' + "long\n" * 100 + '"\n2,"' + '""' * 20 + '"\n3,' + "x" * 41 + "\n", encoding="utf-8")
    assert [(line, found) for line, found, _ in Delimited(path).rows(40)] == [
        (2, "a cell of more than 40 characters (lines 2–102)"),
        (103, ["2", '"' * 20]),
        (104, "a cell of more than 40 characters"),
    ]


@pytest.mark.parametrize("line", ['1,"stray', 'x",b"c,"', 'a"",""",b'])
def test_no_line_is_read_again_from_every_quote_before_it(
    path: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = 0
    real = Lines.__next__

    def counted(lines: Lines) -> str:
        nonlocal read
        read += 1
        return real(lines)

    path.write_text("a,b\n" + f"{line}\n" * 2000, encoding="utf-8")
    table = Delimited(path)
    monkeypatch.setattr(Lines, "__next__", counted)
    assert list(table.rows())
    assert read <= 4010


def test_lines_in_no_encoding_of_today_are_read_as_windows_wrote_them(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + "é “so”\n".encode() + b"\x93quoted\x94 caf\xe9\n\x81")
    with Lines(path) as lines:
        assert list(lines) == ["é “so”\n", "“quoted” café\n", "�"] and "neither UTF-8 nor" in lines.problem
        assert (lines.number, lines.share) == (3, 1.0)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_any_line_can_be_gone_back_to(path: Path, encoding: str) -> None:
    path.write_bytes("one é\ntwo €\nthree\n".encode(encoding))
    with Lines(path) as lines:
        next(lines)
        number, offset = lines.number, lines.offset
        rest = list(lines)
        lines.go(number, offset)
        assert list(lines) == rest == ["two €\n", "three\n"]
        assert lines.number == 3


@pytest.mark.parametrize(
    ("content", "columns", "cells"),
    [
        ("id;title, short;text\n1;a;b, c\n2;d;e, f, g\n", ("id", "title, short", "text"), [["1", "a", "b, c"]]),
        ("sep=;\r\n;text;label\r\n0;a, b;1\r\n", ("", "text", "label"), [["0", "a, b", "1"]]),
        ("text,label,,,\na,0,,,\nb,1\n", ("text", "label"), [["a", "0"], ["b", "1"]]),
        ("text,label\na,0,,\n", ("text", "label"), [["a", "0"]]),
        ("text,label\na,0\n,\n , \n\n", ("text", "label"), [["a", "0"]]),
        ("a, b\tc\td\n1, 2\t3\t4\n", ("a, b", "c", "d"), [["1, 2", "3", "4"]]),
        ("text|label\na, b|0\n", ("text", "label"), [["a, b", "0"]]),
        ('text,label\n"a \\"b, c\\" \\\\",0\n', ("text", "label"), [['a "b, c" \\', "0"]]),
        ('text,label\n"a \\"b\nc\\", d",0\n"e",1\n', ("text", "label"), [['a "b\nc", d', "0"], ["e", "1"]]),
        ("text,label\n'a, it''s b',0\n'c',1\n", ("text", "label"), [["a, it's b", "0"], ["c", "1"]]),
        ("text,label\n'a, it\\'s b',0\n", ("text", "label"), [["a, it's b", "0"]]),
        ("text,label\n'tis so,0\n'twas,1\n", ("text", "label"), [["'tis so", "0"], ["'twas", "1"]]),
        ('text,label\n"C:\\",0\n', ("text", "label"), [["C:\\", "0"]]),
    ],
)
def test_every_dialect_is_read(path: Path, content: str, columns: tuple[str, ...], cells: list[list[str]]) -> None:
    found = rows(path, content)
    assert Delimited(path).columns == columns
    assert [row for _, row in found][: len(cells)] == cells and len(found) >= len(cells)
    assert all(isinstance(row, list) for _, row in found)


def test_a_cell_beyond_the_names_costs_its_row(path: Path) -> None:
    assert rows(path, "text,label,\na,0,note\nb,1,\n") == [
        (2, "cells: 3, where the header has 2"),
        (3, ["b", "1"]),
    ]


def test_escaped_quotes_far_into_a_file_are_named(path: Path) -> None:
    found = rows(path, "text,label\n" + f"{'word ' * 50},0\n" * 2000 + '"a \\"b, c\\" d",0\n')
    assert "quotes are written twice in CSV, not behind a backslash" in found[-1][1]


def test_a_row_that_goes_on_behind_the_beginning_of_a_file_says_nothing_of_its_dialect(path: Path) -> None:
    long = "word, 'so'\n" * 40_000
    assert rows(path, f'text,label\n"{long}",0\n') == [(2, [long, "0"])]
