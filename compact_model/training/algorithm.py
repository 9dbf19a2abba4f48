"""What every training algorithm states: its learning rates, and for those with a fast array A how it is read."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from ground.errors import InputError, nearest
from ground.spec import Spec
from ground.units import Quantity

Choppers = Literal["none", "random", "regular"]
Rate = Annotated[float, Quantity("", 0.0, 1e3)]
Fraction = Annotated[float, Quantity("", 0.0, 1.0)]
Threshold = Annotated[float, Quantity("", 1e-6, 1e6)]
Verify = Annotated[float, Quantity("", 0.05, 1.0)] | None
"""None: pulses are given blindly and each counts as one step. A number: every pulsed device of W is read before and after, as in
program-verify, what it moved is taken off the digital sum, and a pulse is due where that sum is at least this part of a step."""
NEVER = 2**31


class Memory(NamedTuple):
    """momentum : what stays of h after its pulse.  fire : |h| of a pulse.  verified : see `Verify`.  beta : of AGAD's mean P."""

    momentum: float = 0.0
    fire: float = 1.0
    verified: bool = False
    beta: float = 0.0

    @classmethod
    def of(cls, momentum: float, verify: float | None) -> Memory:
        """Return it for blind pulses, or for verified ones, which take off h what moved."""
        return cls(momentum) if verify is None else cls(1.0, verify, True)


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

    @property
    def memory(self) -> Memory:
        """Return what the digital side remembers, and when it pulses W."""
        return Memory()


class Transfer(Algorithm):
    """An algorithm with a fast array A, read column by column into W.

    fast_lr : lambda_A, the rate at which gradients go to A (not scaled by lr).
    auto_scale : divide it by the running means of max|x| and max|d|, times slots and granularity, so that about
        fast_lr * slots pulses meet at the strongest crossing.
    transfer_every : n_s, vectors (not batches) from one read of a column to the next read; 0.25 reads four columns after every vector.
    threshold : lambda_H = lr / (threshold * granularity of the device).
    true_size : divide that by the rate of A too, so that W follows the gradient by its size in every layer and at any time, and not
        by what auto_scale made of it (aihwkit's `correct_gradient_magnitudes`).
    """

    choppers: ClassVar[Choppers] = "none"
    fast_lr: Rate = 0.1
    auto_scale: bool = True
    auto_momentum: Fraction = 0.99
    transfer_every: Annotated[float, Quantity("", 1.0 / 64.0, 1e6)] = 3.0
    threshold: Threshold = 1.0
    true_size: bool = False

    @property
    def chopping(self) -> tuple[float, int]:
        """Return the chance that a read switches the chopper of its column, and the reads between two regular switches."""
        return 0.0, NEVER


class Buffered(Transfer):
    """A transfer through a digital buffer H, which sends a pulse to W where it has collected one.

    momentum : what stays of h after its pulse.  verify : see `Verify`; momentum has no part in it then.
    """

    momentum: Fraction = 0.0
    verify: Verify = None

    @property
    def memory(self) -> Memory:
        """Return what `Algorithm.memory` does."""
        return Memory.of(self.momentum, self.verify)


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
