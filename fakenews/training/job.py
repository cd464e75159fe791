"""The job of `fakenews train`, and the result of fitting: the values between the recipes and `run`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fakenews.data.mix import CORPUS, balance
from fakenews.data.registry import family_of
from fakenews.data.table import joined_texts
from fakenews.text import CLEANING

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from fakenews.classifiers.base import Scores, TextClassifier

TRAINING = "training.json"  # the training curves, in the folder of the model

Parts = Mapping[str, "pd.DataFrame"]  # the rows of a table by their split
Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One call of `fakenews train`.

    Attributes
    ----------
    recipe : str
        Name in `recipes.RECIPES`.
    data : Path
        Labeled table; its `split` column is used where it names train, validation and test.
    more : tuple of Path
        Tables of further corpora to learn from; each counts by the size of its classes (`mix.balance`).
    out : Path
        Folder for the model; checkpoints go to `out`/checkpoints.
    base : str, optional
        Hub id or folder instead of the recipe's base.
    epochs, max_steps : optional
        Instead of the recipe's; `max_steps` cuts every stage short.
    resume : bool
        Take up the last checkpoint, and stages already finished.
    corpora : Path, optional
        Folder of other corpora to be measured on.
    cleaning : {"neutral", "raw"}
        What is done to the texts; "raw" is for measuring what cleaning takes away.
    truncation : bool
        Whether encoders learn from the first window of a text and read no further.
    leave_out : str
        Name of one of `more` that is not trained on, nor its family, nor what others share with it; it is measured.
    encoding, fake : str
        Of the tables, and the value of their label that means fake (`table.read_labeled`).
    name : str
        Of a model that stands beside those of the recipes; the recipe's if empty.
    """

    recipe: str
    data: Path
    out: Path
    base: str | None = None
    epochs: float | None = None
    max_steps: int | None = None
    resume: bool = False
    corpora: Path | None = None
    cleaning: str = CLEANING
    truncation: bool = False
    more: tuple[Path, ...] = ()
    leave_out: str = ""
    encoding: str = ""
    fake: str = ""
    name: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the corpora that are trained on: those of the family of the one left out are not."""
        names = (path.stem for path in (self.data, *self.more))
        return tuple(name for name in names if family_of(name) != family_of(self.leave_out))

    def in_domain(self, part: pd.DataFrame) -> NDArray[np.bool_]:
        """Return whether each row is of the corpus that training starts from, (n,); all are where there is one."""
        if CORPUS not in part:
            return np.ones(len(part), dtype=bool)
        return np.asarray(part[CORPUS] == self.data.stem, dtype=bool)

    def in_domain_rows(self, part: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the corpus that training starts from."""
        return part[self.in_domain(part)].reset_index(drop=True)


class Unseen(NamedTuple):
    """Rows of `predictions.parquet` that calibrate a model: answers to articles that it was not trained on.

    Attributes
    ----------
    left_out : DataFrame
        Of corpora left out of training, each by a model that did without it (`left_out.left_out_rows`).
    home : DataFrame
        Of the validation part of the first corpus (`left_out.home_rows`).
    """

    left_out: pd.DataFrame
    home: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibrated classifier and how it came about.

    Attributes
    ----------
    classifier : TextClassifier
    seed : int
        Of everything random in the fitting.
    fitted_on : str
        Split whose rows it was trained on.
    history : mapping
        Training curves, for `training.json`.
    facts : mapping
        What further travels with the weights, in `config.json`.
    card_facts : mapping
        Further lines of the model card, of text.
    minutes : float or None
        Where the clock does not tell, because stages were taken up from an earlier run.
    answer : callable or None
        How corpora are answered that are left out of training in turn (`left_out.Answer`), where the recipe can do
        that without being fitted again from the beginning.
    scorer : TextClassifier or None
        Answers tables instead of the classifier, where fitting knows a faster way to the same answers.
    unseen : Unseen or None
        Answers on those corpora and in-domain, where fitting had them at hand.
    """

    classifier: TextClassifier
    seed: int
    fitted_on: str = "train"
    history: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    card_facts: Mapping[str, str] = field(default_factory=dict)
    minutes: float | None = None
    answer: Callable[[str, pd.DataFrame, pd.DataFrame], Scores] | None = None
    scorer: TextClassifier | None = None
    unseen: Unseen | None = None


def weights(part: pd.DataFrame) -> NDArray[np.float64] | None:
    """Return how much each row of a part counts: None, all alike, where there is one corpus."""
    if CORPUS not in part or part[CORPUS].nunique() < 2:
        return None
    return balance(part[CORPUS].tolist(), part["label"].tolist())


def labelled(part: pd.DataFrame) -> tuple[list[str], list[int]]:
    """Return texts and labels of a part, as classifiers are given them."""
    return joined_texts(part), part["label"].tolist()
