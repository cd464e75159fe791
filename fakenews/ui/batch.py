"""The Batch tab: a table scored on the server, under an id that outlives a reload or a lost connection."""

from __future__ import annotations

import atexit
import json
import logging
import secrets
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass, field
from html import escape
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from fakenews.batch.rows import SUFFIXES, Columns, Row, Table
from fakenews.batch.score import Done, Task, score
from fakenews.data.unpacked import check_unpacked
from fakenews.explain.base import Cancelled
from fakenews.services import QUICK, InputError
from fakenews.ui import render
from fakenews.ui.share import DOWNLOAD, pack_bytes

if TYPE_CHECKING:
    from fakenews.services import Services

logger = logging.getLogger(__name__)

MAX_ROWS = 2000  # minutes of work; larger tables belong to the command
KEPT_SECONDS = 3600  # a finished table is there for so long
PREVIEWED = 3
BAD_SHOWN = 20
MEDIA = {".csv": "text/csv", ".jsonl": "application/x-ndjson", ".parquet": "application/vnd.apache.parquet"}
SORRY = "Something went wrong on our side; the table was not scored. Please try again."
GONE = "This table is not here any more: results are kept for an hour. Upload it again."
_HEADINGS = (("fake class", "fake"), ("real class", "real"), ("cannot judge", "cannot_judge"))


@dataclass(slots=True)
class Job:
    """One table under way or done."""

    folder: Path
    name: str
    out: Path
    cancelled: threading.Event = field(default_factory=threading.Event)
    done: Done | None = None
    finished: float = 0.0  # seconds since 1970; 0 while under way
    problem: str = ""


class Jobs:
    """Tables under way, one after the other, and finished ones for an hour; nothing outlives the server."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.folder = Path(tempfile.mkdtemp(prefix="fakenews-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self._jobs: dict[str, Job] = {}
        self._turn = threading.Lock()

    def start(self, upload: Path, suffix: str, task: Task) -> str:
        """Score a copy of an uploaded file, and give the job's id."""
        self.tidy()
        key = secrets.token_urlsafe(16)
        folder = self.folder / key
        folder.mkdir()
        source = folder / f"table{upload.suffix.lower()}"
        shutil.copyfile(upload, source)
        job = Job(folder, upload.name, folder / f"scored{suffix}")
        self._jobs[key] = job
        threading.Thread(target=self._run, args=(job, source, task), daemon=True, name="batch").start()
        return key

    def get(self, key: str | None) -> Job | None:
        """A job by its id."""
        return self._jobs.get(key or "")

    def forget(self, key: str | None) -> None:
        """Stop a job and remove its files."""
        job = self._jobs.pop(key or "", None)
        if job is not None:
            job.cancelled.set()
            shutil.rmtree(job.folder, ignore_errors=True)

    def tidy(self) -> None:
        """Remove what was finished an hour ago."""
        for key, job in list(self._jobs.items()):
            if job.finished and time.time() - job.finished > KEPT_SECONDS:
                self.forget(key)

    def _run(self, job: Job, source: Path, task: Task) -> None:
        def progress(done: Done) -> None:
            if job.cancelled.is_set():
                raise Cancelled
            if done.rows + done.bad > MAX_ROWS:
                raise InputError(_too_long(job.name))
            job.done = done

        try:
            with self._turn:
                if not job.cancelled.is_set():
                    check_unpacked(source)
                    job.done = score(source, job.out, self.services, task, progress=progress)
        except Cancelled:
            job.problem = "Cancelled; nothing was kept."
        except ValueError as error:  # InputError among them
            job.problem = str(error).replace(source.name, job.name)
        except Exception as error:
            if not job.cancelled.is_set():
                logger.error("scoring a table failed: %s", type(error).__name__)  # its message could quote an article
            job.problem = SORRY
        finally:
            job.finished = time.time()
            source.unlink(missing_ok=True)


