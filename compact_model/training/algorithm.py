"""What every training algorithm states: its learning rates, and for those with a fast array A how it is read."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from ground.errors import InputError, nearest
from ground.spec import Spec
from ground.units import Quantity

Choppers = Literal["none", "random", "regular"]
Rate = Annotated[float, Quantity("", 0.0, 1e3)]
Fraction = Annotated[float, Quantity("", 0.0, 1.0)]


class Algorithm(Spec):
    """lr : learning rate of the network, of W and of everything digital.  decay : by which it is multiplied after every epoch."""

    code: ClassVar[int] = 0
    name: ClassVar[str] = ""
    lr: Rate = 0.01
    decay: Annotated[float, Quantity("", 1e-3, 1.0)] = 1.0

    @property
    def has_fast_array(self) -> bool:
        """Whether gradients go to a second array A."""
        return isinstance(self, Transfer)


class Transfer(Algorithm):
    """An algorithm with a fast array A, read column by column into W.

    fast_lr : lambda_A, the rate at which gradients go to A (not scaled by lr).
    auto_scale : divide it by the running means of max|x| and max|d|, times slots and granularity, so that about
        fast_lr * slots pulses meet at the strongest crossing.
    transfer_every : n_s, vectors (not batches) between two reads of a column.
    threshold : lambda_H = lr / (threshold * granularity of the device).
    momentum : what stays of h after its pulse.  rho, tail : see the algorithms that use them.
    """

    choppers: ClassVar[Choppers] = "none"
    fast_lr: Rate = 0.1
    auto_scale: bool = True
    auto_momentum: Fraction = 0.99
    transfer_every: Annotated[float, Quantity("", 1.0, 1e6)] = 3.0
    threshold: Annotated[float, Quantity("", 1e-6, 1e6)] = 1.0
    momentum: Fraction = 0.0
    rho: Fraction = 0.0
    tail: Rate = 1.0

    @property
    def period(self) -> int:
        """Reads of a column between two switches of a regular chopper."""
        return max(2, -int(-1.0 // self.rho)) if self.rho > 0 else 2**31

    @property
    def beta(self) -> float:
        """Weight of a new read in the running mean P."""
        return min(self.tail / self.period, 1.0)


def algorithms() -> dict[str, type[Algorithm]]:
    """Return every algorithm by its name on the command line."""
    from compact_model.training.agad import AGAD
    from compact_model.training.analog_sgd import AnalogSGD
    from compact_model.training.cttv2 import ChoppedTTv2
    from compact_model.training.floating_point import FloatingPoint
    from compact_model.training.mixed_precision import MixedPrecision
    from compact_model.training.ttv1 import TTv1
    from compact_model.training.ttv2 import TTv2

    return {a.name: a for a in (FloatingPoint, AnalogSGD, MixedPrecision, TTv1, TTv2, ChoppedTTv2, AGAD)}


def algorithm_named(name: str, **settings: Any) -> Algorithm:
    """Return an algorithm by name with its defaults changed by `settings`, or raise InputError naming the near ones."""
    known = algorithms()
    if name not in known:
        raise InputError(f"algorithm={name!r} is not known. {nearest(name, known)}")
    return known[name](**settings)
