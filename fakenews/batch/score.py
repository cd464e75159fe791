"""Score a whole table: in constant memory, resumable at any instant; a bad row is reported and ends nothing."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from fakenews.batch.outputs import Lines, Output, Parts, parquet_schema
from fakenews.batch.rows import OUT_SUFFIXES, BadRow, Columns, Item, Row, Table, taken
from fakenews.classifiers.base import clean_text, cleaning_once
from fakenews.classifiers.precision import fast_products
from fakenews.engine import Engine
from fakenews.engine.errors import InputError
from fakenews.engine.values import ExplanationRequest

CHUNK = 128  # rows through the models at once
KEPT = 4  # chunks between two notes of how far it got, at most
KEPT_SECONDS = 5.0  # between two notes, as soon as the next rows are scored: slow work is not lost either
STEP_ROWS, STEP_CHARACTERS = 32, 20_000  # rows at once where somebody waits, and how much text they are: half a second
TOP_WORDS = 10
_SCHEMA = 2  # of the journal, and of what counts as one row


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done with every row."""

    models: tuple[str, ...]  # asked in this order
    columns: Columns  # where text and title stand
    # Method whose ten strongest words are added; empty for none. Models without it use their quickest.
    explain: str = ""
    encoding: str = ""  # of the table, if it is known

    @property
    def added(self) -> tuple[str, ...]:
        """Names of the columns that scoring adds."""
        parts = ("p_fake", "verdict", "reasons", *(("words",) if self.explain else ()))
        return tuple(f"{part}_{model}" for model in self.models for part in parts)


@dataclass(frozen=True, slots=True)
class Done:
    """How far a table has been scored."""

    rows: int  # rows, bad, without_text: rows scored, rows that could not be, and those among these that have no text
    bad: int
    share: float  # of the file that has been read
    rate: float  # rows a second, of this run
    seconds_left: float | None  # by extrapolation of what this run has read; None while that is nothing
    verdicts: dict[str, dict[str, int]]  # of every model, how many rows got each verdict
    without_text: int = 0
    before: bool = False  # whether an earlier run had done it all


@dataclass(slots=True)
class _Position:
    """How far it got: rows read and what became of them, and where the files under way end."""

    read: int = 0
    rows: int = 0
    bad: int = 0
    out: int = 0
    errors: int = 0
    without_text: int = 0
    verdicts: dict[str, dict[str, int]] = field(default_factory=dict)

    def count(self, item: Item, models: Sequence[str], added: Mapping[str, Any]) -> None:
        """Take one more row into account, with the columns it got."""
        self.read += 1
        if isinstance(item, BadRow):
            self.bad += 1
            self.without_text += item.has_no_text
            return
        self.rows += 1
        for model in models:
            tally, verdict = self.verdicts[model], added[f"verdict_{model}"]
            tally[verdict] = tally.get(verdict, 0) + 1


class Runner(Protocol):
    """Scores items in order; one of several ways to do it."""

    def __call__(
        self, engine: Engine, task: Task, table: Table, skip: int
    ) -> Iterator[tuple[list[tuple[Item, dict[str, Any]]], float]]:
        """Yield chunks of items after the first `skip`, each with what was added, and the share of the file read."""


def score_items(
    engine: Engine,
    task: Task,
    items: Sequence[Item],
    pause: Callable[[], None] | None = None,
    most_explained: int | None = None,
) -> Iterator[tuple[Item, dict[str, Any]]]:
    """Score every item, judged together, and return it with its columns; all runners call this.

    A row in which there are no words to read comes back as a bad one.

    Parameters
    ----------
    pause : callable, optional
        Called often while words are weighed; what it raises stops the work.
    most_explained : int, optional
        Characters of a text; the words of a longer one are not weighed, and its row says so.
    """
    with cleaning_once(), fast_products():
        items = [_with_words(item, task.columns) for item in items]
        rows = [item for item in items if isinstance(item, Row)]
        judged_rows = iter(engine.judge.judge_many([row.text for row in rows], task.models) if rows else [])
    for item in items:
        if isinstance(item, BadRow):
            yield item, {}
            continue
        added: dict[str, Any] = {}
        for model, prediction in zip(task.models, next(judged_rows), strict=True):
            added[f"p_fake_{model}"] = prediction.p_fake
            added[f"verdict_{model}"] = prediction.verdict
            added[f"reasons_{model}"] = "; ".join(prediction.reasons)
            if task.explain:
                added[f"words_{model}"] = _words(engine, item.text, model, task.explain, pause, most_explained)
        yield item, added


def _with_words(item: Item, columns: Columns) -> Item:
    if isinstance(item, BadRow) or clean_text(item.text).words:
        return item
    return BadRow(item.line, f"no words in {columns.text}")


