"""A convolution over word vectors: three words at a time, wherever in the text they stand."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from fakenews.classifiers.base import LogOddsClassifier, NotFittedError, lower_tokens
from fakenews.classifiers.checks import Weights, check_labels, check_texts, check_weights
from fakenews.classifiers.embeddings import WordVectors, train_vectors
from fakenews.classifiers.entries import Entries
from fakenews.classifiers.pieces import kept_pieces, words_of_tokens
from fakenews.classifiers.windows import Windows, round_to_half
from fakenews.schema import FAKE

logger = logging.getLogger(__name__)

_BATCH_WORDS = 16_384  # words that are convolved at once, padding included
_PAD_TO = 64  # lengths are multiples of this: for each new shape torch keeps some memory


class Convolution(nn.Module):
    """Word vectors → convolution over 3 words → largest answer of each filter → dense.

    Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014 (arXiv:1408.5882), its static variant
    with one filter width.
    """

    def __init__(self, width: int, n_filters: int, n_hidden: int, dropout: float) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(width, n_filters, kernel_size=3, padding=1)
        self.hidden = nn.Linear(n_filters, n_hidden)
        self.out = nn.Linear(n_hidden, 1)
        self.dropout = dropout

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Return the log-odds of fake, shape (n,), for vectors (n, length, width) and their mask (n, length)."""
        vectors = vectors * mask[..., None]
        features = self.convolution(vectors.transpose(1, 2))  # [n, n_filters, length]
        strongest = F.relu(features.masked_fill(mask[:, None, :] == 0, -torch.inf).amax(dim=2))  # [n, n_filters]
        hidden = F.relu(self.hidden(F.dropout(strongest, self.dropout, self.training)))
        out: Tensor = self.out(F.dropout(hidden, self.dropout, self.training))
        return out[:, 0]


