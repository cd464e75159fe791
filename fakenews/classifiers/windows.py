"""What the classifiers on torch share: windows of word pieces, and rounding to the precision weights are stored in."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Windows:
    """One text cut into windows of word pieces.

    Attributes
    ----------
    input_ids, attention_mask : tensor of shape (n_windows, length), int64
        As the encoder takes them; the last window may be padded.
    word_index : tensor of shape (n_windows, length), int64
        Index into `read(text).words`, for a mark that of the word before it; -1 for special pieces and padding.
    weights : tensor of shape (n_windows,), float32
        Share of each window in the margin of the text; sum to 1.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    word_index: torch.Tensor
    weights: torch.Tensor

    def first(self, n: int | None) -> Windows:
        """Return the first `n` windows, with weights that sum to 1; all of them for None."""
        if n is None or n >= len(self.weights):
            return self
        weights = self.weights[:n] / self.weights[:n].sum()
        return Windows(self.input_ids[:n], self.attention_mask[:n], self.word_index[:n], weights)

    def rows(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Ids and mask of each window without its padding."""
        lengths = self.attention_mask.sum(1).tolist()
        return [(self.input_ids[i, :n], self.attention_mask[i, :n]) for i, n in enumerate(lengths)]


def round_to_half(model: torch.nn.Module) -> None:
    """Round every floating-point weight to the nearest half-precision value, in place."""
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.half().to(tensor.dtype))
