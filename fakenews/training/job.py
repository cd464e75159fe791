"""What `fakenews train` is asked, and what fitting gives back: the values between the recipes and `run`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakenews.data.table import joined_texts
from fakenews.text import CLEANING

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.classifiers.base import TextClassifier

TRAINING = "training.json"  # the training curves, in the folder of the model

Parts = Mapping[str, "pd.DataFrame"]  # the rows of a table by their split
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One call of `fakenews train`.

    Attributes
    ----------
    recipe : str
        Name in `recipes.RECIPES`.
    data : Path
        Labelled table; its `split` column is used where it names train, validation and test.
    out : Path
        Folder for the model; checkpoints go to `out`/checkpoints.
    base : str, optional
        Hub id or folder instead of the recipe's base (of the teacher, when distilling).
    epochs, max_steps : optional
        Instead of the recipe's; `max_steps` cuts every stage short.
    resume : bool
        Take up the last checkpoint, and stages already finished.
    corpora : Path, optional
        Folder of other corpora to be measured on.
    cleaning : {"neutral", "raw"}
        What is done to the texts; «raw» is for measuring what cleaning takes away.
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


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibrated classifier and how it came about.

    Attributes
    ----------
    classifier : TextClassifier
    seed : int
        Of everything random in the fitting.
    fitted_on : str
        Split whose rows it learnt from.
    history : mapping
        Training curves, for `training.json`.
    facts : mapping
        What further travels with the weights, in `config.json`.
    told : mapping
        What further stands on the model card, of text.
    minutes : float or None
        Where the clock does not tell, because stages were taken up from an earlier run.
    """

    classifier: TextClassifier
    seed: int
    fitted_on: str = "train"
    history: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)
    minutes: float | None = None


def labelled(part: pd.DataFrame) -> tuple[list[str], list[int]]:
    """Texts and labels of a part, as classifiers are given them."""
    return joined_texts(part), part["label"].tolist()
