"""The Batch tab's handlers: what a table holds, scoring under an id, cancelling, forgetting."""

from __future__ import annotations

import base64
import csv
import io
import json
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fakenews.config import REPOSITORY
from fakenews.services import Services
from fakenews.ui import batch as module
from fakenews.ui.batch import GONE, MAX_ROWS, Batch
from fakenews.ui.own import OwnTable
from tests.explain.toys import FAKE_WORD

TEXT = f"The {FAKE_WORD} came to town again on Tuesday. " * 8


@pytest.fixture
def tab(share_services: Services) -> Batch:
    return Batch(share_services)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "my table.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "headline", "body"), *((i, "T", TEXT) for i in range(150)), (1, "only two")])
    return path


def finished(tab: Batch, key: str) -> str:
    for _ in range(600):
        status, timer, download = tab.status(key)
        if not timer["active"]:
            return str(status)
        time.sleep(0.05)
    raise AssertionError("it never ended")


def test_a_table_is_looked_at_and_its_columns_guessed(tab: Batch, table: Path) -> None:
    seen, text, title, start = tab.look(str(table))
    assert "151 rows, 3 columns" in seen and "1 of them cannot be scored" in seen and "my table.csv" in seen
    assert (text["value"], title["value"], start["interactive"]) == ("body", "headline", True)
    assert str(table.parent) not in seen


def test_a_table_is_scored_counted_and_given_back(tab: Batch, table: Path) -> None:
    *_, key = tab.start(str(table), "body", "headline", ["tfidf"], True, ".csv", "")
    told = finished(tab, key)
    assert "150 rows of my table.csv scored" in told and "1 row could not be scored" in told and "152" in told
    packed = json.loads(tab.file(key))
    assert packed["name"] == "my table-scored.csv"
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(packed["bytes"]).decode())))
    assert len(rows) == 150 and {row["verdict_tfidf"] for row in rows} == {"fake"}
    assert rows[0]["words_tfidf"].startswith(f"{FAKE_WORD} +")
    assert Batch(tab.services).status(key)[0] == module.render.caption(GONE), "another server knows nothing of it"
    tab.clear(key)
    assert tab.file(key) == "" and not list(tab.jobs.folder.iterdir())


def test_a_table_too_long_is_refused_however_it_came(tab: Batch, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("text\n" + "word word\n" * (MAX_ROWS + 600), encoding="utf-8")
    told = "long.csv has more than 2,000 rows: score it with «fakenews score long.csv OUT.csv»."
    assert told in tab.look(str(path))[0]
    *_, key = tab.start(str(path), "text", "", ["tfidf"], False, ".csv", "")
    assert told in finished(tab, key)


def test_a_file_that_stands_for_gigabytes_is_refused(tab: Batch, tmp_path: Path) -> None:
    path = tmp_path / "tiny.parquet"
    pq.write_table(pa.table({"text": ["word " * 800_000] * 400}), path, compression="zstd")
    told = "tiny.parquet unpacks to more than 32 MB"
    assert told in tab.look(str(path))[0]
    *_, key = tab.start(str(path), "text", "", ["tfidf"], False, ".csv", "")
    assert told in finished(tab, key)
    assert told in OwnTable(tab.services).score(str(path))


def test_a_job_can_be_cancelled(tab: Batch, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = module.score

    def slow(*args: object, progress: object, **kwargs: object) -> object:
        def told(done: object) -> None:
            time.sleep(0.2)
            progress(done)  # type: ignore[operator]

        return real(*args, progress=told, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "score", slow)
    *_, key = tab.start(str(table), "body", "", ["tfidf"], False, ".jsonl", "")
    assert tab.status(key)[1]["active"]
    tab.cancel(key)
    assert "Cancelled" in finished(tab, key) and tab.file(key) == ""


def test_results_are_kept_for_an_hour(tab: Batch, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    *_, key = tab.start(str(table), "body", "", ["tfidf"], False, ".parquet", "")
    finished(tab, key)
    assert json.loads(tab.file(key))["name"] == "my table-scored.parquet"
    later = time.time() + module.KEPT_SECONDS + 1
    monkeypatch.setattr(module.time, "time", lambda: later)
    tab.jobs.tidy()
    assert tab.file(key) == "" and not list(tab.jobs.folder.iterdir())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "", "no rows beneath a header"),
        ("t.jsonl", "nothing", "no line with a JSON object"),
        ("t.csv", "text\n" + "a few words\n" * 2001, "more than 2,000 rows"),
    ],
)
def test_what_cannot_be_scored_here_is_told_in_a_sentence(
    tab: Batch, tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    seen, *_, start = tab.look(str(tmp_path / name))
    assert message in seen and not start["interactive"] and str(tmp_path) not in seen


def test_a_problem_of_the_table_is_told_by_its_name(tab: Batch, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("text,p_fake_tfidf\nwords,1\n", encoding="utf-8")
    *_, key = tab.start(str(path), "text", "", ["tfidf"], False, ".csv", "")
    assert "mine.csv has a column" in finished(tab, key)
    assert "Pick a model" in str(tab.start(str(path), "text", "", [], False, ".csv", "")[0])
    assert "Upload a table first" in str(tab.start(None, None, None, ["tfidf"], False, ".csv", "")[0])


def test_nothing_outlives_the_server() -> None:
    script = "from fakenews.ui.batch import Jobs; jobs = Jobs(None); (jobs.folder / 'x').touch(); print(jobs.folder)"
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert not Path(done.stdout.strip()).exists()
