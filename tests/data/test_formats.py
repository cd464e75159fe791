"""What a file is, is told from its content; what is no table is named in a sentence without a byte of it."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from fakenews.batch.rows import Row, Table
from fakenews.data.table import read_table

ROWS = [{"text": f"The council of town {i} met on Monday.", "label": i % 2} for i in range(4)]
CSV = "text,label\n" + "".join(f"{row['text']},{row['label']}\n" for row in ROWS)
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


def parquet() -> bytes:
    sink = io.BytesIO()
    pd.DataFrame(ROWS).to_parquet(sink)
    return sink.getvalue()


def workbook() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as file:
        file.writestr("xl/workbook.xml", "<workbook/>")
    return sink.getvalue()


def named(value: str | bytes) -> str:
    """Keep bytes out of the names of tests: compressed ones hold the time, and every worker has to find the same."""
    return value if isinstance(value, str) else "content"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", CSV.encode()),
        ("t.tsv", CSV.replace(",", "\t").encode()),
        ("t.csv", gzip.compress(CSV.encode())),
        ("t.csv.gz", gzip.compress(CSV.encode())),
        ("t.gz", gzip.compress(LINES.encode())),
        ("t.jsonl", LINES.encode()),
        ("t.ndjson", LINES.encode()),
        ("t.ndjson.gz", gzip.compress(LINES.encode())),
        ("t.json", json.dumps(ROWS).encode()),
        ("t.jsonl", json.dumps(ROWS, indent=1).encode("utf-8-sig")),
        ("t.csv", json.dumps(ROWS).encode()),
        ("t.csv", parquet()),
    ],
    ids=named,
)
def test_every_door_reads_the_same_table_from_every_format(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    texts = [row["text"] for row in ROWS]
    frame = read_table(path)
    assert frame["text"].tolist() == texts and frame["label"].tolist() == [0, 1, 0, 1]
    table = Table(path)
    assert [item.text for item, _ in table.items(table.guess()) if isinstance(item, Row)] == texts


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", workbook(), "t.csv is an Office file, such as an Excel workbook: save the sheet as CSV UTF-8."),
        ("t.csv", b"PK\x03\x04 else", "t.csv is a ZIP archive: unpack it first."),
        ("t.csv", b"\n<!DOCTYPE html>\n<html><body>Sign in</body></html>", "t.csv is a web page (HTML)"),
        ("t.jsonl", b"<html>", "t.jsonl is a web page (HTML)"),
        ("t.csv", b"%PDF-1.7", "t.csv is a PDF file"),
        ("t.csv", b"\x28\xb5\x2f\xfd more", "t.csv is compressed with Zstandard: unpack it first."),
        ("t.csv", bytes(range(1, 32)) * 9, "t.csv is a binary file and no text"),
        ("t.parquet", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "t.parquet is a Git LFS pointer"),
        ("t.parquet", b"not parquet at all", "t.parquet cannot be read as parquet: it does not begin like"),
        ("t.parquet", parquet()[:-40], "t.parquet cannot be read as parquet: it has no end"),
        ("t.csv.gz", gzip.compress(CSV.encode())[:-12], "t.csv.gz is compressed with gzip and damaged or cut short"),
        ("t.json", json.dumps(ROWS).encode()[:-9], "t.json begins like a JSON array and is none"),
    ],
    ids=named,
)
def test_what_is_no_table_is_named_at_every_door(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for door in (read_table, Table):
        with pytest.raises(ValueError) as refused:
            door(path)
        assert str(refused.value).startswith(message)
        assert str(refused.value).isascii() and str(refused.value).isprintable()
