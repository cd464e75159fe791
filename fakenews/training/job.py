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
    """One call of `fakenews train`."""

    recipe: str  # name in `recipes.RECIPES`
    data: Path  # labeled table; its `split` column is used where it names train, validation and test
    out: Path  # folder for the model; checkpoints go to `out`/checkpoints
    base: str | None = None  # Hub id or folder instead of the recipe's base
    # epochs, max_steps: instead of the recipe's; `max_steps` cuts every stage short
    epochs: float | None = None
    max_steps: int | None = None
    resume: bool = False  # take up the last checkpoint, and stages already finished
    corpora: Path | None = None  # folder of other corpora to be measured on
    cleaning: str = CLEANING  # what is done to the texts; "raw" is for measuring what cleaning takes away
    truncation: bool = False  # whether encoders learn from the first window of a text and read no further
    # tables of further corpora to learn from; each counts by the size of its classes (`mix.balance`)
    more: tuple[Path, ...] = ()
    # name of one of `more` that is not trained on, nor its family, nor what others share with it; it is measured
    leave_out: str = ""
    # encoding, fake: of the tables, and the value of their label that means fake (`table.read_labeled`)
    encoding: str = ""
    fake: str = ""
    name: str = ""  # of a model that stands beside those of the recipes; the recipe's if empty

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
    """Rows of `predictions.parquet` that calibrate a model: answers to articles that it was not trained on."""

    # of corpora left out of training, each by a model that did without it (`left_out.left_out_rows`)
    left_out: pd.DataFrame
    home: pd.DataFrame  # of the validation part of the first corpus (`left_out.home_rows`)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibrated classifier and how it came about."""

    classifier: TextClassifier
    seed: int  # of everything random in the fitting
    fitted_on: str = "train"  # split whose rows it was trained on
    history: Mapping[str, Any] = field(default_factory=dict)  # training curves, for `training.json`
    facts: Mapping[str, Any] = field(default_factory=dict)  # what further travels with the weights, in `config.json`
    card_facts: Mapping[str, str] = field(default_factory=dict)  # further lines of the model card, of text
    minutes: float | None = None  # where the clock does not tell, because stages were taken up from an earlier run
    # how corpora are answered that are left out of training in turn (`left_out.Answer`), where the recipe can do that
    # without being fitted again from the beginning
    answer: Callable[[str, pd.DataFrame, pd.DataFrame], Scores] | None = None
    # answers tables instead of the classifier, where fitting knows a faster way to the same answers
    scorer: TextClassifier | None = None
    unseen: Unseen | None = None  # answers on those corpora and in-domain, where fitting had them at hand


def weights(part: pd.DataFrame) -> NDArray[np.float64] | None:
    """Return how much each row of a part counts: None, all alike, where there is one corpus."""
    if CORPUS not in part or part[CORPUS].nunique() < 2:
        return None
    return balance(part[CORPUS].tolist(), part["label"].tolist())


def labeled(part: pd.DataFrame) -> tuple[list[str], list[int]]:
    """Return texts and labels of a part, as classifiers are given them."""
    return joined_texts(part), part["label"].tolist()
