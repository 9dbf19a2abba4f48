"""The main job: stack -> FEM -> fit -> compact model -> array -> export, into one folder that says what made it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from compact_model.model import CompactModel
from device_physics.device import Device
from device_physics.solution import Solution
from fits.hopping.fit import fit_hopping
from fits.hopping.result import HoppingFit, State
from fits.hopping.state_curves import state_curves
from fits.reading.measurement import Measurement
from fits.reading.readers import read_iv
from fits.results.identifiability import Fixed
from ground.errors import InputError, MissingLibrary, ReramError
from ground.files import write_json, write_text
from ground.paper import paper
from ground.provenance import Source, provenance, response_table, sources
from ground.spec import Spec, read_toml
from ground.stamp import stamp
from ground.units import Quantity
from studies.report.page import write_report

Say = Callable[[str], None]
_STATES: tuple[State, State] = ("LRS", "HRS")
_STAGES = 7


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
    read_from : the run file and the device file, for the record.
    """

    device: Device
    iv: tuple[Path, ...] = ()
    bias_V: Annotated[float, Quantity("V", -20.0, 20.0)] = -1.0
    r_series_ohm: Annotated[float, Quantity("ohm", 0.0, 1e6)] = 0.0
    array: ArrayJob = ArrayJob()
    read_from: tuple[Path, ...] = ()

    @classmethod
    def from_toml(cls, path: Path) -> Job:
        """Read a run file: device = "device.toml", iv = [...], bias, r_series, [array]; paths are relative to the file."""
        raw = read_toml(path)
        try:
            own = [path.parent / raw.pop("device")] if "device" in raw else []
            device = Device.from_toml(own[0]) if own else Device.of()
            return cls.model_validate(
                {
                    **raw,
                    "device": device,
                    "iv": tuple(path.parent / f for f in raw.get("iv", ())),
                    "read_from": (path, *own),
                }
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
    solution: Solution | None = None
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
        row = {"stage": name, "status": status, "what": what, "seconds": round(seconds, 2)}
        self.stages.append({**row, "files": files.split() if status == "done" else []})
        self.say(
            f"[{len(self.stages)}/{_STAGES}] {name}: {status} in {seconds:.1f} s. {what}"
            + (f" [{files}]" if status == "done" else "")
        )

    def record(self, made_by: str, files: Iterable[Source], **settings: Any) -> dict[str, Any]:
        """Return what made a file of this folder."""
        return provenance(made_by, files=files, near=self.folder / "summary.json", **settings)

    def stamp(self, record: dict[str, Any], *names: str) -> None:
        """Put a record into files of this folder."""
        for name in names:
            stamp(self.folder / name, record)

    def model(self) -> list[Source]:
        """Return the compact model of this folder as an input."""
        return sources("compact model", self.folder / "model.json")

    def results(self) -> list[Source]:
        """Return the files of the stages that were done, as inputs of the summary."""
        made = [f for s in self.stages if s["status"] == "done" for f in s["files"]]
        return [Source(self.folder / f, "result") for f in made]


def run_job(job: Job, folder: Path, say: Say = lambda text: None) -> dict[str, Any]:
    """Run all stages into `folder` (made if needed) and return the summary that is also written as summary.json.

    The page report.html, which shows all of it, comes last; its path is the summary's `report`.
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
    run.stage("pictures of mesh and device", lambda: _draw(run), "mesh.png cutaway.png")
    run.stage(
        "hopping fit",
        lambda: _fit(run, measurements, files),
        "fit.txt fit.png fit.json",
        forgive=(MissingLibrary, InputError),
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
        "provenance": run.record(
            "reram run",
            [*sources("run file", *job.read_from), *sources("measured data", *files), *run.results()],
            synthetic=model.synthetic,
            device_hash=job.device.content_hash(),
        ),
    }
    write_json(folder / "summary.json", summary)
    return {**summary, "report": write_report(folder)["report"]}


def _solve(run: _Run) -> str:
    from device_physics.electrothermal import solve
    from device_physics.field_files import write_vtu
    from device_physics.field_picture import draw_cross_section

    solution = solve(run.job.device, run.job.bias_V)
    write_json(run.folder / "solution.json", solution.to_dict())
    write_vtu(solution, run.folder / "fields.vtu")
    draw_cross_section(solution, run.folder / "fields.png")
    run.stamp(solution.provenance, "fields.vtu", "fields.png")
    run.solution = solution
    return f"{solution.dofs} dofs at {solution.bias_V:g} V: R = {solution.resistance_ohm:.0f} ohm, dome at {solution.dome.T_mean_K:.0f} K"


def _draw(run: _Run) -> str:
    """Draw what the report shows of the FEM; apart from the solve, which needs no graphics."""
    from device_physics.field_picture import draw_cutaway
    from meshes.build import build_mesh
    from meshes.mesh_picture import draw_mesh

    if run.solution is None:
        raise MissingLibrary("there is no solution to draw.")
    device = run.job.device
    draw_mesh(build_mesh(device.stack, device.mesh), run.folder / "mesh.png")
    draw_cutaway(run.solution, run.folder / "cutaway.png")
    run.stamp(run.solution.provenance, "mesh.png", "cutaway.png")
    return "mesh on the plane through the axis, temperature on the device cut open"


def _synthetic_files(run: _Run) -> tuple[Path, ...]:
    """Write sweeps made from the published parameters, labelled synthetic in name, comment and everything made from them."""
    from fits.hopping.synthetic import write_synthetic_sweeps

    run.say("No measured sweeps given: the fit uses SYNTHETIC data made from the published parameters.")
    return write_synthetic_sweeps(run.folder)


def _fit(run: _Run, measurements: list[Measurement], files: tuple[Path, ...]) -> str:
    """Fit; a barrier that the data do not identify is fixed at the published one, with its source, and the fit is done again."""
    from fits.results.delivery import save_figure

    curves = state_curves(measurements, r_series_ohm=run.job.r_series_ohm)
    radius = run.job.device.stack.filament.radius_m
    fit = fit_hopping(curves, r_cf_m=radius)
    lost = [s for s in _STATES if (p := fit.parameters.get(f"barrier_{s.lower()}_eV")) and not p.identified]
    if lost:
        fit = fit_hopping(curves, r_cf_m=radius, fixed={f"barrier_{s.lower()}_eV": published_barrier(s) for s in lost})
    read = [*sources("measured data", *files), *fit.response_table]
    made = run.record("fit_hopping", read, synthetic=fit.synthetic, r_cf_m=radius, r_series_ohm=run.job.r_series_ohm)
    write_json(run.folder / "fit.json", {**fit.to_dict(), "provenance": made})
    write_text(run.folder / "fit.txt", fit.report() + "\n")
    save_figure(fit.plot(), run.folder / "fit.png")
    run.stamp(made, "fit.txt", "fit.png")
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
        read = [*sources("measured data", *files), *sources("fit", run.folder / "fit.json")]
        return run.fit.to_compact_model(files=read, near=run.folder / "model.json")
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
    made = run.record("quasi_static_cycle", [*run.model(), *response_table()], synthetic=model.synthetic)
    write_cycle_csv(cycle, run.folder / "cycle.csv", synthetic=model.synthetic)
    label = "cell fitted to SYNTHETIC data" if model.synthetic else "fitted cell"
    draw_cycle(cycle, run.folder / "cycle.png", title=f"Quasi-static cycle, {label}; ion barriers assumed")
    run.stamp(made, "cycle.csv", "cycle.png")
    return f"dome up to {cycle.T_K.max():.0f} K, ends at x = {cycle.x[-1]:.2f}"


def _array(run: _Run, model: CompactModel) -> str:
    from compact_model.program_plot import draw_programming
    from compact_model.programming_statistics import program_statistics

    a = run.job.array
    found = [program_statistics(model.population, (a.rows, a.columns), a.levels, x, seed=a.seed) for x in a.acceptances]
    settings = {"model_content": model.content_hash, **a.model_dump(mode="json")}
    made = run.record("program_statistics", run.model(), synthetic=model.synthetic, **settings)
    write_json(run.folder / "array.json", {"results": [s.as_dict() for s in found], "provenance": made})
    draw_programming(
        found,
        run.folder / "array.png",
        title=f"{a.rows} x {a.columns} devices of the published population, closed loop",
    )
    run.stamp(made, "array.png")
    pulses = ", ".join(f"{s.result.mean_pulses:.0f} pulses at {s.result.acceptance:.1%}" for s in found)
    return f"{a.rows}x{a.columns} to {a.levels} levels: {pulses}"


def _export(run: _Run, model: CompactModel) -> str:
    from compact_model.export.aihwkit import aihwkit_json, aihwkit_python

    made = run.record("reram export aihwkit", run.model(), synthetic=model.synthetic, model_content=model.content_hash)
    write_text(run.folder / "aihwkit_config.py", aihwkit_python(model))
    write_json(run.folder / "aihwkit_config.json", {**aihwkit_json(model), "provenance": made})
    run.stamp(made, "aihwkit_config.py")
    return "rpu_config() for training, inference_rpu_config() with the noise model"
