"""Floating-point SGD: the digital reference, W <- W - lr d x^T exactly."""

from __future__ import annotations

from typing import ClassVar

from compact_model.training.algorithm import Algorithm, Rate


class FloatingPoint(Algorithm):
    """No devices: layers stay ordinary torch layers."""

    code: ClassVar[int] = -1
    name: ClassVar[str] = "fp"
    lr: Rate = 0.1
