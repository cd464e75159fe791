"""Whatever a file holds, it is read row by row, or refused in one sentence."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fakenews.batch.rows import BadRow, Row, Table
from fakenews.data.delimited import Delimited
from fakenews.engine.errors import InputError
from tests.fuzz.inputs import TEXTS, VALUES

UNHURRIED = settings(deadline=None, suppress_health_check=list(HealthCheck))
_CELLS = TEXTS | st.sampled_from(['"', '""', '"a\nb"', ",", "\n", "\r", "text", "id,text\n"])
_MARKS = st.lists(st.sampled_from(["a", "é ", '"', '""', ",", "\n", "\r\n", '"x"', ',"', '",', '",\n']), max_size=30)
CSV = st.lists(st.lists(_CELLS, max_size=4).map(",".join), max_size=8).map("\n".join)
JSONL = st.lists(VALUES | st.dictionaries(st.sampled_from(["text", "id", "title"]), VALUES, max_size=3), max_size=6)


def as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def lines_of(values: list[Any]) -> bytes:
    import json

    return "\n".join(json.dumps(value) for value in values).encode()


def parquet_of(texts: list[str | None], changes: list[tuple[int, int]]) -> bytes:
    """Return a parquet file with some of its bytes changed."""
    clean = [None if t is None else t.encode("utf-8", "replace").decode() for t in texts]
    sink = io.BytesIO()
    pq.write_table(pa.table({"id": list(range(len(clean))), "text": pa.array(clean, pa.string())}), sink)
    found = bytearray(sink.getvalue())
    for place, byte in changes:
        found[place % len(found)] = byte
    return bytes(found)


def any_cell(row: list[str]) -> bool:
    return any(cell.strip() for cell in row)


def as_table_row(row: list[str]) -> list[str]:
    """Return a row of two columns without the empty cells that spreadsheets add."""
    return row if any_cell(row[2:]) else row[:2]


def read(content: bytes, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table{suffix}"
        path.write_bytes(content)
        try:
            table = Table(path)
            columns = table.guess()
            table.check(columns)
            shares = [0.0]
            for item, share in table.items(columns):
                assert isinstance(item, Row | BadRow) and item.line >= 1
                if isinstance(item, Row):
                    assert item.text.strip()
                    item.text.encode()  # what is scored can be written
                shares.append(share)
            assert shares == sorted(shares) and shares[-1] <= 1.0
        except InputError as refusal:
            assert str(refusal).strip() and folder not in str(refusal)


@given(CSV.map(as_bytes) | st.binary(max_size=600))
@UNHURRIED
def test_csv(count: Callable[[str], None], content: bytes) -> None:
    count("CSV files")
    read(content, ".csv")


@given(_MARKS.map("".join), st.sampled_from(["utf-8", "utf-16"]))
@UNHURRIED
def test_csv_that_is_whole_is_read_as_the_csv_module_reads_it(
    count: Callable[[str], None], body: str, encoding: str
) -> None:
    count("whole CSV files")
    text = f'id,"te;xt"\n1,a\n{body}'
    try:
        expected = [
            as_table_row(row) for row in csv.reader(io.StringIO(text, newline=""), strict=True) if any_cell(row)
        ]
    except csv.Error:
        assume(False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(text.encode(encoding))
        table = Delimited(path)
        found = [(cells, share) for _, cells, share in table.rows()]
    assert list(table.columns) == expected[0]
    assert [c if isinstance(c, list) else c.partition(",")[0] for c, _ in found] == [
        row if len(row) == 2 else f"cells: {len(row)}" for row in expected[1:]
    ]
    assert not found or found[-1][1] <= 1.0


@given(JSONL.map(lines_of) | CSV.map(as_bytes) | st.binary(max_size=600))
@UNHURRIED
def test_jsonl(count: Callable[[str], None], content: bytes) -> None:
    count("JSONL files")
    read(content, ".jsonl")


@given(
    st.builds(
        parquet_of,
        st.lists(TEXTS | st.none(), max_size=5),
        st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=3),
    )
    | st.binary(max_size=400).map(lambda middle: b"PAR1" + middle + b"PAR1")
)
@UNHURRIED
def test_parquet(count: Callable[[str], None], content: bytes) -> None:
    count("parquet files")
    read(content, ".parquet")
