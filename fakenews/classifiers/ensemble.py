"""Who to trust when they disagree: the other classifiers' log-odds, weighed by what articles they never saw taught.

An ensemble holds no model of its own but its weights: its members lie in the folders beside it, and it refuses to
answer with other ones than those it was fitted on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers import store
from fakenews.classifiers.base import (
    MarginClassifier,
    NotFittedError,
    TextClassifier,
    check_labels,
    check_texts,
    fit_calibration,
    read,
)
from fakenews.schema import FAKE

MEMBERS = ("tinybert", "tfidf", "features")  # who is asked, of those that are here
SHORT, LONG = 50, 800  # words up to which a text is wholly short, and from which it is wholly long
PENALTIES = (0.3, 3.0, 30.0, 300.0)


class EnsembleClassifier(MarginClassifier):
    """A logistic regression on its members' log-odds, with weights that depend on the length of the text.

    The log-odds of a member are taken by their spread over the articles that the weights were fitted on. Each member
    has two weights, for short and for long texts, none of them negative; between them the logarithm of the length
    decides. Where the line between the classes lies is left to the calibration at home and, elsewhere, to those of the
    members, because it differs from corpus to corpus. A ridge penalty draws the weights towards the plain average of
    the members, so few held-out texts change little.
    Stacking: Wolpert 1992 (doi:10.1016/S0893-6080(05)80023-1), with the non-negative weights of Breiman, «Stacked
    regressions», Machine Learning 24 (1996).

    Parameters
    ----------
    members : mapping of str to classifier
        By name in the registry; fitted and calibrated.
    n_folds : int
        Parts of the held-out texts, where they come in no groups; the penalty and the calibration come from margins
        of texts that the weights behind them had not seen.
    seed : int
    """

    kind = "ensemble"
    own_settings = ("n_folds",)

    def __init__(
        self,
        name: str = "ensemble",
        members: Mapping[str, TextClassifier] | None = None,
        n_folds: int = 5,
        seed: int = 42,
    ) -> None:
        super().__init__(name)
        self.members = dict(members or {})
        self.n_folds = n_folds
        self.seed = seed
        self.penalty_ = 0.0
        self.scales_ = np.ones(len(self.members))  # spread of each member's log-odds
        self.weights_: NDArray[np.float64] | None = None  # of shape (2, n_members): for short texts, for long ones

    def fit(self, texts: Sequence[str], labels: Sequence[int]) -> Self:
        """Learn weights and calibration from texts that no member was fitted on, and labels 0 fake, 1 real.

        Raises
        ------
        ValueError
            If there are fewer than two members.
        """
        self._check_members()
        texts = check_texts(texts)
        y = check_labels(texts, labels)
        self.fit_held_out(self.member_margins(texts), [len(read(text).words) for text in texts], y)
        return self

    def fit_held_out(
        self,
        margins: NDArray[np.float64],
        n_words: Sequence[int] | NDArray[np.int64],
        labels: Sequence[int] | NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Learn weights and calibration from answers to texts that come in no groups; arrays as in `fit_margins`.

        Returns
        -------
        ndarray of shape (n_texts,)
            Margins of each text by weights that had not seen it.

        Raises
        ------
        ValueError
            If there are fewer than two members.
        """
        from sklearn.model_selection import StratifiedKFold

        y = np.asarray(labels, dtype=np.int64)
        folds = np.zeros(len(y), dtype=np.int64)
        parts = StratifiedKFold(self.n_folds, shuffle=True, random_state=self.seed)
        for number, (_, held) in enumerate(parts.split(folds, y)):
            folds[held] = number
        unseen = self.fit_margins(margins, n_words, y, folds)
        self.home_ = fit_calibration(unseen, y.tolist())
        return unseen

    def fit_margins(
        self,
        margins: NDArray[np.float64],
        n_words: Sequence[int] | NDArray[np.int64],
        labels: Sequence[int] | NDArray[np.int64],
        folds: NDArray[np.int64],
        counts: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Learn the weights from answers of the members that are at hand already.

        Parameters
        ----------
        margins : ndarray of shape (n_texts, n_members)
            Log-odds of fake of texts that the member had not seen, columns as `members`.
        n_words : sequence of int
            Words of each text.
        labels : sequence of int
        folds : ndarray of shape (n_texts,), int
            Texts of a fold are held out together: corpora that were left out of training, one a fold.
        counts : ndarray of shape (n_texts,), optional
            How much each text counts; all alike if left out. Their mean is made 1.

        Returns
        -------
        ndarray of shape (n_texts,)
            Margins of each fold by weights fitted on the others, for whoever measures or calibrates.

        Raises
        ------
        ValueError
            If there are fewer than two members.
        """
        self._check_members()
        fake = np.asarray(labels) == FAKE
        longness = _longness(n_words)
        weight = np.ones(len(fake)) if counts is None else counts / counts.mean()
        self.scales_ = _scales(margins, weight)
        logits = margins / self.scales_
        best, kept = np.inf, np.zeros(len(fake))
        for penalty in PENALTIES:
            unseen, shifted = np.zeros(len(fake)), np.zeros(len(fake))
            for fold in np.unique(folds):
                rest, held = folds != fold, folds == fold
                scales = _scales(margins[rest], weight[rest])
                known = margins / scales
                weights, intercept = _fit_weights(known[rest], longness[rest], fake[rest], penalty, weight[rest])
                unseen[held] = _combine(known[held], longness[held], weights)
                shifted[held] = unseen[held] + intercept
            loss = float(weight @ np.logaddexp(0.0, np.where(fake, -shifted, shifted)))
            if loss < best:
                best, kept, self.penalty_ = loss, unseen, penalty
        self.weights_, _ = _fit_weights(logits, longness, fake, self.penalty_, weight)
        return kept

    def member_margins(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Log-odds of fake of every member, shape (n_texts, n_members), columns as `members`."""
        texts = check_texts(texts)
        return np.stack([m.predict_margin(texts) for m in self.members.values()], axis=1)

    def weights_for(self, n_words: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float64]:
        """How much each member counts in texts of so many words, shape (n_texts, n_members); none is negative."""
        longness = _longness(n_words)[:, None]
        short, long = self._fitted()
        return np.asarray((1.0 - longness) * short + longness * long, dtype=np.float64)

    def predict_margin(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Log-odds of the fake class before calibration, shape (n_texts,)."""
        self._fitted()
        return self.combine(self.member_margins(texts), [len(read(text).words) for text in check_texts(texts)])

    def predict_both(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Margins, and probabilities of fake on publishers that were never seen, both of shape (n_texts,)."""
        texts = check_texts(texts)
        margins = self.member_margins(texts)
        return self.combine(margins, [len(read(text).words) for text in texts]), self.pooled_elsewhere(margins)

    def combine(self, margins: NDArray[np.float64], n_words: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float64]:
        """Margins of texts of so many words, shape (n_texts,), from those of the members, (n_texts, n_members)."""
        weights = self.weights_for(n_words)
        return np.asarray((weights * margins / self.scales_).sum(axis=1), dtype=np.float64)

    def pooled_elsewhere(self, margins: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Probability of fake, shape (n_texts,), on publishers that were never seen, by margins as in `combine`.

        The mean of what the members say of such publishers: where they contradict each other it stays in the middle,
        while a calibration of the weighed margin is too sure on a corpus unlike those it was fitted on. A linear
        opinion pool: Stone, «The Opinion Pool», Annals of Mathematical Statistics 32 (1961). None where a member does
        not know.
        """
        said = [m.calibrated_elsewhere(margins[:, i]) for i, m in enumerate(self.members.values())]
        known = [p for p in said if p is not None]
        return np.mean(known, axis=0) if len(known) == len(said) else None

    def masked_margin(self, text: str, keep: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Margins of `text` with words removed, by every member in its own way; keep is (n_variants, n_words)."""
        keep = np.atleast_2d(keep)
        margins = np.stack([m.masked_margin(text, keep) for m in self.members.values()], axis=1)
        return self.combine(margins, keep.sum(axis=1))

    def save(self, folder: Path) -> None:
        """Write `model.json`, with the revisions of the members in the folders beside `folder`, and `config.json`.

        Raises
        ------
        ModelNotHere
            If a member was not saved there.
        """
        short, long = self._fitted()
        revisions = [store.find(name, folder.parent).revision for name in self.members]
        members = {
            name: {"revision": revision, "scale": float(scale), "short": float(a), "long": float(b)}
            for name, revision, scale, a, b in zip(self.members, revisions, self.scales_, short, long, strict=True)
        }
        folder.mkdir(parents=True, exist_ok=True)
        model = {"members": members, "penalty": self.penalty_}
        (folder / "model.json").write_text(json.dumps(model, indent=2) + "\n", encoding="utf-8")
        self._write_settings(folder)

    @classmethod
    def load(
        cls, folder: Path, device: str = "cpu", member: Callable[[store.StoredModel], TextClassifier] | None = None
    ) -> Self:
        """Read a folder written by `save`, and its members from the folders beside it onto `device`.

        Members that are loaded already can be given by `member`.

        Raises
        ------
        ModelNotHere
            If a member is not there.
        ValueError
            If a member is there in another revision.
        """
        self = cls._from_settings(folder)
        model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        for name, part in model["members"].items():
            stored = store.find(name, folder.parent)
            if stored.revision != part["revision"]:
                raise ValueError(
                    f"{folder} was fitted on {name} at {part['revision']}, but {stored.folder} holds "
                    f"{stored.revision}: train the ensemble again."
                )
            self.members[name] = store.load(stored, device) if member is None else member(stored)
        sides = [[part[side] for part in model["members"].values()] for side in ("short", "long")]
        self.weights_ = np.array(sides, dtype=np.float64)
        self.scales_ = np.array([part["scale"] for part in model["members"].values()], dtype=np.float64)
        self.penalty_ = float(model["penalty"])
        return self

    def _check_members(self) -> None:
        if len(self.members) < 2:
            raise ValueError(
                f"An ensemble needs at least two members, got {list(self.members)}: train some of {', '.join(MEMBERS)} "
                "into the folders beside it first."
            )

    def _fitted(self) -> NDArray[np.float64]:
        if self.weights_ is None:
            raise NotFittedError("This EnsembleClassifier has learnt nothing yet: call fit or load first.")
        return self.weights_


def _longness(n_words: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float64]:
    """From 0 for short texts to 1 for long ones, by the logarithm of their words."""
    words = np.maximum(np.asarray(n_words, dtype=np.float64), 1.0)
    return np.asarray(np.clip(np.log(words / SHORT) / np.log(LONG / SHORT), 0.0, 1.0), dtype=np.float64)


def _combine(
    logits: NDArray[np.float64], longness: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.asarray((1.0 - longness) * (logits @ weights[0]) + longness * (logits @ weights[1]))


def _scales(margins: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spread of each member's margins, shape (n_members,), with texts weighed by `counts`."""
    mean = counts @ margins / counts.sum()
    return np.asarray(np.sqrt(counts @ (margins - mean) ** 2 / counts.sum()), dtype=np.float64)


def _fit_weights(
    logits: NDArray[np.float64],
    longness: NDArray[np.float64],
    fake: NDArray[np.bool_],
    penalty: float,
    counts: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float]:
    """Weights of shape (2, n_members) and intercept of least penalised log-loss; a convex problem."""
    from scipy.optimize import minimize

    n_members = logits.shape[1]
    design = np.concatenate([(1.0 - longness)[:, None] * logits, longness[:, None] * logits], axis=1)
    average = np.full(2 * n_members, 1.0 / n_members)
    signs = np.where(fake, 1.0, -1.0)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, intercept = parameters[:-1], parameters[-1]
        signed = signs * (intercept + design @ weights)
        slope = -counts * signs * np.exp(-np.logaddexp(0.0, signed))  # of each text's log-loss in its margin
        value = counts @ np.logaddexp(0.0, -signed) + penalty * ((weights - average) ** 2).sum()
        gradient = np.append(design.T @ slope + 2 * penalty * (weights - average), slope.sum())
        return float(value), gradient

    bounds = [(0.0, None)] * (2 * n_members) + [(None, None)]
    found = minimize(loss, np.append(average, 0.0), jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x[:-1].reshape(2, n_members), dtype=np.float64), float(found.x[-1])
