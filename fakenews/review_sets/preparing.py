"""Analyses of the articles of review sets: in the background of a server, one article of every set in turn.

What is left to do is in the storage, so a server that starts again goes on where it, or another one, ended.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from fakenews.engine.errors import InputError, Overloaded
from fakenews.engine.scheduler import Lane
from fakenews.engine.tokens import Token
from fakenews.explain.base import Cancelled
from fakenews.review_sets.rows import NO_TEXT
from fakenews.review_sets.store import SetStore
from fakenews.review_sets.work import Work, WorkList
from fakenews.share.keys import hashed
from fakenews.share.shared import NotShared
from fakenews.share.snapshot import make
from fakenews.share.storage import StorageError
from fakenews.text import page_text

if TYPE_CHECKING:
    from fakenews.engine import Engine
    from fakenews.review_sets.values import ReviewSet

logger = logging.getLogger(__name__)

LOOK_SECONDS = 20.0  # between two looks for sets that another server, or a command, has left behind
STOP_SECONDS = 4.0  # that a server waits for the article at hand when it ends
WAIT_SECONDS = 1.0  # between two looks while another server analyzes
SORRY = "Something went wrong on our side with this article."


class CorpusTexts:
    """Texts of articles that sets keep by their ids only; the corpus that was read last stays in memory."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reading = threading.Lock()
        self._read: tuple[str, dict[str, tuple[str, str]]] = ("", {})  # a corpus, titles and texts by ids

    def __call__(self, corpus: str, article: str) -> str | None:
        """Return the text that a set made of this article; None where the corpus is not here or lacks it."""
        with self._reading:
            if corpus != self._read[0]:
                try:
                    frame = self.engine.evidence.corpus(corpus)
                except (LookupError, ValueError, OSError):
                    return None
                pairs = zip(frame["title"].astype(str), frame["text"].astype(str), strict=True)
                self._read = (corpus, dict(zip(frame["id"].astype(str), pairs, strict=True)))
            found = self._read[1].get(article)
        return None if found is None else page_text(*found)


class Preparer:
    """Analyzes what sets wait for; `start` does it in a thread, `step` and `prepare` do it here."""

    def __init__(self, engine: Engine, sets: SetStore) -> None:
        self.engine = engine
        self.sets = sets
        self.work = WorkList(sets.storage, sets.text_of)
        self._token = Token()
        self._news = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin in the background; after `stop` that ends at once."""
        thread = threading.Thread(target=self._run, name="review-sets", daemon=True)
        thread.start()
        self._thread = thread  # only now, because `stop` cannot join a thread that has not started

    def wake(self) -> None:
        """Look now: a set was made."""
        self._news.set()

    def stop(self) -> None:
        """End at the next report of progress, and wait for that; another server, or the next one, goes on at once."""
        self._token.cancel()
        self._news.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def step(self, on_progress: Callable[[float], None] | None = None) -> bool:
        """Analyze one article of every set that waits; tell whether there was any.

        Raise `Cancelled` if `on_progress` raised it, `StorageError` if the storage does not answer, `Overloaded` if the
        models are asked too much.
        """
        works = (self.work.claim(set_hash) for set_hash in self.work.waiting())
        return sum(self._analyze(work, on_progress) for work in works if work is not None) > 0

    def prepare(self, id_: str, on_progress: Callable[[float], None] | None = None) -> ReviewSet:
        """Analyze what one set waits for, beside whatever server does so too, and give the set when it is done.

        Raise as `step` does, and `NotShared` if the set was deleted meanwhile.
        """
        show = on_progress or (lambda share: None)
        try:
            while (found := self.sets.get(id_)).n_pending:
                done = 1 - found.n_pending / found.n_articles
                show(done)
                if (work := self.work.claim(hashed(id_))) is None:
                    time.sleep(WAIT_SECONDS)
                else:
                    self._analyze(work, partial(lambda done, _: show(done), done))
        finally:
            self.work.release()
        show(1.0)
        return found

    def _analyze(self, work: Work, on_progress: Callable[[float], None] | None) -> bool:
        """Analyze an article and store what comes of it."""

        def report(share: float) -> None:
            self.work.keep(work)
            if on_progress is not None:
                on_progress(share)

        report(0.0)
        snapshot, problem = None, ""
        if work.text is None:
            problem = NO_TEXT.format(work.corpus)
        else:
            try:
                snapshot = make(self.engine, work.text, work.models or None, None, report)
            except (Overloaded, Cancelled, StorageError):
                raise  # the same article will do later
            except InputError as error:
                problem = str(error)
            except Exception as error:
                problem = _sorry(error)
        try:
            self.work.analyzed(work, snapshot, problem)
        except StorageError:
            raise
        except NotShared:
            pass  # deleted meanwhile
        except InputError as error:  # the storage is full
            self.work.analyzed(work, None, str(error))
        except Exception as error:
            self.work.analyzed(work, None, _sorry(error))
        return True

    def _run(self) -> None:
        while not self._token.cancelled:
            try:
                with self.engine.scheduler.slot(Lane.BATCH, self._token) as give_way:
                    while self.step(give_way):
                        pass
                self.work.release()
            except Cancelled:
                break
            except Exception as error:  # its message could quote an article
                logger.error("Review sets wait: %s.", type(error).__name__)
            self._news.wait(LOOK_SECONDS)
            self._news.clear()
        try:
            self.work.release()
        except StorageError:
            return  # others wait until the claims have run out


def _sorry(error: Exception) -> str:
    """Log an error without its message, which could quote the article."""
    logger.error("An article of a review set could not be analyzed: %s.", type(error).__name__)
    return SORRY
