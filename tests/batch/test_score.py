"""A scored table holds every row once, with the answers the page gives, however often the scoring was interrupted."""

from __future__ import annotations

import csv
import json
import random
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fakenews.batch import score as module
from fakenews.batch.rows import Columns, Row
from fakenews.batch.score import Done, Task, in_steps, score
from fakenews.batch.spreadsheet import safe_cell
from fakenews.engine import Engine
from fakenews.engine.errors import InputError
from tests.explain.toys import FAKE_WORD, REAL_WORD, planted_corpus

TASK = Task(("tfidf", "word2vec"), Columns("text", "title"))
NEW = ("p_fake_tfidf", "verdict_tfidf", "reasons_tfidf", "p_fake_word2vec", "verdict_word2vec", "reasons_word2vec")


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """700 rows, some of which cannot be scored."""
    path = tmp_path_factory.mktemp("table") / "in.csv"
    texts, _ = planted_corpus(700)
    drawn = random.Random(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "title", "text", "=note"))
        for i, text in enumerate(texts):
            if i % 97 == 5:
                writer.writerow((i, "only two"))
            if i % 61 == 11:
                file.write(f'{i},"a quote that nothing closes,\n')
            words = text.split() * 12
            drawn.shuffle(words)
            writer.writerow((i, f"Title {i}", "" if i % 89 == 7 else " ".join(words), "=1+1" if i % 3 else "-3.5"))
    return path


@pytest.fixture(scope="module")
def whole(table: Path, share_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "out.csv"
    score(table, out, share_engine, TASK)
    return out


def errors(out: Path) -> str:
    return out.with_name(f"{out.name}.errors.jsonl").read_text(encoding="utf-8")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_row_once_with_the_answers_of_the_page(table: Path, whole: Path, share_engine: Engine) -> None:
    rows = read(whole)
    assert list(rows[0]) == ["id", "title", "text", "'=note", *NEW]
    bad = [json.loads(line) for line in errors(whole).splitlines()]
    assert [int(r["id"]) for r in rows] == [i for i in range(700) if i % 89 != 7]
    assert len(bad) == sum((i % 97 == 5) + (i % 61 == 11) + (i % 89 == 7) for i in range(700))
    assert all(b["line"] > 1 and b["reason"] for b in bad)
    for row in rows[:: len(rows) // 12]:
        text = share_engine.judge.check(row["title"], row["text"])
        said = share_engine.judge.analyse(text, TASK.models).predictions
        for prediction in said:
            assert float(row[f"p_fake_{prediction.model}"]) == pytest.approx(prediction.p_fake, abs=1e-6)
            assert row[f"verdict_{prediction.model}"] == prediction.verdict
            assert row[f"reasons_{prediction.model}"] == "; ".join(prediction.reasons)
    assert {r["verdict_tfidf"] for r in rows} >= {"fake", "real"}
    assert not list(whole.parent.glob("*.journal")) + list(whole.parent.glob("*.partial"))


def test_cells_do_not_run(whole: Path) -> None:
    assert {r["'=note"] for r in read(whole)} == {"'=1+1", "-3.5"}


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"), ("+cmd", "'+cmd"), ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"), ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"), ("\r=1", "'\r=1"), (" =1+1", "' =1+1"), ('"=1+1"', "'\"=1+1\""), ("-3.5", "-3.5"),
        ("+1e5", "+1e5"), ("plain = text", "plain = text"), ("", ""), ("'=1", "''=1"), ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"),
    ],
)  # fmt: skip
def test_safe_cells(cell: str, safe: str) -> None:
    assert safe_cell(cell) == safe


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_killed_at_any_moment_and_resumed_it_is_the_same(
    table: Path, share_engine: Engine, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 16)
    monkeypatch.setattr(module, "KEPT", 3)
    plain = tmp_path / f"plain{suffix}"
    score(table, plain, share_engine, TASK)
    out = tmp_path / f"out{suffix}"
    chances = random.Random(1)
    for attempt in range(200):
        left = chances.randint(2, 12)

        def stop(_: Done) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise Killed

        real = module._note

        def note(journal: Path, values: dict[str, Any], attempt: int = attempt, real: Any = real) -> None:
            if attempt % 4 == 3 and chances.random() < 0.3:  # the crash comes before, or in the middle of, a note
                if attempt % 8 == 3:
                    with journal.open("ab") as file:
                        file.write(json.dumps(values).encode()[:20])
                raise Killed
            real(journal, values)

        with monkeypatch.context() as patched:
            patched.setattr(module, "_note", note)
            try:
                done = score(table, out, share_engine, TASK, resume=True, progress=stop)
                break
            except Killed:
                continue
    else:
        pytest.fail("it never ended")
    assert attempt > 5
    assert errors(out) == errors(plain)
    if suffix == ".parquet":
        pd.testing.assert_frame_equal(pd.read_parquet(out), pd.read_parquet(plain))
    else:
        assert out.read_bytes() == plain.read_bytes()
    assert done.rows + done.bad == len(errors(plain).splitlines()) + 700 - len(range(7, 700, 89))
    counted = sum(done.verdicts["tfidf"].values())
    assert counted == done.rows, "counts go on where they were"


