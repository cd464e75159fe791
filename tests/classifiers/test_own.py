"""Checkpoints that were trained elsewhere: each ends in a model that answers, or in one sentence and nothing left."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result

from experiments.evidence import contradictions
from fakenews.classifiers import model_folder, store
from fakenews.classifiers.checkpoint import fake_columns
from fakenews.classifiers.model_folder import ModelNotHere, WrongFile
from fakenews.cli import app
from fakenews.config import REPOSITORY, Settings
from fakenews.engine import Engine
from fakenews.engine.values import ExplanationRequest
from fakenews.schema import REAL
from fakenews.ui import about
from fakenews.ui.compare import Compare
from fakenews.ui.measured import Measured
from tests.explain.toys import (
    FAKE_WORD,
    REAL_WORD,
    own_checkpoint,
    own_tokenizer,
    planted_corpus,
    small_tfidf,
    trainer_run,
)
from tests.model_hub import SHA, ModelHub, serving
from tests.running import running

ARTICLE = f"The mayor said the {FAKE_WORD} will report on a new road budget today. " * 5
Add = Callable[..., Result]


def save(folder: Path, kind: str, labels: tuple[str, ...], **of: object) -> Path:
    model, tokenizer = own_checkpoint(kind, labels, **of)  # type: ignore[arg-type]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def trainer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trainer_run(tmp_path_factory.mktemp("own") / "run")


@pytest.fixture
def folder(trainer_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trainer_folder, tmp_path / "run"))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    found = tmp_path / "models"
    found.mkdir()
    return found


@pytest.fixture
def run(models: Path) -> Add:
    def invoke(*arguments: object) -> Result:
        environment = {"FAKENEWS_MODELS": str(models), "FAKENEWS_DEVICE": "cpu", "FAKENEWS_DATA": ""}
        return CliRunner().invoke(app, [str(a) for a in arguments], env=environment)

    return invoke


@pytest.fixture
def add(run: Add) -> Add:
    return lambda source, *options, name="mine": run("add", name, "--from", source, *options)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, labels = planted_corpus(400, (40, 60))
    path = tmp_path_factory.mktemp("tables") / "planted.csv"
    pd.DataFrame({"text": texts, "label": labels}).iloc[:120].to_csv(path, index=False)
    return path


def refused(result: Result, models: Path, *words: str) -> None:
    """The command ended with one sentence, and left nothing."""
    sentence = result.stderr.strip().splitlines()[-1]
    assert result.exit_code == 2, result.output
    assert sentence.endswith((".", "?")) and not [w for w in words if w not in sentence], sentence
    assert list(models.iterdir()) == []


def served(models: Path, name: str = "mine") -> Engine:
    """The model answers, is verified, and its gradient finds the planted word."""
    engine = Engine.open(Settings(models=models, device="cpu"))
    assert engine.pool.side_by_side == engine.pool.defaults == (name,)
    model_folder.verify(models / name)
    assert sorted(f.suffix for f in (models / name).iterdir() if f.suffix in (".bin", ".partial", ".safetensors")) == [
        ".safetensors"
    ]
    request = ExplanationRequest(ARTICLE, name, "gradient", 8)
    found = engine.explainers.explain(request)
    top = max(found.attributions, key=lambda a: a.weight)
    assert ARTICLE[top.start : top.end] == FAKE_WORD
    (fake,) = engine.judge.analyse(ARTICLE).predictions
    (real,) = engine.judge.analyse(ARTICLE.replace(FAKE_WORD, REAL_WORD)).predictions
    assert fake.p_fake > 0.5 > real.p_fake
    return engine


def test_labels_without_names_are_asked_for(add: Add, folder: Path, models: Path) -> None:
    refused(add(folder), models, "LABEL_0, LABEL_1", "--fake LABEL_0", "--calibrate TABLE")
    refused(add(folder, "--fake", "LABEL_2"), models, "no label 'LABEL_2'", "LABEL_0, LABEL_1")
    result = add(folder, "--fake", "LABEL_1", "--title", "My own")
    assert result.exit_code == 0, result.output
    assert "It stands on the page." in result.stdout and "--calibrate TABLE changes that" in result.stdout
    engine = served(models)
    (prediction,) = engine.judge.analyse(ARTICLE).predictions
    assert (prediction.verdict, prediction.reasons) == ("cannot_judge", ("uncalibrated",))
    assert prediction.p_fake == pytest.approx(1 / (1 + np.exp(-prediction.log_odds)), abs=1e-3)
    assert engine.pool.title("mine") == "My own"


def test_a_table_finds_the_fake_label_calibrates_and_measures(
    add: Add, folder: Path, models: Path, table: Path
) -> None:
    result = add(folder, "--calibrate", table)
    assert result.exit_code == 0, result.output
    assert "LABEL_1 is fake: its ROC AUC is" in result.stderr and "it will read the text as it is" in result.stderr
    settings = model_folder.settings(models / "mine")
    assert settings["measured"]["n"] + settings["measured"]["calibrated_on"] == 120
    assert settings["measured"]["accuracy"] > 0.9 and settings["cleaning"]["name"] == "raw"
    (prediction,) = served(models).judge.analyse(ARTICLE).predictions
    assert prediction.verdict == "fake"
    card = (models / "mine" / "README.md").read_text(encoding="utf-8")
    assert "LABEL_1 is fake" in card and "Calibrated on" in card and "License: unknown" in card


def test_a_table_that_says_nothing_of_the_labels_is_refused(
    add: Add, folder: Path, models: Path, tmp_path: Path
) -> None:
    texts = [" ".join(np.random.default_rng(i).permutation(ARTICLE.replace(FAKE_WORD, "").split())) for i in range(60)]
    path = tmp_path / "noise.csv"
    pd.DataFrame({"text": texts, "label": [i % 2 for i in range(60)]}).to_csv(path, index=False)
    refused(add(folder, "--calibrate", path), models, "too close to chance", "--fake LABEL_0 or --fake LABEL_1")
    pd.DataFrame({"text": texts[:30], "label": [0, 1] * 15}).to_csv(path, index=False)
    refused(add(folder, "--calibrate", path), models, "Too few articles that are fake and real", "20 each")


def test_roberta_with_named_labels_reads_raw_text_on_the_users_characters(
    add: Add, models: Path, tmp_path: Path
) -> None:
    source = save(tmp_path / "roberta", "roberta", ("FAKE", "REAL"))
    (source / "README.md").write_text("---\nlicense: mit\n---\n", encoding="utf-8")
    result = add(source)
    assert result.exit_code == 0 and "By their names, FAKE is fake" in result.stderr, result.output
    engine = served(models)
    text = (
        f"The mayor\u2019s caf\u00e9 \u201csaid\u201d \U0001f98e\U0001f3fd the {FAKE_WORD}\u2026 couldn\u2019t report. "
        * 3
    )
    found = engine.explainers.explain(ExplanationRequest(text, "mine", "gradient", 8))
    words = [text[a.start : a.end] for a in found.attributions]
    assert words[:7] == ["The", "mayor\u2019s", "caf\u00e9", "said", "the", FAKE_WORD, "couldn\u2019t"]
    strongest = max(found.attributions, key=lambda a: a.weight)
    assert text[strongest.start : strongest.end] == FAKE_WORD
    assert model_folder.settings(models / "mine")["source"]["license"] == "mit"


@pytest.mark.slow
def test_three_classes_are_two_sides(add: Add, models: Path, tmp_path: Path) -> None:
    texts, labels = planted_corpus()
    thirds = [2 if label == REAL else i % 4 // 2 for i, label in enumerate(labels)]
    source = save(tmp_path / "deberta", "deberta-v2", ("hoax", "satire", "news"), corpus=(texts, thirds))
    refused(add(source), models, "hoax, satire, news", "--fake")
    refused(add(source, "--fake", "hoax", "--fake", "satire", "--fake", "2"), models, "no label is left for real")
    result = add(source, "--fake", "hoax", "--fake", "1")
    assert result.exit_code == 0, result.output
    classifier = served(models).pool.classifier("mine")
    import torch
    from transformers import AutoModelForSequenceClassification

    stock = AutoModelForSequenceClassification.from_pretrained(models / "mine", dtype=torch.float32).eval()
    short = "The mayor said the lizard will report."
    batch = classifier.tokenizer([short], return_tensors="pt")  # type: ignore[attr-defined]
    with torch.no_grad():
        p = stock(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.softmax(1)[0].double()
    assert classifier.decision_function([short])[0] == pytest.approx(float(torch.log((p[0] + p[1]) / p[2])), abs=1e-3)


def test_weights_of_torch_become_safetensors_and_a_pickle_is_refused(
    add: Add, run: Add, folder: Path, models: Path
) -> None:
    import torch
    from safetensors.torch import load_file

    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    assert add(folder, "--fake", "1").exit_code == 0
    served(models)
    assert run("remove", "mine").exit_code == 0 and list(models.iterdir()) == []
    torch.save({"code": Path}, folder / "pytorch_model.bin")
    refused(add(folder, "--fake", "1"), models, "cannot be read")


def _without(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).unlink()


def _set(folder: Path, **values: object) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, **values}), encoding="utf-8")


def _to_tensorflow(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "tf_model.h5")


def _cut(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])


def _lose_the_head(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    kept = {name: t for name, t in load_file(folder / "model.safetensors").items() if "classifier" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_to_tensorflow, ("TensorFlow weights alone", "from_tf=True")),
        (lambda f: _without(f, "tokenizer.json", "tokenizer_config.json"), ("has no tokenizer", "save_pretrained")),
        (lambda f: _without(f, "config.json"), ("has no config.json",)),
        (lambda f: _without(f, "model.safetensors"), ("has no weights",)),
        (lambda f: (f / "config.json").write_text("{"), ("config.json", "not a JSON object")),
        (lambda f: (f / "tokenizer.json").write_text("{}"), ("The tokenizer", "cannot be read")),
        (lambda f: _set(f, auto_map={"AutoModel": "code.Model"}), ("code of its own", "auto_map")),
        (lambda f: _set(f, architectures=["BertForMaskedLM"]), ("without a classification head",)),
        (lambda f: _set(f, problem_type="regression"), ("regression",)),
        (lambda f: _set(f, model_type="nobody"), ("cannot be read",)),
        (_cut, ("weights", "cannot be read")),
        (_lose_the_head, ("lack", "fine-tuning")),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_cannot_be_served_is_one_sentence(
    add: Add, folder: Path, models: Path, spoil: Callable[[Path], None], words: tuple[str, ...]
) -> None:
    spoil(folder)
    refused(add(folder, "--fake", "1"), models, *words)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("My_Bert", (), ("cannot be a name", "my-bert")),
        ("../x", (), ("cannot be a name",)),
        ("tinybert", (), ("comes with fakenews",)),
        ("mine", ("--cleaning", "some"), ("Unknown cleaning 'some'. Known: none, neutral",)),
        ("mine", ("--revision", "main"), ("has no revisions",)),
        ("mine", ("--calibrate", "no.csv"), ("no.csv",)),
    ],
)
def test_wrong_arguments_are_refused(
    add: Add, folder: Path, models: Path, name: str, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    refused(add(folder, "--fake", "1", *options, name=name), models, *words)


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("gpt2", {"n_embd": 32, "n_layer": 1, "n_head": 2}, ("answers otherwise in a batch",)),
        ("fnet", {"hidden_size": 32, "num_hidden_layers": 1, "intermediate_size": 32}, ("otherwise in a batch",)),
        ("longformer", {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}, ("cannot be served",)),
        ("mpnet", {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}, ()),
        ("electra", {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}, ()),
        ("xlm-roberta", {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}, ()),
        ("modernbert", {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}, ()),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_encoders_of_any_kind_are_served_and_all_others_refused(
    add: Add, models: Path, tmp_path: Path, kind: str, options: dict[str, int], words: tuple[str, ...]
) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    tokenizer = own_tokenizer("roberta")
    ids = {name: getattr(tokenizer, name) for name in ("pad_token_id", "bos_token_id", "eos_token_id")}
    config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), **options, **ids)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # some weights hide what padding does
        AutoModelForSequenceClassification.from_config(config).save_pretrained(tmp_path / "run")
    tokenizer.save_pretrained(tmp_path / "run")
    result = add(tmp_path / "run", "--fake", "1")
    if words:
        return refused(result, models, *words)
    assert result.exit_code == 0, result.output
    engine = Engine.open(Settings(models=models, device="cpu"))
    text = "The mayor\u2019s plan was good. " * 150
    found = engine.explainers.explain(ExplanationRequest(text, "mine", "gradient", 2))
    assert found.log_odds == pytest.approx(engine.judge.analyse(text).predictions[0].log_odds, abs=1e-4)
    assert found.settings["windows"] > 1


def test_a_source_that_is_neither_folder_nor_id_is_refused(add: Add, models: Path, tmp_path: Path) -> None:
    refused(add(tmp_path / "nowhere"), models, "neither a folder nor a model id")


def test_a_name_is_taken_until_it_is_removed_and_only_added_models_are(
    add: Add, run: Add, folder: Path, models: Path
) -> None:
    assert add(folder, "--fake", "1").exit_code == 0
    again = add(folder, "--fake", "1")
    assert again.exit_code == 2 and "There is a model 'mine'" in again.stderr
    listed = run("models", "--json")
    (entry,) = json.loads(listed.stdout)["models"]
    assert (entry["name"], entry["calibrated"], entry["origin"]) == ("mine", False, str(folder))
    assert entry["parameters"] > 1000 and entry["size_mb"] > 0
    assert "mine" in run("models").stdout
    gone = run("remove", "tfidf")
    assert gone.exit_code == 2 and "'tfidf' was not added here. Added: mine." in gone.stderr
    with pytest.raises(ValueError, match="Unknown model 'nobody'. Known: tinybert, .*, mine"):
        store.find("nobody", models)
    (models / "mine" / "config.json").write_text((models / "mine" / "config.json").read_text() + "\n")
    with pytest.raises(WrongFile, match="config.json is not the file"):
        store.load(store.find("mine", models))


@pytest.mark.parametrize(
    ("labels", "columns"),
    [
        (("FAKE", "REAL"), [0]), (("Reliable", "Unreliable"), [1]), (("FALSE", "TRUE"), [0]),
        (("real news", "fake_news"), [1]), (("LABEL_0", "LABEL_1"), []), (("0", "1"), []),
        (("fake", "real", "satire"), []), (("fake", "hoax"), []),
    ],
)  # fmt: skip
def test_names_of_labels_are_understood_where_they_say_it(labels: tuple[str, ...], columns: list[int]) -> None:
    assert fake_columns(labels, ()) == columns


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, trainer_folder: Path) -> Iterator[ModelHub]:
    with serving(monkeypatch) as server:
        server.models["someone/run"] = {f.name: f.read_bytes() for f in trainer_folder.iterdir()}
        yield server


def test_a_model_of_the_hub_is_brought_at_one_commit(add: Add, models: Path, hub: ModelHub) -> None:
    result = add("someone/run", "--fake", "LABEL_1")
    assert result.exit_code == 0, result.output
    served(models)
    source = model_folder.settings(models / "mine")["source"]
    assert (source["kind"], source["from"], source["revision"], source["license"]) == ("hub", "someone/run", SHA, "mit")
    assert "base_model: someone/run" in (models / "mine" / "README.md").read_text(encoding="utf-8")


def test_what_the_hub_does_not_give_is_one_sentence(
    add: Add, models: Path, hub: ModelHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(add("someone/else", "--fake", "1"), models, "The Hub shows no model someone/else", "HF_TOKEN")
    refused(add("someone/run", "--fake", "1", "--revision", "v9"), models, "no revision 'v9'")
    hub.gated.add("someone/run")
    refused(add("someone/run", "--fake", "1"), models, "someone/run is gated", "HF_TOKEN")
    hub.gated.clear()
    hub.cut.add("model.safetensors")
    refused(add("someone/run", "--fake", "1"), models, "could not be downloaded", "try again")
    with pytest.raises(ModelNotHere, match="Could not fetch someone/run at main from the Hub"):
        store.fetch("someone/run", "main", models.parent / "fetched")
    hub.models["someone/run"]["tf_model.h5"] = hub.models["someone/run"].pop("model.safetensors")
    refused(add("someone/run", "--fake", "1"), models, "TensorFlow weights alone")
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    refused(add("someone/run", "--fake", "1"), models, "HF_HUB_OFFLINE forbids")


@pytest.mark.slow
def test_the_commands_of_the_guide_work(
    run: Add, folder: Path, models: Path, distilbert_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (REPOSITORY / "docs" / "your-own.md").read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", page, re.S) for line in block.splitlines()]
    monkeypatch.chdir(tmp_path)
    folder.rename("tinybert-fake-news-detector")
    shutil.copytree(distilbert_base, "distilbert-base-uncased")
    texts, labels = planted_corpus(160, (40, 60))
    pd.DataFrame({"text": texts, "label": [1 - label for label in labels]}).to_csv("articles.csv", index=False)
    Path("article.txt").write_text(ARTICLE, encoding="utf-8")
    answers = {}
    for line in lines:
        words = shlex.split(line, comments=True)
        if words[-1] == "app.py":
            shared_from_the_page(dict(word.split("=") for word in words[:-2]), models, tmp_path)
            continue
        result = run(*words[1:])
        assert words[0] == "fakenews" and result.exit_code == 0, result.output
        answers[" ".join(words[1:3])] = result.stdout
    assert len(answers) == 12 and "my-news" in answers["data list"]
    assert "fake" in answers["predict article.txt"] and FAKE_WORD in answers["explain article.txt"]
    assert [path.name for path in models.iterdir()] == ["my-tfidf"]


def shared_from_the_page(variables: dict[str, str], models: Path, folder: Path) -> None:
    """What follows `python app.py`: the models stand side by side, and an analysis of theirs opens by its link."""
    database = f"sqlite:///{folder / 'shares.db'}"
    with running(folder, FAKENEWS_MODELS=str(models), FAKENEWS_DATABASE_URL=database, **variables) as address:
        sent = httpx2.post(f"{address}/api/v1/shares", json={"text": ARTICLE}, timeout=60).json()
        snapshot = httpx2.get(f"{address}/api/v1/shares/{sent['link'].partition('?a=')[2]}", timeout=60).json()
    assert not [
        name for name in variables["FAKENEWS_SHOW"].split(",") if f'"model": "{name}"' not in json.dumps(snapshot)
    ]


@pytest.mark.slow
def test_a_model_that_was_trained_here_is_one_of_the_models(
    run: Add, models: Path, distilbert_base: Path, table: Path
) -> None:
    train = ("train", "distilbert", "--data", table, "--base", distilbert_base, "--max-steps", 2)
    assert "cannot be a name" in run(*train, "--name", "My_Bert").stderr
    assert "comes with fakenews" in run(*train, "--name", "tfidf").stderr
    assert "exclude each other" in run(*train, "--name", "mine", "--out", models / "mine").stderr
    result = run(*train, "--name", "mine")
    assert result.exit_code == 0, result.output
    engine = Engine.open(Settings(models=models, device="cpu"))
    assert engine.pool.side_by_side == ("mine",) and engine.pool.trained_on("mine") == ("planted",)
    (prediction,) = engine.judge.analyse(ARTICLE).predictions
    assert "uncalibrated" not in prediction.reasons
    evaluation = engine.evidence.evaluation("mine")
    assert evaluation and {"planted/test", "planted/validation"} <= set(evaluation.corpora)
    (entry,) = json.loads(run("models", "--json").stdout)["models"]
    assert (entry["origin"], entry["calibrated"]) == ("distilbert on planted", True)
    assert "license: unknown" in (models / "mine" / "README.md").read_text(encoding="utf-8")
    assert "There is a model 'mine'" in run(*train, "--name", "mine").stderr
    baseline = run("train", "tfidf", "--data", table, "--name", "mine-too")
    assert baseline.exit_code == 0, baseline.output
    assert Engine.open(Settings(models=models, device="cpu")).judge.analyse(ARTICLE).predictions[1].model == "mine-too"
    assert run("remove", "mine").exit_code == 0 and run("remove", "mine-too").exit_code == 0


def test_what_is_calibrated_here_has_evidence_like_ours(add: Add, folder: Path, models: Path, table: Path) -> None:
    assert add(folder, "--calibrate", table).exit_code == 0
    engine = Engine.open(Settings(models=models, device="cpu"))
    evaluation = engine.evidence.evaluation("mine")
    measured = model_folder.settings(models / "mine")["measured"]
    assert evaluation and contradictions(models / "mine") == ()
    assert evaluation.corpora["planted/test"].n == measured["n"]
    assert evaluation.corpora["planted/test"].accuracy == pytest.approx(measured["accuracy"])
    assert ("planted", "planted") in Measured(engine).corpora()
    assert "mine" in Compare(engine).shown("accuracy")["board"] and "mine" in about.page(engine)


def test_a_multilingual_model_judges_other_languages(add: Add, models: Path, tmp_path: Path, folder: Path) -> None:
    german = "Der Stadtrat hat am Dienstag \u00fcber die alte Br\u00fccke gesprochen und keine Einigung gefunden. " * 6
    assert "Known: en, any" in add(folder, "--fake", "1", "--language", "de").stderr
    for name, language in (("one", "en"), ("many", "any")):
        options = ("--fake", "1", "--language", language, "--calibration", "2.0", "-1.0")
        assert add(folder, *options, name=name).exit_code == 0
    engine = Engine.open(Settings(models=models, device="cpu"))
    one, many = engine.judge.analyse(german, ("one", "many")).predictions
    assert "not_english" in one.reasons and not {"not_english", "uncalibrated"} & set(many.reasons)
    assert many.p_fake == pytest.approx(1 / (1 + np.exp(-(2.0 * many.log_odds - 1.0))), abs=1e-3)


@pytest.mark.slow
def test_api_shares_and_batch_treat_it_like_the_others(
    add: Add, run: Add, folder: Path, models: Path, table: Path, tmp_path: Path
) -> None:
    assert add(folder, "--calibrate", table, "--title", "My <own>").exit_code == 0
    small_tfidf().calibrate(*planted_corpus()).save(models / "tfidf")
    settings = Settings(models=models, device="cpu", database_url=f"sqlite:///{tmp_path / 'shares.db'}")
    assert Engine.open(settings).pool.side_by_side == ("tfidf", "mine")
    assert Engine.open(replace(settings, model_list=("mine",))).pool.side_by_side == ("mine",)
    with TestClient(asyncio.run(app_without_page(settings))) as client:
        answer = client.post("/api/v1/analyse", json={"text": ARTICLE}).json()
        assert [p["model"] for p in answer["predictions"]] == ["tfidf", "mine"]
        for method in ("gradient", "lime", "shap"):
            body = {"text": ARTICLE, "model": "mine", "method": method, "samples": 64}
            found = client.post("/api/v1/explain", json=body)
            assert found.status_code == 200, found.text
            assert any(a["weight"] for a in found.json()["attributions"])
        shared = client.post("/api/v1/shares", json={"text": ARTICLE}).json()
        snapshot = client.get(f"/api/v1/shares/{shared['link'].partition('?a=')[2]}").json()
        assert "My <own>" in json.dumps(snapshot)
    out = tmp_path / "scored.csv"
    scored = run("score", table, out, "--model", "mine")
    assert scored.exit_code == 0, scored.output
    assert {"p_fake_mine", "verdict_mine"} <= set(pd.read_csv(out).columns)


async def app_without_page(settings: Settings) -> Any:
    import gradio as gr

    from fakenews.server import create_app

    with gr.Blocks() as blocks:
        gr.Textbox(label="Article")
    return create_app(Engine.open(settings), settings, blocks=blocks, page={})


@pytest.mark.slow
def test_the_page_is_built_with_it(add: Add, run: Add, folder: Path, models: Path, tmp_path: Path) -> None:
    from fakenews.share.store import ShareStore
    from fakenews.ui.app import build_app

    assert add(folder, "--fake", "1", "--title", "My own").exit_code == 0
    engine = Engine.open(Settings(models=models, device="cpu"))

    async def configuration() -> dict[str, Any]:  # gradio wants a running loop
        return dict(build_app(engine, ShareStore(f"sqlite:///{tmp_path / 'shares.db'}")).get_config_file())

    assert "My own" in json.dumps(asyncio.run(configuration()), default=str)