def local(
    engine: Engine, task: Task, table: Table, skip: int
) -> Iterator[tuple[list[tuple[Item, dict[str, Any]]], float]]:
    """Score in this process; row by row where words are weighed, which takes longer than all else."""
    for chunk in _chunks(islice(table.items(task.columns), skip, None)):
        scored = score_items(engine, task, [item for item, _ in chunk])
        if task.explain:
            yield from (([one], share) for one, (_, share) in zip(scored, chunk, strict=True))
        else:
            yield list(scored), chunk[-1][1]


def in_steps(pause: Callable[[], None], most_explained: int) -> Runner:
    """Score in this process for somebody who waits, and others who wait too.

    `pause` is called about once a second; what it raises stops the work. Words are weighed as `score_items` says.
    """

    def runner(
        engine: Engine, task: Task, table: Table, skip: int
    ) -> Iterator[tuple[list[tuple[Item, dict[str, Any]]], float]]:
        for step in _steps(islice(table.items(task.columns), skip, None)):
            pause()
            scored = score_items(engine, task, [item for item, _ in step], pause, most_explained)
            yield from (([one], share) for one, (_, share) in zip(scored, step, strict=True))

    return runner


def score(
    source: Path,
    out: Path,
    engine: Engine,
    task: Task,
    *,
    resume: bool = False,
    overwrite: bool = False,
    runner: Runner = local,
    progress: Callable[[Done], None] | None = None,
) -> Done:
    """Score every row of a table into another, which appears whole once all is done.

    Beside `out` stand until then what is under way and a journal; bad rows stay in `OUT.errors.jsonl`, and what was
    done in `OUT.done.json`, by which the same task is known again.

    Raise `FileNotFoundError` if there is no `source`; `InputError` if something about the task, the table or the files
    will not do.

    Parameters
    ----------
    source, out : Path
        .csv, .jsonl or .parquet each, in any combination.
    resume : bool
        Go on where an earlier run of the same task ended, however it ended; nothing is left to do if it was finished.
    overwrite : bool
        Replace `out`, and forget what is under way.
    progress : callable, optional
        Told whenever the runner gives rows; an exception it raises leaves all as if the process had been killed.
    """
    if out.suffix.lower() not in OUT_SUFFIXES:
        raise InputError(f"Cannot write {out.name!r}: it must end in {', '.join(OUT_SUFFIXES)}.")
    if out.resolve() == source.resolve():
        raise InputError(f"{out.name} is the table to be scored itself: name another file.")
    table = Table(source, task.encoding)
    table.check(task.columns)
    taken(table.columns, task.added, source.name)
    revisions = {model: engine.pool.revision(model) for model in task.models}
    journal, errors = _beside(out, "journal"), _beside(out, "errors.jsonl")
    output = _output(out, table, task)
    header = {"schema": _SCHEMA, "source": _digest(source), "task": asdict(task), "revisions": revisions}
    if resume and not overwrite and not journal.exists() and (whole := _finished(out, header)):
        return replace(_done(whole, 1.0, 0.0, 0.0), before=True)
    position = _begin(out, journal, output, header, resume, overwrite)
    if position.read and output.gone() and out.exists():  # an earlier run had only to say that it is done
        _finish(out, journal, header, position)
        return replace(_done(position, 1.0, 0.0, 0.0), before=True)
    for model in task.models:
        position.verdicts.setdefault(model, {})
    output.cut(position.out)
    _cut(errors, position.errors)
    started, first_read = time.perf_counter(), position.read
    begun = (
        (0.0, 0.0) if not position.read else None
    )  # seconds, and share of the file, from which the rest is estimated
    pending: list[tuple[Item, dict[str, Any]]] = []
    saved_at = started  # when the journal was last written

    def keep() -> None:
        nonlocal saved_at
        rows = [item.values | added for item, added in pending if isinstance(item, Row)]
        if rows:
            position.out = output.append(rows)
        position.errors = _append(errors, [item for item, _ in pending if isinstance(item, BadRow)])
        pending.clear()
        _note(journal, asdict(position))
        saved_at = time.perf_counter()

    for scored, share in runner(engine, task, table, position.read):
        pending += scored
        for item, added in scored:
            position.count(item, task.models, added)
        if len(pending) >= KEPT * CHUNK or time.perf_counter() - saved_at >= KEPT_SECONDS:
            keep()
        if progress:
            seconds = time.perf_counter() - started
            begun = begun or (seconds, share)
            grown = share - begun[1]
            left = (seconds - begun[0]) * (1 - share) / grown if grown > 0 else None
            progress(_done(position, share, (position.read - first_read) / seconds, left))
    if pending or not position.read:
        keep()
    if not errors.stat().st_size:
        errors.unlink()
    output.finish(out)
    _finish(out, journal, header, position)
    return _done(position, 1.0, (position.read - first_read) / max(time.perf_counter() - started, 1e-9), 0.0)


