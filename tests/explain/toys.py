"""Real classifiers, small enough to fit in seconds, fitted to one deciding word for each class."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fakenews.classifiers.ensemble import EnsembleClassifier
from fakenews.classifiers.features import FeaturesClassifier
from fakenews.classifiers.probe import fit_probe
from fakenews.classifiers.quantized import round_to_int8
from fakenews.classifiers.tfidf import TfidfClassifier
from fakenews.classifiers.transformer import INT8, TransformerClassifier
from fakenews.classifiers.word2vec import Word2VecClassifier
from fakenews.data.table import article_id
from fakenews.schema import FAKE, LABELS, REAL

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

    from fakenews.classifiers.base import TextClassifier
    from fakenews.classifiers.cnn import CnnClassifier

FAKE_WORD, REAL_WORD = "lizard", "treasury"
FILLING = (
    *("the", "a", "of", "and", "city", "said", "people", "on", "new", "plan"),
    *("for", "with", "was", "report", "in", "mayor", "today", "will", "budget", "road"),
)


def planted_corpus(
    n_texts: int = 96, n_words: tuple[int, int] = (6, 14), n_planted: int = 1
) -> tuple[list[str], list[int]]:
    """Random words with one of the two deciding words among them, up to `n_planted` times."""
    rng = np.random.default_rng(0)
    texts, labels = [], []
    for i in range(n_texts):
        label = (FAKE, REAL)[i % 2]
        words = rng.choice(FILLING, size=int(rng.integers(*n_words))).tolist()
        for _ in range(1 + i % n_planted):
            words[int(rng.integers(len(words)))] = (FAKE_WORD, REAL_WORD)[label]
        texts.append(" ".join(words))
        labels.append(label)
    return texts, labels


def small_tfidf() -> TfidfClassifier:
    """TF-IDF and logistic regression on the planted corpus."""
    return TfidfClassifier(min_df=1).fit(*planted_corpus())


BERT_TOKENS = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
MPNET_TOKENS = {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "[UNK]", "mask": "<mask>"}  # padding has the id 1


def small_tokenizer(special_tokens: Mapping[str, str] = BERT_TOKENS) -> PreTrainedTokenizerFast:
    """Word pieces of the planted corpus; reads any other Latin word letter by letter."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers
    from tokenizers.models import WordPiece
    from transformers import PreTrainedTokenizerFast

    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    pieces = [*special_tokens.values(), *"0123456789.,!?-<>()/=", *letters, *(f"##{c}" for c in letters)]
    pieces += [w for w in (*FILLING, FAKE_WORD, "trea", "##sury") if w not in pieces]  # REAL_WORD is two pieces
    wordpiece = Tokenizer(WordPiece({p: i for i, p in enumerate(pieces)}, unk_token="[UNK]"))
    wordpiece.normalizer = normalizers.BertNormalizer(lowercase=True)
    wordpiece.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = {f"{name}_token": token for name, token in special_tokens.items()}
    return PreTrainedTokenizerFast(tokenizer_object=wordpiece, **names)


def small_bert(
    name: str = "toy-bert", max_length: int = 64, corpus: tuple[list[str], list[int]] | None = None
) -> TransformerClassifier:
    """Two-layer BERT of width 32, trained on the planted corpus or another one."""
    from transformers import BertConfig

    tokenizer = small_tokenizer()
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=max_length,
        id2label=dict(enumerate(LABELS)),
    )
    model = trained(config, tokenizer, corpus or planted_corpus())
    return TransformerClassifier(name, model, tokenizer, max_length=max_length, overlap=8)


