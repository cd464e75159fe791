"""Measuring a trained model under protocols, those included that need it to be fitted again.

`seed`, `time` and `title-only` are about training as much as about answering: a recipe that is fitted in minutes is
fitted again on their rows and their text. A transformer would take hours, so it answers what it can as it is, or from
a folder that `train_under` left, which can be taken up where it was stopped.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments import recipes
from experiments.answers import Measured, answered_again, as_left_out, calibrated_again, weighed_again
from experiments.evidence import update_evidence
from experiments.left_out import (
    Answer,
    by_refitting,
    home_rows,
    left_out_rows,
    measurable,
    names_of,
    ridge_for,
    set_calibration,
)
from experiments.parts import parts
from fakenews.classifiers import model_folder, store
from fakenews.classifiers.base import Scores, TextClassifier
from fakenews.classifiers.ensemble import EnsembleClassifier
from fakenews.data.duplicates import near_duplicate_groups
from fakenews.data.mix import CORPUS, mix, with_split
from fakenews.data.table import joined_texts, read_table
from fakenews.evidence.files import read_evaluation, read_predictions
from fakenews.evidence.predictions import latency_ms, predict_frame, predict_other_corpora, scores_of
from fakenews.evidence.protocols import LEFT_OUT, PROTOCOLS, SHIPPED, Protocol, get
from fakenews.evidence.results import ModelEvidence
from fakenews.reporting.card import write_model_card
from fakenews.training.job import Job, Log
from fakenews.training.run import (
    LATENCY_ARTICLES,
    LEFT_OUT_CORPORA,
    calibrations,
    check,
    device_name,
    facts_of,
    measured_flips,
    names_in,
    read_tables,
)

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.training.job import Parts
    from fakenews.training.settings import Recipe

logger = logging.getLogger(__name__)

UNDER = "trained_under"  # of a model that was trained for one protocol: which, and how
SEED = 42  # of every split
TRAINABLE = tuple(p.name for p in PROTOCOLS.values() if p.own_training and p.rows not in ("others", "left-out"))


def measure_protocols(
    stored: model_folder.StoredModel,
    names: Sequence[str] | None,
    table: Path,
    corpora: Path | None,
    weights: Path | None = None,
    device: str = "auto",
    log: Log = logger.info,
    more: Sequence[Path] = (),
) -> ModelEvidence:
    """Measure a model under protocols and write its evaluation.json, predictions.parquet and card anew.

    What was measured under other protocols before stays. TF-IDF takes about a quarter of an hour for all of them on
    one CPU core, most of it cleaning texts.

    Parameters
    ----------
    stored : StoredModel
        Its folder has an `evaluation.json` already: training writes one.
    names : sequence of str, optional
        Keys of `PROTOCOLS`; if left out, all that can be measured.
    table : Path
        What the model was trained on, with the columns split and, for `time`, group; both are computed if missing. Of
        several corpora the first: what is stored of the others under "grouped" stays, unless all of them are given.
    corpora : Path, optional
        Folder of other corpora.
    weights : Path, optional
        Folder of `train_under`, for the one protocol in `names`.
    device : str
        For loading the model.
    more : sequence of Path
        Tables of the further corpora it was trained on, or of any, for "left-out": of a recipe that is fitted in
        minutes, each is left out in turn; a model that was trained on `table` alone answers them as it is. The
        calibration that these answers and unseen articles of `table` give is written into the model's settings.

    Raises
    ------
    ValueError
        If a protocol is unknown, or named and not measurable without weights of its own, or the tables are not those
        that the model was trained on.
    """
    # Corpora left out come first, as they calibrate what is asked after them.
    wanted = sorted((get(name) for name in names or PROTOCOLS), key=lambda p: p.rows != "left-out")
    if weights is not None and (len(wanted) != 1 or wanted[0].name not in TRAINABLE):
        raise ValueError(f"--weights goes with exactly one protocol that has its own training: {', '.join(TRAINABLE)}.")
    classifier = store.load(stored, device)
    if weights is not None and isinstance(classifier, EnsembleClassifier):
        raise ValueError(
            f"--weights is for models that are trained: {stored.name} asks its members as they are measured."
        )
    if any(p.rows != "others" for p in wanted):
        check_tables(stored.name, tuple(names_of(classifier)), tuple(path.stem for path in (table, *more)))
    frame = with_groups(read_table(table), any(p.rows == "time" for p in wanted), log)
    measurement = _Measurement(stored, classifier, frame, (table, *more), corpora, weights, device, log)
    for protocol in wanted:
        measurement.run(protocol, bool(names))
    if not measurement.results:
        raise ValueError("Nothing was measured: FAKENEWS_DATA names no folder with corpora for these protocols.")
    return measurement.write()


@dataclass(frozen=True, slots=True)
class _Measurement:
    """A model, the tables it is measured on, and the results by protocol."""

    stored: model_folder.StoredModel
    classifier: TextClassifier
    frame: pd.DataFrame
    tables: tuple[Path, ...]
    corpora: Path | None
    weights: Path | None
    device: str
    log: Log
    results: dict[str, Measured] = field(default_factory=dict)

    @property
    def recipe(self) -> Recipe:
        return recipes.get(self.classifier.info_["recipe"])

    @property
    def seed(self) -> int:
        return int(self.classifier.info_.get("seed", SEED))

    @property
    def home(self) -> str:
        return self.tables[0].stem

    def part(self, name: str) -> pd.DataFrame:
        return self.frame[self.frame["split"] == name].reset_index(drop=True)

    def report(self, what: str, share: float) -> None:
        if share >= 1.0:
            self.log(f"measured {what}")

    def run(self, protocol: Protocol, required: bool) -> None:
        """Measure under a protocol; log why not where it cannot be done, or refuse if it is `required`."""
        self.log(f"{protocol.name}: {protocol.title.lower()}")
        if protocol.rows == "left-out":
            result = self.left_out()
        elif protocol.rows == "others":
            result = self.others(protocol)
        else:
            result = self.parts(protocol)
        if result is None and required:
            raise ValueError(self.missing(protocol))
        if result is None:
            asks = isinstance(self.classifier, EnsembleClassifier)
            why = "not all of its members were measured under it" if asks else "it would have to be trained for it"
            self.log(f"{protocol.name}: left out, {why}")
        elif not len(result.rows):
            self.log(f"{protocol.name}: left out, no corpus for it is here")
        else:
            self.results[protocol.name] = result

    def missing(self, protocol: Protocol) -> str:
        """Return what is missing to measure under a protocol."""
        if protocol.rows == "left-out":
            return (
                f"{self.stored.name} has nothing to leave out here: give --data for every corpus, the first one first"
                + ("." if self.recipe.refits else ", when it is trained.")
            )
        if isinstance(self.classifier, EnsembleClassifier):
            return (
                f"{self.stored.name} asks its members, not all of which were measured under {protocol.name!r}: "
                f"measure {', '.join(self.classifier.members)} under it first."
            )
        return (
            f"{self.stored.name} cannot be fitted again in passing, as {protocol.name!r} needs: train it under that "
            "protocol and give its folder with --weights."
        )

    def left_out(self) -> Measured | None:
        """Measure on corpora left out of training, each in turn, and calibrate on them."""
        if isinstance(self.classifier, EnsembleClassifier):
            return calibrated_again(self.classifier, self.stored, self.home)
        tables = read_tables(self.tables, self.log)
        if not measurable(tables):
            return None
        answer = as_it_is(self.classifier)
        facts: dict[str, Any] = {}
        if names_of(self.classifier) != (self.home,):
            if not self.recipe.refits:
                return None
            job = Job(self.recipe.name, self.tables[0], Path(), more=self.tables[1:])
            answer = by_refitting(self.recipe, job, self.log)
            facts = {"recipe": self.recipe.title, "device": device_name()}
        home = home_rows(self.classifier, self.part("validation"), self.home)
        rows = left_out_rows(tables, answer, home, self.log, ridge_for(self.classifier))
        set_calibration(self.classifier, rows, home)
        return Measured(rows, {**facts, "left out in turn": names_in(rows)})

    def others(self, protocol: Protocol) -> Measured:
        """Measure on every other corpus, calibrated without it where it was left out."""
        rows = predict_other_corpora(
            self.classifier, self.corpora, names_of(self.classifier), self.report, (protocol.name,)
        )
        if not len(rows):
            return Measured(rows)
        result = self.results.get(LEFT_OUT)
        return Measured(as_left_out(rows, result.rows if result else read_predictions(self.stored.folder, [LEFT_OUT])))

    def parts(self, protocol: Protocol) -> Measured | None:
        """Measure on the test and validation parts of a protocol, by weights of its own where it has its training."""
        import pandas as pd

        trained_on, passed = tuple(names_of(self.classifier)), tuple(path.stem for path in self.tables)
        whole = self.frame.assign(corpus=self.home)
        if protocol.name == "grouped" and len(passed) > 1 and trained_on in ((), passed):
            whole = mix(read_tables(self.tables, self.log))
        by_name = parts(protocol, whole, self.seed)
        scorer, training = self.classifier, None
        if protocol.own_training and isinstance(self.classifier, EnsembleClassifier):
            return weighed_again(self.classifier, self.stored, protocol, by_name)
        if protocol.own_training:
            fitted = self.fitted_for(protocol, by_name)
            if fitted is not None:
                scorer, training = fitted
            elif protocol.text != "title":
                return None
        answered = [
            predict_frame(scorer, rows, str(corpus), name, self.report, protocol.name)
            for name in ("test", "validation")
            for corpus, rows in by_name[name].groupby(CORPUS, sort=False)
        ]
        if protocol.name == "grouped":
            before = read_predictions(self.stored.folder, [protocol.name])
            before = before[before["corpus"].isin(set(trained_on) - set(passed))]  # not answered again
            answered.append(before.assign(p_fake=self.classifier.calibrated(scores_of(before))))
        rates = None
        if protocol.text == "article" and protocol.rows != "time":
            rates = measured_flips(scorer, by_name["test"], self.home, self.seed)
            self.log(f"measured formatting under {protocol.name}")
        return Measured(pd.concat([rows for rows in answered if len(rows)], ignore_index=True), training, rates)

    def fitted_for(self, protocol: Protocol, by_name: Parts) -> tuple[TextClassifier, dict[str, Any]] | None:
        """Return the classifier trained for a protocol, and the facts of its training; None if it would take hours."""
        started = time.perf_counter()
        if self.weights is not None:
            fitted = store.load(store.find(str(self.weights), self.weights.parent), self.device)
            trained = fitted.info_.get(UNDER, {})
            if trained.get("protocol") != protocol.name:
                raise ValueError(
                    f"{self.weights} was not trained under {protocol.name!r}: "
                    f'run "python -m experiments train … --protocol {protocol.name} --out {self.weights}".'
                )
            facts: dict[str, Any] = {k: v for k, v in trained.items() if k != "protocol"}
        else:
            again = refit(self.recipe, by_name, protocol.cleaning)
            if again is None:
                return None
            fitted = again
            minutes = round((time.perf_counter() - started) / 60, 2)
            facts = {"recipe": self.recipe.title, "minutes": minutes, "device": device_name()}
        return fitted, {
            "cleaning": protocol.cleaning,
            "text": protocol.text,
            "rows": {name: len(part) for name, part in by_name.items()},
            **facts,
            "calibration": calibrations(fitted),
        }

    def write(self) -> ModelEvidence:
        """Write evaluation, predictions, calibration and card."""
        import pandas as pd

        results, folder = self.results, self.stored.folder
        facts: dict[str, Any] = {}
        if set(results) & set(SHIPPED):
            facts["latency_ms"] = latency_ms(self.classifier, joined_texts(self.part("test"))[:LATENCY_ARTICLES])
        if LEFT_OUT in results:
            before = read_evaluation(folder).calibration
            unchanged = {key: before[key] for key in ("method", "fitted_on") if key in before}
            corpora_of = {LEFT_OUT_CORPORA: names_in(results[LEFT_OUT].rows)}
            facts["calibration"] = {**unchanged, **calibrations(self.classifier), **corpora_of}
            results = {**self.calibrated_today(results[LEFT_OUT].rows), **results}
        evidence = update_evidence(
            folder,
            pd.concat([r.rows for r in results.values()], ignore_index=True),
            {name: r.training for name, r in results.items() if r.training is not None},
            {name: r.formatting for name, r in results.items() if r.formatting is not None},
            **facts,
        )
        if LEFT_OUT in results:
            model_folder.change_settings(folder, calibration=calibrations(self.classifier))
        write_model_card(folder, self.recipe.card)
        return evidence

    def calibrated_today(self, left_out: pd.DataFrame) -> dict[str, Measured]:
        """Return the stored results under today's calibration, with new flip rates of the test part."""
        again = answered_again(self.classifier, self.stored, left_out)
        if "grouped" in again and "grouped" not in self.results and again["grouped"].formatting is not None:
            rates = measured_flips(self.classifier, self.part("test"), self.home, self.seed)
            again["grouped"] = replace(again["grouped"], formatting=rates)
        return again


