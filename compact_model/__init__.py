"""What the outside sees of the device: cell and transistor, pulsed devices and populations, arrays, model file, exporters."""

from ground.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "array": ["Array"],
        "aihwkit_export": ["aihwkit_json", "aihwkit_python"],
        "cell": ["Cell", "Ions"],
        "cycle": ["Cycle", "CycleProtocol", "quasi_static_cycle"],
        "model": ["CompactModel", "Covariance"],
        "noise": ["Noise", "ReadNoise", "Relaxation"],
        "open_loop": ["open_loop_metrics", "run_open_loop"],
        "population": ["Bivariate", "Population"],
        "program_statistics": ["program_statistics"],
        "program_verify": ["PulseWindow", "levels_S", "program"],
        "pulsed_device": ["PulsedDevices", "pulse", "symmetry_point_S"],
        "transistor": ["Transistor"],
        "transport": ["Hopping", "OperatingPoint", "Transport"],
    },
)
