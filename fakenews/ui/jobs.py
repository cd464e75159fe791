"""Tables scored on the server: each under an id that outlives a reload, all of them in turns of a second."""

from __future__ import annotations

import atexit
import logging
import secrets
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fakenews.batch.score import Done, Task, in_steps, score
from fakenews.data.unpacked import check_unpacked
from fakenews.explain.base import Cancelled
from fakenews.services import InputError

if TYPE_CHECKING:
    from fakenews.services import Services

logger = logging.getLogger(__name__)

MAX_ROWS = 2000  # minutes of work; larger tables belong to the command
MAX_UNDER_WAY = 16  # tables, each with a thread and a copy of its file
KEPT_SECONDS = 3600  # a finished table is there for so long
TURN_SECONDS = 1.0  # that a table is worked on while another waits
_PATIENCE = 0.2  # seconds after which a table that waits notices that it was cancelled
SORRY = "Something went wrong on our side; the table was not scored. Please try again."


class Rounds:
    """Who works at the moment: one of those who want to, each for a second at a time."""

    def __init__(self) -> None:
        self._present: deque[object] = deque()  # the first one works
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, check: Callable[[], None]) -> Iterator[Callable[[], None]]:
        """Wait for a turn; gives what is to be called often while it lasts, and lets others go ahead.

        `check` is called whenever that is, and a few times a second while there is nothing but waiting; what it raises
        ends the turn.
        """
        me, since = object(), 0.0

        def wait() -> None:
            nonlocal since
            while self._present[0] is not me:
                self._changed.wait(_PATIENCE)
                check()
            since = time.monotonic()

        def give_way() -> None:
            check()
            with self._changed:
                if len(self._present) > 1 and time.monotonic() - since >= TURN_SECONDS:
                    self._present.rotate(-1)
                    self._changed.notify_all()
                    wait()

        with self._changed:
            self._present.append(me)
        try:
            with self._changed:
                wait()
            yield give_way
        finally:
            with self._changed:
                self._present.remove(me)
                self._changed.notify_all()


@dataclass(slots=True)
class Job:
    """One table under way or done."""

    folder: Path
    name: str
    out: Path
    visitor: str = ""
    cancelled: threading.Event = field(default_factory=threading.Event)
    started: bool = False
    done: Done | None = None
    finished: float = 0.0  # seconds since 1970; 0 while under way
    problem: str = ""


class Jobs:
    """Tables under way, in turns, and finished ones for an hour; nothing outlives the server."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.folder = Path(tempfile.mkdtemp(prefix="fakenews-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self._jobs: dict[str, Job] = {}
        self._rounds = Rounds()
        self._starting = threading.Lock()

    def start(self, upload: Path, suffix: str, task: Task, visitor: str = "", before: str | None = None) -> str:
        """Score a copy of an uploaded file, and give the job's id.

        Whoever has a table under way, by the id of it or as the same visitor, gets that one's; a finished one of the
        id `before` is forgotten.

        Raises
        ------
        InputError
            If too many are under way already.
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
            job = self._jobs[key] = Job(folder, upload.name, folder / f"scored{suffix}", visitor)
        threading.Thread(target=self._run, args=(job, source, task), daemon=True, name="batch").start()
        return key

    def get(self, key: str | None) -> Job | None:
        """A job by its id."""
        self.tidy()
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
        def check() -> None:
            if job.cancelled.is_set():
                raise Cancelled

        def progress(done: Done) -> None:
            check()
            if done.rows + done.bad > MAX_ROWS:
                raise InputError(too_long(job.name))
            job.done = done

        try:
            with self._rounds.turn(check) as give_way:
                job.started = True
                check_unpacked(source)
                engine = in_steps(give_way, self.services.settings.max_chars)
                job.done = score(source, job.out, self.services, task, engine=engine, progress=progress)
        except Cancelled:
            job.problem = "Cancelled; nothing was kept."
            shutil.rmtree(job.folder, ignore_errors=True)
        except ValueError as error:  # InputError among them
            job.problem = str(error).replace(source.name, job.name)
        except Exception as error:
            if not job.cancelled.is_set():
                logger.error("scoring a table failed: %s", type(error).__name__)  # its message could quote an article
            job.problem = SORRY
        finally:
            job.finished = time.time()
            source.unlink(missing_ok=True)


def too_long(name: str) -> str:
    """That a table has more rows than are scored here."""
    return f"{name} has more than {MAX_ROWS:,} rows: score it with “fakenews score {name} OUT.csv”."
