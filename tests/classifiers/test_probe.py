"""The probe: that it is stored, and that it finds what several corpora share."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from fakenews.classifiers import store
from fakenews.classifiers.probe import Probe, fit_probe, mean_states
from fakenews.classifiers.transformer import TransformerClassifier
from tests.explain.toys import planted_corpus, small_mpnet


@pytest.fixture
def probed() -> TransformerClassifier:
    """Return a small encoder with a probe, in its own memory."""
    return small_mpnet()


def test_mean_states_leave_padding_out():
    layer = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [100.0, 100.0]]])
    mask = torch.tensor([[1, 1, 0]])
    np.testing.assert_allclose(mean_states([layer, 2 * layer], mask), [[[2.0, 3.0], [4.0, 6.0]]])


def test_a_probe_travels_with_the_weights_and_changes_the_revision(probed, tmp_path):
    folder = tmp_path / "again"
    probed.save(folder)
    texts = planted_corpus(10)[0]
    np.testing.assert_allclose(
        TransformerClassifier.load(folder).decision_function(texts), probed.decision_function(texts), atol=1e-4
    )
    with_probe = store.find(str(folder), tmp_path).revision
    bare = shutil.copytree(folder, tmp_path / "bare")
    (bare / "probe.safetensors").unlink()
    assert store.find(str(bare), tmp_path).revision != with_probe
    assert TransformerClassifier.load(bare).probe_ is None
    assert Probe.load(bare) is None


def test_a_model_without_a_probe_does_not_inherit_that_of_an_earlier_one(probed, tmp_path):
    folder = tmp_path / "again"
    probed.fit_ood(planted_corpus(10)[0])
    probed.save(folder)
    probed.probe_ = probed.centroids_ = None
    probed.save(folder)
    stored = TransformerClassifier.load(folder)
    assert stored.probe_ is None and stored.centroids_ is None


def test_a_probe_beside_a_head_is_refused(classifiers, probed, tmp_path):
    classifiers["tinybert"].save(tmp_path / "old")
    probed.probe_.save(tmp_path / "old")
    with pytest.raises(ValueError, match="a probe beside its head, as an earlier version trained it: train it again"):
        TransformerClassifier.load(tmp_path / "old")


def test_weights_decide_which_corpus_a_probe_listens_to():
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=600)
    sign = np.where(np.arange(600) < 500, 1.0, -1.0)  # the last hundred say the opposite
    states = (sign * np.where(labels == 0, 1.0, -1.0))[:, None, None] + rng.normal(0, 1, (600, 1, 3))
    loud = np.where(np.arange(600) < 500, 0.1, 5.0)
    assert fit_probe(states.astype(np.float32), labels).weights.sum() > 0
    assert fit_probe(states.astype(np.float32), labels, loud).weights.sum() < 0