@dataclass(eq=False, repr=False)
class CnnClassifier(LogOddsClassifier):
    """Word2Vec vectors, a convolution over 3-grams, global max-pooling and a dense layer.

    Trained on the first `max_words` words of each text; when asked, it reads the whole text, as max-pooling allows
    any length.

    Parameters
    ----------
    width, window, min_count, max_vocabulary, vector_epochs
        Of the word vectors, by skip-gram or CBOW; see `embeddings.train_vectors`. They stay as they are: going on
        with them measured no better.
    skip_gram : bool
    n_filters, n_hidden : int
        Filters of the convolution; units between the pooled filters and the answer.
    dropout : float
        Share of the pooled filters, and of the hidden units, that is left out in training.
    mask_share : float
        Mean share of words hidden in training; each text draws its own between 0 and twice that. Makes explanations
        that remove words ask the model something it has seen.
    max_words : int
        Words of a text that training sees.
    epochs, patience : int
        Passes at most, and passes without a better F1 on the held-out texts before training stops.
    batch_size, learning_rate
        Of Adam; the rate falls from pass to pass, evenly, to a share of 1 / `epochs` in the last.
    seed : int
    cleaning : {"neutral", "raw"}
        As in `LogOddsClassifier`.
    device : str or torch.device
        Where the passes run, in single precision.
    """

    kind = "cnn"
    name: str = "cnn"
    width: int = 100
    window: int = 5
    min_count: int = 5
    max_vocabulary: int = 20_000
    vector_epochs: int = 5
    skip_gram: bool = False
    n_filters: int = 256
    n_hidden: int = 64
    dropout: float = 0.3
    mask_share: float = 0.05
    max_words: int = 512
    epochs: int = 12
    patience: int = 3
    batch_size: int = 32
    learning_rate: float = 1e-3
    seed: int = 42
    device: str | torch.device = "cpu"
    vectors_: WordVectors | None = field(default=None, init=False)
    network_: Convolution | None = field(default=None, init=False)
    history_: list[dict[str, Any]] = field(default_factory=list, init=False)
    _matrix: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.device = torch.device(self.device)

    def fit(
        self,
        texts: Sequence[str],
        labels: Sequence[int],
        held_out: tuple[Sequence[str], Sequence[int]] | None = None,
        log: Callable[[str], None] = logger.info,
        weights: Weights | None = None,
    ) -> Self:
        """Learn from the user's own texts (cleaned here) and labels 0 fake, 1 real.

        Parameters
        ----------
        texts, labels
        held_out : pair of texts and labels, optional
            What the best pass is chosen by; a tenth of `texts` where there are none.
        log : callable
            Told how each pass went.
        weights : sequence of float, optional
            How much each text counts; all alike if left out.
        """
        documents = [lower_tokens(text, self.cleaning) for text in check_texts(texts)]
        y = check_labels(texts, labels)
        sample_weight = check_weights(y, weights)
        sample_weight = np.ones(len(y)) if sample_weight is None else sample_weight
        if held_out is None:
            from sklearn.model_selection import train_test_split

            parts = train_test_split(documents, y, sample_weight, test_size=0.1, stratify=y, random_state=self.seed)
            documents, held_documents, y, held_y, sample_weight, _ = parts
        else:
            held_documents = [lower_tokens(text, self.cleaning) for text in check_texts(held_out[0])]
            held_y = check_labels(*held_out)
        vectors = train_vectors(
            documents,
            width=self.width,
            window=self.window,
            min_count=self.min_count,
            max_words=self.max_vocabulary,
            epochs=self.vector_epochs,
            skip_gram=self.skip_gram,
            seed=self.seed,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)  # first weights and dropout come from the global generator
            network = Convolution(self.width, self.n_filters, self.n_hidden, self.dropout).to(self.device)
            self._set(_centered(vectors), network)
            rows, held_rows = ([vectors.rows(words) for words in part] for part in (documents, held_documents))
            self._train(rows, y, sample_weight, held_rows, held_y, log)
        return self

    def decision_function(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the log-odds of the fake class before calibration, shape (n_texts,)."""
        vectors, _ = self._fitted()
        return self._log_odds([vectors.rows(lower_tokens(text, self.cleaning)) for text in check_texts(texts)])

    def masked_log_odds(self, text: str, keep: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return log-odds of `text` with unknown words where `keep` is False; shape of `keep`: (n_samples, n_words)."""
        vectors, _ = self._fitted()
        rows = vectors.rows(lower_tokens(text, self.cleaning))
        kept = kept_pieces(keep, words_of_tokens(text, self.cleaning))
        return self._log_odds(list(np.where(kept, rows, self.mask_token_id)))

    @property
    def mask_token_id(self) -> int:
        """Row of the vector that stands for a removed word, as for any unknown one."""
        return 0

    def encode(self, text: str) -> Windows:
        """Return the whole text as one window, one piece per token."""
        vectors, _ = self._fitted()
        rows = torch.from_numpy(vectors.rows(lower_tokens(text, self.cleaning)))[None]  # [1, n_tokens]
        index = torch.from_numpy(words_of_tokens(text, self.cleaning))[None]
        if not rows.shape[1]:
            rows, index = torch.zeros((1, 1), dtype=torch.int64), torch.full((1, 1), -1)
        return Windows(rows, torch.ones_like(rows), index, torch.ones(1))

    def embed(self, input_ids: Tensor) -> Tensor:
        """Return the word vectors of shape (n_windows, length, width)."""
        return self._matrix[input_ids.to(self.device)]

    def log_odds_from_embeddings(self, embeddings: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the log-odds of fake per window, shape (n_windows,); differentiable in `embeddings`."""
        _, network = self._fitted()
        log_odds: Tensor = network(embeddings, attention_mask.to(self.device))
        return log_odds

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` (the network in half precision) and `config.json`."""
        from safetensors.numpy import save_file

        vectors, network = self._fitted()
        folder.mkdir(parents=True, exist_ok=True)
        weights = {name: tensor.cpu().half().numpy() for name, tensor in network.state_dict().items()}
        save_file({**vectors.tensors(), **weights}, folder / "model.safetensors")
        self._write_settings(folder)

    @classmethod
    def load(cls, folder: Path, device: str | torch.device = "cpu") -> Self:
        """Read a folder written by `save`."""
        from safetensors.numpy import load_file

        self = cls._from_settings(folder, device=device)
        tensors = Entries(load_file(folder / "model.safetensors"))
        network = Convolution(self.width, self.n_filters, self.n_hidden, self.dropout)
        network.load_state_dict({name: torch.from_numpy(tensors[name]).float() for name in network.state_dict()})
        return self._set(WordVectors.from_tensors(tensors), network.to(self.device))

    def _set(self, vectors: WordVectors, network: Convolution) -> Self:
        self.vectors_, self.network_ = vectors, network.eval()
        self._matrix = torch.from_numpy(vectors.matrix()).to(self.device)
        return self

    def _fitted(self) -> tuple[WordVectors, Convolution]:
        if self.vectors_ is None or self.network_ is None:
            raise NotFittedError("This CnnClassifier is not fitted yet: call fit or load first.")
        return self.vectors_, self.network_

    def _train(
        self,
        texts: list[NDArray[np.int64]],
        y: NDArray[np.int64],
        sample_weight: NDArray[np.float64],
        held: list[NDArray[np.int64]],
        held_y: NDArray[np.int64],
        log: Callable[[str], None],
    ) -> None:
        """Train by Adam on the cross-entropy; keep the epoch of best F1 on held-out texts, rounded as stored."""
        from sklearn.metrics import f1_score

        _, network = self._fitted()
        rng = np.random.default_rng(self.seed)
        optimizer = torch.optim.Adam(network.parameters(), lr=self.learning_rate)
        decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1 / self.epochs, self.epochs - 1)
        fake = torch.from_numpy(y == FAKE).float().to(self.device)
        weight = torch.from_numpy(sample_weight).float().to(self.device)
        cut = [rows[: self.max_words] for rows in texts]
        best, best_epoch, best_state = -1.0, 0, network.state_dict()
        self.history_ = []
        for epoch in range(1, self.epochs + 1):
            network.train()
            loss_sum = 0.0
            for batch in _batches(cut, self.batch_size, rng):
                rows = [self._hide(cut[i], rng) for i in batch]
                loss = F.binary_cross_entropy_with_logits(network(*self._padded(rows)), fake[batch], weight[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                loss_sum += float(loss.detach()) * len(batch)
            decay.step()
            network.eval()
            log_odds = self._log_odds(held)
            f1 = float(f1_score(held_y == FAKE, log_odds > 0))
            row = {"epoch": epoch, "loss": round(loss_sum / len(cut), 4), "eval_f1": round(f1, 4)}
            self.history_.append(row)
            log(f"epoch {epoch}: loss {row['loss']}, F1 on held-out texts {row['eval_f1']}")
            if f1 > best:
                best, best_epoch = f1, epoch
                best_state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
            elif epoch - best_epoch >= self.patience:
                break
        network.load_state_dict(best_state)
        round_to_half(network)

    def _hide(self, rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        hidden = rng.random(len(rows)) < rng.uniform(0.0, 2 * self.mask_share)
        return np.where(hidden, self.mask_token_id, rows)

    def _padded(self, texts: Sequence[NDArray[np.int64]]) -> tuple[Tensor, Tensor]:
        """Pad texts given as rows to vectors (n, length, width) and mask (n, length); an empty one gets one word."""
        lengths = np.array([max(1, len(rows)) for rows in texts])
        ids = np.zeros((len(texts), -(-int(lengths.max()) // _PAD_TO) * _PAD_TO), dtype=np.int64)
        for i, rows in enumerate(texts):
            ids[i, : len(rows)] = rows
        mask = np.arange(ids.shape[1])[None, :] < lengths[:, None]
        return self.embed(torch.from_numpy(ids)), torch.from_numpy(mask).to(self.device, torch.float32)

    def _log_odds(self, texts: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
        """Return the log-odds of texts given as rows; sorted by length, so that padding wastes little."""
        _, network = self._fitted()
        log_odds = np.zeros(len(texts), dtype=np.float64)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        while order:
            n = max(1, _BATCH_WORDS // max(1, len(texts[order[-1]])))
            batch, order = order[-n:], order[:-n]
            with torch.inference_mode():
                log_odds[batch] = network(*self._padded([texts[i] for i in batch])).double().cpu().numpy()
        return log_odds


def _centered(vectors: WordVectors) -> WordVectors:
    """Center vectors: drop the large part they share, at unit scale; an unknown word becomes an average one.

    Mu and Viswanath, "All-but-the-Top", ICLR 2018 (arXiv:1702.01417), its first step.
    """
    matrix = vectors.matrix()[1:]
    matrix -= matrix.mean(axis=0)
    return WordVectors.rounded(list(vectors.index), matrix / matrix.std())


def _batches(texts: Sequence[NDArray[np.int64]], size: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Yield batches in random order of texts of similar length."""
    noisy = np.array([len(rows) for rows in texts]) * rng.uniform(0.8, 1.2, len(texts))
    order = np.argsort(noisy, kind="stable")
    batches = [order[at : at + size] for at in range(0, len(order), size)]
    return [batches[i] for i in rng.permutation(len(batches))]
