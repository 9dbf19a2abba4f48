"""The compact model as a configuration of aihwkit: a Python file that needs only aihwkit, or the same numbers as JSON.

aihwkit's C++ biases are one-sided: up_down > 0 leaves the up step at dw_min and shortens the down step to
dw_min (1 - up_down); up_down < 0 the other way round; pow_up_down does the same with the exponents. (Its docstring
says dw_min (1 +/- up_down).) So the numbers are solved for here, not copied: the exported mean device has the
symmetry point, the step there and the exponents of the model's.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from compact_model.model import CompactModel
from compact_model.pulsed_device import Floats, step_at_symmetry_point_S, symmetry_point_S
from ground.paper import paper

AIHWKIT_VERSION = "1.1.0"


def one_sided(up: float, down: float) -> tuple[float, float]:
    """Return (scale, bias) for which aihwkit's C++ rule gives `up` and `down`.

    Rule: bias > 0: (scale, scale (1 - bias)); bias < 0: (scale (1 - |bias|), scale).
    Source: rpu_pulsed_device.cpp and rpu_powstep_device.cpp of aihwkit 1.1.0, `populate`.
    """
    scale = max(up, down)
    return scale, 1.0 - down / up if up >= down else up / down - 1.0


@dataclass(frozen=True)
class PowStepNumbers:
    """The fields of aihwkit's PowStepDevice, weights in -1..1 for g_min_mean..g_max_mean.

    notes : what aihwkit's form of device-to-device spread cannot carry.
    """

    w_max: float
    w_min: float
    w_max_dtod: float
    w_min_dtod: float
    dw_min: float
    dw_min_dtod: float
    dw_min_std: float
    up_down: float
    up_down_dtod: float
    pow_gamma: float
    pow_gamma_dtod: float
    pow_up_down: float
    pow_up_down_dtod: float
    notes: tuple[str, ...]

    def fields(self) -> dict[str, float]:
        """Return the fields to give to PowStepDevice."""
        return {k: v for k, v in self.__dict__.items() if k != "notes"}


def powstep_numbers(model: CompactModel) -> PowStepNumbers:
    """Return the PowStep fields whose mean device is the model's and whose spreads match it to first order."""
    p, mean = model.population, model.population.mean_device()
    window_S = float(mean.g_max_S - mean.g_min_S)
    scale, bias = one_sided(2.0 * float(mean.dg_up_S) / window_S, 2.0 * float(mean.dg_down_S) / window_S)
    gamma, gamma_bias = one_sided(float(mean.gamma_up), float(mean.gamma_down))
    w_spread = (2.0 * p.g_max_sigma_S / window_S, 2.0 * p.g_min_sigma_S / window_S)
    spread, notes = _spreads(model, w_spread)
    if p.states.correlation or p.exponents.correlation:
        notes.append("correlations inside G1 and G2 are not carried: aihwkit draws independently")
    if p.nsr_sigma:
        notes.append(f"the spread of NSR over devices ({p.nsr_sigma:g}) is not carried: dw_min_std is one number")
    return PowStepNumbers(
        w_max=1.0,
        w_min=-1.0,
        w_max_dtod=w_spread[0],
        w_min_dtod=w_spread[1],
        dw_min=scale,
        dw_min_dtod=float(spread[0]),
        dw_min_std=p.nsr_mean,
        up_down=bias,
        up_down_dtod=float(spread[1]),
        pow_gamma=gamma,
        pow_gamma_dtod=float(spread[2]),
        pow_up_down=gamma_bias,
        pow_up_down_dtod=float(spread[3]),
        notes=tuple(notes),
    )


def _sensitivity(model: CompactModel) -> Floats:
    """Return d(ln n_states, sp_skew)/d(ln dg_up, ln dg_down, gamma_up, gamma_down) of the mean device, shape (2, 4).

    From gamma_up ln w + ln up = gamma_down ln(1-w) + ln down and n_states = (g_max - g_min)/(up w^gamma_up).
    """
    d = model.population.mean_device()
    w, up, down = model.population.states.mean[1], float(d.gamma_up), float(d.gamma_down)
    slope = up / w + down / (1.0 - w)
    skew = np.array([-1.0, 1.0, -np.log(w), np.log(1.0 - w)]) / slope
    n = -np.array([1.0, 0.0, np.log(w), 0.0]) - up / w * skew
    return np.stack([n, skew])


