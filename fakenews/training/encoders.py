"""How the recipes for encoders are carried out: fine-tuning, or a teacher and the stages of its student."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fakenews.classifiers.base import Scores, fit_calibration
from fakenews.classifiers.domain import DomainHead, fit_domain_head
from fakenews.classifiers.probe import Probe, fit_probe
from fakenews.classifiers.windows import round_to_half
from fakenews.config import pick_device
from fakenews.data.mix import CORPUS
from fakenews.training.checkpoints import make_ready, write_whole
from fakenews.training.job import TRAINING, Fitted, Job, Parts, Say, home_of, is_home, labelled, weights
from fakenews.training.recipes import FineTuning, Projection, Recipe
from fakenews.training.states import States

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.classifiers.transformer import TransformerClassifier
    from fakenews.training.finetune import Trained

STATES = "states"  # folder among the checkpoints: of the articles that the probe is fitted on
_PROJECTION_EXAMPLES = 256


def fit_encoder(recipe: Recipe, job: Job, parts: Parts, say: Say) -> Fitted:
    """Fine-tune or distil by the recipe's settings on the first corpus, and add a probe where there are several.

    Calibrated on the validation part of the first.
    """
    from fakenews.classifiers.transformer import TransformerClassifier

    checkpoints = job.out / "checkpoints"
    settings = recipe.settings
    told: dict[str, str] = {}
    minutes: float | None = None
    home = {name: rows[rows[CORPUS] == job.data.stem].reset_index(drop=True) for name, rows in parts.items()}
    make_ready(checkpoints, recipe, job, parts, keep=(STATES,))
    if isinstance(settings, Projection):
        trained, history, facts, max_length = _distil(settings, job, home, checkpoints, say)
        took = {name: stage["minutes"] for name, stage in facts["stages"].items()}
        told, minutes = {"stages": ", ".join(f"{name} {m} min" for name, m in took.items())}, sum(took.values())
        seed = settings.teacher.seed
    elif isinstance(settings, FineTuning):
        settings = _override(settings, job)
        trained = _fine_tune(settings, job, home, checkpoints / "fine-tuning")
        history, max_length = {"fine-tuning": list(trained.history)}, settings.max_length
        facts = {"base": base_name(settings.base), "settings": {**asdict(settings), "base": ""}}
        seed = settings.seed
    else:
        raise TypeError(f"The recipe {recipe.name} says neither how to fine-tune nor how to distil.")
    round_to_half(trained.model)
    classifier = TransformerClassifier(
        recipe.model, trained.model, trained.tokenizer, max_length, device=pick_device(), cleaning=job.cleaning,
        truncation=job.truncation,
    )  # fmt: skip
    answer = None
    if len(job.names) > 1:
        started = time.perf_counter()
        answer = add_probe(classifier, parts, home["validation"], checkpoints / STATES, say)
        spent = (time.perf_counter() - started) / 60
        told["probe"] = f"on the states below the last layer, {', '.join(job.names)}, {spent:.1f} min"
        minutes = None if minutes is None else minutes + spent
    say("calibrating on the validation part")
    classifier.calibrate(*labelled(home_of(parts["validation"])))
    return Fitted(classifier, seed, "train", history, facts, {"base": facts["base"], **told}, minutes, answer)


def fit_probe_on_base(recipe: Recipe, job: Job, parts: Parts, say: Say) -> Fitted:
    """Give an encoder that was fine-tuned on the first corpus a probe of all of them; its own weights stay as they are.

    Raises
    ------
    ValueError
        If the base is no trained model of the recipe's kind, or there is one corpus only.
    """
    from fakenews.classifiers import store
    from fakenews.classifiers.transformer import TransformerClassifier

    if len(job.names) < 2:
        raise ValueError(f"The recipe {recipe.name} learns from several corpora: give --data more than once.")
    stored = store.find(job.base or str(job.out), job.out.parent)
    classifier = store.load(stored)
    if stored.name != recipe.model or not isinstance(classifier, TransformerClassifier):
        raise ValueError(f"--base must be a folder with a trained {recipe.model}, {stored.folder} holds {stored.name}.")
    before = {key: value for key, value in classifier.info_.items() if key in ("base", "stages", "layers", "settings")}
    record = stored.folder / TRAINING
    history = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    home = parts["validation"]
    started = time.perf_counter()
    answer = add_probe(classifier, parts, home[home[CORPUS] == job.data.stem], job.out / "checkpoints" / STATES, say)
    took = (time.perf_counter() - started) / 60
    stages = {name: stage["minutes"] for name, stage in before.get("stages", {}).items()} | {"probe": round(took, 1)}
    classifier.calibrate(*labelled(home_of(parts["validation"])))
    told = {"base": before.get("base", stored.name), "stages": ", ".join(f"{n} {m} min" for n, m in stages.items())}
    return Fitted(classifier, 42, "train", history, before, told, sum(stages.values()), answer)


def add_probe(
    classifier: TransformerClassifier, parts: Parts, home: pd.DataFrame, folder: Path, say: Say
) -> Callable[[str, pd.DataFrame, pd.DataFrame], Scores]:
    """Fit probe and domain head of a fine-tuned encoder on the training parts of several corpora.

    `home` is held out of what the encoder was fine-tuned on.

    Gives what answers a corpus that is left out: the same encoder, which never saw any of them, with another probe.
    The states below the last layer are kept in `folder`, so that they are computed once, whatever happens.
    """
    remembered = States(classifier, folder, say)
    heads, _ = remembered.of(home)
    head = fit_calibration(Scores.out_of_domain(heads), home["label"].tolist()).slope

    def fitted_on(train: pd.DataFrame) -> tuple[Probe, DomainHead | None]:
        _, states = remembered.of(train)
        counts = weights(train)
        domain = fit_domain_head(states.reshape(len(states), -1), is_home(train), counts)
        return fit_probe(states, train["label"].tolist(), counts, head), domain

    def answer(corpus: str, rest: pd.DataFrame, out: pd.DataFrame) -> Scores:
        probe, domain = fitted_on(rest[rest["split"] == "train"])
        own_heads, states = remembered.of(out)
        heads, probed = probe.head * own_heads, probe.margins(states)
        if domain is None:
            return Scores.out_of_domain(heads + probed)
        in_domain = domain.in_domain(states.reshape(len(states), -1))
        return Scores(in_domain * heads + probed, in_domain)  # as `TransformerClassifier.head_fades` says

    say("probe: learning from the states below the last layer")
    classifier.probe_, classifier.domain_ = fitted_on(parts["train"])
    return answer


def _override(settings: FineTuning, job: Job) -> FineTuning:
    return replace(
        settings,
        base=job.base or settings.base,
        epochs=job.epochs or settings.epochs,
        window="first" if job.truncation else settings.window,
    )


def _fine_tune(settings: FineTuning, job: Job, parts: Parts, work: Path) -> Trained:
    from fakenews.training import finetune

    model, tokenizer = finetune.load_base(settings.base, settings.max_length, settings.seed)
    examples = examples_of(parts, tokenizer, job.cleaning)
    return finetune.train(
        settings, model, tokenizer, examples["train"], examples["validation"], work,
        max_steps=job.max_steps, resume=job.resume,
    )  # fmt: skip


def examples_of(parts: Parts, tokenizer: Any, cleaning: str) -> dict[str, list[dict[str, Any]]]:
    """What the loop learns from and is scored on, by the name of the part."""
    from fakenews.training.finetune import encode_examples

    return {name: encode_examples(*labelled(parts[name]), tokenizer, cleaning) for name in ("train", "validation")}


def _distil(
    settings: Projection, job: Job, parts: Parts, work: Path, say: Say
) -> tuple[Trained, dict[str, Any], dict[str, Any], int]:
    """Teacher, projection, hidden states, logits; each finished stage is kept in `work` for `resume`."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertForSequenceClassification

    from fakenews.training import distil, finetune
    from fakenews.training.projection import project

    stages = (settings.teacher, settings.hidden, settings.logits, settings.labels, settings.articles)
    teacher_settings, *student_settings = (_override(stage, job) for stage in stages)
    hidden_settings, logit_settings, label_settings, article_settings = student_settings
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
            write_whole(record, json.dumps({"history": trained.history, "seconds": trained.seconds}))
        history[name] = list(trained.history)
        return trained

    teacher = stage("teacher", lambda: _fine_tune(teacher_settings, job, parts, work / "teacher-checkpoints"))
    examples = examples_of(parts, teacher.tokenizer, job.cleaning)
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
            for name, s in zip(finished, (teacher_settings, *student_settings), strict=True)
        },
        "layers": list(settings.layers),
        "variance_kept": round(projected.variance_kept, 4),
    }
    return articles, history, facts, article_settings.max_length


def base_name(base: str) -> str:
    """A base as it may be written down: a Hub id as it is, of a folder the last part only."""
    return Path(base).name if Path(base).is_dir() else base
