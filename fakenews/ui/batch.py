"""The Batch tab: what an uploaded table holds, how far its scoring is, the scored table to take away."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from fakenews.batch.rows import BadRow, Columns, Row, Table
from fakenews.batch.score import Done, Task
from fakenews.data.formats import SUFFIXES
from fakenews.data.unpacked import check_unpacked
from fakenews.engine.errors import InputError
from fakenews.engine.explainers import QUICK
from fakenews.reporting.digits import counted
from fakenews.text import count_words
from fakenews.ui import make_set, render
from fakenews.ui.jobs import MAX_ROWS, SORRY, Job, Jobs, too_long
from fakenews.ui.scripts import script
from fakenews.ui.share import pack_bytes
from fakenews.ui.templates import draw
from fakenews.ui.upload import refusing, too_large
from fakenews.ui.widgets import PRIVATE, filled, filling, small
from fakenews.verdict import MIN_WORDS

if TYPE_CHECKING:
    from fakenews.engine import Engine
    from fakenews.review_sets.preparing import Preparer

PREVIEWED = 3
GUESSED_ROWS, GUESSED_COLUMNS = 20, 20  # looked at where no column has a usual name for a text
BAD_SHOWN = 20
MEDIA = {".csv": "text/csv", ".jsonl": "application/x-ndjson", ".parquet": "application/vnd.apache.parquet"}
HINT = "The first rows of the table and its progress will stand here."
GONE = (
    "This table is not here any more. A result goes after an hour, with Clear, when the next table is scored, and when "
    "the server is started anew: upload it again."
)
SAME = "Text and Title are the same column: pick another one for the text, or “none” for the title."
_HEADINGS = (("fake-like", "fake"), ("real-like", "real"), ("no verdict", "cannot_judge"))


@dataclass(frozen=True, slots=True)
class Looked:
    """What a table holds: its columns, the picked ones, a sentence, first rows, why it cannot be scored or nothing."""

    names: tuple[str, ...]
    columns: Columns
    sentence: str
    first: tuple[Row, ...]
    problem: str


Shown = dict[str, Any]  # values by the names of the components that show them


class Batch:
    """Handlers of the tab; `build` draws and wires it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.jobs = Jobs(engine)

    def look(self, path: str | None, models: Sequence[str] = (), words: bool = False) -> Shown:
        """Return what an uploaded table holds: sentence and first rows, pickers, whether it can be scored."""
        none = gr.update(choices=[], value=None)
        nothing = {"preview": render.caption(HINT), "text": none, "title": none, "ready": False}
        if path is None:
            return nothing
        try:
            looked = _look(Path(path), None, models, words)
        except (ValueError, OSError) as error:
            return {**nothing, "preview": _problem(error, path)}
        choices = list(looked.names)
        return {
            "preview": _preview(looked),
            "text": gr.update(choices=choices, value=looked.columns.text or None),
            "title": gr.update(choices=[("none", ""), *((c, c) for c in choices)], value=looked.columns.title),
            "ready": not looked.problem,
        }

    def pick(self, path: str | None, text: str | None, title: str | None, models: Sequence[str], words: bool) -> Shown:
        """Return the same of a table that lies here already, with columns and models picked by hand."""
        if path is None:
            return {"ready": gr.skip()}
        try:
            looked = _look(Path(path), Columns(text or "", title or ""), models, words)
        except (ValueError, OSError) as error:
            return {"preview": _problem(error, path), "ready": False}
        return {"preview": _preview(looked), "ready": not looked.problem}

    def refuse(self, name: str) -> Shown:
        """Say of a file that it is too large, in the place of what it holds."""
        sentence = f"{too_large(name)}: score it with “fakenews score {name[:80]} OUT.csv”."
        return {**self.look(None), "preview": render.problem(sentence)}

    def start(
        self, path: str | None, text: str | None, title: str | None, models: Sequence[str], words: bool, suffix: str,
        before: str | None, visitor: str = "",
    ) -> Shown:  # fmt: skip
        """Begin scoring; what `status` gives, and the job's id for the browser to keep.

        Who has a table under way, by the id `before` or as the same visitor, is shown that one.
        """
        if path is None or not text:
            return {"status": render.problem("Upload a table first: CSV, JSON lines or parquet.")}
        if not models:
            return {"status": render.problem("Pick a model to ask, one at least.")}
        if text == title:
            return {"status": render.problem(SAME)}
        try:
            key = self.jobs.start(Path(path), suffix, _task(models, Columns(text, title or ""), words), visitor, before)
        except (InputError, OSError) as error:
            return {"status": render.problem(str(error) if isinstance(error, InputError) else SORRY)}
        return {**self.status(key, True), "job_id": key}

    def status(self, key: str | None, ready: bool, visitor: str = "") -> Shown:
        """Return the status of a job, whether to look again, whether there is a file, and whether to score another.

        `ready` says whether the table that was uploaded last can be scored.
        """
        key = self.jobs.current(key, visitor)
        job = self.jobs.get(key)
        shown, active, is_there = render.caption(GONE) if key else "", False, False
        if job is not None and not job.finished:
            shown, active = self._under_way(job), True
        elif job is not None and (job.problem or job.done is None):
            shown = render.problem(job.problem or SORRY)
        elif job is not None and job.done is not None:
            shown, is_there = self._summary(job, job.done), bool(job.done.rows)
        return {
            "status": shown,
            "timer": gr.update(active=active),
            "download": gr.update(visible=is_there),
            "start": gr.update(interactive=ready and not active),
        }

    def uploaded(self, key: str | None, ready: bool, visitor: str = "") -> Shown:
        """Return what `status` gives once another table is uploaded, and the id: the last problem is over."""
        key = self.jobs.current(key, visitor)
        job = self.jobs.get(key)
        if job is None or job.problem:
            self.jobs.forget(key)
            key = ""
        return {**self.status(key, ready), "job_id": key}

    def cancel(self, key: str | None, ready: bool, visitor: str = "") -> Shown:
        """Stop a job within about a second, and say so at once."""
        key = self.jobs.current(key, visitor)
        job = self.jobs.get(key)
        if job is not None:
            job.token.cancel()
        return self.status(key, ready)

    def clear(self, key: str | None, visitor: str = "") -> Shown:
        """Forget the job and its files: no table, no id."""
        self.jobs.forget(self.jobs.current(key, visitor))
        return {"upload": None, "job_id": ""}

    def file(self, key: str | None) -> str:
        """Return the scored table, packed for the browser."""
        job = self.jobs.get(key)
        if job is None or not job.out.is_file():
            return ""
        name = f"{Path(job.name).stem}-scored{job.out.suffix}"
        return pack_bytes(name, MEDIA[job.out.suffix], job.out.read_bytes())

    def _under_way(self, job: Job) -> str:
        if job.token.cancelled:
            return render.status(f"Stopping {job.name} …")
        if job.done is None:
            what = "reading its first rows" if job.started else "waiting for its turn"
            return render.progress(f"{job.name}: {what}", 0.0, None)
        what = f"{counted(job.done.rows, 'row')} of {job.name} · {_pace(job.done.rate)} ·"
        return render.progress(what, job.done.share, job.done.seconds_left)

    def _summary(self, job: Job, done: Done) -> Markup:
        rows = [
            (self.engine.pool.title(model), *(f"{counts.get(verdict, 0):,}" for _, verdict in _HEADINGS))
            for model, counts in done.verdicts.items()
        ]
        sentence = f"{counted(done.rows, 'row')} of {job.name} scored"
        sentence += f", {_pace(done.rate)}." if done.rows else "."
        headers = [("Model", False), *((heading, True) for heading, _ in _HEADINGS)]
        bad, bad_rows = _bad(job, done)
        return draw("batch", "summary", sentence=sentence, headers=headers, rows=rows, bad=bad, bad_rows=bad_rows)


