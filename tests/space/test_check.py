"""`fakenews space check` passes on this repository, and finds whatever is planted in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fakenews.config import REPOSITORY
from fakenews.space.check import check

Spoil = Callable[[Path], None]


def write(path: Path, content: str | bytes) -> None:
    path.unlink(missing_ok=True)  # it may be a link to the real one
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def replaced(was: str, now: str, name: str = "Spacefile") -> Spoil:
    def spoil(root: Path) -> None:
        content = (root / name).read_text(encoding="utf-8")
        assert was in content
        write(root / name, content.replace(was, now))

    return spoil


def added(name: str, content: str | bytes) -> Spoil:
    return lambda root: write(root / name, content)


def cut(name: str, n_bytes: int) -> Spoil:
    return lambda root: write(root / name, (root / name).read_bytes()[:n_bytes])


def removed(name: str) -> Spoil:
    return lambda root: (root / name).unlink()


COMMIT = "0" * 40
TOKEN = "hf_" + "a1B2" * 9
MISTAKES: dict[str, tuple[Spoil, str]] = {
    "no TOML": (replaced('sdk = "gradio"', "sdk = gradio"), "is not TOML"),
    "a key twice": (replaced('emoji = "📰"', 'emoji = "📰"\nemoji = "📰"'), "is not TOML"),
    "a key that does nothing": (replaced("sleep_seconds", "sleep_secs"), "sleep_secs: is no setting of a Spacefile"),
    "a number as text": (replaced("sleep_seconds = 3600", 'sleep_seconds = "1h"'), "[hardware] sleep_seconds"),
    "a name that is none": (replaced('"your-name/fakenews"', '"fakenews"'), "[space] id"),
    "a color there is not": (replaced('color_from = "yellow"', 'color_from = "orange"'), "[space] color_from"),
    "the name of an emoji": (replaced('"📰"', '"news"'), "[space] emoji: it takes one emoji"),
    "two letters as an emoji": (replaced('"📰"', '"📰n"'), "[space] emoji: it takes one emoji"),
    "no emoji": (replaced('"📰"', '""'), "[space] emoji: it takes one emoji"),
    "a license misspelled": (replaced('"apache-2.0"', '"apache2"'), 'the Hub knows no such license: did you mean'),
    "a license there is not": (replaced('"apache-2.0"', '"QQQ-9"'), 'use one such as "apache-2.0", or "other"'),
    "a long description": (replaced("and show why", "and show why " * 9), "[space] short_description"),
    "another SDK": (replaced('sdk = "gradio"', 'sdk = "docker"'), "[runtime] sdk"),
    "Python by halves": (replaced('python = "3.12"', 'python = "3"'), "[runtime] python"),
    "a target there is not": (replaced('target = "gpu"', 'target = "tpu"'), "names the target 'tpu'"),
    "hardware there is not": (replaced('"t4-small"', '"t5-small"'), "which the Hub does not have"),
    "hardware too dear": (replaced('"t4-small"', '"a100-large"'), "costs $2.50 an hour"),
    "a new torch on ZeroGPU": (replaced('torch = "2.11.0"', 'torch = "2.13.0"'), "ZeroGPU supports 2.8 to 2.11"),
    "another Python on ZeroGPU": (replaced('python = "3.12.12"', 'python = "3.11"'), "ZeroGPU has 3.12.12"),
    "ZeroGPU without its package": (replaced('extra = ["spaces==0.51.3"]', "extra = []"), 'needs the package "spaces"'),
    "a pin of nothing": (replaced("pins = { torch", "pins = { torsh"), "pins torsh"),
    "README not rendered": (replaced('title = "fakenews"', 'title = "other"'), 'run "fakenews space render"'),
    "a requirement not pinned": (replaced("typer==0.29.2", "typer", "requirements.txt"), "does not pin 'typer'"),
    "a lock left behind": (replaced("typer==0.29.2", "typer==0.1", "requirements.txt"), "requirements.lock has 0.29.2"),
    "no lock": (removed("requirements.lock"), "There is no requirements.lock"),
    "no gradio": (replaced("gradio==", "gradyo==", "requirements.txt"), "does not pin gradio"),
    "a token in the environment": (replaced('[env]', f'[env]\nHUB = "{TOKEN}"'), "[env] HUB holds a token of the Hub"),
    "a secret by its name": (replaced('[env]', '[env]\nMY_PASSWORD = "1"'), "[env] MY_PASSWORD holds a secret"),
    "a token in the code": (added("fakenews/keys.py", f'KEY = "{TOKEN}"\n'), "fakenews/keys.py holds what looks like"),
    "a database": (added("fakenews/shares.db", b"SQLite format 3"), "fakenews/shares.db is a database"),
    "a pickle": (added("models/tfidf/old.pkl", b"\x80\x04."), "models/tfidf/old.pkl may hold a pickle"),
    "a large file": (added("models/tfidf/large.json", b" " * 81_000_000), "models/tfidf/large.json has 81.0 MB"),
    "a model cut short": (cut("models/tinybert/model.safetensors", 1000), "model.safetensors is not the file"),
    "a model not pinned": (added("models/SHA256SUMS", ""), "models/tinybert are not pinned"),
    "a model there is not": (replaced('"tinybert", "tfidf"', '"tinybert", "bert"'), "The model 'bert'"),
    "half a model": (removed("models/tinybert/tokenizer.json"), "tokenizer.json is pinned but not in the bundle"),
    "no app": (removed("app.py"), "app.py is not in the bundle"),
    "a pattern of nothing": (replaced('"assets/**"', '"assets/**", "docs/**"'), "'docs/**' in [bundle] brings no file"),
    "a setting that will not do": (replaced('"20000"', '"many"'), "FAKENEWS_MAX_CHARS must be a positive whole number"),
    "a model of the Hub without its commit": (replaced("hub = []", 'hub = ["a/b"]'), "[models] hub.0.revision"),
    "a model of the Hub with a name of ours": (
        replaced("hub = []", f'hub = [{{ id = "a/b", revision = "{COMMIT}", name = "tfidf" }}]'), "'tfidf' is taken",
    ),
    "half a calibration": (
        replaced("hub = []", f'hub = [{{ id = "a/b", revision = "{COMMIT}", calibration = [1.0] }}]'), "is two numbers",
    ),
    "models too large": (
        replaced("hub = []", f'hub = [{{ id = "a/b", revision = "{COMMIT}", mb = 6000.0 }}]'), "need 20",
    ),
    "models of an unknown size": (
        replaced("hub = []", "hub = [" + ", ".join(f'"a/b{i}@{COMMIT}"' for i in range(12)) + "]"), "say mb if",
    ),
    "downloads at every start": (
        replaced("hub = []", "hub = [" + ", ".join(f'"a/b{i}@{COMMIT}"' for i in range(3)) + "]"), "at every start",
    ),
    "a bucket in two places": (replaced("[env]", '[env]\nFAKENEWS_BUCKET = "/data"'), "is set by [storage]"),
    "a long smoke test": (replaced('"20000"', '"20"'), "The text of [smoke] is longer"),
    "a smoke test of nothing": (replaced('endpoint = "/analyse"', 'endpoint = "/predict"'), "asks /predict"),
}  # fmt: skip


@pytest.mark.slow
def test_this_repository_can_be_deployed():
    assert check(REPOSITORY) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_found(name: str, repository: Path):
    spoil, said = MISTAKES[name]
    spoil(repository)
    problems = check(repository, imports=False)
    found = [problem for problem in problems if said in problem]
    assert found, problems
    assert all(problem.endswith((".", "?")) and "\n" not in problem for problem in problems)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fakenews/engine/judge.py", "fakenews/language.py"])
def test_a_bundle_without_a_part_cannot_be_imported(name: str, repository: Path):
    removed(name)(repository)
    (problem,) = check(repository)
    assert "cannot be imported" in problem and "No module named" in problem


def test_without_a_spacefile_it_says_so(tmp_path: Path):
    (problem,) = check(tmp_path)
    assert "There is no Spacefile" in problem


def test_one_target_alone_is_checked(repository: Path):
    replaced('torch = "2.11.0"', 'torch = "2.13.0"')(repository)
    assert check(repository, "gpu", imports=False) == []
    assert len(check(repository, "zero", imports=False)) == 2  # README is the one of [hardware]
