"""Published numbers of matrix-vector products and of training, and how we get ours."""

from __future__ import annotations

from studies.mvm_targets import mvm_targets
from studies.target import Target
from studies.training_targets import training_targets


def network_targets() -> list[Target]:
    """Return the targets of figures 4f and 6."""
    return [*mvm_targets(), *training_targets()]
