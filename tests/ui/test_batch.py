"""The Batch tab's handlers: what a table holds, scoring under an id, cancelling, forgetting."""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fakenews.config import REPOSITORY
from fakenews.engine import Engine
from fakenews.engine.values import ExplanationRequest
from fakenews.schema import Explanation
from fakenews.share.store import ShareStore
from fakenews.ui import jobs as module
from fakenews.ui import render
from fakenews.ui.app import build_app
from fakenews.ui.batch import GONE, HINT, SAME, Batch, _pace
from fakenews.ui.endpoints import Page
from fakenews.ui.jobs import MAX_ROWS, Jobs
from fakenews.ui.own import OwnTable
from tests.explain.toys import FAKE_WORD

TEXT = f"The {FAKE_WORD} came to town again on Tuesday. " * 8


@pytest.fixture
def tab(share_engine: Engine) -> Batch:
    return Batch(share_engine)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "my table.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "headline", "body"), *((i, "T", TEXT) for i in range(150)), (1, "only two")])
    return path


def finished(tab: Batch, key: str) -> str:
    for _ in range(600):
        status, timer, download, start = tab.status(key, True).values()
        assert start["interactive"] != timer["active"]
        if not timer["active"]:
            return str(status)
        time.sleep(0.05)
    raise AssertionError("it never ended")


def test_a_table_is_looked_at_and_its_columns_guessed(tab: Batch, table: Path) -> None:
    seen, text, title, ready = tab.look(str(table)).values()
    assert "151 rows, 3 columns" in seen and "1 of them cannot be scored" in seen and "my table.csv" in seen
    assert (text["value"], title["value"], ready) == ("body", "headline", True)
    assert str(table.parent) not in seen


def test_a_table_is_scored_counted_and_given_back(tab: Batch, table: Path) -> None:
    key = tab.start(str(table), "body", "headline", ["tfidf"], True, ".csv", "")["job_id"]
    told = finished(tab, key)
    assert "150 rows of my table.csv scored" in told and "1 row could not be scored" in told and "152" in told
    packed = json.loads(tab.file(key))
    assert packed["name"] == "my table-scored.csv"
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(packed["bytes"]).decode())))
    assert len(rows) == 150 and {row["verdict_tfidf"] for row in rows} == {"fake"}
    assert rows[0]["words_tfidf"].startswith(f"{FAKE_WORD} +")
    assert Batch(tab.engine).status(key, True)["status"] == render.caption(GONE), "another server knows nothing of it"
    tab.clear(key)
    assert tab.file(key) == "" and not list(tab.jobs.folder.iterdir())


