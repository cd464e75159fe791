"""Encoders without a head: the probe alone answers, from the embeddings and every layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModel, BertConfig, BertModel, DistilBertConfig, DistilBertModel

from fakenews.classifiers.base import NotFittedError, clean_text
from fakenews.classifiers.probe import fit_probe
from fakenews.classifiers.transformer import TransformerClassifier
from fakenews.training.bases import first_layers
from tests.explain.toys import planted_corpus, small_bert, small_mpnet, small_tokenizer

TEXTS = [*planted_corpus(6)[0], "", "one two " * 300]  # the last one fills several windows


def small_headless_bert() -> TransformerClassifier:
    tokenizer = small_tokenizer()
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64, "initializer_range": 0.1}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(BertConfig(vocab_size=len(tokenizer), num_hidden_layers=3, **sizes))
    classifier = TransformerClassifier("toy", first_layers(model, 2), tokenizer, 64, overlap=8)
    texts, labels = planted_corpus(100)
    classifier.probe_ = fit_probe(classifier.states(texts), labels)
    return classifier


@pytest.fixture(params=[small_mpnet, small_headless_bert])
def classifier(request: pytest.FixtureRequest) -> TransformerClassifier:
    return request.param()


def test_states_are_those_of_the_embeddings_and_every_layer(classifier):
    windows = classifier.encode(TEXTS[0])
    states = classifier.states(TEXTS)
    assert states.shape == (len(TEXTS), 3, 32) == (len(TEXTS), classifier.n_states, 32)
    with torch.no_grad():
        output = classifier.model(windows.input_ids, windows.attention_mask, output_hidden_states=True)
    expected = torch.stack(output.hidden_states)[:, 0].mean(1)
    np.testing.assert_allclose(states[0], expected, atol=1e-5)
    assert classifier.states([]).shape == (0, 3, 32)


def test_the_probe_alone_answers(classifier):
    expected = classifier.probe_.log_odds(classifier.states(TEXTS))
    np.testing.assert_allclose(classifier.decision_function(TEXTS), expected, atol=1e-4)


def test_gradients_and_masked_variants_see_the_same(classifier):
    text = TEXTS[0]
    windows = classifier.encode(text)
    embeddings = classifier.embed(windows.input_ids).detach().requires_grad_()
    margin = classifier.log_odds_from_embeddings(embeddings, windows.attention_mask)
    margin.sum().backward()
    assert embeddings.grad is not None and float(embeddings.grad.abs().min(dim=-1).values.max()) > 0
    masked = classifier.masked_log_odds(text, np.ones((1, len(clean_text(text).words)), dtype=bool))
    for found in (margin.item(), masked[0]):
        assert found == pytest.approx(classifier.decision_function([text])[0], abs=1e-4)


def test_padding_changes_nothing(classifier):
    short, long = TEXTS[0], " ".join(TEXTS[1:4])
    together = classifier.decision_function([short, long])
    np.testing.assert_allclose(together, [classifier.decision_function([text])[0] for text in (short, long)], atol=1e-5)


def test_what_is_saved_goes_on_answering(classifier, tmp_path):
    classifier.fit_ood(planted_corpus(40)[0])
    classifier.save(tmp_path / "saved")
    loaded = TransformerClassifier.load(tmp_path / "saved")
    assert (loaded.has_head, loaded.weights) == (False, classifier.weights)
    np.testing.assert_array_equal(loaded.decision_function(TEXTS), classifier.decision_function(TEXTS))
    scores, distances = loaded.predict_with_ood_score(TEXTS)
    np.testing.assert_allclose(scores.log_odds, classifier.decision_function(TEXTS), atol=1e-5)
    assert distances.shape == (len(TEXTS),) and np.isfinite(distances).all()


def test_without_a_probe_there_is_no_answer(classifier):
    classifier.probe_ = None
    windows = classifier.encode("the mayor")
    with pytest.raises(NotFittedError, match="neither a head nor a probe"):
        classifier.decision_function(["the mayor"])
    with pytest.raises(NotFittedError, match="neither a head nor a probe"):
        classifier.log_odds_from_embeddings(classifier.embed(windows.input_ids), windows.attention_mask)


def test_special_tokens_that_a_user_types_are_text():
    classifier = small_mpnet()
    ids = classifier.encode("lizard <mask> </s> <pad> said").input_ids[0]
    assert ids[0] == classifier.tokenizer.cls_token_id == 0
    assert ids[-1] == classifier.tokenizer.sep_token_id
    specials = {classifier.tokenizer.pad_token_id, classifier.mask_token_id, int(ids[0]), int(ids[-1])}
    assert not specials & set(ids[1:-1].tolist())
    assert classifier.tokenizer.pad_token_id == 1 and classifier.mask_token == "<mask>"


def test_the_first_layers_are_those_of_the_whole(tmp_path):
    whole = small_mpnet().model
    whole.save_pretrained(tmp_path)
    kept = first_layers(AutoModel.from_pretrained(tmp_path), 1)
    ids = torch.tensor([[0, 40, 50, 60, 2]])
    with torch.no_grad():
        expected = whole(ids, output_hidden_states=True).hidden_states[:2]
        found = kept.eval()(ids, output_hidden_states=True)
    assert kept.config.num_hidden_layers == 1 and found.pooler_output is None
    assert all(torch.equal(one, other) for one, other in zip(found.hidden_states, expected, strict=True))


def test_the_first_layers_of_a_model_with_a_head_come_without_it():
    bare = first_layers(small_bert().model, 1)
    assert isinstance(bare, BertModel) and bare.base_model is bare


def test_layers_that_are_not_there_are_refused():
    model = small_mpnet().model
    for n in (0, 3):
        with pytest.raises(ValueError, match=f"n must lie between 1 and 2 layers, got {n}"):
            first_layers(model, n)
    other = DistilBertModel(DistilBertConfig(dim=8, n_layers=1, n_heads=1, hidden_dim=8, vocab_size=10))
    with pytest.raises(ValueError, match="Expected an MPNet or a BERT, got a distilbert"):
        first_layers(other, 1)