def _spreads(model: CompactModel, w_spread: tuple[float, float]) -> tuple[Floats, list[str]]:
    """Return (dw_min_dtod, up_down_dtod, pow_gamma_dtod, pow_up_down_dtod), shape (4,), and what they miss.

    aihwkit draws up = dw_min (1 + b_up + a x + b y), down = dw_min (1 + b_down + a x - b y), and the exponents
    alike, every x and y independent; in the model the steps follow from n_states, sp_skew and the exponents. Variances
    add to first order, so the four are solved for: the spreads of n_states and sp_skew first, and those of the
    exponents, which alone may already exceed them, as far as they leave room (non-negative least squares).
    """
    from scipy.optimize import nnls

    p, d = model.population, model.population.mean_device()
    (step, _), (gamma, _) = (
        one_sided(float(d.dg_up_S), float(d.dg_down_S)),
        one_sided(float(d.gamma_up), float(d.gamma_down)),
    )
    by = _sensitivity(model) * np.array([step / d.dg_up_S, step / d.dg_down_S, gamma, gamma])
    effect = np.stack([by[:, 0] + by[:, 1], by[:, 0] - by[:, 1], by[:, 2] + by[:, 3], by[:, 2] - by[:, 3]], axis=1)
    asked = np.array(
        [
            p.states.sigma[0] / p.states.mean[0],
            p.states.sigma[1],
            p.exponents.sigma[0] / gamma,
            p.exponents.mean[0] * p.exponents.sigma[1] / gamma,
        ]
    )
    bounds = np.array([(w_spread[0] ** 2 + w_spread[1] ** 2) / 4.0, 0.0, 0.0, 0.0])
    rows = np.concatenate([effect**2, np.eye(4)[2:]])
    weight = np.array([10.0, 10.0, 1.0, 1.0]) / np.maximum(asked, 1e-3) ** 2
    variance = nnls(rows * weight[:, None], np.maximum(asked**2 - bounds, 0.0) * weight)[0]
    got = np.sqrt(rows @ variance + bounds)
    names = ("n_states", "sp_skew", "gamma", "gamma_up_down")
    notes = [
        f"the spread of {name} over devices comes out {g / a:.2f} times the model's, to first order"
        for name, a, g in zip(names, asked, got, strict=True)
        if a > 0 and abs(g / a - 1.0) > 0.02
    ]
    spread = np.sqrt(variance)
    short = min(float(d.dg_up_S), float(d.dg_down_S)) / step
    width = float(np.hypot(spread[0], spread[1]))
    weak = 0.5 * math.erfc(0.8 * short / (width * math.sqrt(2.0))) if width > 0 else 0.0
    if weak > 1e-3:
        notes.append(
            f"aihwkit draws steps from a normal law: {100 * weak:.1f} % of its devices get less than a fifth of "
            "the mean step in the weaker direction, so its n_states has a long tail"
        )
    return spread, notes


def aihwkit_json(model: CompactModel) -> dict[str, Any]:
    """Return the exported numbers as JSON-like data: training device, inference noise, what they should reproduce."""
    numbers, mean, published = powstep_numbers(model), model.population.mean_device(), paper()
    window_S = float(mean.g_max_S - mean.g_min_S)
    law, read, mvm = model.noise.relaxation, model.noise.read, published["mvm"]
    wire, full_uS = mvm["r_wire_segment_ohm"], mvm["g_max_for_ir_drop_uS"]
    sigma = published["program_verify"]["sigma_prog"]
    return {
        "format": "cmo-reram aihwkit export",
        "version": 1,
        "aihwkit": AIHWKIT_VERSION,
        "model": {
            "name": model.name,
            "content_hash": model.content_hash,
            "provenance": model.provenance,
            "synthetic": model.synthetic,
            "assumed": model.population.assumed,
        },
        "device": {"class": "PowStepDevice", **numbers.fields()},
        "notes": list(numbers.notes),
        "mean_device": {
            "n_states": window_S / float(step_at_symmetry_point_S(mean)),
            "nsr": model.population.nsr_mean,
            "symmetry_point": 1.0 - 2.0 * (float(mean.g_max_S) - float(symmetry_point_S(mean))) / window_S,
        },
        "inference": {
            "g_min": float(mvm["g_window_uS"][0]),
            "g_max": float(mvm["g_window_uS"][1]),
            "acceptance_range": 0.2,
            "coeff_dict": {"0.2": sigma["acceptance_0p2_percent"], "2": sigma["acceptance_2_percent"]},
            "decay_dict": {"mean": [law.mean_shift_S * 1e6], "std": [law.sigma_per_ln_S * 1e6, law.sigma_S * 1e6]},
            "read_dict": {"K": read.k_S * 1e6, "t_read": read.t_read_s},
            "inp_res": 1.0 / (2 ** mvm["dac_bits"] - 2),
            "out_res": 1.0 / (2 ** mvm["adc_bits"] - 2),
            "ir_drop_rs": wire,
            "ir_drop_g_ratio": 1e6 / wire / full_uS,
        },
    }