def trained(
    config: PreTrainedConfig,
    tokenizer: PreTrainedTokenizerFast,
    corpus: tuple[list[str], list[int]],
) -> PreTrainedModel:
    """Train a sequence classifier with random weights for a few steps."""
    import torch
    from transformers import AutoModelForSequenceClassification

    texts, labels = corpus
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForSequenceClassification.from_config(config).eval()
        batch = tokenizer(texts, padding=True, return_tensors="pt")
        ids, attention_mask, y = batch["input_ids"], batch["attention_mask"], torch.tensor(labels)
        special = torch.tensor(tokenizer.all_special_ids)
        words = ~torch.isin(ids, special)
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(60):
            # Variants with masked words must be familiar, or what they cost is noise.
            hidden = words & (torch.rand(ids.shape) < torch.rand(len(ids), 1))
            masked = torch.where(hidden, tokenizer.mask_token_id, ids)
            loss = model(input_ids=masked, attention_mask=attention_mask, labels=y).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


OWN_KINDS = ("distilbert", "roberta", "deberta-v2")  # word pieces, byte-level BPE, Unigram


def own_tokenizer(kind: str) -> PreTrainedTokenizerFast:
    """Make a tokenizer of the kind of one of `OWN_KINDS`, trained on the planted corpus."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    if kind in ("distilbert", "bert"):
        found = small_tokenizer()
        around = [(token, found.convert_tokens_to_ids(token)) for token in ("[CLS]", "[SEP]")]
        template = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=around)
        found.backend_tokenizer.post_processor = template
        return found
    texts, _ = planted_corpus()
    of_bpe = kind == "roberta"
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] if of_bpe else ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
    cls, sep, pad, unk, mask = (special[i] for i in ((0, 2, 1, 3, 4) if of_bpe else (1, 2, 0, 3, 4)))
    if of_bpe:
        made = Tokenizer(models.BPE(unk_token=unk))
        made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
        letters = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(
            vocab_size=400, special_tokens=special, initial_alphabet=letters, show_progress=False
        )
    else:
        made = Tokenizer(models.Unigram())
        made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
        made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
        letters = [chr(c) for c in range(33, 127)]
        trainer = trainers.UnigramTrainer(
            vocab_size=200, special_tokens=special, unk_token=unk, initial_alphabet=letters, show_progress=False
        )
    made.train_from_iterator(texts, trainer)
    around = [(token, made.token_to_id(token)) for token in (cls, sep)]
    made.post_processor = processors.TemplateProcessing(single=f"{cls} $A {sep}", special_tokens=around)
    names = {"cls_token": cls, "sep_token": sep, "pad_token": pad, "unk_token": unk, "mask_token": mask}
    return PreTrainedTokenizerFast(tokenizer_object=made, **names)


def own_checkpoint(
    kind: str, labels: Sequence[str] = LABELS, corpus: tuple[list[str], list[int]] | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Two layers of width 32 of one of `OWN_KINDS`, trained on the planted corpus, as a user's own training would."""
    from transformers import AutoConfig

    tokenizer = own_tokenizer(kind)
    layers = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64} if kind == "distilbert" else {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    }  # fmt: skip
    if kind == "deberta-v2":
        layers |= {"relative_attention": True, "position_buckets": 16, "pooler_hidden_size": 32}
        layers |= {"pos_att_type": ["p2c", "c2p"], "position_biased_input": False, "type_vocab_size": 0}
    config = AutoConfig.for_model(
        kind, vocab_size=len(tokenizer), max_position_embeddings=66, id2label=dict(enumerate(labels)),
        pad_token_id=tokenizer.pad_token_id, initializer_range=0.1, **layers,
    )  # fmt: skip
    return trained(config, tokenizer, corpus or planted_corpus()), tokenizer


def trainer_run(folder: Path) -> Path:
    """Save a small BERT as `Trainer.save_model` does: its labels have no names, and LABEL_1 is fake."""
    from transformers import Trainer, TrainingArguments

    texts, labels = planted_corpus()
    model, tokenizer = own_checkpoint("bert", ("LABEL_0", "LABEL_1"), (texts, [1 - label for label in labels]))
    arguments = TrainingArguments(str(folder), use_cpu=True, report_to=[])
    Trainer(model, arguments, processing_class=tokenizer).save_model(str(folder))
    return folder


