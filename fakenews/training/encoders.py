"""How the recipes for encoders are carried out: fine-tuning, or a teacher and the stages of its student."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fakenews.classifiers.windows import round_to_half
from fakenews.config import pick_device
from fakenews.training.job import TRAINING, Fitted, Job, Parts, Say, labelled
from fakenews.training.recipes import Distillation, FineTuning, Recipe

if TYPE_CHECKING:
    from fakenews.training.finetune import Trained

_PROJECTION_EXAMPLES = 256


def fit_encoder(recipe: Recipe, job: Job, parts: Parts, say: Say) -> Fitted:
    """Fine-tune or distil by the recipe's settings and calibrate on the validation part."""
    from fakenews.classifiers.transformer import TransformerClassifier

    checkpoints = job.out / "checkpoints"
    settings = recipe.settings
    told, minutes = {}, None
    if isinstance(settings, Distillation):
        trained, history, facts, max_length = _distil(settings, job, parts, checkpoints, say)
        took = {name: stage["minutes"] for name, stage in facts["stages"].items()}
        told, minutes = {"stages": ", ".join(f"{name} {m} min" for name, m in took.items())}, sum(took.values())
        seed = settings.teacher.seed
    elif isinstance(settings, FineTuning):
        settings = _override(settings, job)
        trained = _fine_tune(settings, job, parts, checkpoints / "fine-tuning")
        history, max_length = {"fine-tuning": list(trained.history)}, settings.max_length
        facts = {"base": base_name(settings.base), "settings": {**asdict(settings), "base": ""}}
        seed = settings.seed
    else:
        raise TypeError(f"The recipe {recipe.name} says neither how to fine-tune nor how to distil.")
    round_to_half(trained.model)
    classifier = TransformerClassifier(recipe.model, trained.model, trained.tokenizer, max_length, device=pick_device())
    say("calibrating on the validation part")
    classifier.calibrate(*labelled(parts["validation"]))
    return Fitted(classifier, seed, "train", history, facts, {"base": facts["base"], **told}, minutes)


def _override(settings: FineTuning, job: Job) -> FineTuning:
    return replace(settings, base=job.base or settings.base, epochs=job.epochs or settings.epochs)


def _fine_tune(settings: FineTuning, job: Job, parts: Parts, work: Path) -> Trained:
    from fakenews.training import finetune

    model, tokenizer = finetune.load_base(settings.base, settings.max_length, settings.seed)
    examples = {name: finetune.encode_examples(*labelled(parts[name]), tokenizer) for name in ("train", "validation")}
    return finetune.train(
        settings, model, tokenizer, examples["train"], examples["validation"], work,
        max_steps=job.max_steps, resume=job.resume,
    )  # fmt: skip


def _distil(
    settings: Distillation, job: Job, parts: Parts, work: Path, say: Say
) -> tuple[Trained, dict[str, Any], dict[str, Any], int]:
    """Teacher, projection, hidden states, logits; each finished stage is kept in `work` for `resume`."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertForSequenceClassification

    from fakenews.training import distil, finetune
    from fakenews.training.projection import project

    teacher_settings = _override(settings.teacher, job)
    stages: tuple[FineTuning, ...] = (settings.hidden, settings.logits, settings.labels, settings.articles)
    if job.epochs:
        stages = tuple(replace(s, epochs=job.epochs) for s in stages)
    hidden_settings, logit_settings, label_settings, article_settings = stages
    history: dict[str, Any] = {}

    def stage(name: str, train: Callable[[], Trained]) -> Trained:
        folder = work / name
        record = folder / TRAINING
        if job.resume and record.is_file():
            say(f"{name}: finished before, taken up")
            done = json.loads(record.read_text(encoding="utf-8"))
            model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
            tokenizer = AutoTokenizer.from_pretrained(folder)
            trained = finetune.Trained(model, tokenizer, tuple(done["history"]), done["seconds"])
        else:
            say(f"{name}: training")
            trained = train()
            trained.model.save_pretrained(folder)
            trained.tokenizer.save_pretrained(folder)
            record.write_text(json.dumps({"history": trained.history, "seconds": trained.seconds}), encoding="utf-8")
        history[name] = list(trained.history)
        return trained

    teacher = stage("teacher", lambda: _fine_tune(teacher_settings, job, parts, work / "teacher-checkpoints"))
    examples = {
        name: finetune.encode_examples(*labelled(parts[name]), teacher.tokenizer) for name in ("train", "validation")
    }
    if not isinstance(teacher.model, BertForSequenceClassification):
        raise ValueError(f"The teacher must be a BERT, {teacher_settings.base} is a {teacher.model.config.model_type}.")
    teacher.model.set_attn_implementation("eager")  # the fused kernels do not give attention away
    rng = np.random.default_rng(hidden_settings.seed)
    sample = rng.choice(len(examples["train"]), min(_PROJECTION_EXAMPLES, len(examples["train"])), replace=False)
    collate = finetune.Collator(teacher.tokenizer, hidden_settings)
    batches = [
        {k: v for k, v in collate([examples["train"][i] for i in sample[at : at + 32]]).items() if k != "labels"}
        for at in range(0, len(sample), 32)
    ]
    projected = project(teacher.model, batches, settings.layers, settings.width, settings.heads, settings.intermediate)
    say(f"projected: {projected.variance_kept:.1%} of the hidden states' second moment kept")

    def teach(
        student: Any, with_settings: FineTuning, name: str, trainer: type[Any] | None, options: dict[str, Any]
    ) -> Trained:
        taught: dict[str, Any] = {}
        if trainer:
            taught = {"trainer_class": trainer, "trainer_options": {"teacher": teacher.model, **options}}
        return finetune.train(
            with_settings, student, teacher.tokenizer, examples["train"], examples["validation"],
            work / f"{name}-checkpoints", max_steps=job.max_steps, resume=job.resume, **taught,
        )  # fmt: skip

    projected.student.set_attn_implementation("eager")
    softened = {"temperature": settings.temperature}
    by_states = {"basis": projected.basis, "layers": settings.layers, **softened}
    by_logits = {"hard_share": settings.hard_share, **softened}
    hidden = stage(
        "hidden",
        lambda: teach(projected.student, hidden_settings, "hidden", distil.HiddenDistillation, by_states),
    )
    for model in (teacher.model, hidden.model):
        model.set_attn_implementation("sdpa")
    logits = stage("logits", lambda: teach(hidden.model, logit_settings, "logits", distil.LogitDistillation, by_logits))
    labels = stage("labels", lambda: teach(logits.model, label_settings, "labels", None, {}))
    articles = stage("articles", lambda: teach(labels.model, article_settings, "articles", None, {}))
    finished = {"teacher": teacher, "hidden": hidden, "logits": logits, "labels": labels, "articles": articles}
    facts = {
        "base": f"{base_name(teacher_settings.base)}, fine-tuned as teacher, then distilled",
        "stages": {
            name: {**asdict(s), "base": "", "minutes": round(finished[name].seconds / 60, 1)}
            for name, s in zip(finished, (teacher_settings, *stages), strict=True)
        },
        "layers": list(settings.layers),
        "variance_kept": round(projected.variance_kept, 4),
    }
    return articles, history, facts, article_settings.max_length


def base_name(base: str) -> str:
    """A base as it may be written down: a Hub id as it is, of a folder the last part only."""
    return Path(base).name if Path(base).is_dir() else base