def test_slow_work_is_kept_every_few_seconds(
    share_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_SECONDS", 0.3)
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    pd.DataFrame({"text": [f"The {FAKE_WORD} came to town on day {n}. " * 10 for n in range(12)]}).to_csv(source)
    task = Task(("tfidf",), Columns("text"), explain="linear")

    def stop(done: Done) -> None:
        time.sleep(0.1)
        if done.rows == 10:
            raise Killed

    with pytest.raises(Killed):
        score(source, out, share_engine, task, progress=stop)
    *_, note = (tmp_path / "out.csv.journal").read_text(encoding="utf-8").splitlines()
    assert 5 <= json.loads(note)["read"] <= 10
    done = score(source, out, share_engine, task, resume=True)
    assert [row["text"] for row in read(out)] == [row["text"] for row in read(source)] and done.rows == 12


def test_a_crash_after_the_last_step_but_one_loses_nothing(
    table: Path, whole: Path, share_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.csv"
    real = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".journal":
            raise Killed
        real(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", unlink)
        with pytest.raises(Killed):
            score(table, out, share_engine, TASK)
    assert out.read_bytes() == whole.read_bytes()
    done = score(table, out, share_engine, TASK, resume=True)
    assert out.read_bytes() == whole.read_bytes() and done.rows == len(read(whole)) and done.before
    assert not list(tmp_path.glob("*.journal"))
    assert score(table, out, share_engine, TASK, resume=True).before


def test_parquet_keeps_types_and_jsonl_keeps_values(share_engine: Engine, tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "text": [f"The {FAKE_WORD} came to town. " * 15, f"The {REAL_WORD} came to town. " * 15],
            "n": [1, 2],
            "when": pd.to_datetime(["2020-01-01", None]),
            "tags": [["a", "b"], []],
        }
    )
    source = tmp_path / "in.parquet"
    frame.to_parquet(source)
    task = Task(("tfidf",), Columns("text"))
    score(source, tmp_path / "out.parquet", share_engine, task)
    found = pd.read_parquet(tmp_path / "out.parquet")
    assert found["n"].dtype == "int64" and str(found["when"].dtype).startswith("datetime64")
    assert list(found["tags"][0]) == ["a", "b"] and found["p_fake_tfidf"].dtype == "float64"
    score(source, tmp_path / "out.jsonl", share_engine, task)
    first, second = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines())
    assert first["n"] == 1 and first["tags"] == ["a", "b"] and first["when"].startswith("2020-01-01")
    assert second["when"] is None or second["when"] == "NaT"
    assert (first["verdict_tfidf"], second["verdict_tfidf"]) == ("fake", "real")


def test_what_csv_has_no_form_for_is_written_as_json_lines_have_it(share_engine: Engine, tmp_path: Path) -> None:
    when = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    values = {
        "day": date(2020, 1, 1), "when": when, "price": Decimal("1.50"), "took": timedelta(minutes=90), "raw": b"ab",
        "tags": ["a"], "n": 1, "share": 0.5, "true": True, "nothing": None,
    }  # fmt: skip
    source = tmp_path / "in.parquet"
    pq.write_table(pa.Table.from_pylist([{"text": f"The {FAKE_WORD} came to town. " * 15} | values]), source)
    for suffix in (".csv", ".jsonl"):
        score(source, tmp_path / f"o{suffix}", share_engine, Task(("tfidf",), Columns("text")))
    (row,) = read(tmp_path / "o.csv")
    assert {name: row[name] for name in values} == {
        "day": "2020-01-01", "when": "2020-01-02 03:04:05+00:00", "price": "1.50", "took": "1:30:00", "raw": "b'ab'",
        "tags": '["a"]', "n": "1", "share": "0.5", "true": "true", "nothing": "",
    }  # fmt: skip
    lines = json.loads((tmp_path / "o.jsonl").read_text(encoding="utf-8"))
    assert all(lines[name] == row[name] for name in ("day", "when", "price", "took", "raw"))


def test_words_are_added_if_asked_for(share_engine: Engine, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text(f"text\n{f'The {FAKE_WORD} came to town again. ' * 12}\n", encoding="utf-8")
    score(source, tmp_path / "o.csv", share_engine, Task(("tfidf",), Columns("text"), "linear"))
    (row,) = read(tmp_path / "o.csv")
    assert row["words_tfidf"].startswith(f"{FAKE_WORD} +") and row["words_tfidf"].count(";") == 9


@pytest.mark.slow
def test_words_are_told_row_by_row_and_cut_where_they_were_before(
    table: Path, share_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_SECONDS", 1000.0)  # noted by the number of rows alone
    heard: list[Done] = []
    notes: list[int] = []

    def hear(done: Done) -> None:
        heard.append(done)
        notes.append(json.loads((tmp_path / "o.csv.journal").read_text().splitlines()[-1]).get("read", 0))

    score(table, tmp_path / "o.csv", share_engine, Task(("tfidf",), TASK.columns, "linear"), progress=hear)
    assert [d.rows + d.bad for d in heard] == list(range(1, len(heard) + 1))
    assert set(notes) == {0, module.KEPT * module.CHUNK}


@pytest.mark.parametrize(
    ("out", "change", "message"),
    [
        ("o.txt", {}, "must end in .csv, .jsonl, .parquet"),
        ("in.csv", {}, "the table to be scored itself"),
        ("there.csv", {}, "is there already"),
        ("o.csv", {"columns": Columns("nothing")}, "no column 'nothing'"),
        ("o.csv", {"columns": Columns("text", "nothing")}, "no column 'nothing'"),
        ("o.csv", {"models": ("cnn",)}, "No weights of 'cnn'"),
    ],
)
def test_what_will_not_do_is_refused_before_anything_is_written(
    out: str, change: dict[str, Any], message: str, share_engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text("text\nsome words\n", encoding="utf-8")
    (tmp_path / "there.csv").write_text("mine", encoding="utf-8")
    task = Task(**{"models": ("tfidf",), "columns": Columns("text"), **change})
    with pytest.raises(InputError, match=message):
        score(tmp_path / "in.csv", tmp_path / out, share_engine, task)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "there.csv"]
    assert (tmp_path / "there.csv").read_text() == "mine"


def test_a_column_of_ours_is_not_overwritten(share_engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text,p_fake_tfidf\nsome words,0.5\n", encoding="utf-8")
    with pytest.raises(InputError, match="'p_fake_tfidf' already"):
        score(tmp_path / "in.csv", tmp_path / "o.csv", share_engine, Task(("tfidf",), Columns("text")))


def test_an_unfinished_run_is_neither_forgotten_nor_mixed_with_another(
    table: Path, share_engine: Engine, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"

    def stop(_: Done) -> None:
        raise Killed

    with pytest.raises(Killed):
        score(table, out, share_engine, TASK, progress=stop)
    with pytest.raises(InputError, match="--resume, or use --overwrite"):
        score(table, out, share_engine, TASK)
    with pytest.raises(InputError, match="another task"):
        score(table, out, share_engine, Task(("tfidf",), TASK.columns), resume=True)
    other = tmp_path / "in.csv"
    other.write_bytes(table.read_bytes() + b"9,T,more words,x\n")
    with pytest.raises(InputError, match="another source"):
        score(other, out, share_engine, TASK, resume=True)
    score(table, out, share_engine, TASK, overwrite=True)
    assert len(read(out)) == 700 - len(range(7, 700, 89))


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_resumed_once_more_after_its_end_it_is_done(
    table: Path, share_engine: Engine, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"out{suffix}"
    first = score(table, out, share_engine, TASK, resume=True)
    assert not first.before
    written = out.stat()
    again = score(table, out, share_engine, TASK, resume=True)
    assert again.before and (again.rows, again.bad, again.verdicts) == (first.rows, first.bad, first.verdicts)
    assert (out.stat().st_ino, out.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)


@pytest.mark.slow
def test_a_file_that_is_not_known_to_be_of_the_same_task_is_refused(
    table: Path, share_engine: Engine, tmp_path: Path
) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes(table.read_bytes())
    score(source, out, share_engine, TASK)
    whole, said = out.read_bytes(), out.with_name("out.csv.done.json")

    def refused(source: Path = source, task: Task = TASK, **how: bool) -> None:
        with pytest.raises(InputError, match="is there already"):
            score(source, out, share_engine, task, **how)

    refused()
    refused(task=Task(("tfidf",), TASK.columns), resume=True)
    refused(task=Task(TASK.models, Columns("text")), resume=True)
    out.write_bytes(whole.replace(b"real", b"fake", 1))
    refused(resume=True)
    out.write_bytes(whole)
    source.write_bytes(table.read_bytes() + b"9,T,more words,x\n")
    refused(resume=True)
    source.write_bytes(table.read_bytes())
    assert score(source, out, share_engine, TASK, resume=True).before
    for content in ("", "[]", "{", said.read_text()[:-9]):
        said.write_text(content)
        refused(resume=True)
    said.unlink()
    refused(resume=True)
    assert out.read_bytes() == whole
    assert not score(source, out, share_engine, TASK, overwrite=True).before


def test_progress_tells_rows_rate_and_time_left(table: Path, share_engine: Engine, tmp_path: Path) -> None:
    heard: list[Done] = []
    score(table, tmp_path / "o.csv", share_engine, TASK, progress=heard.append)
    assert [d.share for d in heard] == sorted(d.share for d in heard) and heard[-1].share == 1.0
    assert all(d.rate > 0 for d in heard) and heard[-1].seconds_left == 0.0
    assert heard[3].rows + heard[3].bad == 4 * module.CHUNK
    assert all(d.seconds_left is not None and d.seconds_left < 1000 for d in heard)


def test_a_resumed_run_foretells_the_rest_by_what_it_has_read_itself(
    table: Path, share_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 16)
    heard: list[Done] = []

    def stop(done: Done) -> None:
        if done.share > 0.5:
            raise Killed

    with pytest.raises(Killed):
        score(table, tmp_path / "o.csv", share_engine, TASK, progress=stop)
    score(table, tmp_path / "o.csv", share_engine, TASK, resume=True, progress=heard.append)
    assert heard[0].seconds_left is None
    assert all(d.seconds_left is not None and d.seconds_left < 1000 for d in heard[1:])


def test_where_somebody_waits_it_goes_in_small_steps_to_the_same_end(
    table: Path, whole: Path, share_engine: Engine, tmp_path: Path
) -> None:
    heard: list[Done] = []
    asked: list[int] = []
    runner = in_steps(lambda: asked.append(len(heard)), 10_000)
    score(table, tmp_path / "o.csv", share_engine, TASK, runner=runner, progress=heard.append)
    assert (tmp_path / "o.csv").read_bytes() == whole.read_bytes()
    assert 0 < max(b - a for a, b in zip(asked, asked[1:], strict=False)) <= module.STEP_ROWS

    def enough() -> None:
        raise Killed

    with pytest.raises(Killed):
        score(table, tmp_path / "k.csv", share_engine, TASK, runner=in_steps(enough, 10_000))


def test_long_rows_are_few_at_once() -> None:
    long, short = Row(1, {}, "x" * 15_000), Row(2, {}, "x")
    steps = module._steps((item, 1.0) for item in [long, long, short, short, Row(3, {}, "x" * 90_000), short])
    assert [len(step) for step in steps] == [1, 3, 1, 1]


@pytest.mark.slow
def test_ray_gives_the_same_bytes(table: Path, whole: Path, share_engine: Engine, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    from fakenews.batch.ray_engine import ray

    out = tmp_path / "out.csv"
    score(table, out, share_engine, TASK, runner=ray)
    assert out.read_bytes() == whole.read_bytes() and errors(out) == errors(whole)


def test_a_row_without_words_is_bad_as_one_without_text(share_engine: Engine, tmp_path: Path) -> None:
    table, out = tmp_path / "in.csv", tmp_path / "out.csv"
    table.write_text("title,text,n\n,A road.,1\n,https://example.org/a,2\n,,3\nWords,...,4\n,,\n", encoding="utf-8")
    done = score(table, out, share_engine, TASK)
    assert (done.rows, done.bad, done.without_text) == (2, 2, 1)
    told = [json.loads(line) for line in errors(out).splitlines()]
    assert [(e["line"], e["reason"]) for e in told] == [(3, "no words in text"), (4, "no text in text")]
    assert len(pd.read_csv(out)) == 2
