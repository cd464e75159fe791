"""Tables scored on the server: each under an id that outlives a reload, all of them in turns of a second."""

from __future__ import annotations

import atexit
import logging
import secrets
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fakenews.batch.rows import Row, Table
from fakenews.batch.score import Done, Task, in_steps, score
from fakenews.batch.spreadsheet import given_cell
from fakenews.data.unpacked import check_unpacked
from fakenews.engine.errors import InputError
from fakenews.engine.scheduler import Lane
from fakenews.engine.tokens import Token
from fakenews.explain.base import Cancelled

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.engine import Engine

logger = logging.getLogger(__name__)

MAX_ROWS = 2000  # minutes of work; larger tables belong to the command
MAX_UNDER_WAY = 16  # tables, each with a thread and a copy of its file
KEPT_SECONDS = 3600  # a finished table is there for so long
SORRY = "Something went wrong on our side; the table was not scored. Please try again."


@dataclass(slots=True)
class Job:
    """One table under way or done."""

    folder: Path
    name: str
    out: Path
    task: Task
    visitor: str = ""
    token: Token = field(default_factory=Token)
    started: bool = False
    done: Done | None = None
    finished: float = 0.0  # seconds since 1970; 0 while under way
    problem: str = ""


class Jobs:
    """Tables under way, in turns, and finished ones for an hour; nothing outlives the server."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.folder = Path(tempfile.mkdtemp(prefix="fakenews-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self._jobs: dict[str, Job] = {}
        self._starting = threading.Lock()

    def start(self, upload: Path, suffix: str, task: Task, visitor: str = "", before: str | None = None) -> str:
        """Score a copy of an uploaded file, and give the job's id.

        Whoever has a table under way, by the id of it or as the same visitor, gets that one's; a finished one of the
        id `before` is forgotten.

        Raise `InputError` if too many are under way already.
        """
        with self._starting:
            self.tidy()
            for key, job in list(self._jobs.items()):
                if not job.finished and (key == before or (visitor and visitor == job.visitor)):
                    return key
            if sum(not job.finished for job in self._jobs.values()) >= MAX_UNDER_WAY:
                raise InputError(f"{MAX_UNDER_WAY} tables are being scored already: try again in a few minutes.")
            self.forget(before)
            key = secrets.token_urlsafe(16)
            folder = self.folder / key
            folder.mkdir()
            source = folder / f"table{upload.suffix.lower()}"
            shutil.copyfile(upload, source)
            job = self._jobs[key] = Job(folder, upload.name, folder / f"scored{suffix}", task, visitor)
        threading.Thread(target=self._run, args=(job, source, task), daemon=True, name="batch").start()
        return key

    def get(self, key: str | None) -> Job | None:
        """Return a job by its id."""
        self.tidy()
        return self._jobs.get(key or "")

    def current(self, key: str | None, visitor: str) -> str:
        """Return the id of the job a visitor looks at: the newest of their own, unless that of `key` is under way.

        A browser may ask with the id it had before it learned of a new one.
        """
        key, job = key or "", self.get(key)
        if not visitor or (job is not None and not job.finished):
            return key
        own = [other for other, job in list(self._jobs.items()) if job.visitor == visitor]
        return own[-1] if own else key

    def articles(self, key: str | None) -> tuple[Job, pd.DataFrame, str]:
        """Return a scored table, its rows as articles, and a sentence on how its labels were read; "" without labels.

        Raise `InputError` if it is not here, or none of its rows could be scored.
        """
        import pandas as pd

        from fakenews.data.table import labeled

        job = self.get(key)
        if job is None or job.done is None or not job.finished or not job.out.is_file():
            raise InputError("Score a table first: a review set is made of its rows.")
        table, columns = Table(job.out), job.task.columns
        label = next((name for name in table.columns if name.strip().lower() == "label"), "")
        given = given_cell if job.out.suffix == ".csv" else str
        rows = []
        for item, _ in table.items(columns):
            if isinstance(item, Row):
                cells = (item.values.get(name) for name in (columns.title, columns.text))
                title, text = (given(cell) if isinstance(cell, str) else "" for cell in cells)
                rows.append({"id": str(item.line), "title": title, "text": text, "label": item.values.get(label)})
        if not rows:
            raise InputError(f"No row of {job.name} could be scored.")
        frame = pd.DataFrame(rows)
        try:
            read = labeled(frame, job.name)
        except ValueError:  # there is no such column, or it holds something else
            return job, frame.drop(columns="label"), ""
        return job, read.frame, " ".join(read.notes())

    def forget(self, key: str | None) -> None:
        """Stop a job and remove its files."""
        job = self._jobs.pop(key or "", None)
        if job is not None:
            job.token.cancel()
            shutil.rmtree(job.folder, ignore_errors=True)

    def tidy(self) -> None:
        """Remove what was finished an hour ago."""
        for key, job in list(self._jobs.items()):
            if job.finished and time.time() - job.finished > KEPT_SECONDS:
                self.forget(key)

    def _run(self, job: Job, source: Path, task: Task) -> None:
        def progress(done: Done) -> None:
            job.token.check()
            if done.rows + done.bad > MAX_ROWS:
                raise InputError(too_long(job.name))
            job.done = done

        try:
            with self.engine.scheduler.slot(Lane.BATCH, job.token) as give_way:
                job.started = True
                check_unpacked(source)
                runner = in_steps(give_way, self.engine.settings.max_chars)
                job.done = score(source, job.out, self.engine, task, runner=runner, progress=progress)
        except Cancelled:
            job.problem = "Cancelled; nothing was kept."
            shutil.rmtree(job.folder, ignore_errors=True)
        except ValueError as error:  # InputError among them
            job.problem = str(error).replace(source.name, job.name)
        except Exception as error:
            if not job.token.cancelled:
                logger.error("scoring a table failed: %s", type(error).__name__)  # its message could quote an article
            job.problem = SORRY
        finally:
            job.finished = time.time()
            source.unlink(missing_ok=True)


def too_long(name: str) -> str:
    """Say that a table has more rows than are scored here."""
    return f"{name} has more than {MAX_ROWS:,} rows: score it with “fakenews score {name} OUT.csv”."
