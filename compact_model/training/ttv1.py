"""TTv1, the first Tiki-Taka: what is read from a column of A goes to W at once, as a stochastic number of pulses.

Source: Gokmen and Haensch, Front. Neurosci. 14, 103 (2020).
"""

from __future__ import annotations

from typing import Any, ClassVar

from compact_model.training.algorithm import Choppers, Transfer


class TTv1(Transfer):
    """A <- A - lambda_A d x^T; every n_s vectors W_k <- W_k + lambda_H (A v_k) in steps of the device, rounded stochastically."""

    code: ClassVar[int] = 1
    name: ClassVar[str] = "ttv1"
    choppers: ClassVar[Choppers] = "none"


def read_column(omega: Any, lambda_H: Any, u: Any) -> Any:
    """Return the pulses on W: lambda_H omega rounded to a whole number, up with the probability of its fraction.

    u : uniform in 0..1.
    """
    return (lambda_H * omega + u) // 1.0