def _problem(error: Exception, path: str) -> Markup:
    return render.problem(str(error).replace(path, Path(path).name))


def _bad(job: Job, done: Done) -> tuple[str, list[tuple[str, str]]]:
    """Return how many rows could not be scored, and the first of them with the reason."""
    if not done.bad:
        return "", []
    errors = job.out.with_name(f"{job.out.name}.errors.jsonl")
    with errors.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in islice(lines, BAD_SHOWN)]
    more = f", the first {BAD_SHOWN} shown" if done.bad > BAD_SHOWN else ""
    are = "is" if done.bad == 1 else "are"
    sentence = f"{counted(done.bad, 'row')} could not be scored and {are} not in the file{more}."
    return sentence, [(f"{row['line']:,}", row["reason"]) for row in rows]


def _task(models: Sequence[str], columns: Columns, words: bool) -> Task:
    return Task(tuple(models), columns, QUICK[0] if words else "")


def _look(file: Path, picked: Columns | None, models: Sequence[str], words: bool) -> Looked:
    """Read all of an uploaded table, with the columns that were picked or with those that its names or texts suggest.

    Raise `InputError` or `ValueError` or `OSError` if it cannot be read, or is too long.
    """
    check_unpacked(file)
    table = Table(file)
    columns, suggested = picked or table.guess(), ""
    if not columns.text and picked is None:
        text = _longest(table)
        columns = Columns(text, columns.title if columns.title != text else "")
        suggested = f" No column has a usual name for a text; “{text}” has the longest ones." if text else ""
    shown = Columns(columns.text or table.columns[0], columns.title)
    first: list[Row] = []
    bad: list[BadRow] = []
    n_rows = n_short = 0
    for item, _ in table.items(shown):
        n_rows += 1
        if n_rows > MAX_ROWS:
            raise InputError(too_long(file.name))
        if isinstance(item, BadRow):
            bad.append(item)
            continue
        n_short += count_words(item.text) < MIN_WORDS
        first += [item] if len(first) < PREVIEWED else []
    sentence = f"{file.name}: {counted(n_rows, 'row')}, {counted(len(table.columns), 'column')}.{suggested}"
    if bad and len(bad) < n_rows:
        sentence += f" {len(bad):,} of them cannot be scored as the columns are picked now."
    if n_short:
        have = "has" if n_short == 1 else "have"
        sentence += f" {n_short:,} of them {have} fewer than {MIN_WORDS} words, too few for a verdict."
    taken = [name for name in _task(models, columns, words).added if name in table.columns]
    problem = ""
    if not columns.text:
        problem = "No column holds a text."
    elif columns.text == columns.title:
        problem = SAME
    elif taken:
        problem = f"{file.name} has columns that scoring would add, so rename or remove them first: {', '.join(taken)}."
    elif len(bad) == n_rows:
        problem = f"No row of {file.name} can be scored as the columns are picked now: {bad[0].reason}."
    return Looked(table.columns, columns, sentence, tuple(first), problem)