class Batch:
    """Handlers of the tab; `build` draws and wires it."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.jobs = Jobs(services)

    def look(self, path: str | None) -> tuple[Any, ...]:
        """What an uploaded table holds: a sentence and its first rows, pickers of columns, whether it can start."""
        nothing = (gr.update(choices=[], value=None), gr.update(choices=[], value=None), gr.update(interactive=False))
        if path is None:
            return ("", *nothing)
        file = Path(path)
        try:
            check_unpacked(file)
            table = Table(file)
            guessed = table.guess()
            columns = Columns(guessed.text or table.columns[0], guessed.title)
            first: list[Row] = []
            n_rows = n_good = 0
            for item, _ in table.items(columns):
                n_rows += 1
                if n_rows > MAX_ROWS:
                    raise InputError(_too_long(file.name))
                if isinstance(item, Row):
                    n_good += 1
                    first += [item] if len(first) < PREVIEWED else []
        except (ValueError, OSError) as error:
            return (render.problem(str(error).replace(path, file.name)), *nothing)
        headers = [(name, False) for name in table.columns]
        rows = [("", tuple(_short(item.values.get(c)) for c in table.columns)) for item in first]
        told = f"{file.name}: {n_rows:,} rows, {len(table.columns)} columns."
        if n_good < n_rows:
            told += f" {n_rows - n_good:,} of them cannot be scored as the columns are picked now."
        choices = list(table.columns)
        return (
            render.caption(told) + render.table(headers, rows, "First rows"),
            gr.update(choices=choices, value=columns.text),
            gr.update(choices=[("none", ""), *((c, c) for c in choices)], value=columns.title),
            gr.update(interactive=True),
        )

    def start(
        self, path: str | None, text: str | None, title: str | None, models: list[str], words: bool, suffix: str,
        before: str | None,
    ) -> tuple[Any, ...]:  # fmt: skip
        """Begin scoring; status, timer, the job's id for the browser to keep."""
        if path is None or not text:
            return render.problem("Upload a table first: CSV, JSON lines or parquet."), gr.skip(), gr.skip(), gr.skip()
        if not models:
            return render.problem("Pick a model to ask, one at least."), gr.skip(), gr.skip(), gr.skip()
        self.jobs.forget(before)
        task = Task(tuple(models), Columns(text, title or ""), QUICK[0] if words else "")
        try:
            key = self.jobs.start(Path(path), suffix, task)
        except OSError:
            return render.problem(SORRY), gr.skip(), gr.skip(), gr.skip()
        return (*self.status(key), key)

    def status(self, key: str | None) -> tuple[Any, ...]:
        """Status of a job, whether to look again, and whether there is a file to take away."""
        job = self.jobs.get(key)
        stop, off = gr.update(active=False), gr.update(visible=False)
        if job is None:
            return (render.caption(GONE) if key else "", stop, off)
        if not job.finished:
            return self._under_way(job), gr.update(active=True), off
        if job.problem or job.done is None:
            return render.problem(job.problem or SORRY), stop, off
        return self._summary(job, job.done), stop, gr.update(visible=True)

    def cancel(self, key: str | None) -> None:
        """Stop a job at its next rows."""
        job = self.jobs.get(key)
        if job is not None:
            job.cancelled.set()

    def clear(self, key: str | None) -> tuple[Any, ...]:
        """Forget the job and its files."""
        self.jobs.forget(key)
        return None, "", gr.update(active=False), gr.update(visible=False), ""

    def file(self, key: str | None) -> str:
        """The scored table, packed for the browser."""
        job = self.jobs.get(key)
        if job is None or not job.out.is_file():
            return ""
        name = f"{Path(job.name).stem}-scored{job.out.suffix}"
        return pack_bytes(name, MEDIA[job.out.suffix], job.out.read_bytes())

    def _under_way(self, job: Job) -> str:
        if job.done is None:
            return render.progress(f"{job.name}: waiting for its turn", 0.0, None)
        what = f"{job.done.rows:,} rows of {job.name} · {job.done.rate:,.0f} rows a second ·"
        return render.progress(what, job.done.share, job.done.seconds_left)

    def _summary(self, job: Job, done: Done) -> str:
        headers = [("Model", False), *((heading, True) for heading, _ in _HEADINGS)]
        rows = [
            ("", (self.services.title(model), *(f"{found.get(verdict, 0):,}" for _, verdict in _HEADINGS)))
            for model, found in done.verdicts.items()
        ]
        told = f'<p class="fn-read">{done.rows:,} rows of {escape(job.name)} scored, {done.rate:,.0f} a second.</p>'
        return told + render.table(headers, rows, "Verdicts") + self._bad(job, done)

    def _bad(self, job: Job, done: Done) -> str:
        if not done.bad:
            return ""
        listed = job.out.with_name(f"{job.out.name}.errors.jsonl")
        with listed.open(encoding="utf-8") as lines:
            found = [json.loads(line) for line in islice(lines, BAD_SHOWN)]
        rows = [("", (f"{row['line']:,}", row["reason"])) for row in found]
        more = f", the first {BAD_SHOWN} shown" if done.bad > BAD_SHOWN else ""
        rows_, are = ("1 row", "is") if done.bad == 1 else (f"{done.bad:,} rows", "are")
        told = render.caption(f"{rows_} could not be scored and {are} not in the file{more}.")
        return told + render.table([("Line", False), ("Why not", False)], rows, "Rows that could not be scored")


