"""c-TTv2: TTv2 behind choppers, random signs of the inputs that turn the bias of A into noise of mean zero.

Source: Rasch et al., Nat. Commun. 15, 7133 (2024), arXiv:2303.04721.
"""

from __future__ import annotations

from typing import Any, ClassVar

from compact_model.training.algorithm import NEVER, Buffered, Choppers, Fraction


class ChoppedTTv2(Buffered):
    """A <- A - lambda_A d (c o x)^T; h_k <- h_k + c_k lambda_H (A v_k); |h| >= 1: one pulse; then c_k <- -c_k at random.

    rho : probability that the chopper of a column is switched after its read.
    """

    code: ClassVar[int] = 3
    name: ClassVar[str] = "c-ttv2"
    choppers: ClassVar[Choppers] = "random"
    rho: Fraction = 0.1

    @property
    def chopping(self) -> tuple[float, int]:
        """Return what `Transfer.chopping` does."""
        return self.rho, NEVER


def read_column(omega: Any, c: Any, lambda_H: Any, h: Any, momentum: Any, fire: Any) -> Any:
    """Return (pulses on W: -1, 0 or +1, new h) after reading omega from A under the chopper c."""
    h = h + c * lambda_H * omega
    fired = (h >= fire) * 1.0 - (h <= -fire) * 1.0
    return fired, h * (1.0 - abs(fired)) + momentum * h * abs(fired)