def _longest(table: Table) -> str:
    """Return the column with the longest texts in the first rows; empty where none holds any."""

    def length(column: str) -> int:
        rows = islice(table.items(Columns(column)), GUESSED_ROWS)
        return sum(len(item.text) for item, _ in rows if isinstance(item, Row))

    found = {column: length(column) for column in table.columns[:GUESSED_COLUMNS]}
    best = max(found, key=lambda column: found[column])
    return best if found[best] else ""


def _preview(looked: Looked) -> Markup:
    headers = [(name, False) for name in looked.names]
    rows = [[_short(row.values.get(name)) for name in looked.names] for row in looked.first]
    return draw("batch", "preview", problem=looked.problem, sentence=looked.sentence, headers=headers, rows=rows)


def _pace(rate: float) -> str:
    """Return rows a second, or seconds a row."""
    if rate >= 1.0:
        return f"{counted(round(rate), 'row')} a second"
    return f"{max(1.0 / max(rate, 1e-9), 1.0):,.0f} s a row"


def _short(value: Any) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:79]}…"


def build(engine: Engine, tab: gr.Tab, preparer: Preparer, owner: gr.BrowserState) -> Jobs:
    """Draw the tab inside the current one and wire it; gives the tables it keeps."""
    batch = Batch(engine)
    job_id = gr.BrowserState("", storage_key="fakenews-batch", secret="fakenews")
    models = [(engine.pool.title(m), m) for m in engine.pool.defaults]
    with gr.Row(elem_classes="fn-columns"):
        with gr.Column(scale=5):
            gr.HTML(draw("batch", "intro", max_rows=MAX_ROWS))
            upload = gr.File(
                file_types=list(SUFFIXES), file_count="single", type="filepath", label="Table", elem_id="fn-batch-file"
            )
            with gr.Row(elem_classes="fn-shareform"):
                text = gr.Dropdown([], label="Text", elem_id="fn-batch-text")
                title = gr.Dropdown([], label="Title", elem_id="fn-batch-title")
            chosen = gr.CheckboxGroup(
                models,
                value=[m for _, m in models][-2:],
                label="Models",
                info="Where the ticked models contradict each other, none of them gives a verdict.",
                elem_id="fn-batch-models",
                elem_classes="fn-choice",
            )
            words = gr.Checkbox(
                False,
                label="Add each model's ten top words (slower)",
                info=f"Of texts up to {engine.settings.max_chars:,} characters; the row of a longer one says that "
                "no importance was computed.",
                elem_id="fn-batch-words",
            )
            suffix = gr.Radio(
                [("CSV", ".csv"), ("JSON lines", ".jsonl"), ("Parquet", ".parquet")], value=".csv", label="Result as",
                elem_id="fn-batch-format", elem_classes="fn-choice",
            )  # fmt: skip
            with gr.Row(elem_classes="fn-actions"):
                start = gr.Button("Score", variant="primary", interactive=False, elem_id="fn-batch-start")
                clear = gr.Button("Clear", elem_classes="fn-plain", elem_id="fn-batch-clear")
        with gr.Column(scale=7):
            preview = gr.HTML(
                render.caption(HINT), elem_id="fn-batch-preview", min_height=80, js_on_load=refusing("fn-batch-file")
            )
            with gr.Row(elem_classes="fn-progressrow"):
                status = gr.HTML(elem_id="fn-batch-status", min_height=44)
                cancel = small("Cancel", "fn-batch-cancel", elem_classes="fn-cancel")
            with gr.Row(elem_classes="fn-actions"):
                download = small("Download", "fn-batch-download", visible=False)
                make = make_set.opener("batch-set")
            sets = make_set.build(engine, preparer, owner, "batch-set", corpus=False)
    file = gr.Textbox(visible=False)
    timer = gr.Timer(0.7, active=False)
    ready = gr.State(False)
    parts: dict[str, Any] = {
        "preview": preview, "text": text, "title": title, "ready": ready, "status": status, "timer": timer,
        "download": download, "start": start, "job_id": job_id, "upload": upload,
    }  # fmt: skip
    seen, looked = [preview, text, title, ready], [status, timer, download, start]
    look = filling(parts, batch.look)

    def of_visitor(handler: Callable[..., Shown]) -> Callable[..., dict[Any, Any]]:
        def fill(request: gr.Request, *values: Any) -> dict[Any, Any]:
            return filled(parts, handler(*values, request.session_hash or ""))

        return fill

    show = of_visitor(batch.status)
    # One at a time, so that what is shown last was found last.
    in_order: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "batch-status", **PRIVATE}

    def then_shown(event: Any) -> None:
        event.then(of_visitor(batch.uploaded), [job_id, ready], [*looked, job_id], **in_order)

    def refused(event: gr.EventData) -> dict[Any, Any]:
        return filled(parts, batch.refuse(str(event.key)))

    then_shown(upload.upload(look, [upload, chosen, words], seen, concurrency_limit=2, **PRIVATE))
    then_shown(upload.clear(look, [upload, chosen, words], seen, queue=False, **PRIVATE))
    then_shown(preview.click(refused, None, seen, queue=False, **PRIVATE))
    gr.on(
        [text.input, title.input, chosen.input, words.input],
        filling(parts, batch.pick), [upload, text, title, chosen, words], [preview, ready], trigger_mode="always_last",
        concurrency_limit=2, **PRIVATE,
    ).then(show, [job_id, ready], looked, **in_order)  # fmt: skip
    pressed = [upload, text, title, chosen, words, suffix, job_id]
    start.click(of_visitor(batch.start), pressed, [*looked, job_id], **in_order)
    timer.tick(show, [job_id, ready], looked, **in_order)
    tab.select(show, [job_id, ready], looked, **in_order)
    cancel.click(of_visitor(batch.cancel), [job_id, ready], looked, queue=False, **PRIVATE)
    download.click(batch.file, job_id, file, **PRIVATE).then(None, file, None, js=script("download"), **PRIVATE)
    then_shown(
        clear.click(of_visitor(batch.clear), job_id, [upload, job_id], **PRIVATE).then(
            look, [upload, chosen, words], seen, **PRIVATE
        )
    )
    make_set.wire_table(sets, batch.jobs, make, job_id)
    return batch.jobs