def _too_long(name: str) -> str:
    return f"{name} has more than {MAX_ROWS:,} rows: score it with «fakenews score {name} OUT.csv»."


def _short(value: Any) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:79]}…"


def build(services: Services, tab: gr.Tab) -> None:
    """Draw the tab inside the current one and wire it."""
    batch = Batch(services)
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    kept = gr.BrowserState("", storage_key="fakenews-batch", secret="fakenews")
    models = [(services.title(m), m) for m in services.asked]
    with gr.Row(elem_classes="fn-columns"):
        with gr.Column(scale=5):
            gr.HTML(
                '<p class="fn-read">Every row of a table gets a probability, a verdict and the reasons for declining '
                f"one. CSV, JSON lines or parquet, up to {MAX_ROWS:,} rows and 5 MB; larger ones are scored by the "
                "command <b>fakenews score</b>. The file lies on the server until it is scored, the result for an "
                "hour, then both are gone.</p>"
            )
            upload = gr.File(
                file_types=list(SUFFIXES), file_count="single", type="filepath", label="Table", elem_id="fn-batch-file"
            )
            with gr.Row(elem_classes="fn-shareform"):
                text = gr.Dropdown([], label="Text", elem_id="fn-batch-text")
                title = gr.Dropdown([], label="Title", elem_id="fn-batch-title")
            asked = gr.CheckboxGroup(
                models,
                value=[m for _, m in models][-2:],
                label="Models",
                elem_id="fn-batch-models",
                elem_classes="fn-choice",
            )
            words = gr.Checkbox(False, label="Add each model's ten strongest words (slower)", elem_id="fn-batch-words")
            suffix = gr.Radio(
                [("CSV", ".csv"), ("JSON lines", ".jsonl"), ("Parquet", ".parquet")], value=".csv", label="Give back",
                elem_id="fn-batch-format", elem_classes="fn-choice",
            )  # fmt: skip
            with gr.Row(elem_classes="fn-actions"):
                start = gr.Button("Score", variant="primary", interactive=False, elem_id="fn-batch-start")
                clear = gr.Button("Clear", elem_classes="fn-plain", elem_id="fn-batch-clear")
        with gr.Column(scale=7):
            preview = gr.HTML(
                render.caption("The first rows of the table will stand here, and beneath them how far it is."),
                elem_id="fn-batch-preview", min_height=80,
            )  # fmt: skip
            with gr.Row(elem_classes="fn-progressrow"):
                status = gr.HTML(elem_id="fn-batch-status", min_height=44)
                cancel = gr.Button("Cancel", elem_id="fn-batch-cancel", elem_classes="fn-cancel", size="sm")
            with gr.Row(elem_classes="fn-actions"):
                download = gr.Button("Download", visible=False, elem_id="fn-batch-download", size="sm")
    file = gr.Textbox(visible=False)
    timer = gr.Timer(0.7, active=False)
    looked = [status, timer, download]

    def looking(path: str | None) -> tuple[Any, ...]:
        return batch.look(path)

    upload.upload(looking, upload, [preview, text, title, start], concurrency_limit=2, **private)
    upload.clear(looking, upload, [preview, text, title, start], queue=False, **private)
    start.click(batch.start, [upload, text, title, asked, words, suffix, kept], [*looked, kept], **private)
    timer.tick(batch.status, kept, looked, **private)
    tab.select(batch.status, kept, looked, **private)
    cancel.click(batch.cancel, kept, None, queue=False, **private)
    download.click(batch.file, kept, file, **private).then(None, file, None, js=DOWNLOAD, **private)
    clear.click(batch.clear, kept, [upload, *looked, kept], **private).then(
        looking, upload, [preview, text, title, start], **private
    )
