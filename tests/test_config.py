"""Settings: what the environment may say, and what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakenews.config import REPOSITORY, Settings, pick_device


def test_an_empty_environment_gives_the_defaults():
    assert Settings.from_environment({}) == Settings()
    assert Settings().models == REPOSITORY / "models"
    assert (Settings().host, Settings().port) == ("127.0.0.1", 7860)


def test_everything_can_be_set():
    found = Settings.from_environment(
        {
            "FAKENEWS_MODELS": "/m",
            "FAKENEWS_DATA": "/d",
            "FAKENEWS_DEVICE": "cpu",
            "FAKENEWS_SHOW": "tinybert, mpnet",
            "FAKENEWS_MAX_CHARS": "500",
            "FAKENEWS_HOST": "0.0.0.0",
            "FAKENEWS_PORT": "8000",
        }
    )
    assert found == Settings(Path("/m"), Path("/d"), "cpu", ("tinybert", "mpnet"), 500, "0.0.0.0", 8000)


def test_the_old_name_of_the_models_that_are_shown_is_understood():
    assert Settings.from_environment({"FAKENEWS_MODEL_LIST": "tfidf"}).model_list == ("tfidf",)
    both = {"FAKENEWS_SHOW": "mpnet", "FAKENEWS_MODEL_LIST": "tfidf"}
    assert Settings.from_environment(both).model_list == ("mpnet",)


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({"SPACE_ID": "someone/fakenews"}, ("0.0.0.0", 7860)),
        ({"GRADIO_SERVER_NAME": "::1", "GRADIO_SERVER_PORT": "7000"}, ("::1", 7000)),
        (
            {"GRADIO_SERVER_NAME": "::1", "FAKENEWS_HOST": "h", "GRADIO_SERVER_PORT": "1", "FAKENEWS_PORT": "2"},
            ("h", 2),
        ),
        ({"SPACE_ID": "someone/fakenews", "FAKENEWS_HOST": "h"}, ("h", 7860)),
    ],
)
def test_where_the_server_listens(environment, address):
    found = Settings.from_environment(environment)
    assert (found.host, found.port) == address


def test_an_empty_data_folder_is_none():
    assert Settings.from_environment({"FAKENEWS_DATA": ""}).data is None


@pytest.mark.parametrize("name", ["FAKENEWS_PORT", "FAKENEWS_MAX_CHARS", "GRADIO_SERVER_PORT"])
@pytest.mark.parametrize("value", ["0", "-1", "many", "", "1.5"])
def test_a_number_that_is_none_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a positive whole number.*, got '{value}'"):
        Settings.from_environment({name: value})


@pytest.mark.parametrize("name", ["FAKENEWS_PORT", "GRADIO_SERVER_PORT"])
def test_a_port_that_no_machine_has_is_refused(name):
    assert Settings.from_environment({name: "65535"}).port == 65_535
    with pytest.raises(ValueError, match=f"{name} must be a positive whole number up to 65535, got '65536'"):
        Settings.from_environment({name: "65536"})


@pytest.mark.parametrize("url", ["sqlite:///a.db", "postgres://u@h/d", "postgresql://h/d", "postgresql+psycopg://h/d"])
def test_databases(url):
    assert Settings.from_environment({"FAKENEWS_DATABASE_URL": url}).database_url == url


@pytest.mark.parametrize("url", ["nonsense", "mysql://u:word@h/d", "postgresqlx://h", "a.db"])
def test_a_database_of_another_kind_is_refused_without_its_password(url):
    with pytest.raises(ValueError, match="FAKENEWS_DATABASE_URL must be sqlite:///… or postgresql://…") as caught:
        Settings.from_environment({"FAKENEWS_DATABASE_URL": url})
    assert "word" not in str(caught.value)


def test_what_limits_a_server():
    assert Settings.from_environment({}) == Settings()
    found = Settings.from_environment({"FAKENEWS_RATE": "0", "FAKENEWS_METRICS": "0", "FAKENEWS_LOG": "json"})
    assert (found.verdicts_per_minute, found.limit_local, found.metrics, found.log) == (0, True, False, "json")
    with pytest.raises(ValueError, match="FAKENEWS_RATE must be"):
        Settings.from_environment({"FAKENEWS_RATE": "-1"})
    with pytest.raises(ValueError, match="FAKENEWS_LOG must be text or json, got 'xml'"):
        Settings.from_environment({"FAKENEWS_LOG": "xml"})


@pytest.mark.parametrize("environment", [{"SPACE_ID": "a/b"}, {"SYSTEM": "spaces"}])
def test_a_space_believes_its_proxy_and_keeps_its_numbers_to_itself(environment):
    found = Settings.from_environment(environment)
    assert found.proxies == 1 and not found.metrics


@pytest.mark.parametrize(("value", "proxies"), [("", 0), ("0", 0), ("1", 1), ("true", 1), ("2", 2)])
def test_how_many_proxies_are_believed(value, proxies):
    assert Settings.from_environment({"FAKENEWS_FORWARDED": value}).proxies == proxies
    with pytest.raises(ValueError, match="FAKENEWS_FORWARDED must be the number of proxies, 0 to 10, got '-1'"):
        Settings.from_environment({"FAKENEWS_FORWARDED": "-1"})


def test_an_unknown_device_is_refused():
    with pytest.raises(ValueError, match="FAKENEWS_DEVICE must be auto, cpu or cuda, got 'tpu'"):
        Settings.from_environment({"FAKENEWS_DEVICE": "tpu"})


def test_the_real_environment_is_read(monkeypatch):
    monkeypatch.setenv("FAKENEWS_MAX_CHARS", "77")
    assert Settings.from_environment().max_chars == 77


def test_devices():
    import torch

    here = "cuda" if torch.cuda.is_available() else "cpu"
    assert pick_device("cpu") == "cpu"
    assert pick_device("auto") == pick_device() == here
    if here == "cpu":
        with pytest.raises(ValueError, match="finds no GPU here"):
            pick_device("cuda")
    else:
        assert pick_device("cuda") == "cuda"