def _comments(model: CompactModel, data: dict[str, Any]) -> str:
    """Return the header; every text of the model goes through JSON, so that none can end the comment line."""
    facts = {"model": model.name, "content": model.content_hash, "provenance": model.provenance}
    lines = [f"{name}: {json.dumps(value, ensure_ascii=True)}" for name, value in facts.items()]
    if model.synthetic:
        lines.insert(0, "SYNTHETIC: made from synthetic data, not from measured devices.")
    lines += [
        f"assumed {json.dumps(k, ensure_ascii=True)}: {json.dumps(v, ensure_ascii=True)}"
        for k, v in model.population.assumed.items()
    ]
    lines += [f"note: {n}" for n in data["notes"]]
    return "\n".join("# " + line for line in lines)


_TEMPLATE = '''"""CMO/HfOx ReRAM for aihwkit {aihwkit}. Written by cmo-reram; needs nothing but aihwkit.

rpu_config() trains on pulsed devices, weights -1..1 for the model's g_min..g_max.
inference_rpu_config() programs, relaxes and reads weights, conductances in uS, times in s.
"""
{comments}

# Up and down step are dw_min * (1 - |up_down|) on the shorter side and dw_min on the other: aihwkit's C++ rule.
# The mean device has its symmetry point at weight {sp:.6g}, n_states {n:.6g} and NSR {nsr:.6g} there.
DEVICE = {device}

INFERENCE = {inference}


def device():
    """Return the pulsed device."""
    from aihwkit.simulator.configs import PowStepDevice

    return PowStepDevice(**DEVICE)


def rpu_config():
    """Return a training configuration: one such device per weight."""
    from aihwkit.simulator.configs import SingleRPUConfig

    return SingleRPUConfig(device=device())


def inference_rpu_config(acceptance_percent=0.2):
    """Return an inference configuration. acceptance_percent : of the programming, 0.2 or 2.

    aihwkit takes its 0.2 % numbers, silently, for every other value, 2e-2 included; here that is an error.
    """
    from aihwkit.inference.noise.reram import ReRamCMONoiseModel
    from aihwkit.simulator.configs import InferenceRPUConfig
    from aihwkit.simulator.configs.utils import (
        BoundManagementType,
        NoiseManagementType,
        WeightClipType,
        WeightRemapType,
    )
    from aihwkit.simulator.parameters.io import IOParametersIRDropT

    if acceptance_percent not in INFERENCE["coeff_dict"]:
        raise ValueError("acceptance_percent=%r is not allowed: expected 0.2 or 2 (per cent)" % (acceptance_percent,))
    config = InferenceRPUConfig()
    config.modifier.type = None
    config.mapping.digital_bias = False
    config.mapping.weight_scaling_omega = 1.0
    config.mapping.weight_scaling_columnwise = False
    config.mapping.out_scaling_columnwise = False
    config.remap.type = WeightRemapType.LAYERWISE_SYMMETRIC
    config.clip.type = WeightClipType.NONE
    config.forward = IOParametersIRDropT()
    config.forward.is_perfect = False
    config.forward.out_noise = 0.0
    config.forward.inp_bound = 1.0
    config.forward.inp_res = INFERENCE["inp_res"]
    config.forward.out_bound = 15.0
    config.forward.out_res = INFERENCE["out_res"]
    config.forward.ir_drop = 1.0
    config.forward.ir_drop_rs = INFERENCE["ir_drop_rs"]
    config.forward.ir_drop_g_ratio = INFERENCE["ir_drop_g_ratio"]
    config.forward.bound_management = BoundManagementType.NONE
    config.forward.noise_management = NoiseManagementType.NONE
    config.noise_model = ReRamCMONoiseModel(
        g_min=INFERENCE["g_min"],
        g_max=INFERENCE["g_max"],
        acceptance_range=acceptance_percent,
        coeff_dict=INFERENCE["coeff_dict"],
        decay_dict=INFERENCE["decay_dict"],
        read_dict=INFERENCE["read_dict"],
    )
    config.drift_compensation = None
    return config
'''


def _table(values: dict[str, Any]) -> str:
    return "{\n" + "".join(f"    {name!r}: {value!r},\n" for name, value in values.items()) + "}"


def aihwkit_python(model: CompactModel) -> str:
    """Return a self-contained Python file with rpu_config() (training) and inference_rpu_config()."""
    data = aihwkit_json(model)
    inference = {**data["inference"], "coeff_dict": {float(k): v for k, v in data["inference"]["coeff_dict"].items()}}
    del inference["acceptance_range"]
    mean = data["mean_device"]
    return _TEMPLATE.format(
        aihwkit=AIHWKIT_VERSION,
        comments=_comments(model, data),
        sp=mean["symmetry_point"],
        n=mean["n_states"],
        nsr=mean["nsr"],
        device=_table({k: v for k, v in data["device"].items() if k != "class"}),
        inference=_table(inference),
    )
