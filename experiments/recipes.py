"""Recipes that need the laboratory, beside those of `fakenews train`."""

from __future__ import annotations

from dataclasses import dataclass

from fakenews.training import recipes
from fakenews.training.settings import TINYBERT_BASE, FineTuning, Probing, Recipe


@dataclass(frozen=True, slots=True)
class Distillation:
    """A small encoder that is taught the mean states and the answers of a large one with its probe.

    Attributes
    ----------
    teacher : Probing
    student : FineTuning
        Of the training loop; its base is the encoder the student starts from.
    teacher_layers, layers : tuple of int
        Layers of the teacher, and those of the student that are taught to give them back; 0 are the embeddings.
    home_rows : int
        Articles of the first corpus that the student reads, the first window of each; of the others it reads all.
    certainty, hard_share : float
        Of the articles of the first corpus the labels are taught too: the log-odds to give back are `hard_share` parts
        those of the label, which are `certainty` either way, and the rest the teacher's.
    folds : tuple of tuple of str
        Families of corpora that are left out together, each fold of them with a teacher and a student of its own;
        families that are named nowhere have a fold each.
    """

    teacher: Probing
    student: FineTuning
    teacher_layers: tuple[int, ...] = (3, 6)
    layers: tuple[int, ...] = (2, 4)
    home_rows: int = 4000
    certainty: float = 4.0
    hard_share: float = 0.5
    folds: tuple[tuple[str, ...], ...] = ()


_DISTILLED_CARD = (
    "A BERT of the configuration of huawei-noah/TinyBERT_General_4L_312D (4 layers, 312 wide, 12 heads, 1,200 "
    "feed-forward units), but **not** that checkpoint: it started from an earlier model of this project, a student of "
    "all-MiniLM-L6-v2 fine-tuned on ISOT, and was then taught by the first 6 layers of "
    "sentence-transformers/all-mpnet-base-v2 (Apache-2.0) and the probe on them (see the model `mpnet`). On windows of "
    "254 word pieces of all training articles it learned to give back the teacher's mean states of layers 3 and 6, its "
    "log-odds, and how much a text is like ISOT; of ISOT's articles, whose publishers are known, it was taught the "
    "labels too. A linear probe on its own mean states gives the answer. Every figure on corpora left out is of a "
    "teacher and a student that saw nothing of the corpus, nor of the others in its fold. Weights are stored in half "
    "precision. Whole articles are read in windows whose log-odds are averaged by length."
)

_ENSEMBLE_CARD = (
    "A logistic regression on the log-odds of the models beside it, each by its spread, with non-negative weights that "
    "depend on how in-domain a text is and are drawn towards the plain average. They were fitted on what the members "
    "said of corpora that had been left out of their training, and on held-out articles of ISOT, which have three "
    "tenths of the weight; the penalty comes from leaving each corpus out of that too. The calibration was fitted "
    "on the same answers. The folder holds the weights only; the members, named with "
    "the revision it was fitted on, must lie in the folders beside it, and their size comes on top."
)


def _ensemble(name: str, title: str) -> Recipe:
    fit = recipes.fitted_by("experiments.ensemble", "fit_ensemble")
    return Recipe(name, name, title, None, _ENSEMBLE_CARD, fit)


LABORATORY: dict[str, Recipe] = {
    "tinybert-from-mpnet": Recipe(
        "tinybert-from-mpnet",
        "tinybert",
        "Teach a 4-layer, 312-wide student what MPNet makes of texts",
        Distillation(
            teacher=Probing(),
            student=FineTuning(
                TINYBERT_BASE,
                max_length=256,
                epochs=1,
                learning_rate=3e-4,
                batch_size=16,
                warmup_ratio=0.05,
                mask_share=0.03,
            ),
            folds=(("horne2017", "gossipcop"), ("fakenewsamt", "webis2016", "recovery"), ("fakenewsnet", "ctfan")),
        ),
        _DISTILLED_CARD,
        recipes.fitted_by("experiments.distilling", "fit_distilled"),
    ),
    "ensemble": _ensemble("ensemble", "Weights of the other classifiers"),
    "ensemble-small": _ensemble("ensemble-small", "Weights of the other classifiers, without MPNet"),
}


def get(name: str) -> Recipe:
    """Return the recipe of that name, of the laboratory or of `fakenews train`.

    Raise `ValueError` if there is none; the message lists those there are.
    """
    return recipes.get(name, {**recipes.RECIPES, **LABORATORY})
