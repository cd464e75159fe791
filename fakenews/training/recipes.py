"""Frozen settings of everything `fakenews train` can do; no code that trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from fakenews.training.settings import DISTILBERT_BASE, TINYBERT_BASE, FineTuning, Probing, Recipe

if TYPE_CHECKING:
    from fakenews.training.job import Fitted, Job, Log, Parts

GENSIM = "gensim==4.4.0"  # as in requirements-dev.txt


def fitted_by(module: str, function: str) -> Callable[[Recipe, Job, Parts, Log], Fitted]:
    """Return a function that carries out a recipe and imports what it needs when it is called."""

    def fit(recipe: Recipe, job: Job, parts: Parts, log: Log) -> Fitted:
        fitted: Fitted = getattr(import_module(module), function)(recipe, job, parts, log)
        return fitted

    return fit


_fit_encoder = fitted_by("fakenews.training.encoders", "fit_encoder")
_fit_probing = fitted_by("fakenews.training.probing", "fit_probing")
_fit_tfidf, _fit_word2vec, _fit_cnn, _fit_features = (
    fitted_by("fakenews.training.baselines", f"fit_{name}") for name in ("tfidf", "word2vec", "cnn", "features")
)

_TFIDF_CARD = (
    "TF-IDF of 1–2-grams of words and marks (sublinear, 200,000 terms) and logistic regression on the neutral text. "
    "Each class of a corpus counts by its size to the power of -0.75. Its explanations are exact."
)
_FINE_TUNED_CARD = (
    "A pretrained encoder with a new two-class head, fine-tuned on the neutral text; the evaluation with the best F1 "
    "was kept, and the calibration fitted on the validation part. Longer articles are read in overlapping windows."
)
_MPNET_CARD = (
    "The embeddings and the first 6 of 12 layers of sentence-transformers/all-mpnet-base-v2 (Apache-2.0), as large as "
    "DistilBERT, but not DistilBERT. The encoder is left as it was. One logistic regression on the mean states of the "
    "embeddings and of all 6 layers (L2 penalty 1/C = 1000, states of unit variance) learns from the training parts of "
    "all corpora, each class of a corpus weighed by its size to the power of -0.75; of the first corpus 2,000 articles "
    "are used. It is fitted on the first 508 word pieces of an article; a verdict reads all of them, in windows of "
    "254. Weights are stored in 8 bits."
)
_WORD2VEC_CARD = (
    "The mean of 300-dimensional Word2Vec vectors (CBOW, gensim, trained on the training part alone) and logistic "
    "regression on the neutral text, with a calibration fitted on the validation part. The vectors are stored as "
    "bytes with one scale per word. It knows no order of words, and its explanations are exact."
)
_CNN_CARD = (
    "Word2Vec vectors (100 dimensions, CBOW, gensim, trained on the training part alone, kept as they are), a "
    "convolution of 256 filters over runs of three words, the largest answer of each filter, and a dense layer, on the "
    "neutral text. Training read the first 512 words of each article and kept the pass with the best F1 on the "
    "validation part, on which the calibration was fitted too; when asked, it reads articles whole."
)
_FEATURES_CARD = (
    "Named numbers of how the neutral text is written (lengths, punctuation, capitals, readability, diversity of "
    "words, function words, hedges, tone; `fakenews/classifiers/style.py` lists them with their meanings) and "
    "gradient-boosted trees. The title is read in lower case, and each class of a corpus counts by its size to the "
    "power of -0.75. It does not look at the topic, but the lists it counts by hold some words that newsrooms prefer, "
    'such as "said" and the names of weekdays.'
)
RECIPES: dict[str, Recipe] = {
    "tfidf": Recipe("tfidf", "tfidf", "TF-IDF and logistic regression", None, _TFIDF_CARD, _fit_tfidf, refits=True),
    "tinybert": Recipe(
        "tinybert", "tinybert", "Fine-tune TinyBERT", FineTuning(TINYBERT_BASE), _FINE_TUNED_CARD, _fit_encoder
    ),
    "distilbert": Recipe(
        "distilbert", "distilbert", "Fine-tune DistilBERT", FineTuning(DISTILBERT_BASE), _FINE_TUNED_CARD, _fit_encoder
    ),
    "mpnet": Recipe("mpnet", "mpnet", "A probe on the first 6 layers of MPNet", Probing(), _MPNET_CARD, _fit_probing),
    "word2vec": Recipe(
        "word2vec",
        "word2vec",
        "Mean of Word2Vec vectors and logistic regression",
        None,
        _WORD2VEC_CARD,
        _fit_word2vec,
        refits=True,
        packages=(GENSIM,),
    ),
    "cnn": Recipe(
        "cnn", "cnn", "Convolution over Word2Vec vectors", None, _CNN_CARD, _fit_cnn, refits=True, packages=(GENSIM,)
    ),
    "features": Recipe(
        "features", "features", "Style features and gradient boosting", None, _FEATURES_CARD, _fit_features, refits=True
    ),
}


def get(name: str, recipes: Mapping[str, Recipe] = RECIPES) -> Recipe:
    """Return the recipe of that name.

    Raise `ValueError` if there is none; the message lists those there are.
    """
    if name not in recipes:
        raise ValueError(f"Unknown recipe {name!r}. Known: {', '.join(recipes)}.")
    return recipes[name]
