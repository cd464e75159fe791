"""Encodings are detected, or asked for; a wrong guess is never passed on as text."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from fakenews.batch.rows import BadRow, Row, Table
from fakenews.data.lines import decode_text
from fakenews.data.table import read_table

WESTERN = "text,label\nThe mayor’s café — the “naïve” one — cost 5 € at Zoë’s.,1\nÀ la carte.,0\n"
RUSSIAN = "text,label\nHe said Привет мир on Monday.,1\nPlain text.,0\n"


@pytest.mark.parametrize(
    "content",
    [
        WESTERN.encode(),
        WESTERN.encode("utf-8-sig"),
        codecs.BOM_UTF8 + WESTERN.encode("utf-8-sig"),
        WESTERN.encode("utf-16"),
        WESTERN.encode("utf-16-le"),
        WESTERN.encode("utf-16-be"),
        WESTERN.encode("utf-32"),
        WESTERN.encode("cp1252"),
    ],
)
def test_what_can_be_told_is_read_without_asking(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    assert read_table(path)["text"].tolist()[0] == WESTERN.split("\n")[1].removesuffix(",1")
    assert decode_text(content, "t.csv") == WESTERN


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "mac-cyrillic"])
def test_what_cannot_be_told_is_asked_for_and_read_in_the_encoding_that_was_named(
    tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(RUSSIAN.encode(encoding))
    with pytest.raises(ValueError, match=r"t\.csv, line 2: neither UTF-8 nor Windows-1252.+--encoding"):
        read_table(path)
    items = [item for item, _ in Table(path).items(Table(path).guess())]
    assert [type(item) for item in items] == [BadRow, Row], "a line that cannot be read costs itself alone"
    assert read_table(path, encoding)["text"][0] == "He said Привет мир on Monday."
    with pytest.raises(ValueError, match="t.txt is neither UTF-8 nor"):
        decode_text(RUSSIAN.encode(encoding), "t.txt")
    assert decode_text(RUSSIAN.encode(encoding), "t.txt", encoding) == RUSSIAN


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("“We don’t know,” he said.", "mac-roman"),
        ("Lech Wałęsa spoke.", "cp1250"),
        ("Καλημέρα", "cp1253"),
        ("選挙の結果", "shift-jis"),
        ("שלום", "cp1255"),
    ],
)
def test_other_encodings_are_not_taken_for_windows_1252(text: str, encoding: str) -> None:
    with pytest.raises(ValueError, match="neither UTF-8 nor Windows-1252"):
        decode_text(text.encode(encoding), "t.txt")
    assert decode_text(text.encode(encoding), "t.txt", encoding) == text


def test_utf8_with_one_broken_byte_is_no_mojibake() -> None:
    with pytest.raises(ValueError, match="neither UTF-8 nor"):
        decode_text("The café is naïve".encode() + b"\xc3", "t.txt")


def test_text_that_is_not_in_the_named_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_bytes('{"text": "naïve café", "label": 1}\n'.encode("cp1252"))
    with pytest.raises(ValueError, match="line 1: not in the encoding utf-8"):
        read_table(tmp_path / "t.jsonl", "utf-8")
    with pytest.raises(ValueError, match="Unknown encoding 'klingon'"):
        read_table(tmp_path / "t.jsonl", "klingon")


def test_a_zero_in_a_cell_is_no_encoding(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"text,label\nTwo\x00words of many here.,1\n")
    assert read_table(tmp_path / "t.csv")["text"][0] == "Two\0words of many here."
