"""AGAD, "analog gradient accumulation with dynamic reference" (Tiki-Taka v4): choppers and a reference that follows A.

Source: Rasch et al., Nat. Commun. 15, 7133 (2024), arXiv:2303.04721. Where the paper leaves a choice, aihwkit's is taken
(DynamicTransferCompound): no pulses on W before every column has had one chopper period, and P is not reset at a switch.
"""

from __future__ import annotations

from typing import Any, ClassVar

from compact_model.training.algorithm import NEVER, Buffered, Choppers, Fraction, Memory, Rate


class AGAD(Buffered):
    """h_k <- h_k + c_k lambda_H (omega_k - P_ref,k); |h| >= 1: one pulse on W; P_k <- (1 - beta) P_k + beta omega_k.

    At a switch of the chopper, every 1/rho reads of a column, P_ref,k <- P_k.
    rho : switches per read.  tail : beta = tail * rho, at most 1: how much the end of a chopper period counts in P.
    """

    code: ClassVar[int] = 4
    name: ClassVar[str] = "agad"
    choppers: ClassVar[Choppers] = "regular"
    rho: Fraction = 0.1
    tail: Rate = 5.0

    @property
    def memory(self) -> Memory:
        """Return what `Algorithm.memory` does."""
        return super().memory._replace(beta=min(self.tail / self.chopping[1], 1.0))

    @property
    def chopping(self) -> tuple[float, int]:
        """Return what `Transfer.chopping` does."""
        return self.rho, max(2, -int(-1.0 // self.rho)) if self.rho > 0 else NEVER


def read_column(
    omega: Any, c: Any, lambda_H: Any, h: Any, momentum: Any, fire: Any, p: Any, p_ref: Any, beta: Any
) -> Any:
    """Return (pulses on W: -1, 0 or +1, new h, new P) after reading omega from A under the chopper c."""
    h = h + c * lambda_H * (omega - p_ref)
    fired = (h >= fire) * 1.0 - (h <= -fire) * 1.0
    return fired, h * (1.0 - abs(fired)) + momentum * h * abs(fired), (1.0 - beta) * p + beta * omega