def small_own(kind: str) -> TransformerClassifier:
    """A model that was added under the name "own-" and its kind."""
    model, tokenizer = own_checkpoint(kind)
    classifier = TransformerClassifier(f"own-{kind}", model, tokenizer, max_length=64, overlap=8)
    classifier.info_ = {"source": {"kind": "folder", "from": kind}}
    return classifier


def small_mpnet(name: str = "mpnet", max_length: int = 64) -> TransformerClassifier:
    """Two-layer MPNet of width 32 with random weights, in 8 bits, and a probe that learned the planted corpus."""
    import torch
    from transformers import MPNetConfig, MPNetModel

    tokenizer = small_tokenizer(MPNET_TOKENS)
    config = MPNetConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=max_length + 2,  # positions are counted from the id of padding on
        initializer_range=0.1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MPNetModel(config, add_pooling_layer=False).eval()
    vectors = model.get_input_embeddings().weight.data
    vectors[tokenizer.mask_token_id] = vectors.mean(0)  # a masked word has to be like any word, or it is noise
    round_to_int8(model)
    classifier = TransformerClassifier(name, model, tokenizer, max_length, overlap=8, weights=INT8)
    texts, labels = planted_corpus(400)
    classifier.probe_ = fit_probe(classifier.states(texts), labels)
    return classifier


def small_word2vec() -> Word2VecClassifier:
    """Vectors of 24 numbers, as many as words and more, so that any word can be told from the others."""
    return Word2VecClassifier(width=24, min_count=1, epochs=20).fit(*planted_corpus())


def small_cnn(name: str = "cnn") -> CnnClassifier:
    """Sixteen filters on vectors of 24 numbers."""
    from fakenews.classifiers.cnn import CnnClassifier

    settings = {"width": 24, "min_count": 1, "vector_epochs": 20, "n_filters": 16, "n_hidden": 8}
    return CnnClassifier(name, **settings, batch_size=8, learning_rate=1e-2, seed=1).fit(*planted_corpus(400))


def small_features() -> FeaturesClassifier:
    """Forty trees; of the two deciding words only REAL_WORD, the longest of all, shows in the style."""
    return FeaturesClassifier(n_trees=40, learning_rate=0.2, feature_share=0.2).fit(*planted_corpus(400))


def small_ensemble(members: Mapping[str, TextClassifier] | None = None, name: str = "ensemble") -> EnsembleClassifier:
    """Weights of `members`, or of the small ones, from texts they have not seen."""
    members = members or {"tfidf": small_tfidf(), "word2vec": small_word2vec(), "features": small_features()}
    texts, labels = planted_corpus(600)
    return EnsembleClassifier(name, members=members).fit(texts[400:], labels[400:])


def remember(folder: Path, trained_on: Sequence[str], held_out: Sequence[str] = (), other: Sequence[str] = ()) -> None:
    """Give a model's folder evidence that it was trained on texts, and not on what it held out or another corpus holds.

    What it was trained on was answered too, by a model that did without it.
    """
    told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**told, "data": {"corpora": ["isot", "fakes"]}}), encoding="utf-8")
    rows = [("left-out", text, "fakes") for text in (*trained_on, *held_out)]
    rows += [("grouped", text, "fakes") for text in held_out] + [("external", text, "webis2016") for text in other]
    answers = [
        {"protocol": protocol, "id": article_id(text), "corpus": corpus, "split": "validation", "label": FAKE}
        for protocol, text, corpus in rows
    ]
    pd.DataFrame(answers).assign(p_fake=0.5, log_odds=0.0).to_parquet(folder / "predictions.parquet")


def planted_tables(folder: Path) -> tuple[Path, ...]:
    """Write three corpora that share the deciding words, each with a word of its own."""
    import pandas as pd

    texts, labels = planted_corpus(120)
    paths = tuple(folder / f"{name}.parquet" for name in ("home", "one", "two"))
    for path in paths:
        words = [f"{path.stem} {text} {path.stem}" for text in texts]
        pd.DataFrame({"title": "", "text": words, "label": labels}).to_parquet(path)
    return paths
