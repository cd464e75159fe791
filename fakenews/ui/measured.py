"""What was measured on which corpus: predictions of a model, and the texts they are about where these are here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fakenews.data import own
from fakenews.data import registry as corpora
from fakenews.data.base import TextNotHere
from fakenews.data.delimited import find_column
from fakenews.data.formats import SUFFIXES
from fakenews.data.mix import mix
from fakenews.engine import Engine
from fakenews.evidence.protocols import LEFT_OUT, PROTOCOLS
from fakenews.metrics.evaluation import Evaluation, evaluate
from fakenews.metrics.slices import slice_names, slice_of
from fakenews.reporting.digits import Metric
from fakenews.similar.neighbors import Neighbors

if TYPE_CHECKING:
    import pandas as pd

DEMO = "demo"
ERRORS = "errors"
AS_SHIPPED, WHOLE = "shipped", ""
THRESHOLD = 0.5  # what the committed figures are of
BEGINNING = 1000  # characters of an article that are enough to find it in another corpus
RESAMPLED = 3000  # articles up to which other figures have intervals at once: a tenth of a second
_OF_ORDER: tuple[Metric, ...] = ("roc_auc", "brier", "log_loss")  # metrics that no threshold moves


class View(NamedTuple):
    """What is looked at."""

    corpus: str
    split: str
    model: str
    cell: str = ERRORS  # key of `CELLS`
    curve: str = "calibration"  # of `CURVES`
    protocol: str = AS_SHIPPED  # one that had weights of its own, or `AS_SHIPPED`
    # by, part: key of `SLICES` and the slice, or `WHOLE`
    by: str = WHOLE
    part: str = WHOLE
    threshold: float = THRESHOLD  # probability of fake from which an article counts as fake


def view_of(picked: Sequence[Any]) -> View:
    """Return what the pickers show, in the order of the fields of `View`."""
    return View(*picked)._replace(threshold=round(picked[-1], 2))


@dataclass(frozen=True, slots=True)
class Scored:
    """Predictions of one model on one part of one corpus, with texts where they are here."""

    frame: pd.DataFrame  # id, label, p_fake; title, text, date, subject where `has_text`
    has_text: bool  # whether the texts are on this machine
    hint: str  # how to get them otherwise


@dataclass(frozen=True, slots=True)
class Looked:
    """The articles that are looked at and the figures on them."""

    view: View
    scored: Scored  # of the slice alone
    result: Evaluation  # at the threshold of the view; without intervals where they would take too long
    sliced: bool  # whether it is a slice and not everything

    @property
    def labels(self) -> NDArray[np.int64]:
        """Of the articles, in their order."""
        return np.asarray(self.scored.frame["label"], dtype=np.int64)

    @property
    def p_fake(self) -> NDArray[np.float64]:
        """Probabilities of fake, in the same order."""
        return np.asarray(self.scored.frame["p_fake"], dtype=np.float64)


class Measured:
    """What the models here were asked, and what else they can be asked."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.models = tuple(m for m in engine.pool.models if engine.evidence.evaluation(m) is not None)
        self._texts: dict[str, pd.DataFrame] = {}
        self._twins: dict[tuple[str, ...], Neighbors] = {}
        self._finding = threading.Lock()
        self._live: dict[tuple[str, str], pd.DataFrame] = {}
        self._notes: dict[str, str] = {}
        self._problems: dict[tuple[Path, float], str | None] = {}  # None of a table that can be read

    def protocols(self) -> list[tuple[str, str]]:
        """Return choices: the models as they are, then protocols for which some model was trained again."""
        found = [e for m in self.models if (e := self.engine.evidence.evaluation(m)) is not None]
        own = [n for n, p in PROTOCOLS.items() if p.own_training and any(n in e.protocols for e in found)]
        return [("The models as shipped", AS_SHIPPED), *((PROTOCOLS[n].title, n) for n in own)]

    def corpora(self, protocol: str = AS_SHIPPED) -> list[tuple[str, str]]:
        """Return choices: measured corpora, those whose text is here first, then tables of one's own."""
        measured = set(self._measured(protocol)["corpus"])
        known = [n for n in corpora.DATASETS if n in measured and n != DEMO] + [DEMO] * (DEMO in measured)
        choices = [(corpora.DATASETS[n].title, n) for n in known if self._is_here(n)]
        choices += [(f"{corpora.DATASETS[n].title} (figures only)", n) for n in known if not self._is_here(n)]
        choices += [(n, n) for n in sorted(measured) if n not in corpora.DATASETS]
        if protocol != AS_SHIPPED:
            return choices
        own = [n for n, (_, problem) in self._own_files().items() if problem == "" and n not in measured]
        return choices + [(f"{n} (your file, scored when opened)", n) for n in own]

    def _is_here(self, corpus: str) -> bool:
        """Return whether a known corpus has a file that should hold its text; the file is not read."""
        try:
            path = corpora.find(corpus, self.engine.settings.data)
        except TextNotHere:
            return False
        return not any(file == path and problem for file, problem in self._own_files().values())

    def beside(self, view: View) -> dict[str, dict[str, float]]:
        """Return probabilities of one more model, of those shown side by side, by its title and by id of the article.

        Empty where that one was not measured there.
        """
        other = next(m for m in (*self.engine.pool.side_by_side, "") if m != view.model)
        rows = self._live.get((view.corpus, other), self._rows(view._replace(model=other)) if other else None)
        if rows is None or not len(rows):
            return {}
        return {self.engine.pool.title(other): dict(zip(rows["id"].astype(str), rows["p_fake"], strict=True))}

    def unreadable(self) -> dict[str, str]:
        """Return why files of the data folder that should be tables cannot be read, by their names."""
        return {path.name: problem for path, problem in self._own_files().values() if problem}

    def notes(self, corpus: str) -> str:
        """Return sentences on how a table of the visitor's own was read, once it was; "" of others."""
        return self._notes.get(corpus, "")

    def _own_files(self) -> dict[str, tuple[Path, str]]:
        """Return tables in the data folder by key, with what is wrong with each; known corpora only if something is.

        The key of a parquet file is its name without the suffix, that of another the whole name.
        """
        folder = self.engine.settings.data
        found: dict[str, tuple[Path, str]] = {}
        for path in sorted(folder.iterdir()) if folder is not None and folder.is_dir() else ():
            if path.name.startswith(".") or not path.name.lower().endswith(SUFFIXES) or not path.is_file():
                continue
            state = (path, path.stat().st_mtime)
            if state not in self._problems:
                self._problems[state] = _problem(path)
            problem = self._problems[state]
            key = path.stem if path.suffix.lower() == ".parquet" else path.name
            if problem is not None and (problem or key not in corpora.DATASETS):
                found[key] = path, problem
        return found

    def splits(self, corpus: str, model: str, protocol: str = AS_SHIPPED) -> list[str]:
        """Return parts of a corpus that a model was measured on; "all" where it was on none."""
        rows = self._predictions(model, protocol)
        found = list(dict.fromkeys(rows.loc[rows["corpus"] == corpus, "split"]))
        return found or ["all"]

    def parts(self, view: View) -> list[str]:
        """Return the slices of what is looked at; empty without texts."""
        if view.by == WHOLE:
            return []
        try:
            if self.to_score(view):
                return slice_names(view.by, slice_of(self._unseen(view), view.by))
            scored = self.scored(view)
        except (ValueError, LookupError):
            return []
        return slice_names(view.by, slice_of(scored.frame, view.by)) if scored.has_text else []

    def to_score(self, view: View) -> bool:
        """Return whether the model has to be asked first, which takes a while.

        Raise `LookupError` if the model was not measured there and cannot be asked, because the corpus is or may be in
        its training.
        """
        if len(self._rows(view)) or (view.corpus, view.model) in self._live:
            return False
        title = self.engine.pool.title(view.model)
        if view.protocol != AS_SHIPPED:
            raise LookupError(f"{title} was not measured under this protocol: pick another model or protocol.")
        trained_on = self.engine.pool.trained_on(view.model)
        if view.corpus in trained_on:
            out = self._predictions(view.model, LEFT_OUT)["corpus"]
            way = f"the protocol “{PROTOCOLS[LEFT_OUT].title}”" if view.corpus in set(out) else "another model"
            raise LookupError(
                f"{title} was trained on articles of this corpus, so figures on all of it would say "
                f"nothing: pick {way}."
            )
        if not trained_on or view.split != "all":
            raise LookupError(f"{title} was not measured on this part of the corpus: pick another split or model.")
        return True

    def score(self, view: View, progress: Callable[[float], None] | None = None) -> None:
        """Ask the model, and keep what it says.

        Raise `TextNotHere` if the text is not on this machine; `Cancelled` if `progress` raised it.
        """
        texts = self._unseen(view)
        p_fake = self.engine.tables.score_corpus(texts, view.corpus, view.model, progress)
        self._live[view.corpus, view.model] = texts.assign(p_fake=p_fake)

    def scored(self, view: View) -> Scored:
        """Return predictions and, where they are here, texts; of all slices. A model that `to_score` says is asked."""
        if self.to_score(view):
            self.score(view)
        rows = self._rows(view)
        if not len(rows):
            return Scored(self._live[view.corpus, view.model], True, "")
        try:
            texts = self._text_of(view.corpus)
        except (TextNotHere, ValueError) as error:
            return Scored(rows, False, str(error))
        columns = ["id", "title", "text", "date", "subject"]
        merged = rows.merge(texts[columns].drop_duplicates("id"), on="id", how="left")
        has_text = bool(merged["text"].notna().all())
        hint = "" if has_text else "The file in FAKENEWS_DATA holds other articles than those that were measured."
        return Scored(merged.fillna(dict.fromkeys(columns[1:], "")), has_text, hint)

    def looked(self, view: View) -> Looked:
        """Return what there is to see of a view."""
        scored = self.scored(view)
        sliced = view.by != WHOLE and view.part != WHOLE and scored.has_text
        if sliced:
            scored = self.sliced(scored, view)
        labels, p_fake = scored.frame["label"].to_numpy(), scored.frame["p_fake"].to_numpy().astype(float)
        committed = None if sliced else self.committed(view)
        if view.threshold == THRESHOLD:
            return Looked(view, scored, committed or evaluate(labels, p_fake), sliced)
        n_resamples = 1000 if len(labels) <= RESAMPLED else 0
        result = evaluate(labels, p_fake, threshold=view.threshold, n_resamples=n_resamples)
        known = {} if committed is None else committed.intervals
        intervals = {str(name): known[name] for name in _OF_ORDER if name in known}
        return Looked(view, scored, replace(result, intervals={**result.intervals, **intervals}), sliced)

    def twins(self, view: View) -> Neighbors | None:
        """Return what the model was trained on, where `find_twins` found it and the protocol has no own training."""
        return self._twins.get(self.engine.pool.trained_on(view.model)) if view.protocol == AS_SHIPPED else None

    def find_twins(self, view: View) -> bool:
        """Read what the model was trained on, once; whether it was found now. Five seconds for 10,000 articles."""
        names = self.engine.pool.trained_on(view.model)
        if view.protocol != AS_SHIPPED or not names:
            return False
        with self._finding:
            if names in self._twins:
                return False
            articles = self._training_articles(view.model)
            if articles is None:
                return False
            self._twins[names] = Neighbors.of_training(articles)
            return True

    def _training_articles(self, model: str) -> pd.DataFrame | None:
        """Return the articles a model was trained on, of the corpora that are here; None without the first of them."""
        rows = self._predictions(model, AS_SHIPPED)
        held = rows[rows["split"] != "all"].groupby("corpus")["id"].agg(set)
        home, *others = self.engine.pool.trained_on(model)
        tables = {}
        for name in (home, *others):
            try:
                table = corpora.for_training(name, self.engine.evidence.corpus(name))
            except (TextNotHere, ValueError):
                continue
            is_held = table["id"].isin(held.get(name, set()))
            split = np.where(is_held, "validation", "train")
            tables[name] = table.assign(split=split, whole=table["text"], text=table["text"].str.slice(0, BEGINNING))
        if home not in tables:
            return None
        known = mix(tables)
        return known[known["split"] == "train"].assign(text=lambda rows: rows["whole"]).reset_index(drop=True)

    def sliced(self, scored: Scored, view: View) -> Scored:
        """Return the articles of the slice, or all."""
        if view.by == WHOLE or view.part == WHOLE or not scored.has_text:
            return scored
        members = slice_of(scored.frame, view.by) == view.part
        return replace(scored, frame=scored.frame[members].reset_index(drop=True))

    def article(self, corpus: str, key: str) -> tuple[str, str]:
        """Return title and text of an article of a corpus that is here."""
        texts = self._text_of(corpus)
        row = texts[texts["id"] == key].iloc[0]
        return str(row["title"]), str(row["text"])

    def committed(self, view: View) -> Evaluation | None:
        """Return the figures that are stored with the model, if it was measured there."""
        evidence = self.engine.evidence.evaluation(view.model)
        name = f"{view.corpus}/{view.split}"
        if evidence is None:
            return None
        if view.protocol == AS_SHIPPED:
            return evidence.corpora.get(name)
        result = evidence.protocols.get(view.protocol)
        return result.corpora.get(name) if result else None

    def _predictions(self, model: str, protocol: str) -> pd.DataFrame:
        return self.engine.evidence.predictions(model, None if protocol == AS_SHIPPED else protocol)

    def _measured(self, protocol: str) -> pd.DataFrame:
        import pandas as pd

        return pd.concat([self._predictions(m, protocol) for m in self.models], ignore_index=True)

    def _text_of(self, corpus: str) -> pd.DataFrame:
        from fakenews.data.table import read_labeled

        if corpus in corpora.DATASETS:
            if corpus not in self._texts:
                self._texts[corpus] = self.engine.evidence.corpus(corpus)
        elif corpus not in self._texts:
            paths = [path for key, (path, _) in self._own_files().items() if corpus in (key, path.stem)]
            if not paths and self.engine.settings.data is None:
                return self.engine.evidence.corpus(corpus)  # which says that there is none
            if not paths:
                raise TextNotHere(f"The text of {corpus} is not here: FAKENEWS_DATA holds no table of this name.")
            read = read_labeled(paths[0])
            added = own.corpora(self.engine.settings.data).get(corpus)
            self._texts[corpus] = read.frame
            self._notes[corpus] = added.sentence() if added else " ".join(read.notes())
        return self._texts[corpus]

    def _rows(self, view: View) -> pd.DataFrame:
        rows = self._predictions(view.model, view.protocol)
        return rows[(rows["corpus"] == view.corpus) & (rows["split"] == view.split)].reset_index(drop=True)

    def _unseen(self, view: View) -> pd.DataFrame:
        """Return the articles of a corpus that was not measured, without those that are in training data too."""
        if view.corpus not in corpora.DATASETS:
            return self._text_of(view.corpus)
        trained_on = self.engine.pool.trained_on(view.model)
        shared = [r.name for r in corpora.get(view.corpus).removals if r.overlap_with in trained_on]
        return corpora.load(view.corpus, self.engine.settings.data, shared)


def _problem(path: Path) -> str | None:
    """Return what is wrong with a labeled table, by its beginning; None where it has neither texts nor labels."""
    from fakenews.data.table import REQUIRED, columns_of

    try:
        columns = columns_of(path)
        missing = [name for name in REQUIRED if not find_column(columns, name, path.name)]
    except (ValueError, OSError) as error:
        return str(error)
    if len(missing) == len(REQUIRED):
        return None
    return f"It has no column {missing[0]}." if missing else ""
