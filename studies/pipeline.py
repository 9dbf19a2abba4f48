"""The main job: stack -> FEM -> fit -> compact model -> array -> export, into one folder that says what made it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from compact_model.model import CompactModel
from device_physics.device import Device
from fits.hopping import HoppingFit, fit_hopping
from fits.readers import read_iv
from fits.state_curves import state_curves
from ground.errors import InputError, MissingLibrary
from ground.files import write_json, write_text
from ground.provenance import provenance
from ground.spec import Spec, read_toml
from ground.units import Quantity

Say = Callable[[str], None]


class ArrayJob(Spec):
    """What is programmed: rows x columns devices, to `levels` levels, at each relative acceptance."""

    rows: Annotated[int, Quantity("", 1, 4096)] = 8
    columns: Annotated[int, Quantity("", 1, 4096)] = 4
    levels: Annotated[int, Quantity("", 2, 4096)] = 35
    acceptances: tuple[Annotated[float, Quantity("", 1e-5, 0.5)], ...] = (0.002, 0.02)
    seed: Annotated[int, Quantity("", 0, 2**32 - 1)] = 0


class Job(Spec):
    """One run. iv : measured files (LRS and HRS); without any, labelled synthetic data are made in the folder.

    device : for the FEM solve.  bias_V : of that solve.  r_series_ohm : subtracted from the measured voltages.
    """

    device: Device
    iv: tuple[Path, ...] = ()
    bias_V: Annotated[float, Quantity("V", -20.0, 20.0)] = -1.0
    r_series_ohm: Annotated[float, Quantity("ohm", 0.0, 1e6)] = 0.0
    array: ArrayJob = ArrayJob()

    @classmethod
    def from_toml(cls, path: Path) -> Job:
        """Read a run file: device = "device.toml", iv = [...], bias, r_series, [array]; paths are relative to the file."""
        raw = read_toml(path)
        try:
            device = Device.from_toml(path.parent / raw.pop("device")) if "device" in raw else Device.of()
            return cls.model_validate({**raw, "device": device, "iv": tuple(path.parent / f for f in raw.get("iv", ()))})
        except InputError as error:
            raise InputError(f"{path}: {error}") from None


@dataclass
class _Run:
    """The folder being filled, and what happened so far."""

    job: Job
    folder: Path
    say: Say
    stages: list[dict[str, Any]] = field(default_factory=list)

    def stage(self, name: str, work: Callable[[], str]) -> None:
        """Do one stage; a missing optional library is said and kept, everything else stops the run."""
        start = time.perf_counter()
        status: Literal["done", "left out"] = "done"
        try:
            what = work()
        except MissingLibrary as error:
            status, what = "left out", str(error)
        seconds = time.perf_counter() - start
        self.stages.append({"stage": name, "status": status, "what": what, "seconds": round(seconds, 2)})
        self.say(f"[{len(self.stages)}/6] {name}: {status} in {seconds:.1f} s. {what}")


def run_job(job: Job, folder: Path, say: Say = lambda text: None) -> dict[str, Any]:
    """Run all stages into `folder` (made if needed) and return the summary that is also written as summary.json.

    say : called with one line per finished stage.  Raises InputError for bad data or a folder that cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made: {error.strerror}.") from None
    run, start = _Run(job, folder, say), time.perf_counter()
    run.stage("3D electrothermal solution", lambda: _solve(run))
    files = job.iv or _synthetic_files(run)
    fit = _fit(run, files)
    run.stage("hopping fit", lambda: _describe_fit(run, fit))
    model = _model(run, fit, files)
    run.stage("compact model", lambda: _save_model(run, model))
    run.stage("quasi-static cycle", lambda: _cycle(run, model))
    run.stage("array programming", lambda: _array(run, model))
    run.stage("aihwkit export", lambda: _export(run, model))
    summary = {"folder": str(folder), "synthetic": model.synthetic, "seconds": round(time.perf_counter() - start, 1), "stages": run.stages,
               "files": sorted(p.name for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")),
               "provenance": provenance("reram run", files=files, synthetic=model.synthetic, device_hash=job.device.content_hash())}
    write_json(folder / "summary.json", summary)
    return summary


def _solve(run: _Run) -> str:
    from device_physics.electrothermal import solve
    from device_physics.field_files import write_vtu
    from device_physics.field_picture import draw_cross_section

    solution = solve(run.job.device, run.job.bias_V)
    write_json(run.folder / "solution.json", solution.to_dict())
    write_vtu(solution, run.folder / "fields.vtu")
    draw_cross_section(solution, run.folder / "fields.png")
    return (f"{solution.dofs} dofs at {solution.bias_V:g} V: R = {solution.resistance_ohm:.0f} ohm, dome at {solution.dome.T_mean_K:.0f} K. "
            "fields.png, fields.vtu, solution.json")


def _synthetic_files(run: _Run) -> tuple[Path, ...]:
    """Write sweeps made from the published parameters, labelled synthetic in name, comment and everything made from them."""
    from fits.synthetic import write_synthetic_sweeps

    return write_synthetic_sweeps(run.folder)


def _fit(run: _Run, files: tuple[Path, ...]) -> HoppingFit:
    curves = state_curves([read_iv(f) for f in files], r_series_ohm=run.job.r_series_ohm)
    return fit_hopping(curves, r_cf_m=run.job.device.stack.filament.radius_m)


def _describe_fit(run: _Run, fit: HoppingFit) -> str:
    from fits.hopping_plot import draw_fit

    write_json(run.folder / "fit.json", fit.to_dict())
    write_text(run.folder / "fit.txt", fit.report() + "\n")
    draw_fit(fit, run.folder / "fit.png")
    kind = "SYNTHETIC data" if fit.synthetic else "measured data"
    return f"{fit.points} points of {kind}, rms residual {fit.residual_rms:.1%}. fit.txt, fit.png, fit.json"


def _model(run: _Run, fit: HoppingFit, files: tuple[Path, ...]) -> CompactModel:
    return fit.to_compact_model(files=files)


def _save_model(run: _Run, model: CompactModel) -> str:
    model.save(run.folder / "model.json")
    return "model.json"


def _cycle(run: _Run, model: CompactModel) -> str:
    from compact_model.cycle import quasi_static_cycle, write_cycle_csv
    from compact_model.cycle_plot import draw_cycle

    if model.cell is None:
        return "the model has no cell"
    cycle = quasi_static_cycle(model.cell)
    write_cycle_csv(cycle, run.folder / "cycle.csv", synthetic=model.synthetic)
    label = "cell fitted to SYNTHETIC data" if model.synthetic else "fitted cell"
    draw_cycle(cycle, run.folder / "cycle.png", title=f"Quasi-static cycle, {label}; ion barriers assumed")
    return f"dome up to {cycle.T_K.max():.0f} K, ends at x = {cycle.x[-1]:.2f}. cycle.png, cycle.csv"


def _array(run: _Run, model: CompactModel) -> str:
    from compact_model.program_plot import draw_programming
    from compact_model.program_statistics import program_statistics

    a = run.job.array
    found = [program_statistics(model.population, (a.rows, a.columns), a.levels, x, seed=a.seed) for x in a.acceptances]
    write_json(run.folder / "array.json", {"results": [s.as_dict() for s in found], "provenance": provenance(
        "program_statistics", synthetic=model.synthetic, model=model.content_hash, **a.model_dump(mode="json"))})
    draw_programming(found, run.folder / "array.png", title=f"{a.rows} x {a.columns} devices of the published population, closed loop")
    pulses = ", ".join(f"{s.result.mean_pulses:.0f} pulses at {s.result.acceptance:.1%}" for s in found)
    return f"{a.rows}x{a.columns} to {a.levels} levels: {pulses}. array.png, array.json"


def _export(run: _Run, model: CompactModel) -> str:
    from compact_model.aihwkit_export import aihwkit_json, aihwkit_python

    write_text(run.folder / "aihwkit_config.py", aihwkit_python(model))
    write_json(run.folder / "aihwkit_config.json", aihwkit_json(model))
    return "aihwkit_config.py, aihwkit_config.json"
