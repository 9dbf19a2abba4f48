"""Everything that decides a training run, as one frozen specification: the same settings, the same curve."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from compact_model.model import CompactModel
from compact_model.population import Population
from compact_model.training.algorithm import Algorithm, algorithm_named
from compact_model.training.converters import Converters
from compact_model.training.pulse_trains import PulseTrains
from compact_model.training.wires import TrainWires
from ground.errors import InputError
from ground.files import content_hash
from ground.spec import GrownSpec, Spec
from ground.units import Quantity

Positive = Annotated[float, Quantity("", 1e-9, 1e6)]


class Variant(Spec):
    """Changes to the devices, as in figure 6b of arXiv:2502.04524; None leaves what the model says.

    nsr : mean relative noise of a step.  states : mean number of states.  skew : mean skew of the symmetry point, 0.5 is
    symmetric. The spread of nsr and states shrinks or grows with the mean; that of the skew stays.
    """

    nsr: Annotated[float, Quantity("", 0.0, 20.0)] | None = None
    states: Annotated[float, Quantity("", 2.0, 1e5)] | None = None
    skew: Annotated[float, Quantity("", 0.02, 0.98)] | None = None

    def of(self, population: Population) -> Population:
        """Return the population with these changes."""
        n, w = population.states.mean
        spread_n, spread_w = population.states.sigma
        states = n if self.states is None else self.states
        skew = w if self.skew is None else self.skew
        changed = {
            "states": population.states.replace(mean=(states, skew), sigma=(spread_n * states / n, spread_w)),
        }
        if self.nsr is not None:
            share = population.nsr_sigma / population.nsr_mean if population.nsr_mean else 0.0
            return population.replace(**changed, nsr_mean=self.nsr, nsr_sigma=share * self.nsr)
        return population.replace(**changed)


class Start(Spec):
    """The state a run starts from. content : of the checkpoint, 16 hex digits.  epoch : how many epochs that has seen."""

    content: str
    epoch: Annotated[int, Field(ge=1)]


class TrainSettings(GrownSpec):
    """task : name, for the record.  algorithm, rates : its name and the fields to change.  seed : of devices, order and noise.

    device : "cpu" (numba kernels), "torch-cpu" (the torch tile on the CPU), or a torch device such as "cuda"; random numbers differ
    between them.  test_bytes : of a text, see `Text`.  reach, learn_scales, line_rates, layers, wires : see `to_analog`.
    clip, digital_lr : see `AnalogOptimiser`.  start : the state of another run that this one goes on from, see `run`.
    epochs is left out of the content: a longer run of the same settings goes on from a shorter one.
    """

    added: ClassVar[tuple[str, ...]] = (
        "device",
        "test_bytes",
        "reach",
        "learn_scales",
        "clip",
        "digital_lr",
        "line_rates",
        "layers",
        "wires",
        "start",
    )

    task: str
    algorithm: str = "agad"
    rates: dict[str, Any] = Field(default_factory=dict)
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 80
    seed: Annotated[int, Field(ge=0)] = 0
    batch: Annotated[int, Field(ge=1, le=65_536)] = 32
    variant: Variant = Variant()
    trains: PulseTrains = PulseTrains()
    converters: Converters = Converters()
    patience: Annotated[int, Field(ge=0)] = 0
    model_content: str = ""
    device: str = "cpu"
    test_bytes: Annotated[int, Field(ge=1)] | None = None
    reach: Annotated[float, Quantity("", 0.01, 100.0)] = 1.0
    learn_scales: bool = False
    clip: Positive | None = None
    digital_lr: Positive | None = None
    line_rates: Annotated[float, Quantity("", 0.0, 1.0)] | None = None
    layers: dict[str, dict[str, float]] = Field(default={})
    wires: TrainWires | None = None
    start: Start | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.test_bytes is not None and self.task != "text":
            raise InputError(
                f"TrainSettings.test_bytes={self.test_bytes} is not allowed with task={self.task!r}: it cuts a text."
            )
        if self.learn_scales and self.algorithm == "fp":
            raise InputError(
                "TrainSettings.learn_scales=True is not allowed with algorithm='fp': it scales rows of devices, and there are none."
            )
        if self.digital_lr is not None and self.algorithm == "fp":
            raise InputError(
                f"TrainSettings.digital_lr={self.digital_lr} is not allowed with algorithm='fp': everything is digital there; give lr."
            )
        for name in ("spread", "even"):
            if getattr(self.trains, name) and self.algorithm in ("fp", "mp"):
                raise InputError(
                    f"TrainSettings.trains.{name}=True is not allowed with algorithm={self.algorithm!r}: it gives no trains of pulses."
                )
        usual = Converters()
        of_arrays: dict[str, Any] = {name: getattr(self, name) for name in ("line_rates", "layers", "wires")}
        of_arrays["converters"] = {n: v for n, v in self.converters if v != getattr(usual, n)}
        for name, value in of_arrays.items():
            if value not in (None, {}) and self.algorithm == "fp":
                raise InputError(
                    f"TrainSettings.{name}={value} is not allowed with algorithm='fp': it is of arrays, and there are none."
                )
        return self

    @field_validator("epochs", "seed", "batch", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError("expected a whole number")
        return value

    @property
    def law(self) -> Algorithm:
        """Return the algorithm with its rates."""
        return algorithm_named(self.algorithm, **self.rates)

    @property
    def content(self) -> str:
        """Return 16 hex digits of everything but the number of epochs and the patience."""
        return content_hash(self.model_dump(mode="json", exclude={"epochs", "patience"}))

    def population(self, model: CompactModel | None) -> Population:
        """Return the devices to draw from: of the model, or published, with the variant."""
        chosen = (model or CompactModel.published()).population
        return self.variant.of(chosen)


def check_devices(model: CompactModel) -> None:
    """Raise InputError where a model cannot be trained on: its devices must be able to move and to be told apart."""
    p = model.population
    if p.g_max_mean_S <= 1.05 * p.g_min_mean_S:
        raise InputError(f"model {model.name!r}: its window g_max/g_min is below 1.05; there is no room for weights.")
