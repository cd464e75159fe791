"""Who to trust when they disagree: the other classifiers' log-odds, weighed by what articles they never saw taught.

An ensemble holds no model of its own but its weights: its members lie in the folders beside it, and it refuses to
answer with other ones than those it was fitted on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import (
    READ_AT_ONCE,
    LogOddsClassifier,
    NotFittedError,
    Scores,
    TextClassifier,
    cleaning_once,
    fit_calibration,
)
from fakenews.classifiers.checks import check_labels, check_texts
from fakenews.classifiers.entries import read_json
from fakenews.classifiers.model_folder import StoredModel, stored_in
from fakenews.schema import FAKE

# Who is asked, of those that are here, by the name of the ensemble.
MEMBERS = {"ensemble": ("mpnet", "tinybert", "tfidf"), "ensemble-small": ("tinybert", "tfidf")}
LARGE = "mpnet"  # the member that is asked on a GPU, or where somebody wants it
PENALTIES = (0.3, 3.0, 30.0, 300.0)


@dataclass(eq=False, repr=False)
class EnsembleClassifier(LogOddsClassifier):
    """A logistic regression on its members' log-odds, with weights that depend on how in-domain the text is.

    The log-odds of a member are taken by their spread over the articles that the weights were fitted on. Each member
    has two weights, for publishers never seen in training and for those that were, none of them negative; how
    in-domain a text is decides between them. Where the line between the classes lies is left to the calibration,
    because it differs from corpus to corpus. A ridge penalty draws the weights towards the plain average of the
    members, so few held-out texts change little. How in-domain a text is comes from the members that have a domain
    head: the mean of theirs.
    Stacking: Wolpert 1992 (doi:10.1016/S0893-6080(05)80023-1), with the non-negative weights of Breiman, "Stacked
    regressions", Machine Learning 24 (1996).
    """

    kind = "ensemble"
    name: str = "ensemble"
    members: dict[str, TextClassifier] = field(default_factory=dict)  # by name in the registry; fitted and calibrated
    # Parts of the held-out texts, where they come in no groups; the penalty and the calibration come from log-odds of
    # texts that the weights behind them had not seen
    n_folds: int = 5
    seed: int = 42
    penalty_: float = field(default=0.0, init=False)
    scales_: NDArray[np.float64] = field(init=False)  # spread of each member's log-odds
    weights_: NDArray[np.float64] | None = field(default=None, init=False)  # (2, n_members): out-of-domain, in-domain

    def __post_init__(self) -> None:
        self.members = dict(self.members)

    def fit(self, texts: Sequence[str], labels: Sequence[int]) -> Self:
        """Learn weights and calibration from texts that no member was fitted on, and labels 0 fake, 1 real.

        Raise `ValueError` if there are fewer than two members.
        """
        self._check_members()
        texts = check_texts(texts)
        y = check_labels(texts, labels)
        scores = self.member_scores(texts)
        log_odds = np.stack([s.log_odds for s in scores], axis=1)
        self.fit_held_out(log_odds, self._in_domain(scores), y)
        return self

    def fit_held_out(
        self,
        log_odds: NDArray[np.float64],
        in_domain: NDArray[np.float64],
        labels: Sequence[int] | NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Fit weights and calibration on answers to texts that come in no groups; arrays as in `fit_log_odds`.

        Raise `ValueError` if there are fewer than two members.

        Returns
        -------
        ndarray of shape (n_texts,)
            Log-odds of each text by weights that had not seen it.
        """
        from sklearn.model_selection import StratifiedKFold

        y = np.asarray(labels, dtype=np.int64)
        folds = np.zeros(len(y), dtype=np.int64)
        parts = StratifiedKFold(self.n_folds, shuffle=True, random_state=self.seed)
        for number, (_, held) in enumerate(parts.split(folds, y)):
            folds[held] = number
        unseen = self.fit_log_odds(log_odds, in_domain, y, folds)
        self.calibration_ = fit_calibration(Scores(unseen, in_domain), y)
        return unseen

    def fit_log_odds(
        self,
        log_odds: NDArray[np.float64],
        in_domain: NDArray[np.float64],
        labels: Sequence[int] | NDArray[np.int64],
        folds: NDArray[np.int64],
        sample_weight: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Learn the weights from answers of the members that are at hand already.

        Raise `ValueError` if there are fewer than two members.

        Parameters
        ----------
        log_odds : ndarray of shape (n_texts, n_members)
            Log-odds of fake of texts that the member had not seen, columns as `members`.
        in_domain : ndarray of shape (n_texts,)
            How in-domain each text is, in [0, 1].
        labels : sequence of int
        folds : ndarray of shape (n_texts,), int
            Texts of a fold are held out together: corpora that were left out of training, one a fold.
        counts : ndarray of shape (n_texts,), optional
            How much each text counts; all alike if left out. Their mean is made 1.

        Returns
        -------
        ndarray of shape (n_texts,)
            Log-odds of each fold by weights fitted on the others, for whoever measures or calibrates.
        """
        self._check_members()
        fake = np.asarray(labels) == FAKE
        weight = np.ones(len(fake)) if sample_weight is None else sample_weight / sample_weight.mean()
        self.scales_ = _scales(log_odds, weight)
        logits = log_odds / self.scales_
        best, best_log_odds = np.inf, np.zeros(len(fake))
        for penalty in PENALTIES:
            unseen, shifted = np.zeros(len(fake)), np.zeros(len(fake))
            for fold in np.unique(folds):
                rest, held = folds != fold, folds == fold
                scales = _scales(log_odds[rest], weight[rest])
                known = log_odds / scales
                weights, intercept = _fit_weights(known[rest], in_domain[rest], fake[rest], penalty, weight[rest])
                unseen[held] = _combine(known[held], in_domain[held], weights)
                shifted[held] = unseen[held] + intercept
            loss = float(weight @ np.logaddexp(0.0, np.where(fake, -shifted, shifted)))
            if loss < best:
                best, best_log_odds, self.penalty_ = loss, unseen, penalty
        self.weights_, _ = _fit_weights(logits, in_domain, fake, self.penalty_, weight)
        return best_log_odds

    def member_scores(self, texts: Sequence[str]) -> list[Scores]:
        """Return the scores of every member, in the order of `members`; each text is cleaned once for all of them."""
        texts = check_texts(texts)
        scores: list[list[Scores]] = [[] for _ in self.members]
        for start in range(0, max(len(texts), 1), READ_AT_ONCE):
            with cleaning_once():
                for parts, member in zip(scores, self.members.values(), strict=True):
                    parts.append(member.predict_scores(texts[start : start + READ_AT_ONCE]))
        return [Scores(*map(np.concatenate, zip(*parts, strict=True))) for parts in scores]

    def weights_for(self, in_domain: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much each member counts in texts that are so in-domain, (n_texts, n_members); none is negative."""
        outside, inside = self._fitted()
        share = np.asarray(in_domain, dtype=np.float64)[:, None]
        return np.asarray((1.0 - share) * outside + share * inside, dtype=np.float64)

    def decision_function(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the log-odds of the fake class before calibration, shape (n_texts,)."""
        return self.predict_scores(texts).log_odds

    def predict_scores(self, texts: Sequence[str]) -> Scores:
        """Return the log-odds of fake before calibration and how in-domain each text is, each of shape (n_texts,)."""
        self._fitted()
        return self.combine_scores(self.member_scores(texts))

    def combine_scores(self, scores: Sequence[Scores]) -> Scores:
        """Return the scores of texts from those of the members, in the order of `members`."""
        in_domain = self._in_domain(scores)
        return Scores(self.combine(np.stack([s.log_odds for s in scores], axis=1), in_domain), in_domain)

    @property
    def with_domain(self) -> tuple[str, ...]:
        """Return the members that can say how in-domain a text is, by name."""
        return tuple(name for name, m in self.members.items() if getattr(m, "domain_", None) is not None)

    def _in_domain(self, scores: Sequence[Scores]) -> NDArray[np.float64]:
        """Return the mean over the members that have a domain head, shape (n_texts,); zeros if none has."""
        known = [s.in_domain for name, s in zip(self.members, scores, strict=True) if name in self.with_domain]
        return np.asarray(np.mean(known, axis=0) if known else np.zeros(len(scores[0].log_odds)), dtype=np.float64)

    def combine(self, log_odds: NDArray[np.float64], in_domain: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return log-odds of texts, shape (n_texts,), from those of the members, (n_texts, n_members)."""
        weights = self.weights_for(in_domain)
        return np.asarray((weights * log_odds / self.scales_).sum(axis=1), dtype=np.float64)

    def masked_log_odds(self, text: str, keep: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return log-odds of `text` with words removed, by every member in its own way.

        How in-domain the text is stays that of the whole text.
        """
        keep = np.atleast_2d(keep)
        log_odds = np.stack([m.masked_log_odds(text, keep) for m in self.members.values()], axis=1)
        in_domain = self._in_domain(self.member_scores([text]))
        return self.combine(log_odds, np.repeat(in_domain, len(keep)))

    def save(self, folder: Path) -> None:
        """Write `model.json`, with the revisions of the members in the folders beside `folder`, and `config.json`.

        Raise `ModelNotHere` if a member was not saved there.
        """
        outside, inside = self._fitted()
        revisions = [stored_in(folder.parent / name).revision for name in self.members]
        members = {
            name: {"revision": revision, "scale": float(scale), "out_of_domain": float(a), "in_domain": float(b)}
            for name, revision, scale, a, b in zip(self.members, revisions, self.scales_, outside, inside, strict=True)
        }
        folder.mkdir(parents=True, exist_ok=True)
        model = {"members": members, "penalty": self.penalty_}
        (folder / "model.json").write_text(json.dumps(model, indent=2) + "\n", encoding="utf-8")
        self._write_settings(folder)

    @classmethod
    def load(cls, folder: Path, member: Callable[[StoredModel], TextClassifier]) -> Self:
        """Read a folder written by `save`; `member` loads a model from the folder beside it.

        Raise `ModelNotHere` if a member is not there; `ValueError` if a member is there in another revision.
        """
        self = cls._from_settings(folder)
        model = read_json(folder / "model.json")
        for name, part in model["members"].items():
            stored = stored_in(folder.parent / name)
            if stored.revision != part["revision"]:
                raise ValueError(
                    f"{folder} was fitted on {name} at {part['revision']}, but {stored.folder} holds "
                    f"{stored.revision}: train the ensemble again."
                )
            self.members[name] = member(stored)
        sides = [[part[side] for part in model["members"].values()] for side in ("out_of_domain", "in_domain")]
        self.weights_ = np.array(sides, dtype=np.float64)
        self.scales_ = np.array([part["scale"] for part in model["members"].values()], dtype=np.float64)
        self.penalty_ = float(model["penalty"])
        return self

    def _check_members(self) -> None:
        if len(self.members) < 2:
            raise ValueError(
                f"An ensemble needs at least two members, got {list(self.members)}: train some of "
                f"{', '.join(MEMBERS['ensemble'])} "
                "into the folders beside it first."
            )

    def _fitted(self) -> NDArray[np.float64]:
        if self.weights_ is None:
            raise NotFittedError("This EnsembleClassifier is not fitted yet: call fit or load first.")
        return self.weights_


def _combine(
    logits: NDArray[np.float64], in_domain: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.asarray((1.0 - in_domain) * (logits @ weights[0]) + in_domain * (logits @ weights[1]))


def _scales(log_odds: NDArray[np.float64], sample_weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the spread of each member's log-odds, shape (n_members,), with texts weighed by `counts`."""
    mean = sample_weight @ log_odds / sample_weight.sum()
    return np.asarray(np.sqrt(sample_weight @ (log_odds - mean) ** 2 / sample_weight.sum()), dtype=np.float64)


def _fit_weights(
    logits: NDArray[np.float64],
    in_domain: NDArray[np.float64],
    fake: NDArray[np.bool_],
    penalty: float,
    sample_weight: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float]:
    """Fit weights of shape (2, n_members) and intercept of least penalized log-loss; a convex problem."""
    from scipy.optimize import minimize

    n_members = logits.shape[1]
    design = np.concatenate([(1.0 - in_domain)[:, None] * logits, in_domain[:, None] * logits], axis=1)
    average = np.full(2 * n_members, 1.0 / n_members)
    signs = np.where(fake, 1.0, -1.0)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, intercept = parameters[:-1], parameters[-1]
        signed = signs * (intercept + design @ weights)
        slope = -sample_weight * signs * np.exp(-np.logaddexp(0.0, signed))  # of each text's log-loss in its log-odds
        value = sample_weight @ np.logaddexp(0.0, -signed) + penalty * ((weights - average) ** 2).sum()
        gradient = np.append(design.T @ slope + 2 * penalty * (weights - average), slope.sum())
        return float(value), gradient

    bounds = [(0.0, None)] * (2 * n_members) + [(None, None)]
    result = minimize(loss, np.append(average, 0.0), jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(result.x[:-1].reshape(2, n_members), dtype=np.float64), float(result.x[-1])
