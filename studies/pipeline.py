"""The main job: stack -> FEM -> fit -> compact model -> array -> export, into one folder that says what made it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from compact_model.model import CompactModel
from device_physics.device import Device
from fits.hopping.fit import fit_hopping
from fits.hopping.result import HoppingFit, State
from fits.hopping.state_curves import state_curves
from fits.reading.measurement import Measurement
from fits.reading.readers import read_iv
from fits.results.identifiability import Fixed
from ground.errors import InputError, MissingLibrary, ReramError
from ground.files import write_json, write_text
from ground.paper import paper
from ground.provenance import provenance
from ground.spec import Spec, read_toml
from ground.units import Quantity

Say = Callable[[str], None]
_STATES: tuple[State, State] = ("LRS", "HRS")


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
            return cls.model_validate(
                {**raw, "device": device, "iv": tuple(path.parent / f for f in raw.get("iv", ()))}
            )
        except InputError as error:
            raise InputError(f"{path}: {error}") from None


@dataclass
class _Run:
    """The folder being filled, and what happened so far."""

    job: Job
    folder: Path
    say: Say
    stages: list[dict[str, Any]] = field(default_factory=list)
    fit: HoppingFit | None = None

    def stage(
        self,
        name: str,
        work: Callable[[], str],
        files: str,
        *,
        forgive: tuple[type[ReramError], ...] = (MissingLibrary,),
    ) -> None:
        """Do one stage that writes `files`; what it may be forgiven is said and kept in the summary, everything else stops the run."""
        start = time.perf_counter()
        status: Literal["done", "left out"] = "done"
        try:
            what = work()
        except forgive as error:
            status, what = "left out", str(error)
            for file in files.split():  # of an earlier run: they would be taken for this one's
                (self.folder / file).unlink(missing_ok=True)
        seconds = time.perf_counter() - start
        self.stages.append({"stage": name, "status": status, "what": what, "seconds": round(seconds, 2)})
        self.say(
            f"[{len(self.stages)}/6] {name}: {status} in {seconds:.1f} s. {what}"
            + (f" [{files}]" if status == "done" else "")
        )


def run_job(job: Job, folder: Path, say: Say = lambda text: None) -> dict[str, Any]:
    """Run all stages into `folder` (made if needed) and return the summary that is also written as summary.json.

    say : called with one line per finished stage.  Raises InputError for bad data or a folder that cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made: {error.strerror}.") from None
    run, start = _Run(job, folder, say), time.perf_counter()
    files = job.iv or _synthetic_files(run)
    measurements = [read_iv(f) for f in files]  # unreadable files stop the run before anything is solved
    run.stage("3D electrothermal solution", lambda: _solve(run), "fields.png fields.vtu solution.json")
    run.stage(
        "hopping fit", lambda: _fit(run, measurements), "fit.txt fit.png fit.json", forgive=(MissingLibrary, InputError)
    )
    model = _model(run, files)
    run.stage("compact model", lambda: _save_model(run, model), "model.json")
    run.stage(
        "quasi-static cycle", lambda: _cycle(run, model), "cycle.png cycle.csv", forgive=(MissingLibrary, InputError)
    )
    run.stage("array programming", lambda: _array(run, model), "array.png array.json")
    run.stage("aihwkit export", lambda: _export(run, model), "aihwkit_config.py aihwkit_config.json")
    summary = {
        "folder": str(folder),
        "synthetic": model.synthetic,
        "seconds": round(time.perf_counter() - start, 1),
        "stages": run.stages,
        "files": sorted(p.name for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")),
        "provenance": provenance(
            "reram run", files=files, synthetic=model.synthetic, device_hash=job.device.content_hash()
        ),
    }
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
    return f"{solution.dofs} dofs at {solution.bias_V:g} V: R = {solution.resistance_ohm:.0f} ohm, dome at {solution.dome.T_mean_K:.0f} K"


def _synthetic_files(run: _Run) -> tuple[Path, ...]:
    """Write sweeps made from the published parameters, labelled synthetic in name, comment and everything made from them."""
    from fits.hopping.synthetic import write_synthetic_sweeps

    run.say("No measured sweeps given: the fit uses SYNTHETIC data made from the published parameters.")
    return write_synthetic_sweeps(run.folder)


def _fit(run: _Run, measurements: list[Measurement]) -> str:
    """Fit; a barrier that the data do not identify is fixed at the published one, with its source, and the fit is done again."""
    from fits.results.delivery import save_figure

    curves = state_curves(measurements, r_series_ohm=run.job.r_series_ohm)
    radius = run.job.device.stack.filament.radius_m
    fit = fit_hopping(curves, r_cf_m=radius)
    lost = [s for s in _STATES if (p := fit.parameters.get(f"barrier_{s.lower()}_eV")) and not p.identified]
    if lost:
        fit = fit_hopping(curves, r_cf_m=radius, fixed={f"barrier_{s.lower()}_eV": published_barrier(s) for s in lost})
    write_json(run.folder / "fit.json", fit.to_dict())
    write_text(run.folder / "fit.txt", fit.report() + "\n")
    save_figure(fit.plot(), run.folder / "fit.png")
    run.fit = fit
    kind = "SYNTHETIC data" if fit.synthetic else "measured data"
    held = (
        f" The data do not identify the barrier of {' and '.join(lost)}: held at the published value." if lost else ""
    )
    return f"{fit.points} points of {kind}, rms residual {fit.residual_rms:.1%}.{held}"


def published_barrier(state: State) -> Fixed:
    """Return the barrier [eV] of a state read off figure 2d, as a fixed parameter with its source."""
    meV = paper()["transport"][f"delta_e_{state.lower()}_meV"]
    return Fixed(meV * 1e-3, "arXiv:2502.04524, read off figure 2d")


def _model(run: _Run, files: tuple[Path, ...]) -> CompactModel:
    """The model of the fit; where there is none, the published one without a cell, which the array needs no cell for."""
    if run.fit is None:
        return CompactModel.published()
    try:
        return run.fit.to_compact_model(files=files)
    except InputError as error:
        run.say(f"      no cell in the model: {error}")
        return CompactModel.published()


def _save_model(run: _Run, model: CompactModel) -> str:
    model.save(run.folder / "model.json")
    return "cell, population and noise" if model.cell else "published population and noise, no cell"


def _cycle(run: _Run, model: CompactModel) -> str:
    from compact_model.cycle import quasi_static_cycle, write_cycle_csv
    from compact_model.cycle_plot import draw_cycle

    if model.cell is None:
        raise InputError("the model has no cell; see the hopping fit.")
    cycle = quasi_static_cycle(model.cell)
    write_cycle_csv(cycle, run.folder / "cycle.csv", synthetic=model.synthetic)
    label = "cell fitted to SYNTHETIC data" if model.synthetic else "fitted cell"
    draw_cycle(cycle, run.folder / "cycle.png", title=f"Quasi-static cycle, {label}; ion barriers assumed")
    return f"dome up to {cycle.T_K.max():.0f} K, ends at x = {cycle.x[-1]:.2f}"


def _array(run: _Run, model: CompactModel) -> str:
    from compact_model.program_plot import draw_programming
    from compact_model.program_statistics import program_statistics

    a = run.job.array
    found = [program_statistics(model.population, (a.rows, a.columns), a.levels, x, seed=a.seed) for x in a.acceptances]
    write_json(
        run.folder / "array.json",
        {
            "results": [s.as_dict() for s in found],
            "provenance": provenance(
                "program_statistics", synthetic=model.synthetic, model=model.content_hash, **a.model_dump(mode="json")
            ),
        },
    )
    draw_programming(
        found,
        run.folder / "array.png",
        title=f"{a.rows} x {a.columns} devices of the published population, closed loop",
    )
    pulses = ", ".join(f"{s.result.mean_pulses:.0f} pulses at {s.result.acceptance:.1%}" for s in found)
    return f"{a.rows}x{a.columns} to {a.levels} levels: {pulses}"


def _export(run: _Run, model: CompactModel) -> str:
    from compact_model.aihwkit_export import aihwkit_json, aihwkit_python

    write_text(run.folder / "aihwkit_config.py", aihwkit_python(model))
    write_json(run.folder / "aihwkit_config.json", aihwkit_json(model))
    return "rpu_config() for training, inference_rpu_config() with the noise model"
