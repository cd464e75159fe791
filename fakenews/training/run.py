"""`fakenews train`: a table and a recipe in, a folder with weights, evidence and model card out."""

from __future__ import annotations

import json
import logging
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fakenews.classifiers.base import TextClassifier, read
from fakenews.classifiers.store import WEIGHTS
from fakenews.classifiers.tfidf import TfidfClassifier
from fakenews.data.duplicates import near_duplicate_groups
from fakenews.data.splits import SPLITS, grouped_split
from fakenews.data.table import joined_texts, read_table
from fakenews.evaluate.evidence import latency_ms, predict_frame, predict_other_corpora
from fakenews.evaluate.report import ModelEvidence, write_evidence, write_model_card
from fakenews.text import CLEANING, CLEANING_VERSION
from fakenews.training.recipes import Distillation, FineTuning, Recipe, get

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.training.finetune import Trained

logger = logging.getLogger(__name__)

Say = Callable[[str], None]
TRAINING = "training.json"
_LATENCY_ARTICLES = 20
_PROJECTION_EXAMPLES = 256


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
    """

    recipe: str
    data: Path
    out: Path
    base: str | None = None
    epochs: float | None = None
    max_steps: int | None = None
    resume: bool = False
    corpora: Path | None = None


def run(job: Job, say: Say = logger.info) -> ModelEvidence:
    """Train, calibrate on the validation part, save, and measure on the test part and every other corpus here.

    Raises
    ------
    ValueError
        If the recipe, the table, the base or a number will not do.
    """
    recipe = get(job.recipe)
    _check(job, recipe)
    frame = with_split(read_table(job.data), say)
    parts = {name: frame[frame["split"] == name].reset_index(drop=True) for name in SPLITS}
    say(f"{job.data.name}: " + ", ".join(f"{len(part):,} {name}" for name, part in parts.items()))
    started = time.perf_counter()
    if recipe.settings is None:
        classifier: TextClassifier = _fit_tfidf(parts)
        history: dict[str, Any] = {}
        facts: dict[str, Any] = {}
        seed = 42
    else:
        classifier, history, facts = _fit_transformer(recipe, job, parts, say)
        seed = (recipe.settings.teacher if isinstance(recipe.settings, Distillation) else recipe.settings).seed
    minutes = (time.perf_counter() - started) / 60
    classifier.info_ = {
        "recipe": recipe.name,
        "data": {"corpus": job.data.stem, "rows": {name: len(part) for name, part in parts.items()}},
        "seed": seed,
        "versions": {name: version(name) for name in ("torch", "transformers", "scikit-learn", "numpy", "skops")},
        **classifier.info_,
        **facts,
    }
    classifier.save(job.out)
    (job.out / TRAINING).write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")
    stages = {name: stage["minutes"] for name, stage in facts.get("stages", {}).items()}
    training = {
        "recipe": recipe.title,
        "base": facts.get("base", "none"),
        # Stages taken up from an earlier run count too.
        "minutes": round(sum(stages.values()) if stages else minutes, 1),
        **({"stages": ", ".join(f"{name} {m} min" for name, m in stages.items())} if stages else {}),
        "device": device_name(),
        "rows": f"{len(parts['train']):,} of {job.data.stem}, near duplicates kept in one part",
    }
    return measure(classifier, job.out, job.data.stem, parts, training, seed, job.corpora, recipe.card, say)


def measure(
    classifier: TextClassifier,
    folder: Path,
    corpus: str,
    parts: dict[str, pd.DataFrame],
    training: dict[str, Any],
    seed: int,
    corpora: Path | None,
    card: str,
    say: Say = logger.info,
) -> ModelEvidence:
    """Write evaluation.json, predictions.parquet and the model card of a saved classifier into `folder`.

    `card` says in prose what the classifier is.
    """
    import pandas as pd

    def report(what: str, share: float) -> None:
        if share >= 1.0:
            say(f"measured {what}")

    frames = [predict_frame(classifier, parts[name], corpus, name, report) for name in ("test", "validation")]
    frames.append(predict_other_corpora(classifier, corpora, (corpus,), report))
    evidence = write_evidence(
        folder,
        pd.concat([f for f in frames if len(f)], ignore_index=True),
        model=classifier.name,
        protocol="grouped",
        seed=seed,
        cleaning={"name": CLEANING, "version": CLEANING_VERSION},
        training=training,
        size_mb=sum(f.stat().st_size for f in folder.iterdir() if f.name in WEIGHTS) / 1e6,
        latency_ms=latency_ms(classifier, joined_texts(parts["test"])[:_LATENCY_ARTICLES]),
        calibration={
            "method": "temperature",
            "temperature": getattr(classifier, "temperature_", 1.0),
            "fitted_on": f"{corpus}/validation",
        },
    )
    write_model_card(folder, card)
    return evidence


def with_split(frame: pd.DataFrame, say: Say = logger.info) -> pd.DataFrame:
    """The table with its own split, or a grouped stratified 70/15/15 one where it has none."""
    if set(SPLITS) <= set(frame["split"]):
        return frame
    say("grouping near duplicates")
    groups = near_duplicate_groups(frame["text"].tolist())
    return frame.assign(split=grouped_split(frame["label"].tolist(), groups))


def device_name() -> str:
    """What the training ran on, in words."""
    import torch

    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    n = torch.get_num_threads()
    return f"{n} CPU core{'s' if n > 1 else ''} ({platform.machine()})"


def _check(job: Job, recipe: Recipe) -> None:
    if job.epochs is not None and job.epochs <= 0:
        raise ValueError(f"--epochs must be positive, got {job.epochs}.")
    if job.max_steps is not None and job.max_steps < 1:
        raise ValueError(f"--max-steps must be at least 1, got {job.max_steps}.")
    if recipe.settings is None and (job.base or job.epochs or job.max_steps or job.resume):
        raise ValueError(f"The recipe {recipe.name} is fitted in one go: it takes no base, epochs, steps or resume.")


def _fit_tfidf(parts: dict[str, pd.DataFrame]) -> TfidfClassifier:
    classifier = TfidfClassifier().fit(joined_texts(parts["train"]), parts["train"]["label"].tolist())
    held_out = joined_texts(parts["validation"])
    classifier.calibrate(held_out, parts["validation"]["label"].tolist())
    shares = [classifier.known_share(text) for text in held_out if len(read(text).words) >= 40]
    # Texts of which fewer words are known than of all but one in 200 held-out articles are unlike the training data.
    classifier.info_["known_share_floor"] = round(float(np.quantile(shares, 0.005)), 3) if shares else 0.0
    return classifier


def _fit_transformer(
    recipe: Recipe, job: Job, parts: dict[str, pd.DataFrame], say: Say
) -> tuple[TextClassifier, dict[str, Any], dict[str, Any]]:
    from fakenews.classifiers.transformer import TransformerClassifier, round_to_half
    from fakenews.config import pick_device

    checkpoints = job.out / "checkpoints"
    settings = recipe.settings
    if isinstance(settings, Distillation):
        trained, history, facts, max_length = _distil(settings, job, parts, checkpoints, say)
    else:
        assert settings is not None
        settings = _override(settings, job)
        trained = _fine_tune(settings, job, parts, checkpoints / "fine-tuning")
        history, max_length = {"fine-tuning": list(trained.history)}, settings.max_length
        facts = {"base": base_name(settings.base), "settings": {**asdict(settings), "base": ""}}
    round_to_half(trained.model)
    classifier = TransformerClassifier(recipe.model, trained.model, trained.tokenizer, max_length, device=pick_device())
    say("calibrating on the validation part")
    classifier.calibrate(joined_texts(parts["validation"]), parts["validation"]["label"].tolist())
    return classifier, history, facts


def _override(settings: FineTuning, job: Job) -> FineTuning:
    return replace(settings, base=job.base or settings.base, epochs=job.epochs or settings.epochs)


def _fine_tune(settings: FineTuning, job: Job, parts: dict[str, pd.DataFrame], work: Path) -> Trained:
    from fakenews.training import finetune

    model, tokenizer = finetune.load_base(settings.base, settings.max_length, settings.seed)
    examples = {
        name: finetune.encode_examples(joined_texts(parts[name]), parts[name]["label"].tolist(), tokenizer)
        for name in ("train", "validation")
    }
    return finetune.train(
        settings, model, tokenizer, examples["train"], examples["validation"], work,
        max_steps=job.max_steps, resume=job.resume,
    )  # fmt: skip


def _distil(
    settings: Distillation, job: Job, parts: dict[str, pd.DataFrame], work: Path, say: Say
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
        name: finetune.encode_examples(joined_texts(parts[name]), parts[name]["label"].tolist(), teacher.tokenizer)
        for name in ("train", "validation")
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
