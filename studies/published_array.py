"""Arrays of published cells and devices, run once for the numbers and the figures that both look at them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ground.paper import paper

if TYPE_CHECKING:
    from compact_model.cycling import Cycling
    from compact_model.forming import FormingResult
    from compact_model.mvm.study import MvmStudy
    from compact_model.relaxation_statistics import RelaxationStatistics

TEN_YEARS_s = 3.1536e8
PULSED = ("open_loop.n_states", "open_loop.sp_skew", "open_loop.nsr")  # published numbers that make the devices
IN_TIME = (*PULSED, "relaxation.mean_shift", "relaxation.sigma", "relaxation.read_noise")
FORMING = ("forming.v_forming_reram_V", "forming.r_ds_triode_ohm", "forming.i_forming_1t1r_uA")
WAN: dict[str, Any] = {"device": "Wan 2022", "low_S": 0.0, "high_S": 40e-6}
IDEAL: dict[str, Any] = {"dac_bits": None, "adc_bits": None}


@lru_cache
def formed(cells: int) -> FormingResult:
    """Return the forming of this many published cells on the published ramp."""
    from compact_model.cells import Cells
    from compact_model.forming import Forming, form
    from compact_model.published_cell import published_cell

    cell = published_cell()
    assert cell.transistor is not None
    return form(Cells.of(cell, cells), Forming.published(cell.transistor), seed=0)


@lru_cache
def cycled(rows: int, columns: int) -> Cycling:
    """Return the published cycles of published cells with their spread."""
    from compact_model.cycling import cycle_cells
    from compact_model.published_cell import published_cell, published_spread

    spread = published_spread()
    cells = spread.sample(published_cell(), (rows, columns), seed=0)
    return cycle_cells(cells, paper()["cycling"]["cycles"], seed=0, spread=spread)


@lru_cache
def relaxed(side: int, times_s: tuple[float, ...], seed: int = 0) -> RelaxationStatistics:
    """Return the published levels of side x side devices, programmed to 0.2 %, at times after that [s]."""
    from compact_model.population import Population
    from compact_model.relaxation_statistics import relaxation_statistics

    levels = paper()["program_verify"]["levels"]
    return relaxation_statistics(Population.published(), (side, side), levels, 0.002, list(times_s), seed=seed)


def multiplied(
    times_s: tuple[float, ...],
    seed: int = 0,
    *,
    size: int | None = None,
    inputs: int | None = None,
    **changes: Any,
) -> MvmStudy:
    """Return products of the published chain at times after programming [s]; changes : of its settings.

    size, inputs : of the array and how many vectors; as published by default.  The closed loop is simulated unless changes say
    otherwise: the published width of programming is a result, not an input.
    """
    p = paper()["mvm"]
    settings = tuple(sorted({"programming": "simulated", **changes}.items()))
    return _multiplied(size or p["size"], inputs or p["inputs"], times_s, settings, seed)


@lru_cache(maxsize=512)
def _multiplied(
    size: int, inputs: int, times_s: tuple[float, ...], changes: tuple[tuple[str, Any], ...], seed: int
) -> MvmStudy:
    from compact_model.mvm import MvmSettings, mvm_study

    return mvm_study(size, inputs, times_s, MvmSettings.published(**dict(changes)), seed=seed)


def rmse(studies: list[MvmStudy]) -> NDArray[np.float64]:
    """Return the RMSE of every matrix, (matrices, times)."""
    return np.array([s.rmse for s in studies])
