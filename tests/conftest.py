"""Small classifiers and bases that several suites share: really trained, in seconds, on one planted word per class."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from fakenews.classifiers.base import TextClassifier

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

    from fakenews.engine import Engine
    from fakenews.share.store import ShareStore

if "PYTEST_XDIST_WORKER" in os.environ:  # one thread for each worker; read when torch is imported
    os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test asks the Hub; read when transformers is imported, hence below

# At night each property is tried on as many inputs: python -m pytest tests/fuzz --hypothesis-profile nightly
settings.register_profile("nightly", max_examples=25_000, deadline=None)
settings.register_profile("quick", max_examples=25, deadline=None)
settings.load_profile("quick")

MakeBase = Callable[["PreTrainedConfig"], Path]


@pytest.fixture(scope="session")
def make_base(tmp_path_factory: pytest.TempPathFactory) -> MakeBase:
    """Save an encoder with random weights and its tokenizer, as a base is saved on the Hub; gives the folder."""

    def make(config: PreTrainedConfig) -> Path:
        import torch
        from transformers import AutoModel

        from tests.explain.toys import small_tokenizer

        tokenizer = small_tokenizer()
        config.vocab_size = len(tokenizer)
        folder = tmp_path_factory.mktemp("base")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            AutoModel.from_config(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def bert_base(make_base: MakeBase) -> Path:
    """Two-layer BERT of width 32 with TinyBERT's 512 positions."""
    from transformers import BertConfig

    config = BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    # So narrow and so briefly trained, it learns faster from larger weights and without dropout.
    config.initializer_range, config.hidden_dropout_prob, config.attention_probs_dropout_prob = 0.1, 0.0, 0.0
    return make_base(config)


@pytest.fixture(scope="session")
def large_base(make_base: MakeBase) -> Path:
    """Four layers, of which three are kept."""
    from transformers import BertConfig

    config = BertConfig(hidden_size=32, num_hidden_layers=4, num_attention_heads=4, intermediate_size=48)
    config.initializer_range, config.hidden_dropout_prob, config.attention_probs_dropout_prob = 0.1, 0.0, 0.0
    return make_base(config)


@pytest.fixture(scope="session")
def distilbert_base(make_base: MakeBase) -> Path:
    """Two-layer DistilBERT of width 32 with 512 positions."""
    from transformers import DistilBertConfig

    config = DistilBertConfig(dim=32, n_layers=2, n_heads=2, hidden_dim=64)
    config.initializer_range, config.dropout, config.attention_dropout = 0.1, 0.0, 0.0
    return make_base(config)


@pytest.fixture(scope="session")
def classifiers(
    bert_base: Path, distilbert_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, TextClassifier]:
    """One fitted classifier for every name in the registry, and three that were added."""
    from fakenews.classifiers.ensemble import MEMBERS
    from fakenews.classifiers.transformer import TransformerClassifier
    from fakenews.training import finetune
    from fakenews.training.settings import FineTuning
    from tests.explain import toys

    texts, labels = toys.planted_corpus(1100)
    found: dict[str, TextClassifier] = {
        "tfidf": toys.small_tfidf(),
        "word2vec": toys.small_word2vec(),
        "cnn": toys.small_cnn(),
        "features": toys.small_features(),
        "mpnet": toys.small_mpnet(),
        **{f"own-{kind}": toys.small_own(kind) for kind in toys.OWN_KINDS},
    }
    for name, base in (("tinybert", bert_base), ("distilbert", distilbert_base)):
        recipe = FineTuning(str(base), max_length=64, epochs=1, learning_rate=3e-3, mask_share=0.1)
        model, tokenizer = finetune.load_base(recipe.base, recipe.max_length, recipe.seed)
        examples = finetune.encode_examples(texts, labels, tokenizer)
        work = tmp_path_factory.mktemp(name)
        finetune.train(recipe, model, tokenizer, examples[:1000], examples[1000:], work)
        found[name] = TransformerClassifier(name, model, tokenizer, recipe.max_length, overlap=8)
    for classifier in found.values():
        classifier.calibrate(texts[1000:], labels[1000:])
    for name, members in MEMBERS.items():
        found[name] = toys.small_ensemble({member: found[member] for member in members}, name)
    return found


@pytest.fixture
def cleanings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect every text that is cleaned."""
    from fakenews.classifiers import base

    seen: list[str] = []
    real = base.clean
    monkeypatch.setattr(base, "clean", lambda source: (seen.append(source), real(source))[1])
    return seen


@pytest.fixture(scope="module")
def of_style() -> Iterator[None]:
    """Let the ensemble be one of TF-IDF and style features, which are fitted in a second."""
    from fakenews.classifiers.ensemble import MEMBERS

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MEMBERS, "ensemble", ("tfidf", "features"))
        yield


@pytest.fixture(scope="session")
def share_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Two small models in a folder like `models/`, behind the one door."""
    from fakenews.config import Settings
    from fakenews.engine import Engine
    from tests.explain.toys import planted_corpus, small_tfidf, small_word2vec

    models = tmp_path_factory.mktemp("models")
    for name, classifier in (("tfidf", small_tfidf()), ("word2vec", small_word2vec())):
        classifier.calibrate(*planted_corpus()).save(models / name)
    return Engine.open(Settings(models=models, device="cpu"))


@pytest.fixture(scope="module")  # while it lives, no event loop can be started in this thread
def browser() -> Iterator[Any]:
    """Debian's Chromium through Playwright; tests that ask for it are skipped where there is none."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium here: install Debian's package chromium")
    from playwright.sync_api import sync_playwright

    from tests.running import FLAGS

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def postgres() -> Iterator[str]:
    """URL of an empty database on a real server; `FAKENEWS_TEST_POSTGRES` names one with the right to make more."""
    server = os.environ.get("FAKENEWS_TEST_POSTGRES", "")
    if not server:
        pytest.skip("no PostgreSQL here: FAKENEWS_TEST_POSTGRES names none")
    import psycopg

    name = f"fakenews_{secrets.token_hex(6)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield f"{server}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "sqlite and bucket", "postgres", "postgres and bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ShareStore]:
    """Every kind of storage that shared analyses and review sets can be kept in."""
    from fakenews.share.store import ShareStore

    index, _, bucket = request.param.partition(" and ")
    here = f"sqlite:///{tmp_path / 'index' / 'shares.db'}"
    url = request.getfixturevalue("postgres") if index == "postgres" else here
    found = ShareStore(url, tmp_path / "bucket" if bucket else None)
    yield found
    found.close()
