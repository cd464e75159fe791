"""The library's own model with the weights of one of ours, which computes every state whether it is read or not."""

from __future__ import annotations

from typing import Any

import transformers

from fakenews.classifiers.transformer import TransformerClassifier


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
