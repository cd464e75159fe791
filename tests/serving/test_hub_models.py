"""Models that a Spacefile names: the server is ready before them, and each ends in a model or in one sentence."""

from __future__ import annotations

import json
import logging
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from fakenews.classifiers import model_folder
from fakenews.cli import app
from fakenews.config import REPOSITORY, Settings
from fakenews.engine import Engine
from fakenews.serving.hub_models import HubModels
from fakenews.space.spacefile import read_spacefile
from tests.explain.toys import FAKE_WORD, own_checkpoint, planted_corpus, small_tfidf
from tests.model_hub import SHA, ModelHub
from tests.running import running

ARTICLE = f"The mayor said the {FAKE_WORD} will report on a new road budget today. " * 5
OTHER = "f" * 40


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("run")
    for part in own_checkpoint("distilbert", ("FAKE", "REAL")):
        part.save_pretrained(folder)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def hub(files: dict[str, bytes]) -> Iterator[ModelHub]:
    server = ModelHub()
    server.models = {"someone/Run_1": dict(files), "someone/plain": dict(files), "someone/gated": dict(files)}
    server.gated.add("someone/gated")
    yield server
    server.close()


@pytest.fixture
def environment(hub: ModelHub, tmp_path: Path) -> dict[str, str]:
    """What the Space says in [env], and where its Hub is."""
    models = tmp_path / "models"
    small_tfidf().calibrate(*planted_corpus()).save(models / "tfidf")
    return {
        "FAKENEWS_MODELS": str(models), "FAKENEWS_SPACEFILE": str(tmp_path / "Spacefile"), "FAKENEWS_DEVICE": "cpu",
        "FAKENEWS_BUCKET": str(tmp_path / "bucket"), "HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_XET": "1", "FAKENEWS_LOG": "json", "FAKENEWS_DATA": "",
    }  # fmt: skip


@pytest.fixture
def name(tmp_path: Path) -> Callable[..., None]:
    """Write a Spacefile that names these models."""

    def write(*models: str) -> None:
        text = (REPOSITORY / "Spacefile").read_text(encoding="utf-8")
        named = re.sub(r"^hub = .*$", lambda _: f"hub = [{', '.join(models)}]", text, flags=re.M)
        (tmp_path / "Spacefile").write_text(named, encoding="utf-8")

    return write


