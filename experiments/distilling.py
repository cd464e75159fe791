"""A small encoder taught by a large one: for the model that is shipped, and for every fold of corpora left out."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.recipes import Distillation
from fakenews.classifiers.base import Scores
from fakenews.classifiers.domain import DomainHead
from fakenews.classifiers.probe import Probe, load_domain
from fakenews.config import pick_device
from fakenews.data.mix import CORPUS, leave_out
from fakenews.data.registry import family_of
from fakenews.data.table import joined_texts
from fakenews.schema import FAKE
from fakenews.training.checkpoints import make_ready, write_whole
from fakenews.training.encoders import base_name
from fakenews.training.job import TRAINING, Fitted, Job, Log, Parts, labeled
from fakenews.training.probing import bare_classifier, fit_on, trained_on
from fakenews.training.states import STATES, States

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from fakenews.classifiers.transformer import TransformerClassifier
    from fakenews.training.settings import Recipe

ENCODER = "encoder"  # in the folder of a fold: the student as it was left
_LEAST_PIECES = 60  # of a window beyond the first that is learned from
_VALIDATION_ARTICLES = 500


def fit_distilled(recipe: Recipe, job: Job, parts: Parts, log: Log) -> Fitted:
    """Teach the student on all training rows; corpora left out are answered by the student of their fold.

    The students of folds are trained when they are asked for, and kept among the checkpoints.
    """
    settings = recipe.settings
    if not isinstance(settings, Distillation):
        raise TypeError(f"The recipe {recipe.name} does not say how to distil.")
    settings = replace(
        settings,
        student=replace(
            settings.student, base=job.base or settings.student.base, epochs=job.epochs or settings.student.epochs
        ),
    )
    checkpoints = job.out / "checkpoints"
    make_ready(checkpoints, recipe, job, parts, keep=(STATES,))
    teacher = bare_classifier("mpnet", settings.teacher, job.cleaning)
    states = States(teacher, checkpoints / STATES, log, settings.teacher.n_windows)
    school = _School(recipe.model, settings, job, states, checkpoints, log)
    train = parts["train"]
    everything = {str(name): rows for name, rows in train.groupby(CORPUS, sort=False)} if CORPUS in train else {}
    classifier, history, seconds = school.taught("all", train, job.in_domain_rows(parts["validation"]))
    students: dict[str, TransformerClassifier] = {}

    def answer(corpus: str, rest: pd.DataFrame, out: pd.DataFrame) -> Scores:
        fold = school.fold_of(corpus)
        name = "-".join(fold)
        if name not in students:
            rows = rest[rest["split"] == "train"]
            for other, table in everything.items():
                if family_of(other) in fold and other != corpus and table["label"].nunique() > 1:
                    others, _ = leave_out(everything, other)
                    keys = set(zip(others[CORPUS], others["id"], strict=True))  # two corpora may share ids
                    rows = rows[[key in keys for key in zip(rows[CORPUS], rows["id"], strict=True)]]
            students[name], _, _ = school.taught(
                name, rows.reset_index(drop=True), job.in_domain_rows(parts["validation"])
            )
        return students[name].predict_scores(joined_texts(out))

    log("calibrating on the validation part")
    classifier.calibrate(*labeled(job.in_domain_rows(parts["validation"])))
    facts: dict[str, Any] = {
        "base": f"{base_name(settings.student.base)}, taught by {base_name(settings.teacher.base)}",
        "settings": {**asdict(settings.student), "base": ""},
        "layers": {"teacher": list(settings.teacher_layers), "student": list(settings.layers)},
        "folds": [list(fold) for fold in settings.folds],
    }
    return Fitted(
        classifier, settings.student.seed, "train", {"distillation": history}, facts, {"base": facts["base"]},
        seconds / 60, answer,
    )  # fmt: skip


class _School:
    """What every student of a run has in common."""

    def __init__(self, model: str, settings: Distillation, job: Job, states: States, work: Path, log: Log) -> None:
        self.model, self.settings, self.job = model, settings, job
        self.states, self.work, self.log = states, work, log

    def fold_of(self, corpus: str) -> tuple[str, ...]:
        """Return the families that are left out together with a corpus."""
        family = family_of(corpus)
        return next((fold for fold in self.settings.folds if family in fold), (family,))

    def taught(
        self, name: str, train: pd.DataFrame, held_out: pd.DataFrame
    ) -> tuple[TransformerClassifier, list[dict[str, Any]], float]:
        """Return a student of a teacher fitted on `train`, its training curve, and seconds; taken up where it is there.

        `held_out` tells which evaluation was best: the one that gives back most of the teacher's answers.
        """
        import torch
        from transformers import AutoModel, AutoTokenizer

        from experiments.student import Student, targets, taught
        from fakenews.classifiers.transformer import TransformerClassifier
        from fakenews.training import finetune

        folder, settings = self.work / name, self.settings
        record = folder / TRAINING
        if not (self.job.resume and record.is_file()):
            self.log(f"teaching the student {name!r} on {len(train):,} articles")
            probe, domain = fit_on(self.states, train, settings.teacher, self.job)
            torch.manual_seed(settings.student.seed)
            encoder = AutoModel.from_pretrained(
                settings.student.base, dtype=torch.float32, add_pooling_layer=False,
                hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
            )  # fmt: skip
            tokenizer = AutoTokenizer.from_pretrained(settings.student.base, use_fast=True)
            train = trained_on(train, self.job.in_domain(train), settings.home_rows, settings.student.seed)
            pieces, states, owners = self._windows(train, tokenizer)
            held_out = held_out.iloc[:_VALIDATION_ARTICLES]
            held_pieces, held_states, held_owners = self._windows(held_out, tokenizer)
            n = len(pieces)
            together = np.concatenate([states, held_states]).astype(np.float32)
            answers = _linear(together, probe, domain)
            signs = np.concatenate([self._signs(train)[owners], self._signs(held_out)[held_owners]])
            share = settings.hard_share * np.abs(signs)
            answers[:, 0] = (1.0 - share) * answers[:, 0] + share * settings.certainty * signs
            goals, mean, std = targets(together[:, list(settings.teacher_layers)], answers)
            student = Student(encoder, together.shape[2], settings.layers, n_answers=len(mean))
            trained = finetune.train(
                settings.student, student, tokenizer,
                taught(pieces, goals[:n]), taught(held_pieces, goals[n:]),
                folder / "checkpoints", max_steps=self.job.max_steps, resume=self.job.resume,
            )  # fmt: skip
            (weights, bias), *others = student.linear_answers(mean, std)
            encoder.save_pretrained(folder / ENCODER)
            tokenizer.save_pretrained(folder / ENCODER)
            heads = [DomainHead(of.ravel(), shift) for of, shift in others]
            Probe(weights, bias).save(folder, heads[0] if heads else None)
            write_whole(record, json.dumps({"history": trained.history, "seconds": trained.seconds}))
        done = json.loads(record.read_text(encoding="utf-8"))
        encoder = AutoModel.from_pretrained(folder / ENCODER, dtype=torch.float32, add_pooling_layer=False)
        classifier = TransformerClassifier(
            self.model, encoder, AutoTokenizer.from_pretrained(folder / ENCODER), settings.student.max_length,
            overlap=0, device=pick_device(), cleaning=self.job.cleaning,
        )  # fmt: skip
        classifier.probe_, classifier.domain_ = Probe.load(folder), load_domain(folder)
        classifier.round_weights()
        return classifier, done["history"], done["seconds"]

    def _signs(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Return 1 for fake and -1 for real articles of the first corpus, 0 for those of the others."""
        home = self.job.in_domain(rows)
        return np.where(home, np.where(rows["label"].to_numpy() == FAKE, 1.0, -1.0), 0.0)

    def _windows(
        self, rows: pd.DataFrame, tokenizer: Any
    ) -> tuple[list[NDArray[np.int32]], NDArray[np.float16], NDArray[np.int64]]:
        """Return the student's word pieces, without special ones, the teacher's mean states, and the row of windows."""
        teacher, pieces, states, owners = self.states.classifier, [], [], []
        own = tokenizer.get_vocab()
        ids = {index: own.get(piece, -1) for piece, index in teacher.tokenizer.get_vocab().items()}
        known = np.full(max(ids) + 1, -1, dtype=np.int32)
        known[list(ids)] = list(ids.values())
        known[teacher.tokenizer.unk_token_id] = tokenizer.unk_token_id
        home, texts = self.job.in_domain(rows), joined_texts(rows)
        for row, (text, article) in enumerate(zip(texts, self.states.articles(texts), strict=True)):
            windows = teacher.encode(text).first(self.settings.teacher.n_windows)
            for i, length in enumerate(article.lengths.tolist()):
                if i == 0 or (length >= _LEAST_PIECES and not home[row]):
                    pieces.append(known[windows.input_ids[i, 1 : length + 1].numpy()])
                    states.append(article.states[i])
                    owners.append(row)
        if min(int(piece.min(initial=0)) for piece in pieces) < 0:
            raise ValueError("Teacher and student must have the same word pieces, such as those of bert-base-uncased.")
        return pieces, np.stack(states), np.array(owners)


def _linear(states: NDArray[np.float32], probe: Probe, domain: DomainHead | None) -> NDArray[np.float64]:
    """Return the teacher's log-odds and, where it has a domain head, those of in-domain: (n_windows, 1 or 2)."""
    answers = [probe.log_odds(states)]
    if domain is not None:
        answers.append(domain.log_odds(states.reshape(len(states), -1)))
    return np.stack(answers, axis=1)
