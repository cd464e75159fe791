"""Analyses of the articles of review sets: in the background of a server, one article of every set in turn.

What is left to do is in the storage, so a server that starts again goes on where it, or another one, ended.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from fakenews.engine.errors import InputError, Overloaded
from fakenews.engine.scheduler import Lane
from fakenews.engine.tokens import Token
from fakenews.explain.base import Cancelled
from fakenews.review_sets.rows import NO_TEXT
from fakenews.review_sets.store import SetStore, Work
from fakenews.share.shared import NotShared
from fakenews.share.snapshot import make
from fakenews.share.storage import StorageError
from fakenews.text import page_text

if TYPE_CHECKING:
    from fakenews.engine import Engine

logger = logging.getLogger(__name__)

LOOK_SECONDS = 20.0  # between two looks for sets that another server, or a command, has left behind
SORRY = "Something went wrong on our side with this article."


class CorpusTexts:
    """Texts of articles that sets keep by their ids only."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._texts: dict[str, dict[str, tuple[str, str]]] = {}  # corpus: id of an article: its title and body

    def __call__(self, corpus: str, article: str) -> str | None:
        """Return the text that a set made of this article; None where the corpus is not here or lacks it."""
        if corpus not in self._texts:
            try:
                frame = self.engine.evidence.corpus(corpus)
            except (LookupError, ValueError, OSError):
                return None
            articles = zip(frame["title"].astype(str), frame["text"].astype(str), strict=True)
            self._texts[corpus] = dict(zip(frame["id"].astype(str), articles, strict=True))
        found = self._texts[corpus].get(article)
        return None if found is None else page_text(*found)


class Preparer:
    """Analyzes what sets wait for; `start` does it in a thread, `step` does one round of it here."""

    def __init__(self, engine: Engine, sets: SetStore) -> None:
        self.engine = engine
        self.sets = sets
        self._token = Token()
        self._news = threading.Event()

    def start(self) -> None:
        """Begin in the background."""
        threading.Thread(target=self._run, name="review-sets", daemon=True).start()

    def wake(self) -> None:
        """Look now: a set was made."""
        self._news.set()

    def stop(self) -> None:
        """End at the next report of progress; what is not analyzed by then waits for the next start."""
        self._token.cancel()
        self._news.set()

    def step(self, on_progress: Callable[[float], None] | None = None) -> bool:
        """Analyze one article of every set that waits; tell whether there was any.

        Raise `Cancelled` if `on_progress` raised it, `StorageError` if the storage does not answer.
        """
        works = self.sets.pending()
        for work in works:
            self._analyze(work, on_progress or (lambda share: None))
        return bool(works)

    def _analyze(self, work: Work, on_progress: Callable[[float], None]) -> None:
        snapshot, problem = None, ""
        if work.text is None:
            problem = NO_TEXT.format(work.corpus)
        else:
            try:
                snapshot = make(self.engine, work.text, work.models or None, None, on_progress)
            except (InputError, LookupError, ValueError) as error:
                problem = str(error)
            except Cancelled:
                raise
            except Exception as error:  # its message could quote the article
                logger.error("an article of a review set could not be analyzed: %s", type(error).__name__)
                problem = SORRY
        try:
            self.sets.analyzed(work, snapshot, problem)
        except NotShared:
            return  # deleted meanwhile
        except InputError as error:  # the storage is full
            self.sets.analyzed(work, None, str(error))

    def _run(self) -> None:
        while not self._token.cancelled:
            try:
                with self.engine.scheduler.slot(Lane.BATCH, self._token) as give_way:
                    while self.step(give_way):
                        pass
            except Cancelled:
                return
            except (StorageError, Overloaded) as error:
                logger.error("Review sets wait: %s.", type(error).__name__)
            except Exception as error:
                logger.error("Review sets wait: %s.", type(error).__name__)
            self._news.wait(LOOK_SECONDS)
            self._news.clear()
