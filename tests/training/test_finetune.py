"""The training loop on a tiny encoder: what a batch holds, what a run keeps, and that it can be taken up again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import BertConfig, Trainer

from fakenews.schema import FAKE, LABELS, REAL
from fakenews.training import finetune
from fakenews.training.settings import FineTuning
from tests.explain.toys import planted_corpus, small_tokenizer


@pytest.fixture(scope="module")
def recipe(bert_base) -> FineTuning:
    return FineTuning(str(bert_base), max_length=32, epochs=1, learning_rate=3e-3, batch_size=8)


@pytest.fixture(scope="module")
def examples() -> list[finetune.Example]:
    return finetune.encode_examples(*planted_corpus(80), small_tokenizer())


@pytest.fixture(scope="module")
def dropping(make_base) -> Path:
    """Return a base with dropout, so that the global generator counts too."""
    return make_base(BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64))


@pytest.fixture
def run(recipe, examples, tmp_path):
    """Train a fresh model; what is given replaces settings of the recipe."""

    def train(work="work", trainer_class=Trainer, max_steps=None, resume=False, **settings) -> finetune.Trained:
        with_settings = replace(recipe, **settings)
        model, tokenizer = finetune.load_base(with_settings.base, with_settings.max_length, with_settings.seed)
        return finetune.train(
            with_settings, model, tokenizer, examples[:64], examples[64:], tmp_path / work,
            max_steps=max_steps, resume=resume, trainer_class=trainer_class,
        )  # fmt: skip

    return train


def same_weights(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    ours, theirs = a.state_dict(), b.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def steps(trained: finetune.Trained) -> list[int]:
    return [row["step"] for row in trained.history if "loss" in row]


def test_a_base_gets_a_head_of_our_labels(recipe):
    model, tokenizer = finetune.load_base(recipe.base, 512, seed=1)
    assert model.config.id2label == dict(enumerate(LABELS))
    assert model.config.label2id == {"fake": FAKE, "real": REAL}
    assert model.classifier.weight.shape == (2, 32)
    assert model.dtype == torch.float32
    assert tokenizer.mask_token == "[MASK]"


def test_the_head_follows_the_seed_and_leaves_the_global_generator_alone(recipe):
    before = torch.random.get_rng_state()
    heads = [finetune.load_base(recipe.base, 512, seed)[0].classifier.weight for seed in (1, 1, 2)]
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_base_that_cannot_be_had_says_what_to_do():
    with pytest.raises(ValueError, match="Cannot load the base 'nobody/nothing'.*Give --base a folder"):
        finetune.load_base("nobody/nothing", 512, 42)


def test_a_base_with_too_few_positions_is_refused(recipe):
    with pytest.raises(ValueError, match="reads 512 word pieces, the recipe asks for 513"):
        finetune.load_base(recipe.base, 513, 42)


def test_examples_hold_the_neutral_text_whole():
    tokenizer = small_tokenizer()
    long = "The lizard said. " * 500
    ours = finetune.encode_examples(["PARIS (Reuters) - The “lizard” [SEP] said", long], [FAKE, REAL], tokenizer)
    assert tokenizer.convert_ids_to_tokens(ours[0]["input_ids"])[:2] == ["the", "lizard"]
    assert tokenizer.sep_token_id not in ours[0]["input_ids"]
    assert len(ours[1]["input_ids"]) == 2000
    assert [example["labels"] for example in ours] == [FAKE, REAL]


def test_a_batch_is_framed_and_padded_to_its_longest(recipe):
    tokenizer = small_tokenizer()
    cls, sep, pad = tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id
    collate = finetune.Collator(tokenizer, replace(recipe, max_length=6))
    batch = collate([{"input_ids": [11, 12, 13, 14, 15], "labels": 0}, {"input_ids": [16], "labels": 1}])
    assert batch["input_ids"].tolist() == [[cls, 11, 12, 13, 14, sep], [cls, 16, sep, pad, pad, pad]]
    assert batch["attention_mask"].tolist() == [[1] * 6, [1, 1, 1, 0, 0, 0]]
    assert batch["labels"].tolist() == [0, 1]


def test_lengths_are_rounded_up_to_a_multiple_but_not_beyond_the_recipe(recipe):
    collate = finetune.Collator(small_tokenizer(), replace(recipe, max_length=20), multiple=8)
    for n_pieces, length in ((1, 8), (6, 8), (7, 16), (14, 16), (15, 20), (50, 20)):
        batch = collate([{"input_ids": np.full(n_pieces, 11), "labels": 0}])
        assert batch["input_ids"].shape == (1, length)
        assert int(batch["attention_mask"].sum()) == min(n_pieces + 2, 20)


def test_what_an_example_shows_leaves_the_example_as_it_is(recipe):
    example = {"input_ids": np.arange(10, 40, dtype=np.int32), "labels": 0}
    collate = finetune.Collator(small_tokenizer(), replace(recipe, max_length=64, mask_share=0.5))
    collate([example] * 50)
    assert example["input_ids"].tolist() == list(range(10, 40))


@pytest.mark.parametrize(
    ("n_examples", "epochs", "batch"), [(6_375, 3, 128), (6_375, 0.5, 32), (64, 1, 16), (100_000, 3, 128)]
)
def test_a_gpu_takes_larger_steps_as_long_as_enough_of_them_are_left(n_examples, epochs, batch):
    asked = FineTuning("", epochs=epochs)
    found, passes = finetune.for_gpu(asked, BertConfig(), n_examples, memory=80 * 2**30)
    assert (found.batch_size, passes) == (batch, 1)
    assert found.learning_rate == pytest.approx(2e-5 * (batch / 16) ** 0.5)
    assert replace(found, batch_size=16, learning_rate=2e-5) == asked


@pytest.mark.parametrize(("gigabytes", "passes"), [(80, 1), (24, 4), (16, 4), (4, 16), (0, 128)])
def test_a_smaller_gpu_takes_a_step_in_more_passes(gigabytes, passes):
    found = finetune.for_gpu(FineTuning(""), BertConfig(), 6_375, gigabytes * 2**30)
    assert (found[0].batch_size, found[1]) == (128, passes)


@pytest.mark.slow
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_step_in_several_passes_is_the_step_in_one(run, monkeypatch, smoothing):
    at_once = run("one", max_steps=4, label_smoothing=smoothing)
    monkeypatch.setattr(finetune, "for_device", lambda recipe, config, n: (recipe, 4))
    in_passes = run("four", max_steps=4, label_smoothing=smoothing)
    curves = [[(r["loss"], r["grad_norm"]) for r in found.history if "loss" in r] for found in (at_once, in_passes)]
    assert len(curves[0]) == 4
    np.testing.assert_allclose(curves[1], curves[0], rtol=1e-3)


def test_random_windows_are_drawn_only_while_training(recipe):
    tokenizer = small_tokenizer()
    example = {"input_ids": list(range(10, 60)), "labels": 0}
    collate = finetune.Collator(tokenizer, replace(recipe, max_length=12, window="random"))
    firsts = [int(collate([example])["input_ids"][0, 1]) for _ in range(300)]
    assert min(firsts) == 10
    assert max(firsts) == 50  # the last window ends with the text
    assert 60 < firsts.count(10) < 140  # one in three
    collate.training = False
    assert {int(collate([example])["input_ids"][0, 1]) for _ in range(20)} == {10}


def test_pieces_are_masked_by_the_share_asked_for_and_only_while_training(recipe):
    tokenizer = small_tokenizer()
    example = {"input_ids": [20] * 30, "labels": 0}
    collate = finetune.Collator(tokenizer, replace(recipe, mask_share=0.2))
    masked = [collate([example])["input_ids"][0] == tokenizer.mask_token_id for _ in range(400)]
    shares = torch.stack(masked)[:, 1:-1].double().mean(dim=1)
    assert float(shares.mean()) == pytest.approx(0.2, abs=0.03)
    assert float(shares.std()) > 0.1  # every example draws its own share
    collate.training = False
    assert not (collate([example])["input_ids"] == tokenizer.mask_token_id).any()


def test_f1_is_of_the_fake_class():
    logits = np.array([[2.0, 1.0], [0.0, 1.0], [3.0, 1.0], [0.0, 5.0]])  # fake, real, fake, real
    found = finetune.f1_metrics(SimpleNamespace(predictions=logits, label_ids=np.array([FAKE, FAKE, REAL, REAL])))
    assert found == {"accuracy": 0.5, "f1": 0.5}
    none = finetune.f1_metrics(SimpleNamespace(predictions=logits[:1], label_ids=np.array([REAL])))
    assert none == {"accuracy": 0.0, "f1": 0.0}


def test_a_run_learns_keeps_its_curves_and_its_two_last_checkpoints(run, tmp_path):
    trained = run(epochs=8, patience=8, evaluations_per_epoch=1)
    scores = [row["eval_f1"] for row in trained.history if "eval_f1" in row]
    losses = [row["loss"] for row in trained.history if "loss" in row]
    assert len(scores) == 8
    assert max(scores) > 0.9
    assert losses[-1] < losses[0] / 2
    assert not trained.model.training
    assert trained.seconds > 0
    json.dumps(trained.history)
    assert len(list((tmp_path / "work").glob("checkpoint-*"))) <= 2


def test_the_same_seed_gives_the_same_weights(run):
    first, again, other = run("a", max_steps=3), run("b", max_steps=3), run("c", max_steps=3, seed=7)
    assert same_weights(first.model, again.model)
    assert not same_weights(first.model, other.model)


def test_max_steps_ends_a_run_whatever_the_epochs_say(run):
    assert steps(run(max_steps=3, epochs=100))[-1] == 3


def test_a_run_that_gets_no_better_stops_early(run):
    trained = run(epochs=30, patience=2, learning_rate=1e-9)
    assert sum("eval_f1" in row for row in trained.history) == 3


def interrupted_in(step: int) -> type[Trainer]:
    """Loses power in that step."""

    class Interrupted(Trainer):
        def training_step(self, *args, **kwargs):
            if self.state.global_step == step - 1:
                raise KeyboardInterrupt
            return super().training_step(*args, **kwargs)

    return Interrupted


@pytest.mark.slow
@pytest.mark.parametrize("step", [5, 9, 12, 20])  # in the first pass, on the edge of two, in the second, in the third
def test_an_interrupted_run_taken_up_again_ends_where_an_undisturbed_one_does(run, tmp_path, dropping, step):
    drawn = {"max_length": 6, "window": "random", "mask_share": 0.3, "base": str(dropping)}
    settings = {"evaluations_per_epoch": 4, "epochs": 3, "patience": 99, **drawn}
    undisturbed = run("whole", **settings)
    with pytest.raises(KeyboardInterrupt):
        run("broken", trainer_class=interrupted_in(step), **settings)
    assert (tmp_path / "broken" / f"checkpoint-{(step - 1) // 2 * 2}").is_dir()
    resumed = run("broken", resume=True, **settings)
    assert steps(resumed) == steps(undisturbed)
    assert same_weights(resumed.model, undisturbed.model)
    last = [tmp_path / work / "checkpoint-24" / "model.safetensors" for work in ("whole", "broken")]
    assert last[0].read_bytes() == last[1].read_bytes()  # not the best only, which may stand before the interruption


@pytest.mark.slow
def test_patience_is_not_renewed_by_an_interruption(run):
    settings = {"epochs": 30, "patience": 4, "learning_rate": 1e-9}
    undisturbed = run("whole", **settings)
    with pytest.raises(KeyboardInterrupt):
        run("broken", trainer_class=interrupted_in(29), **settings)
    resumed = run("broken", resume=True, **settings)
    again = run("broken", resume=True, **settings)  # power is lost after the last evaluation
    for found in (undisturbed, resumed, again):
        assert [row["step"] for row in found.history if "eval_f1" in row] == [8, 16, 24, 32, 40]
        assert same_weights(found.model, undisturbed.model)


def test_every_pass_reads_every_article_once_in_an_order_of_its_own(examples):
    orders = []
    for epoch in (0, 1, 1):
        passes = finetune.Passes(examples, 8, seed=42)
        passes.set_epoch(epoch)
        found = [passes[place] for place in range(len(passes))]
        assert {example["drawn"] for example in found} == {(42, epoch, place) for place in range(80)}
        orders.append(passes.order)
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(80))
    assert orders[0] != orders[1] == orders[2]
    assert finetune.Passes(examples, 8, seed=7).order != orders[0]


class Watched(Trainer):
    """Keeps what its batches show."""

    batches: list[dict[str, torch.Tensor]]

    def training_step(self, model, inputs, *args, **kwargs):
        self.batches.append(dict(inputs))
        return super().training_step(model, inputs, *args, **kwargs)


def test_all_batches_of_training_are_drawn_those_after_an_evaluation_too(run):
    Watched.batches = []
    run(trainer_class=Watched, mask_share=0.5, evaluations_per_epoch=4, patience=99)
    mask = small_tokenizer().mask_token_id
    assert [bool((batch["input_ids"] == mask).any()) for batch in Watched.batches] == [True] * 8


def test_labels_are_smoothed_by_the_share_asked_for(run, recipe):
    Watched.batches = []
    trained = run(trainer_class=Watched, max_steps=1, label_smoothing=0.4)
    (batch,) = Watched.batches
    labels = batch.pop("labels")
    with torch.no_grad():
        found = finetune.load_base(recipe.base, 32, recipe.seed)[0](**batch).logits.log_softmax(-1)
    wrong, right = (found.gather(1, side[:, None]).mean() for side in (1 - labels, labels))
    assert trained.history[0]["loss"] == pytest.approx(-float(0.8 * right + 0.2 * wrong), rel=1e-4)


def test_the_rate_rises_for_the_share_of_steps_asked_for_and_falls_from_there(run):
    rates = [row["learning_rate"] for row in run(max_steps=4, warmup_ratio=0.5).history if "loss" in row]
    assert rates == pytest.approx([0.0, 1.5e-3, 3e-3, 1.5e-3])


def test_nothing_to_resume_starts_from_the_beginning_and_says_so(run, caplog):
    trained = run("none", max_steps=2, resume=True)
    assert steps(trained)[-1] == 2
    assert "No checkpoint in" in caplog.text
