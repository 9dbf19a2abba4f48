"""What the outside sees of the device: cell and transistor, pulsed devices and populations, arrays, model file, exporters."""

from ground.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "array": ["Array"],
        "cell": ["Cell", "Ions"],
        "cell_calibration": ["CellTarget", "calibrate"],
        "cell_dynamics": ["CellTrace", "prepare", "simulate"],
        "cell_program": ["VoltageRamp", "program_cells"],
        "cell_pulses": ["Pulse", "pulsed_cells", "soft_bounds"],
        "cells": ["CellSpread", "Cells"],
        "cycle": ["Cycle", "CycleProtocol", "quasi_static_cycle"],
        "cycling": ["Cycling", "cycle_cells"],
        "export.aihwkit": ["aihwkit_json", "aihwkit_python"],
        "forming": ["Forming", "form"],
        "measured_population": ["as_measured"],
        "model": ["CompactModel", "Covariance"],
        "model_join": ["join_models"],
        "model_samples": ["sample_models"],
        "noise": ["Noise", "ReadNoise", "Relaxation"],
        "open_loop": ["open_loop_metrics", "run_open_loop"],
        "population": ["Bivariate", "Population"],
        "repeated_programming": ["ProgramRepeats", "program_repeats"],
        "programming_statistics": ["program_statistics"],
        "program_verify": ["PulseWindow", "levels_S", "program"],
        "pulse_windows": ["pulse_effect", "published_windows"],
        "pulsed_device": ["PulsedDevices", "pulse", "symmetry_point_S"],
        "transistor": ["Transistor"],
        "transport": ["Hopping", "OperatingPoint", "Transport"],
        "waveform": ["Waveform"],
    },
)
