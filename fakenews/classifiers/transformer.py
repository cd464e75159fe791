"""Encoders: with a classification head (TinyBERT, DistilBERT, any such checkpoint), or with a probe alone (MPNet).

Long texts are read whole: overlapping windows, the last as short as the rest of the text, whose log-odds are averaged
by length.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from fakenews.classifiers.base import (
    CalibratedClassifier,
    Calibration,
    NotFittedError,
    Scores,
    clean_text_as,
    cleaning_of,
)
from fakenews.classifiers.checks import check_texts
from fakenews.classifiers.domain import DomainHead
from fakenews.classifiers.entries import of_file, read_json
from fakenews.classifiers.heads import column_of_fake, leave_out_unread_states
from fakenews.classifiers.ood import FILE as NOVELTY
from fakenews.classifiers.ood import Centroids, fit_centroids
from fakenews.classifiers.pieces import kept_pieces, removed_token, special_ids, words_of_pieces
from fakenews.classifiers.placement import CPU_SECONDS, cpu_copy
from fakenews.classifiers.probe import FILE as PROBE
from fakenews.classifiers.probe import Probe, load_domain, mean_states
from fakenews.classifiers.quantized import load_strictly, round_to_int8, save_packed
from fakenews.classifiers.windows import Windows, averaged, batches, cut, half_on_cpu, round_to_half, window_spans
from fakenews.text import CLEANING, encodable

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

CPU_PIECES = 1024  # of a batch on a CPU: more are no faster, and need more memory
SETTINGS_KEY = "fakenews"  # our settings inside the checkpoint's own config.json
OWN_SETTINGS = ("max_length", "overlap", "truncation", "head", "weights", "fake_columns")
_CPU = torch.device("cpu")
_COPYING = threading.Lock()  # one copy of a model on the CPU is enough
HALF, INT8 = "float16", "int8"  # what weights are stored in


class TransformerClassifier(CalibratedClassifier):
    """An encoder from transformers behind the project's promise.

    A classification head answers, or in its place a probe on the mean states of the embeddings and all layers.

    Parameters
    ----------
    name : str
        Key in the registry.
    model : PreTrainedModel
        A sequence classifier; or a bare encoder.
    tokenizer : PreTrainedTokenizerBase
        A fast tokenizer with a mask token or an unknown one.
    max_length : int
        Word pieces per window, special pieces included; at most what the encoder has positions for.
    overlap : int
        Word pieces that neighboring windows share at least.
    batch_size : int
        Windows per pass; memory grows with it.
    device : str or torch.device
        Where the passes run; half precision on cuda.
    cleaning : {"neutral", "raw"}
        What is done to a text before it is read; "raw" is for measuring what cleaning takes away.
    truncation : bool
        Whether the first window is all that is read; for measuring what most notebooks measure.
    weights : {"float16", "int8"}
        What `save` stores the weights in (`quantized`).
    fake_columns : sequence of int
        Columns of the head that are fake, all others being real; by the names "fake" and "real" of its `id2label` if
        left out.
    """

    kind = "transformer"

    def __init__(
        self,
        name: str,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int = 512,
        overlap: int = 32,
        batch_size: int = 16,
        device: str | torch.device = "cpu",
        cleaning: str = CLEANING,
        truncation: bool = False,
        weights: str = HALF,
        fake_columns: Sequence[int] = (),
    ) -> None:
        if weights not in (HALF, INT8):
            raise ValueError(f"Unknown weights {weights!r}. Known: {HALF}, {INT8}.")
        self.name = name
        self.cleaning = cleaning
        self.truncation = truncation
        self.weights = weights
        self.model = model
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.overlap = overlap
        self.batch_size = batch_size
        self.device = torch.device(device)
        self.calibration_ = Calibration()
        self.info_: dict[str, Any] = {}
        self.centroids_: Centroids | None = None
        self.probe_: Probe | None = None
        self.domain_: DomainHead | None = None  # on the flattened states that the probe reads
        self._spare: PreTrainedModel | None = None  # on the CPU, once the device had too little memory
        self._cpu_until = 0.0  # on the monotonic clock
        self.mask_token = removed_token(tokenizer)
        self._special = special_ids(tokenizer)
        self.has_head = model.base_model is not model
        self.set_fake_columns(fake_columns)
        if self.has_head:
            leave_out_unread_states(model)
        torch.nn.Module.to(model, self.device).eval()

    def set_fake_columns(self, columns: Sequence[int]) -> None:
        """Say which columns of the head are fake; for none, the names of its labels do."""
        self.fake_columns = list(columns)
        if self.has_head:
            self._fake = self.fake_columns or [column_of_fake(self.model)]
            self._real = [i for i in range(len(self.model.config.id2label or ())) if i not in self._fake]

    @property
    def mask_token_id(self) -> int:
        """Id of the word piece that stands for a removed one."""
        found: Any = self.tokenizer.convert_tokens_to_ids(self.mask_token)
        return int(found)

    def decision_function(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the log-odds of the fake class before calibration, shape (n_texts,)."""
        return self.predict_scores(texts).log_odds

    def predict_scores(self, texts: Sequence[str]) -> Scores:
        """Return the log-odds of fake before calibration and how in-domain each text is, each of shape (n_texts,)."""
        texts = check_texts(texts)
        encoded = [self.encode(text) for text in texts]
        return self._scores(encoded, self._answers([row for windows in encoded for row in windows.rows()]))

    def masked_log_odds(self, text: str, keep: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return log-odds of `text` with the pieces of words where `keep` is False masked."""
        windows = self.encode(text)
        kept = torch.from_numpy(kept_pieces(keep, windows.word_index.numpy()))  # [n, w, L]
        ids = torch.where(kept, windows.input_ids, self.mask_token_id)
        rows: list[tuple[torch.Tensor, torch.Tensor]] = []
        answer_rows = np.empty(ids.shape[:2], dtype=np.int64)  # which row holds the answer for a sample and a window
        for w, mask in enumerate(windows.attention_mask):
            length = int(mask.sum())
            distinct, inverse = torch.unique(ids[:, w, :length], dim=0, return_inverse=True)
            answer_rows[:, w] = len(rows) + inverse.numpy()
            rows += [(row, mask[:length]) for row in distinct]
        log_odds = self._answers(rows)[:, 0]
        return np.asarray(log_odds[answer_rows] @ windows.weights.numpy(), dtype=np.float64)

    def encode(self, text: str) -> Windows:
        """Cut `text` into overlapping windows; one with only special pieces if nothing is left."""
        pieces = self.tokenizer(
            encodable(clean_text_as(text, self.cleaning).neutral.text),
            add_special_tokens=False,
            return_offsets_mapping=True,
            split_special_tokens=True,  # "[MASK]" typed by a user is text
            truncation=False,
            padding=False,
            verbose=False,
        )
        ids = np.array(pieces["input_ids"], dtype=np.int64)
        offsets = np.array(pieces["offset_mapping"], dtype=np.int64).reshape(-1, 2)
        words = words_of_pieces(text, offsets, self.cleaning)
        before, after = self._special
        room = self.max_length - len(before) - len(after)
        spans = window_spans(len(ids), room, self.overlap)[: 1 if self.truncation else None]
        return cut(ids, words, spans, before, after, self.tokenizer.pad_token_id or 0)

    def embed(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Return the word embeddings of shape (n_windows, length, width), before positions are added."""
        model, device = self._placed()
        embeddings: torch.Tensor = model.get_input_embeddings()(input_ids.to(device))
        return embeddings

    def log_odds_from_embeddings(self, embeddings: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the log-odds of fake per window, shape (n_windows,); differentiable in `embeddings`."""
        model = self.model if embeddings.device.type == self.device.type else self._on_cpu()
        mask = attention_mask.to(embeddings.device)
        return self._log_odds(*self._pass(model, mask, not self.has_head, inputs_embeds=embeddings))

    def fit_ood(self, texts: Sequence[str], seed: int = 42) -> None:
        """Keep the centroids of the hidden states of training `texts`; costs a pass over them."""
        _, states = self._scores_and_states(texts)
        self.centroids_ = fit_centroids(states, seed=seed)

    def predict_with_ood_score(self, texts: Sequence[str]) -> tuple[Scores, NDArray[np.float64]]:
        """Return scores, and distances to the nearest training centroid, shape (n_texts,), in one pass.

        The vector of a text is the mean of the hidden states of its first window, half way up the encoder.

        Raise `NotFittedError` if there are no centroids: `fit_ood` was never called.
        """
        if self.centroids_ is None:
            raise NotFittedError(f'{self.name} has no training centroids: run "fakenews novelty --model {self.name}".')
        scores, states = self._scores_and_states(texts)
        return scores, self.centroids_.distances(states)

    def round_weights(self) -> None:
        """Round the weights in place to what `save` stores, so that what is measured is what is stored."""
        self._spare = None
        (round_to_int8 if self.weights == INT8 else round_to_half)(self.model)

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` (half precision or 8-bit), `config.json` with our settings, and the tokenizer.

        The weights in memory are rounded too, so that what was saved is what goes on answering.

        Raise `ValueError` if there is a domain head without a probe, beside which it is stored.
        """
        if self.domain_ is not None and self.probe_ is None:
            raise ValueError(f"{self.name} has a domain head and no probe: it is stored beside one.")
        folder.mkdir(parents=True, exist_ok=True)
        self.round_weights()
        values = (self.max_length, self.overlap, self.truncation, self.has_head, self.weights, self.fake_columns)
        own = dict(zip(OWN_SETTINGS, values, strict=True))
        if not self.fake_columns:
            del own["fake_columns"]
        setattr(self.model.config, SETTINGS_KEY, self._settings(**own))
        if self.weights == INT8:
            save_packed(self.model, folder)
        else:
            state = {name: half_on_cpu(tensor) for name, tensor in self.model.state_dict().items()}
            self.model.save_pretrained(folder, state_dict=state)
        self.tokenizer.save_pretrained(folder)
        if self.centroids_ is not None:
            self.centroids_.save(folder)
        else:
            (folder / NOVELTY).unlink(missing_ok=True)  # of an earlier model
        if self.probe_ is not None:
            self.probe_.save(folder, self.domain_)
        else:
            (folder / PROBE).unlink(missing_ok=True)

    @classmethod
    def load(cls, folder: Path, device: str | torch.device = "cpu", batch_size: int = 16) -> Self:
        """Read a folder written by `save`; half precision on cuda, else single.

        Raises
        ------
        NotFittedError
            If the folder is a checkpoint without our settings.
        ValueError
            If it was trained on another cleaning, or its weights are not those of its encoder.
        """
        settings = read_json(folder / "config.json").get(SETTINGS_KEY)
        if settings is None:
            raise NotFittedError(
                f'{folder / "config.json"} has no "{SETTINGS_KEY}" settings: train or fetch the model first.'
            )
        cleaning = cleaning_of(settings, folder)
        dtype = torch.float16 if torch.device(device).type == "cuda" else torch.float32
        disable_progress_bar()  # it would stand in logs and before every answer
        has_head, weights = settings.get("head", True), settings.get("weights", HALF)
        with of_file():
            if has_head and weights == HALF:
                model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=dtype, local_files_only=True)
            else:
                model = load_strictly(folder, has_head, dtype)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        reading = (settings["max_length"], settings["overlap"], batch_size)
        truncation = settings.get("truncation", False)
        fake_columns = settings.get("fake_columns", ())
        self = cls(settings["name"], model, tokenizer, *reading, device, cleaning, truncation, weights, fake_columns)
        self._set_facts(settings, OWN_SETTINGS)
        self.centroids_, self.probe_ = Centroids.load(folder), Probe.load(folder)
        self.domain_ = load_domain(folder)
        if has_head and self.probe_ is not None:
            raise ValueError(f"{folder} has a probe beside its head, as an earlier version trained it: train it again.")
        return self

    @property
    def n_states(self) -> int:
        """Mean states that a probe reads: of the embeddings and every layer; below a head the last one is left out."""
        return int(self.model.config.num_hidden_layers) + (not self.has_head)

    def states(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return what a probe is fitted on: mean states, (n_texts, n_states, width).

        They are means over the windows of a text, by their length.
        """
        encoded = [self.encode(text) for text in check_texts(texts)]
        states = self.states_of_windows(encoded)
        edges = np.cumsum([0, *(len(w.weights) for w in encoded)])
        parts = [slice(a, b) for a, b in zip(edges, edges[1:], strict=False)]
        means = [np.tensordot(w.weights.numpy(), states[part], 1) for w, part in zip(encoded, parts, strict=True)]
        return np.stack(means) if means else states

    def states_of_windows(self, encoded: Sequence[Windows]) -> NDArray[np.float32]:
        """Return mean states of all windows, (n_windows, n_states, width)."""
        rows = [row for windows in encoded for row in windows.rows()]
        states = np.zeros((len(rows), self.n_states, self.model.config.hidden_size), dtype=np.float32)
        for batch, _, states_of_batch in self._passes(rows, with_states=True):
            assert states_of_batch is not None
            states[batch] = states_of_batch.float().cpu().numpy()
        return states

    def _scores_and_states(self, texts: Sequence[str]) -> tuple[Scores, NDArray[np.float32]]:
        """Return scores, and vectors of the first windows, shape (n_texts, width)."""
        texts = check_texts(texts)
        encoded = [self.encode(text) for text in texts]
        rows = [row for windows in encoded for row in windows.rows()]
        states = np.zeros((len(rows), self.model.config.hidden_size), dtype=np.float32)
        scores = self._scores(encoded, self._answers(rows, states))
        counts = np.array([len(w.weights) for w in encoded], dtype=np.int64)
        return scores, states[np.cumsum(counts) - counts]

    def _scores(self, encoded: Sequence[Windows], answers: NDArray[np.float64]) -> Scores:
        """Return the scores of texts from the `_answers` of all their windows in order."""
        log_odds, domain = (averaged(answers[:, i], encoded) for i in range(2))
        if self.domain_ is None:
            return Scores.out_of_domain(log_odds)
        return Scores(log_odds, np.asarray(expit(domain), dtype=np.float64))

    def _answers(
        self, rows: Sequence[tuple[torch.Tensor, torch.Tensor]], states: NDArray[np.float32] | None = None
    ) -> NDArray[np.float64]:
        """Return the log-odds of windows of any lengths, shape (n_windows, 2): of fake, and of in-domain.

        Sorted by length, so that padding wastes little. `states`, of shape (n_windows, width), is filled with the mean
        of each window's hidden states half way up.
        """
        answers = np.zeros((len(rows), 2), dtype=np.float64)
        for batch, logits, means in self._passes(rows, states is not None or not self.has_head):
            answers[batch, 0] = self._log_odds(logits, means).double().cpu().numpy()
            if self.domain_ is not None and means is not None:
                answers[batch, 1] = self.domain_.log_odds(means.flatten(1).cpu().numpy())
            if states is not None and means is not None:
                # Fine-tuning leaves little but the class in the last layer; half way up the subject is still there.
                n_layers = int(self.model.config.num_hidden_layers)
                states[batch] = means[:, min((n_layers + 1) // 2, n_layers - 1)].cpu().numpy()
        return answers

    def _passes(
        self, rows: Sequence[tuple[torch.Tensor, torch.Tensor]], with_states: bool
    ) -> Iterator[tuple[list[int], torch.Tensor | None, torch.Tensor | None]]:
        """Yield indices into `rows`, logits and mean states of each pass, whose rows are alike in length.

        A device without enough memory is asked for half as many at a time in this call, and if even one is too much, a
        copy on the CPU is asked for a while.
        """
        pad, most = int(self.tokenizer.pad_token_id or 0), self.batch_size
        model, device = self._placed()
        waiting = batches([len(ids) for ids, _ in rows], most, CPU_PIECES if device.type == "cpu" else None)
        while waiting:
            batch = waiting.pop()
            if len(batch) > most:
                waiting += [batch[most:], batch[:most]]
                continue
            ids = torch.nn.utils.rnn.pad_sequence([rows[i][0] for i in batch], batch_first=True, padding_value=pad)
            mask = torch.nn.utils.rnn.pad_sequence([rows[i][1] for i in batch], batch_first=True)
            try:
                with torch.inference_mode():
                    logits, states = self._pass(model, mask.to(device), with_states, input_ids=ids.to(device))
            except torch.OutOfMemoryError:
                waiting.append(batch)
                if len(batch) > 1:
                    most = len(batch) // 2
                else:
                    model, device = self._leave(device)
                    most = self.batch_size
                continue
            yield batch, logits, states

    def _pass(
        self, model: PreTrainedModel, mask: torch.Tensor, with_states: bool, **inputs: torch.Tensor
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Return logits of the head, (n, 2), if there is one, and mean states, (n, n_states, width), if wanted."""
        output = model(attention_mask=mask, output_hidden_states=with_states, **inputs)
        states = mean_states(output.hidden_states[: self.n_states], mask) if with_states else None
        return output.logits if self.has_head else None, states

    def leave_device(self) -> None:
        """Go on with a copy on the CPU, for `CPU_SECONDS`.

        The model itself is not moved: another thread may be inside it.

        Raise `OutOfMemoryError` if it is the CPU already.
        """
        self._leave(self.device)

    def _leave(self, device: torch.device) -> tuple[PreTrainedModel, torch.device]:
        if device.type == "cpu":
            raise torch.OutOfMemoryError(f"{self.name} does not fit into the memory of this machine.")
        logger.warning(
            "%s does not fit into the memory of %s: the CPU answers for %.0f seconds.", self.name, device, CPU_SECONDS
        )
        self._cpu_until = time.monotonic() + CPU_SECONDS
        return self._on_cpu(), _CPU

    def _on_cpu(self) -> PreTrainedModel:
        with _COPYING:
            if self._spare is None:
                self._spare = cpu_copy(self.model)
            return self._spare

    def _placed(self) -> tuple[PreTrainedModel, torch.device]:
        """Run the next pass on the device, or on the CPU for a while after that had too little memory."""
        if time.monotonic() < self._cpu_until:
            return self._on_cpu(), _CPU
        return self.model, self.device

    def _log_odds(self, logits: torch.Tensor | None, states: torch.Tensor | None) -> torch.Tensor:
        """Return log-odds of fake of windows, (n,), by the classification head, or by the probe in its place."""
        if logits is not None:
            logits = logits.float()
            return logits[:, self._fake].logsumexp(1) - logits[:, self._real].logsumexp(1)
        if self.probe_ is None:
            raise NotFittedError(f"{self.name} has neither a head nor a probe: train it first.")
        assert states is not None
        return self.probe_.window_log_odds(states)