def check_tables(model: str, trained_on: tuple[str, ...], passed: tuple[str, ...]) -> None:
    """Refuse tables, by their names, that a model was not trained on.

    Those that it was trained on will do, all of them in their order or the first alone, whose answers stand beside what
    is stored of the others; further ones will do after the only one that it was trained on.
    """
    if not trained_on:
        return
    if passed[0] == trained_on[0] and (1 in (len(passed), len(trained_on)) or passed == trained_on):
        return
    alone = f", or for {trained_on[0]} alone" if len(trained_on) > 1 else ""
    which = "each, in this order" if alone else "it"
    raise ValueError(
        f"{model} was trained on {', '.join(trained_on)}: give --data for {which}{alone}, got {', '.join(passed)}."
    )


def train_under(name: str, job: Job, log: Log = logger.info, recipe: Recipe | None = None) -> TextClassifier:
    """Train on the rows and the text of a protocol, and save into `job.out` what `measure_protocols` takes as weights.

    Raise `ValueError` if there is no such protocol, it has no training of its own, or the job will not do
    (`run.check`).
    """
    protocol, recipe = get(name), recipe or recipes.get(job.recipe)
    if name not in TRAINABLE:
        raise ValueError(f"The protocol {name!r} has no training of its own.")
    if job.more:
        raise ValueError(f"The protocol {name!r} is about one corpus, got {len(job.more) + 1} with --data.")
    if job.leave_out:
        raise ValueError(
            f"The protocol {name!r} is about one corpus, there is none to leave out: got {job.leave_out!r}."
        )
    check(job, recipe)
    frame = with_groups(read_table(job.data, job.encoding, job.fake), protocol.rows == "time", log).assign(
        **{CORPUS: job.data.stem}
    )
    by_name = parts(protocol, frame, SEED)
    log(f"{protocol.title}: " + ", ".join(f"{len(rows):,} {part}" for part, rows in by_name.items()))
    started = time.perf_counter()
    fitted = recipe.fit(recipe, replace(job, cleaning=protocol.cleaning, truncation=protocol.truncation), by_name, log)
    minutes = (time.perf_counter() - started) / 60 if fitted.minutes is None else fitted.minutes
    under = {"protocol": name, "recipe": recipe.title, **fitted.card_facts, "minutes": round(minutes, 1)}
    fitted.classifier.info_ = facts_of(recipe, job, by_name, fitted) | {UNDER: {**under, "device": device_name()}}
    with model_folder.replacing(job.out) as folder:
        fitted.classifier.save(folder)
    return fitted.classifier


def with_groups(frame: pd.DataFrame, needed: bool, log: Log = logger.info) -> pd.DataFrame:
    """Return the table with its split and, if `needed`, its groups of near duplicates, computed where missing."""
    frame = with_split(frame)
    if not needed or "group" in frame:
        return frame
    log("grouping near duplicates")
    return frame.assign(group=near_duplicate_groups(frame["text"].tolist()))


def as_it_is(classifier: TextClassifier) -> Answer:
    """Return the answers of a model that was trained on the first corpus alone: it never saw any of the others."""

    def answer(corpus: str, rest: pd.DataFrame, out: pd.DataFrame) -> Scores:
        return scores_of(predict_frame(classifier, out, corpus, "all", protocol=LEFT_OUT))

    return answer


def refit(recipe: Recipe, parts: Parts, cleaning: str) -> TextClassifier | None:
    """Fit and calibrate the recipe on other rows or otherwise cleaned text; None where that would take hours."""
    if not recipe.refits:
        return None
    job = Job(recipe.name, Path(), Path(), cleaning=cleaning)
    return recipe.fit(recipe, job, parts, logger.info).classifier
