"""The library's own model with the weights of one of ours, which computes every state whether it is read or not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from transformers.modeling_outputs import SequenceClassifierOutput

from fakenews.classifiers.base import CleanedDocument, LogOddsClassifier, clean_text
from fakenews.classifiers.probe import mean_states
from fakenews.classifiers.transformer import TransformerClassifier
from fakenews.schema import FAKE, LABELS


def stock_model(classifier: TransformerClassifier) -> Any:
    """Return the `from_pretrained` model; its head is the library's where ours has none.

    Raises
    ------
    RuntimeError
        If the library's model would lack weights: a comparison with it would be unfair.
    """
    transformers.logging.set_verbosity_error()
    model = transformers.AutoModelForSequenceClassification.from_config(classifier.model.config)
    inner = model if classifier.has_head else model.base_model
    missing = inner.load_state_dict(classifier.model.state_dict(), strict=False).missing_keys
    missing = [name for name in missing if not name.startswith("pooler.")]
    if missing:
        raise RuntimeError(f"The library's model lacks {missing[:3]}: this comparison would be unfair.")
    return model.eval()


class StockClassifier(LogOddsClassifier):
    """A transformers pipeline at its defaults, one text at a time, with the function that our classifier computes.

    Of a perturbed sample it reads the neutral text with the mask token in the place of each removed word.
    """

    kind = "stock"

    def __init__(self, classifier: TransformerClassifier) -> None:
        super().__init__("stock")
        self.mask_token = classifier.mask_token
        self._classifier = classifier
        self._pipeline = transformers.pipeline(
            "text-classification", model=_with_probe(classifier), tokenizer=classifier.tokenizer, device="cpu",
            top_k=None, truncation=True, function_to_apply="none",
        )  # fmt: skip

    def decision_function(self, texts: Sequence[str]) -> np.ndarray:
        """Return the log-odds of fake, shape (n_texts,)."""
        return self._log_odds([clean_text(text).neutral.text for text in texts])

    def masked_log_odds(self, text: str, keep: np.ndarray) -> np.ndarray:
        """Return the log-odds of fake of samples of `text`, shape (n_samples,)."""
        return self._log_odds([self._masked(clean_text(text), row) for row in np.atleast_2d(keep)])

    def save(self, folder: Path) -> None:
        """Write our classifier."""
        self._classifier.save(folder)

    def _masked(self, document: CleanedDocument, keep: np.ndarray) -> str:
        text, last, parts = document.neutral.text, 0, []
        for word, stays in zip(document.words, keep, strict=True):
            parts += [text[last : word.start], text[word.start : word.end] if stays else self.mask_token]
            last = word.end
        return "".join((*parts, text[last:]))

    def _log_odds(self, texts: list[str]) -> np.ndarray:
        scores = ({d["label"]: d["score"] for d in answer} for answer in self._pipeline(texts))
        return np.array([answer["fake"] - answer["real"] for answer in scores])


def _with_probe(classifier: Any) -> Any:
    """Wrap our function as a model that a pipeline takes: windows of an article, the probe on their mean states."""
    model = stock_model(classifier)
    pieces = classifier.max_length - 2

    def forward(input_ids: Any, attention_mask: Any, **_: Any) -> Any:
        """Return the log-odds of fake of each row, which a pipeline gives one by one, without padding."""
        (ids,) = input_ids
        body = ids[1:-1].split(pieces) if len(ids) > 2 else (ids[1:-1],)
        margins = []
        for part in body:
            window = torch.cat([ids[:1], part, ids[-1:]])[None]
            hidden = model.base_model(window, output_hidden_states=True).hidden_states
            states = mean_states(hidden, torch.ones_like(window))
            margins.append(classifier.probe_.window_log_odds(states)[0] * len(part))
        logits = torch.zeros(1, 2)
        logits[0, FAKE] = sum(margins) / max(len(ids) - 2, 1)
        return SequenceClassifierOutput(logits=logits)

    model.config.id2label = dict(enumerate(LABELS))
    model.forward = forward
    return model