def check_task(engine: Engine, task: Task) -> None:
    """Refuse models and methods that are not here."""
    for model in task.models:
        engine.pool.revision(model)
        if task.explain:
            engine.explainers.method(model, task.explain)


def _words(
    engine: Engine,
    text: str,
    model: str,
    method: str,
    pause: Callable[[], None] | None,
    most_explained: int | None,
) -> str:
    if most_explained is not None and len(text) > most_explained:
        return f"not weighed: {len(text):,} characters, at most {most_explained:,} are"
    progress = None if pause is None else lambda _: pause()
    request = ExplanationRequest(text, model, engine.explainers.method(model, method))
    explanation = engine.explainers.explain(request, progress)
    strongest = sorted(explanation.attributions, key=lambda a: -abs(a.weight))[:TOP_WORDS]
    return "; ".join(f"{text[a.start : a.end]} {a.weight:+.3f}" for a in strongest)


def _chunks(items: Iterable[tuple[Item, float]]) -> Iterator[list[tuple[Item, float]]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


def _steps(items: Iterable[tuple[Item, float]]) -> Iterator[list[tuple[Item, float]]]:
    """Yield a few rows at a time, or one that is longer than they may be together."""
    step: list[tuple[Item, float]] = []
    characters = 0
    for item, share in items:
        length = len(item.text) if isinstance(item, Row) else 0
        if step and (len(step) == STEP_ROWS or characters + length > STEP_CHARACTERS):
            yield step
            step, characters = [], 0
        step.append((item, share))
        characters += length
    if step:
        yield step


def _output(out: Path, table: Table, task: Task) -> Output:
    columns = (*table.columns, *task.added)
    if out.suffix.lower() == ".parquet":
        numbers = [name for name in task.added if name.startswith("p_fake_")]
        return Parts(_beside(out, "parts"), parquet_schema(columns, table.schema(), numbers))
    return Lines(_beside(out, "partial"), columns, out.suffix.lower() == ".csv")


def _begin(
    out: Path, journal: Path, output: Output, header: dict[str, Any], resume: bool, overwrite: bool
) -> _Position:
    """Begin the journal, and return where to begin."""
    if overwrite and not resume:
        journal.unlink(missing_ok=True)
        output.discard()
    elif journal.exists() and not resume:
        raise InputError(f"An earlier run for {out.name} was not finished: go on with --resume, or use --overwrite.")
    if journal.exists():
        return _last(journal, header, out)
    if out.exists() and not overwrite:
        raise InputError(f"{out.name} is there already: name another file, or use --overwrite.")
    output.discard()
    for left in ("errors.jsonl", "done.json"):
        _beside(out, left).unlink(missing_ok=True)
    _note(journal, header)
    return _Position()


def _finish(out: Path, journal: Path, header: dict[str, Any], position: _Position) -> None:
    """Say what was done, and to which file, before the journal goes."""
    _beside(out, "done.json").write_text(json.dumps({**header, "place": asdict(position), "out": _digest(out)}))
    journal.unlink()


def _finished(out: Path, header: dict[str, Any]) -> _Position | None:
    """Return where an earlier run of the same task ended, if `out` is still the file that it wrote."""
    try:
        note = json.loads(_beside(out, "done.json").read_bytes())
        wanted = json.loads(json.dumps({**header, "out": _digest(out)}))
        return _Position(**note["place"]) if note == {**wanted, "place": note["place"]} else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None  # no file, or none of ours


def _last(journal: Path, header: dict[str, Any], out: Path) -> _Position:
    """Return the last whole note of a journal."""
    lines = []
    for line in journal.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            break  # a crash in the middle of a note
    same = json.loads(json.dumps(header))
    if lines and lines[0] != same:
        what = [key for key in same if lines[0].get(key) != same[key]]
        raise InputError(
            f"The unfinished run for {out.name} had another {' and '.join(what)}: repeat it as it was, or use "
            "--overwrite."
        )
    if not lines:
        _note(journal, header)
    return _Position(**lines[-1]) if len(lines) > 1 else _Position()


def _note(journal: Path, values: dict[str, Any]) -> None:
    """Add a line to the journal; a half line that a crash left is ended first, so that this one stands alone."""
    with journal.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                content = journal.read_bytes()
                file.truncate(content.rfind(b"\n") + 1)
        file.write(json.dumps(values).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _append(path: Path, rows: Sequence[BadRow]) -> int:
    with path.open("ab") as file:
        file.write("".join(json.dumps(asdict(row)) + "\n" for row in rows).encode())
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def _cut(path: Path, size: int) -> None:
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(size)


def _beside(out: Path, suffix: str) -> Path:
    return out.with_name(f"{out.name}.{suffix}")


def _digest(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _done(position: _Position, share: float, rate: float, seconds_left: float | None) -> Done:
    verdicts = {model: dict(tally) for model, tally in position.verdicts.items()}
    return Done(position.rows, position.bad, share, rate, seconds_left, verdicts, position.without_text)