def until(found: Callable[[], Any], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return value


def states(address: str) -> dict[str, str]:
    told = httpx2.get(f"{address}/healthz", timeout=30).json()
    return {key: value["state"] for key, value in told["hub_models"].items()}


@pytest.mark.slow
def test_the_server_is_ready_before_them_and_each_ends_well_or_in_a_sentence(
    hub: ModelHub, environment: dict[str, str], name: Callable[..., None], tmp_path: Path
) -> None:
    table = f'{{ id = "someone/plain", revision = "{SHA}", name = "mine", title = "Mine", calibration = [2.0, -0.5] }}'
    name(f'"someone/Run_1@{SHA}"', table, f'"someone/gated@{SHA}"', f'"someone/nobody@{SHA}"', f'"someone/Run@{OTHER}"')
    hub.slow = 0.1
    with running(tmp_path, **environment) as address:
        assert "waiting" in states(address).values()  # and the server says that it is ready
        assert httpx2.post(f"{address}/api/v1/analyse", json={"text": ARTICLE}, timeout=30).status_code == 200
        until(lambda: set(states(address).values()) <= {"served", "failed"})
        assert states(address) == {
            "run-1": "served", "mine": "served", "gated": "failed", "nobody": "failed", "run": "failed",
        }  # fmt: skip
        health = httpx2.get(f"{address}/healthz").json()
        assert health["status"] == "ok" and {"run-1", "mine"} <= set(health["models"])
        assert health["memory"]["process_mb"] > 100 and health["memory"]["models_mb"]["mine"] > 0
        assert "is gated" in health["hub_models"]["gated"]["sentence"]
        asked = {"text": ARTICLE, "models": ["mine", "run-1"]}
        answer = httpx2.post(f"{address}/api/v1/analyse", json=asked, timeout=30).json()["predictions"]
        assert [p["reasons"] for p in answer][1] == ["uncalibrated"] and answer[0]["p_fake"] > 0.5
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert (
        "gated cannot be served: someone/gated is gated" in log and "nobody cannot be served: The Hub shows no" in log
    )
    told = CliRunner().invoke(app, ["models"], env=environment).stdout
    assert "gated of someone/gated@" in told and "is failed. someone/gated is gated" in told and "mine " in told
    hub.calls.clear()
    shutil.rmtree(tmp_path / "models" / "mine")
    shutil.rmtree(tmp_path / "models" / "run-1")  # as a Space forgets what it had
    name(f'"someone/Run_1@{SHA}"', table)
    with running(tmp_path, **environment, FAKENEWS_SHOW="mine,run-1") as address:
        until(lambda: set(states(address).values()) == {"served"})
        answer = httpx2.post(f"{address}/api/v1/analyse", json={"text": ARTICLE}, timeout=30).json()["predictions"]
        assert {p["model"] for p in answer} == {"mine", "run-1"}
    assert hub.calls == []


def test_what_the_volume_holds_is_checked(
    environment: dict[str, str], name: Callable[..., None], files: dict[str, bytes], tmp_path: Path
) -> None:
    name(f'"someone/Run_1@{SHA}"')
    settings = Settings.from_environment(environment)
    source = tmp_path / "source"
    source.mkdir()
    for file, content in files.items():
        (source / file).write_bytes(content)
    assert CliRunner().invoke(app, ["add", "run-1", "--from", str(source)], env=environment).exit_code == 0
    kept = tmp_path / "bucket" / "models" / "run-1"
    shutil.move(tmp_path / "models" / "run-1", kept)

    def taken() -> str:
        models = HubModels(settings)
        models.take_cached()
        return models.awaited["run-1"].state

    assert taken() == "waiting"  # of another source
    of_hub = {"kind": "hub", "from": "someone/Run_1", "revision": SHA, "license": None, "date": "2026-11-29"}
    model_folder.change_settings(kept, source=of_hub)
    whole = (kept / "model.safetensors").read_bytes()
    (kept / "model.safetensors").write_bytes(whole[:-1])
    assert taken() == "waiting"
    (kept / "model.safetensors").write_bytes(whole)
    assert taken() == "ready" and taken() == "ready"
    models = HubModels(settings)
    models.take_cached()
    engine = Engine.open(replace(settings, model_list=()))
    models.bring(engine.pool)
    assert models.awaited["run-1"].state == "served" and "run-1" in engine.pool.loaded


def test_a_model_that_is_shown_may_come_later(environment: dict[str, str], name: Callable[..., None]) -> None:
    name(f'"someone/Run_1@{SHA}"')
    settings = replace(Settings.from_environment(environment), model_list=("run-1", "tfidf"))
    engine = Engine.open(settings)
    with pytest.raises(ValueError, match="FAKENEWS_SHOW names run-1"):
        _ = engine.pool.models
    engine = Engine.open(settings)
    engine.pool.awaited = frozenset(HubModels(settings).awaited)
    assert engine.pool.side_by_side == ("tfidf",)


def test_a_spacefile_that_cannot_be_read_is_told_and_stops_nothing(
    environment: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "Spacefile").write_text("schema = ", encoding="utf-8")
    with caplog.at_level(logging.ERROR):
        assert HubModels(Settings.from_environment(environment)).wanted == ()
    assert "are not brought: Spacefile is not TOML" in caplog.text


def test_on_a_space_the_repositorys_spacefile_is_read() -> None:
    assert Settings.from_environment({}).spacefile is None
    assert Settings.from_environment({"SPACE_ID": "a/b"}).spacefile == REPOSITORY / "Spacefile"
    assert read_spacefile(REPOSITORY / "Spacefile").models.hub == []


def test_options_are_those_of_add() -> None:
    from fakenews.space.spacefile import HubModel

    model = HubModel(id="a/Some.Model", revision=SHA, fake=["x", "y"], cleaning="none", calibration=[2.0, -1.0])
    assert model.key == "some-model" and json.loads(json.dumps(model.options())) == [
        "--from", "a/Some.Model", "--revision", SHA, "--language", "en", "--fake", "x", "--fake", "y",
        "--cleaning", "none", "--calibration", "2.0", "-1.0",
    ]  # fmt: skip
