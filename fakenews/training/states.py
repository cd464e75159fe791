"""Mean states of the windows of articles by an encoder: computed once, and kept whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.precision import fast_products
from fakenews.data.table import article_id

if TYPE_CHECKING:
    from fakenews.classifiers.base import Scores
    from fakenews.classifiers.transformer import TransformerClassifier

STATES = "states"  # folder among the checkpoints
_ARTICLES_AT_ONCE = 500  # between two files


class Article(NamedTuple):
    """What an encoder makes of one article."""

    lengths: NDArray[np.int64]  # shape (n_windows,): word pieces of each window
    states: NDArray[np.float16]  # shape (n_windows, n_states, width)


class States:
    """States of articles by an encoder without its probe.

    In `folder` lies one file for every 500 articles, whole or not at all; those that another encoder left are passed
    over. Of each article the first `n_windows` windows are read; all of them if left out.
    """

    def __init__(
        self, classifier: TransformerClassifier, folder: Path, log: Callable[[str], None], n_windows: int | None = None
    ) -> None:
        self.classifier = classifier
        self.folder = folder
        self.log = log
        self.n_windows = n_windows
        self.encoder = f"{digest(classifier)} {n_windows}"
        self.known: dict[str, Article] = {}
        for file in sorted(folder.glob("*.npz")):
            with np.load(file) as arrays:
                if arrays["encoder"].item() == self.encoder:
                    ends = np.cumsum(arrays["counts"])[:-1]
                    parts = (np.split(arrays[name], ends) for name in ("lengths", "states"))
                    self.known |= {key: Article(*of) for key, *of in zip(arrays["keys"].tolist(), *parts, strict=True)}

    def articles(self, wanted: Sequence[str]) -> list[Article]:
        """Return what the encoder makes of texts."""
        order = [article_id(text) for text in wanted]
        texts = dict(zip(order, wanted, strict=True))
        missing = [key for key in texts if key not in self.known]
        for at in range(0, len(missing), _ARTICLES_AT_ONCE):
            keys = missing[at : at + _ARTICLES_AT_ONCE]
            self._compute({key: texts[key] for key in keys})
            self.log(f"states of {at + len(keys):,} of {len(missing):,} articles")
        return [self.known[key] for key in order]

    def of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return states of texts, shape (n, n_states, width): means by length of windows."""
        states = []
        for article in self.articles(texts):
            weights = article.lengths / max(article.lengths.sum(), 1)
            weights = weights if article.lengths.sum() else np.ones(1)
            states.append(np.tensordot(weights.astype(np.float32), article.states.astype(np.float32), 1))
        return np.stack(states)

    def _compute(self, texts: dict[str, str]) -> None:
        windows = [self.classifier.encode(text).first(self.n_windows) for text in texts.values()]
        with fast_products():
            states = self.classifier.states_of_windows(windows)
        counts = [len(w.weights) for w in windows]
        lengths = np.concatenate([(w.attention_mask.sum(1) - 2).numpy() for w in windows])
        ends = np.cumsum(counts)[:-1]
        parts = (np.split(of, ends) for of in (lengths, states.astype(np.float16)))
        self.known |= {key: Article(*of) for key, *of in zip(texts, *parts, strict=True)}
        self._keep(list(texts))

    def _keep(self, keys: list[str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        n = len(list(self.folder.glob("*.npz")))
        articles = [self.known[key] for key in keys]
        partial = self.folder / "partial"
        with partial.open("wb") as file:
            np.savez(
                file,
                encoder=np.array(self.encoder),
                keys=np.array(keys),
                counts=np.array([len(article.lengths) for article in articles]),
                lengths=np.concatenate([article.lengths for article in articles]),
                states=np.concatenate([article.states for article in articles]),
            )
        partial.replace(self.folder / f"{n:04}.npz")


class FromStates:
    """A classifier without a head whose answers come from states that are kept: measuring it can be taken up again.

    Everything but its scores is the classifier's own; `states` are of its encoder as it is stored, and of whole
    articles.
    """

    def __init__(self, classifier: TransformerClassifier, states: States) -> None:
        self._classifier = classifier
        self._states = states

    def __getattr__(self, name: str) -> Any:
        return getattr(self._classifier, name)

    def predict_scores(self, texts: Sequence[str]) -> Scores:
        """Return the log-odds of fake before calibration and how in-domain each text is, each of shape (n_texts,)."""
        from fakenews.classifiers.probe import linear_scores

        assert self._classifier.probe_ is not None
        return linear_scores(self._classifier.probe_, self._classifier.domain_, self._states.of(texts))


def digest(classifier: TransformerClassifier) -> str:
    """Return a hash of all weights of an encoder, and of how it cuts texts into windows."""
    hashed = sha256(f"{classifier.cleaning} {classifier.max_length} {classifier.overlap}".encode())
    for name, tensor in sorted(classifier.model.state_dict().items()):
        hashed.update(name.encode())
        hashed.update(tensor.detach().cpu().float().numpy().tobytes())
    return hashed.hexdigest()
