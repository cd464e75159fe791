"""A file of a few hundred bytes that stands for gigabytes is refused before it is unpacked."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fakenews.data.unpacked import MAX_UNPACKED, MAX_VALUES, check_unpacked

REFUSE = """
import resource, sys
from pathlib import Path
import pyarrow.compute, pyarrow.parquet
from fakenews.data.unpacked import check_unpacked
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    check_unpacked(Path(sys.argv[1]))
except ValueError as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_an_ordinary_table_is_fine(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": [f"Article {i} of the day. " * 40 for i in range(2000)], "label": [0, 1] * 1000})
    frame = frame.assign(subject=pd.Categorical(["a", "b"] * 1000), date=pd.Timestamp("2017-01-01"), none=None)
    frame.to_parquet(tmp_path / "t.parquet")
    check_unpacked(tmp_path / "t.parquet")
    (tmp_path / "any.csv").write_text("text,label\n" + "a,0\n" * MAX_VALUES)
    check_unpacked(tmp_path / "any.csv")


def test_lines_that_hold_few_of_their_many_keys_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("".join(f'{{"text": "a", "label": 0, "k{i % 98}": 1}}\n' for i in range(MAX_VALUES // 100)))
    check_unpacked(path)
    with path.open("a") as file:
        file.write('{"text": "one more", "label": 1}\n')
    with pytest.raises(
        ValueError, match=r"^t\.jsonl unpacks to more than 1,000,000 values: that is for the commands\.$"
    ):
        check_unpacked(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["word " * 800_000] * 400, "unpacks to more than 32 MB"),  # 1.6 GB from 809 bytes
        (["word " * (MAX_UNPACKED // 5 + 1)], "unpacks to more than 32 MB"),
        ([1] * (MAX_VALUES + 1), "unpacks to more than 32 MB"),
        ([[1] * 10] * 3, "neither text nor numbers: text"),
    ],
)
def test_what_is_small_on_disk_alone_is_refused_without_unpacking_it(
    tmp_path: Path, column: list[object], message: str
) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"text": column}), path, compression="zstd")
    assert path.stat().st_size < 100_000
    # In a process of its own: what this one has held at most, the table above among it, says nothing.
    told, more = subprocess.run(
        [sys.executable, "-c", REFUSE, str(path)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert message in told
    assert int(more) < 150_000  # KB


def test_gzip_that_stands_for_much_more_is_refused_without_unpacking_it_all(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(gzip.compress(b"text,label\n" + b"word " * MAX_UNPACKED))
    with pytest.raises(ValueError, match="unpacks to more than 32 MB"):
        check_unpacked(path)
    path.write_bytes(gzip.compress(b"text,label\na,0\n"))
    check_unpacked(path)


def test_an_array_of_a_million_values_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(f"[{'{},' * MAX_VALUES}{{}}]")
    with pytest.raises(ValueError, match="unpacks to more than 1,000,000 values"):
        check_unpacked(path)


def test_a_broken_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(ValueError, match="cannot be read as parquet"):
        check_unpacked(tmp_path / "t.parquet")
