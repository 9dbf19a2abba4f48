"""TTv2, Tiki-Taka with a digital buffer: A collects the gradient in analog, H filters it, W receives single pulses.

Source: Gokmen, Front. Artif. Intell. 4, 699148 (2021); symbols of Rasch et al., Nat. Commun. 15, 7133 (2024).
"""

from __future__ import annotations

from typing import Any, ClassVar

from compact_model.training.algorithm import Buffered, Choppers, Fraction


class TTv2(Buffered):
    """A <- A - lambda_A d x^T; every n_s vectors H_k <- H_k + lambda_H A v_k; where |h| >= 1: one pulse on W, h <- momentum h."""

    code: ClassVar[int] = 2
    name: ClassVar[str] = "ttv2"
    choppers: ClassVar[Choppers] = "none"
    momentum: Fraction = 0.1


def read_column(omega: Any, lambda_H: Any, h: Any, momentum: Any, fire: Any) -> Any:
    """Return (pulses on W: -1, 0 or +1, new h) after reading omega from A. Works on numbers and on tensors alike.

    fire : |h| of a pulse, 1 but for verified ones.
    """
    h = h + lambda_H * omega
    fired = (h >= fire) * 1.0 - (h <= -fire) * 1.0
    return fired, h * (1.0 - abs(fired)) + momentum * h * abs(fired)
