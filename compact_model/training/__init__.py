"""Training on the array: tiles of pulsed devices, the Tiki-Taka family of algorithms, torch layers, tasks and runs."""

from ground.errors import MissingLibrary
from ground.lazy import lazy_exports

_load, __dir__, _rooms = lazy_exports(
    __name__,
    {
        "agad": ["AGAD"],
        "aftermath": ["evaluate_trained", "trained_arrays"],
        "algorithm": ["Algorithm", "Transfer", "algorithm_named", "algorithms"],
        "analog_sgd": ["AnalogSGD"],
        "bank": ["DeviceBank"],
        "convert": ["to_analog"],
        "converters": ["Converters"],
        "cttv2": ["ChoppedTTv2"],
        "network_in_arrays": ["evaluate"],
        "evaluation": ["Evaluation"],
        "finished": ["load_run"],
        "floating_point": ["FloatingPoint"],
        "handover": ["bank_from_aihwkit", "tile_from_aihwkit", "tile_to_aihwkit"],
        "layers": ["AnalogConv2d", "AnalogLinear"],
        "lstm": ["AnalogLSTM"],
        "optimiser": ["AnalogOptimiser"],
        "pulse_trains": ["PulseTrains"],
        "seeds": ["run_seeds"],
        "settings": ["TrainSettings", "Variant"],
        "task": ["Task"],
        "tile": ["Tile"],
        "trainer": ["train"],
        "ttv1": ["TTv1"],
        "ttv2": ["TTv2"],
        "wires": ["TrainWires"],
    },
)
__all__ = _rooms


def load_training() -> None:
    """Raise MissingLibrary where torch or numba is not installed, saying which command installs it."""
    import importlib.util

    for library, what in (("torch", "carries the networks"), ("numba", "compiles the pulse kernels")):
        if importlib.util.find_spec(library) is None:
            raise MissingLibrary(
                f"{library} is not installed. It {what}; install it with `pip install 'cmo-reram[training]'`."
            )


def __getattr__(name: str) -> object:
    if name in __all__:
        load_training()
    return _load(name)
