"""A learning rate per line of an array: weak inputs and weak errors are raised, strong ones lowered, before they become pulses.

The strengths of the lines of a trained network differ by orders of magnitude. A device where two strong lines cross then gets so
many pulses that it forgets (it remembers about as many as it has states), while one between weak lines gets too few to tell a
gradient from noise. The product of two rates, one of the row and one of the column, is Adafactor's estimate of one rate per
weight (Shazeer and Stern, arXiv:1804.04235), which takes two digital numbers per line instead of one per device.
"""

from __future__ import annotations

import torch

MEMORY = 0.97
"""What stays of the mean square of a line after a batch."""


class LineRates(torch.nn.Module):
    """Running strengths of the lines of one tile. floor : weakest line that is told apart, as part of the strongest, 0 to 1.

    columns, rows : mean squares of x and d, zero before the first batch; they belong to a checkpoint.
    """

    columns: torch.Tensor
    rows: torch.Tensor

    def __init__(self, rows: int, columns: int, floor: float) -> None:
        super().__init__()
        self.floor = floor
        self.register_buffer("columns", torch.zeros(columns))
        self.register_buffer("rows", torch.zeros(rows))

    def forward(self, x: torch.Tensor, d: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return x (vectors, columns) and d (vectors, rows), each line times its rate; the mean line has about the rate 1."""
        return x * self._rates(x, self.columns), d * self._rates(d, self.rows)

    def _rates(self, lines: torch.Tensor, square: torch.Tensor) -> torch.Tensor:
        now = lines.square().mean(0)
        square.copy_(torch.where(square.any(), MEMORY * square + (1.0 - MEMORY) * now, now))
        strength = square.sqrt()
        strength = strength.clamp_min(self.floor * float(strength.max()))
        return torch.where(strength > 0, strength.mean() / strength, torch.ones_like(strength))
