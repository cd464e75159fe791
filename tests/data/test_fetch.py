import hashlib
from pathlib import Path

import pytest

from fakenews.data import fetch, registry
from fakenews.data.base import TextNotHere
from tests.model_hub import serving

CSV = 'title,text,subject,date\nPier,"The pier of {0} has opened.",{1},"May 1, 2016"\n'


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "Fake.csv").write_text(CSV.format("Nowhere", "News"))
    (folder / "True.csv").write_text(CSV.format("Harbour", "worldnews"))
    return folder


def test_isot_from_a_folder_can_be_loaded_by_name(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "data"
    assert fetch.get("isot", out, source) == out / "isot.parquet"
    assert registry.load("isot", out)["label"].tolist() == [0, 1]
    assert [p.name for p in out.iterdir()] == ["isot.parquet"]


def test_a_checksum_is_checked_before_anything_is_written(source: Path, tmp_path: Path) -> None:
    right = hashlib.sha256((source / "Fake.csv").read_bytes()).hexdigest()
    fetch.get("isot", tmp_path, source, sha256={"Fake.csv": right})
    (tmp_path / "isot.parquet").unlink()
    with pytest.raises(ValueError, match=r"Fake.csv has the SHA-256 .* expected 00: it is another file"):
        fetch.get("isot", tmp_path, source, sha256={"Fake.csv": "00"})
    with pytest.raises(FileNotFoundError, match=r"has no Other.csv"):
        fetch.get("isot", tmp_path, source, sha256={"Other.csv": "00"})
    assert not (tmp_path / "isot.parquet").exists()


def test_without_a_network_one_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ConnectionError, match=r"Could not get Fake.csv .* Go online, or pass --source FOLDER"):
        fetch.get("isot", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_is_cut_off_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch) as hub:
        hub.models["someone/isot"], hub.cut = {"Fake.csv": b"title,text\n" * 100}, {"Fake.csv"}
        with pytest.raises(ConnectionError, match=r"Could not get Fake.csv .* Go online, or pass --source FOLDER"):
            fetch.get("isot", tmp_path, repo_id="someone/isot", revision="main")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(set(registry.DATASETS) - {"isot", "demo"}))
def test_other_corpora_say_where_they_are(name: str, tmp_path: Path) -> None:
    with pytest.raises(TextNotHere, match="No command fetches") as caught:
        fetch.get(name, tmp_path)
    assert registry.get(name).homepage in str(caught.value)


def test_the_demo_needs_no_getting(tmp_path: Path) -> None:
    with pytest.raises(TextNotHere, match="part of the repository"):
        fetch.get("demo", tmp_path)