def test_a_table_too_long_is_refused_however_it_came(tab: Batch, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("text\n" + "word word\n" * (MAX_ROWS + 600), encoding="utf-8")
    told = "long.csv has more than 2,000 rows: score it with “fakenews score long.csv OUT.csv”."
    assert told in tab.look(str(path))["preview"]
    key = tab.start(str(path), "text", "", ["tfidf"], False, ".csv", "")["job_id"]
    assert told in finished(tab, key)


def test_a_file_that_stands_for_gigabytes_is_refused(tab: Batch, tmp_path: Path) -> None:
    path = tmp_path / "tiny.parquet"
    pq.write_table(pa.table({"text": ["word " * 800_000] * 400}), path, compression="zstd")
    told = "tiny.parquet unpacks to more than 32 MB"
    assert told in tab.look(str(path))["preview"]
    key = tab.start(str(path), "text", "", ["tfidf"], False, ".csv", "")["job_id"]
    assert told in finished(tab, key)
    assert told in OwnTable(tab.engine).score(str(path))


def test_results_are_kept_for_an_hour(tab: Batch, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tab.start(str(table), "body", "", ["tfidf"], False, ".parquet", "")["job_id"]
    finished(tab, key)
    assert json.loads(tab.file(key))["name"] == "my table-scored.parquet"
    later = time.time() + module.KEPT_SECONDS + 1
    monkeypatch.setattr(module.time, "time", lambda: later)
    tab.jobs.tidy()
    assert tab.file(key) == "" and not list(tab.jobs.folder.iterdir())


def test_an_hour_is_over_where_nobody_scores_another_table(
    tab: Batch, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tab.start(str(table), "body", "", ["tfidf"], False, ".csv", "")["job_id"]
    finished(tab, key)
    later = time.time() + module.KEPT_SECONDS + 1
    monkeypatch.setattr(module.time, "time", lambda: later)
    assert tab.status(key, True)["status"] == render.caption(GONE)
    assert tab.file(key) == "" and not list(tab.jobs.folder.iterdir())


def test_the_page_hands_its_tables_to_the_servers_tidying(
    share_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidied: list[Jobs] = []
    monkeypatch.setattr(Jobs, "tidy", lambda jobs: tidied.append(jobs))

    async def page() -> Page:  # a coroutine, because Gradio leaves event loops open where none runs
        return build_app(share_engine, ShareStore(f"sqlite:///{tmp_path / 's.db'}"))

    asyncio.run(page()).tidy()
    assert len(tidied) == 1


@pytest.mark.parametrize(
    ("shown", "queue", "n_events"),
    [("fn-batch-status", "batch-status", 8), ("fn-batch-set-status", "make-set-status", 2)],
)
def test_what_is_shown_last_was_found_last(
    share_engine: Engine, tmp_path: Path, shown: str, queue: str, n_events: int
) -> None:
    async def page() -> Page:
        return build_app(share_engine, ShareStore(f"sqlite:///{tmp_path / 's.db'}"))

    events = [
        event
        for event in asyncio.run(page()).fns.values()
        if event.queue and any(getattr(output, "elem_id", "") == shown for output in event.outputs)
    ]
    assert {(event.concurrency_id, event.concurrency_limit) for event in events} == {(queue, 1)}
    assert len(events) == n_events


@pytest.mark.parametrize("before", [False, True], ids=["first", "after a result"])
def test_beyond_so_many_tables_another_is_refused_and_nothing_is_lost(
    before: bool, tab: Batch, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    press = (str(table), "body", "", ["tfidf"], False, ".csv")
    mine = tab.start(*press, "", "me")["job_id"] if before else ""
    if before:
        finished(tab, mine)
    go_on, real = threading.Event(), module.score
    monkeypatch.setattr(module, "score", lambda *args, **kwargs: go_on.wait(30) and real(*args, **kwargs))
    keys = [tab.start(*press, "", str(visitor))["job_id"] for visitor in range(module.MAX_UNDER_WAY)]
    refused = tab.start(*press, mine, "me")
    assert "16 tables are being scored" in refused["status"] and refused["status"].startswith('<p class="fn-problem"')
    assert set(refused) == {"status"}, "all else stays"
    assert bool(tab.file(mine)) == before
    assert tab.start(*press, "", "0")["job_id"] == keys[0], "who has one under way is still shown it"
    tab.cancel(keys[-1], True)
    finished(tab, keys[-1])
    keys.append(tab.start(*press, mine, "me")["job_id"])
    assert keys[-1] in tab.jobs._jobs
    for key in keys:
        tab.clear(key)
    go_on.set()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "", "no rows beneath a header"),
        ("t.jsonl", "nothing", "holds no JSON object"),
        ("t.csv", "text\n" + "a few words\n" * 2001, "more than 2,000 rows"),
    ],
)
def test_what_cannot_be_scored_here_is_told_in_a_sentence(
    tab: Batch, tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    seen, *_, ready = tab.look(str(tmp_path / name)).values()
    assert message in seen and not ready and str(tmp_path) not in seen


def test_a_problem_of_the_table_is_told_by_its_name(tab: Batch, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("text,p_fake_tfidf\nwords,1\n", encoding="utf-8")
    key = tab.start(str(path), "text", "", ["tfidf"], False, ".csv", "")["job_id"]
    assert "mine.csv has a column" in finished(tab, key)
    assert "Pick a model" in str(tab.start(str(path), "text", "", [], False, ".csv", "")["status"])
    assert "Upload a table first" in str(tab.start(None, None, None, ["tfidf"], False, ".csv", "")["status"])


def test_nothing_outlives_the_server() -> None:
    script = "from fakenews.ui.jobs import Jobs; jobs = Jobs(None); (jobs.folder / 'x').touch(); print(jobs.folder)"
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert not Path(done.stdout.strip()).exists()


def written(path: Path, rows: Sequence[Sequence[object]]) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return str(path)


def test_a_column_without_a_usual_name_is_proposed_by_its_texts(tab: Batch, tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", [("title", "contents"), ("A", TEXT), ("B", "Too short.")])
    seen, text, title, ready = tab.look(path).values()
    assert (text["value"], title["value"], ready) == ("contents", "title", True)
    assert "“contents” has the longest ones" in seen and "1 of them has fewer than 40 words" in seen
    seen, text, title, ready = tab.look(written(tmp_path / "t.csv", [("title",), (TEXT,)])).values()
    assert (text["value"], title["value"], ready) == ("title", "", True) and "1 row, 1 column." in seen
    numbers = tmp_path / "n.jsonl"
    numbers.write_text('{"n": 1}\n', encoding="utf-8")
    seen, text, _, ready = tab.look(str(numbers)).values()
    assert "No column holds a text." in seen and text["value"] is None and not ready


def test_what_is_said_follows_the_columns_that_are_picked(tab: Batch, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps({"text": TEXT, "n": 1}) + "\n", encoding="utf-8")
    assert tab.look(str(path))["ready"]
    seen, ready = tab.pick(str(path), "n", "", ["tfidf"], False).values()
    assert not ready and "No row of t.jsonl can be scored" in seen and "n is no text but int" in seen
    seen, ready = tab.pick(str(path), "text", "text", ["tfidf"], False).values()
    assert not ready and render.problem(SAME) in seen
    assert tab.start(str(path), "text", "text", ["tfidf"], False, ".csv", "")["status"] == render.problem(SAME)
    assert tab.pick(str(path), "text", "", ["tfidf"], False)["ready"]


def test_nothing_to_take_away_where_no_row_was_scored(tab: Batch, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"n": 1}\n', encoding="utf-8")
    key = tab.start(str(path), "n", "", ["tfidf"], False, ".csv", "")["job_id"]
    assert "0 rows of t.jsonl scored." in finished(tab, key) and not tab.status(key, True)["download"]["visible"]


def test_columns_of_ours_are_all_named_when_the_table_comes(tab: Batch, tmp_path: Path) -> None:
    path = written(tmp_path / "again.csv", [("text", "p_fake_tfidf", "verdict_tfidf"), (TEXT, "0.5", "fake")])
    seen, *_, ready = tab.look(path, ["tfidf"], False).values()
    assert "again.csv has columns that scoring would add" in seen and "p_fake_tfidf, verdict_tfidf." in seen
    assert not ready and tab.pick(path, "text", "", ["word2vec"], False)["ready"]


def test_what_went_wrong_is_over_with_the_next_table(tab: Batch, table: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "again.csv", [("text", "p_fake_tfidf"), (TEXT, "0.5")])
    key = tab.start(path, "text", "", ["tfidf"], False, ".csv", "")["job_id"]
    assert "again.csv has a column" in finished(tab, key)
    told, _, _, start, key = tab.uploaded(key, True).values()
    assert (told, key, start["interactive"]) == ("", "", True) and tab.uploaded("forgotten", False)["status"] == ""
    key = tab.start(str(table), "body", "", ["tfidf"], False, ".csv", "")["job_id"]
    finished(tab, key)
    assert "150 rows" in tab.uploaded(key, True)["status"], "a result stays until it is replaced"
    assert tab.clear(key)["job_id"] == "" and tab.look(None)["preview"] == render.caption(HINT)


def test_a_second_press_starts_nothing(tab: Batch, table: Path) -> None:
    press = (str(table), "body", "", ["tfidf"], True, ".csv")
    begun = tab.start(*press, "", "a visitor")
    key = begun["job_id"]
    assert not begun["start"]["interactive"]
    assert tab.start(*press, "", "a visitor")["job_id"] == key, "the browser does not know the id yet"
    assert tab.start(*press, key, "the visitor after a reload")["job_id"] == key
    assert len(list(tab.jobs.folder.iterdir())) == 1
    other = tab.start(*press, "", "somebody else")["job_id"]
    assert other != key
    finished(tab, key)
    finished(tab, other)
    third = tab.start(*press, key, "a visitor")["job_id"]
    assert third != key and tab.jobs.get(key) is None
    finished(tab, third)


def test_a_look_that_set_out_before_a_press_finds_the_table_it_began(tab: Batch, table: Path) -> None:
    press = (str(table), "body", "", ["tfidf"], False, ".csv")
    first = tab.start(*press, "", "a visitor")["job_id"]
    assert tab.status("", True, "a visitor")["timer"]["active"], "the browser did not know the id yet"
    assert tab.uploaded("", True, "a visitor")["job_id"] == first
    assert tab.status("", True, "somebody else")["status"] == "" == tab.status("", True)["status"]
    finished(tab, first)
    assert "150 rows" in tab.status("", True, "a visitor")["status"]
    second = tab.start(*press, first, "a visitor")["job_id"]
    assert tab.uploaded(first, True, "a visitor")["job_id"] == second
    finished(tab, second)
    assert tab.status(second, True, "the visitor after a reload")["download"]["visible"]
    tab.clear("", "a visitor")
    assert tab.status(second, True, "a visitor")["status"] == render.caption(GONE)


def test_cancel_is_heard_within_one_explanation(tab: Batch, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, real = threading.Event(), tab.engine.explainers.explain

    def endless(request: ExplanationRequest, progress: Callable[[float], None]) -> Explanation:
        while True:
            begun.set()
            time.sleep(0.01)
            progress(0.5)

    monkeypatch.setattr(tab.engine.explainers, "explain", endless)
    key = tab.start(str(table), "body", "", ["tfidf"], True, ".jsonl", "")["job_id"]
    assert begun.wait(30)
    assert "my table.csv: reading its first rows" in tab.status(key, True)["status"]
    monkeypatch.setattr(tab.engine.explainers, "explain", real)
    other = tab.start(str(table), "body", "", ["tfidf"], False, ".jsonl", "")["job_id"]
    assert "150 rows" in finished(tab, other), "a table without words does not wait for the end of one with them"
    told, timer, _, start = tab.cancel(key, True).values()
    assert "Stopping my table.csv …" in told and timer["active"] and not start["interactive"]
    cancelled = time.monotonic()
    assert "Cancelled; nothing was kept." in finished(tab, key) and tab.file(key) == ""
    assert time.monotonic() - cancelled < 2.0
    assert not tab.jobs.get(key).folder.exists()  # type: ignore[union-attr]


def test_words_of_a_text_too_long_are_not_weighed_and_its_row_says_so(tab: Batch, tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", [("text",), (TEXT,), (TEXT * 60,)])
    key = tab.start(path, "text", "", ["tfidf"], True, ".csv", "")["job_id"]
    finished(tab, key)
    content = base64.b64decode(json.loads(tab.file(key))["bytes"]).decode()
    short, long = csv.DictReader(io.StringIO(content))
    assert short["words_tfidf"].startswith(f"{FAKE_WORD} +")
    assert long["words_tfidf"] == f"not weighed: {len(TEXT * 60):,} characters, at most 20,000 are"
    assert long["verdict_tfidf"] == "fake"
    assert "2 rows of t.csv scored, " in tab.status(key, True)["status"]


@pytest.mark.parametrize(
    ("rate", "told"), [(14.6, "15 rows a second"), (1.2, "1 row a second"), (0.9, "1 s a row"), (0.2, "5 s a row")]
)
def test_a_pace_is_told_in_rows_or_in_seconds(rate: float, told: str) -> None:
    assert _pace(rate) == told
