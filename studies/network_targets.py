"""Published numbers of matrix-vector products and of training, and how we get ours."""

from __future__ import annotations

from ground.paper import paper
from studies.target import Target


def network_targets() -> list[Target]:
    """Return the targets of figures 4f and 6."""
    mvm, training = paper()["mvm"], paper()["training"]
    return [
        Target("mvm_rmse_programmed_32bit_no_ir_drop", "4f", mvm["rmse_programmed_32bit_no_ir_drop"]["value"], 0.25),
        Target("mvm_rmse_1s", "4f", mvm["rmse_1s"]["value"], 0.25),
        Target("mvm_rmse_10y", "4f", mvm["rmse_10y"]["value"], 0.25),
        Target("mvm_rmse_wan2022", "4f", mvm["rmse_wan2022_same_conditions"]["value"], 0.25),
        Target("mnist_accuracy_fp", "6b", training["mnist_accuracy"]["fp_sgd"], 0.005),
        Target("mnist_accuracy_array", "6b", training["mnist_accuracy"]["array"], 0.005),
        Target("mnist_accuracy_symmetric", "6b", training["mnist_accuracy"]["symmetric"], 0.005),
        Target("lstm_perplexity_gap_percent", "6d", training["lstm_perplexity_gap_percent"]["value"], 1.0),
    ]
