"""A run folder made without FEM: fields that are known functions on a block of tetrahedra, and the files of the cheap stages."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from device_physics.device import Device
from device_physics.solution import Balances, DomeState, Fields, Solution
from ground.files import write_json
from ground.provenance import provenance
from meshes.mesh import Mesh

HALF, HEIGHT = 100.0, 64.0  # nm
LAYERS = {"bottom_TiN": (0, 20), "HfOx": (20, 24), "CMO": (24, 44), "top_TiN": (44, 64)}
REGIONS = {n: k for k, n in enumerate([*LAYERS, "filament", "dome"], 1)}


def temperature(points_nm: np.ndarray) -> np.ndarray:
    """T [K] of the made fields: linear in z."""
    return np.asarray(300 + points_nm[..., 2])


def potential(points_nm: np.ndarray) -> np.ndarray:
    """V [V] of the made fields: linear in z."""
    return np.asarray(-points_nm[..., 2] / HEIGHT)


def block(*, full: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points [nm], tetrahedra and region tags of a quarter (or full) box of small bricks, six tetrahedra each."""
    side = np.array([0.0, 4, 8, 11, 20, 50, HALF])
    x = np.concatenate([-side[:0:-1], side]) if full else side
    z = np.array([0.0, 10, 20, 22, 24, 30, 35, 44, HEIGHT])
    points = np.stack(np.meshgrid(x, x, z, indexing="ij"), axis=-1).reshape(-1, 3)
    number = np.arange(len(points)).reshape(len(x), len(x), len(z))
    cells = []
    for order in itertools.permutations(range(3)):  # Kuhn: the paths along the edges of a brick from corner to corner
        steps = np.zeros((4, 3), int)
        for k, axis in enumerate(order):
            steps[k + 1] = steps[k] + np.eye(3, dtype=int)[axis]
        odd = np.linalg.det(np.eye(3)[list(order)]) < 0
        corners = [
            number[i : i + len(x) - 1 or None, j : j + len(x) - 1 or None, k : k + len(z) - 1 or None]
            for i, j, k in steps
        ]
        tetrahedra = np.stack([c[: len(x) - 1, : len(x) - 1, : len(z) - 1].ravel() for c in corners], axis=1)
        cells.append(tetrahedra[:, [0, 2, 1, 3]] if odd else tetrahedra)
    cells_ = np.concatenate(cells)
    return points, cells_, tags(points[cells_].mean(axis=1))


def tags(middle: np.ndarray) -> np.ndarray:
    """Region of points [nm]: layers, and a square filament and dome."""
    out = np.zeros(len(middle), np.int32)
    for name, (low, high) in LAYERS.items():
        out[(middle[:, 2] > low) & (middle[:, 2] < high)] = REGIONS[name]
    inside = np.abs(middle[:, :2]).max(axis=1) < 11
    out[inside & (out == REGIONS["HfOx"])] = REGIONS["filament"]
    out[inside & (middle[:, 2] > 24) & (middle[:, 2] < 35)] = REGIONS["dome"]
    return out


def plane() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points [nm], triangles and tags of the axisymmetric half-section y = 0."""
    x, z = np.array([0.0, 4, 8, 11, 20, 50, HALF]), np.array([0.0, 10, 20, 22, 24, 30, 35, 44, HEIGHT])
    points = np.stack(np.meshgrid(x, [0.0], z, indexing="ij"), axis=-1).reshape(-1, 3)
    n = np.arange(len(points)).reshape(len(x), len(z))
    a, b, c, d = (m.ravel() for m in (n[:-1, :-1], n[1:, :-1], n[1:, 1:], n[:-1, 1:]))
    cells = np.concatenate([np.stack(t, axis=1) for t in ((a, b, c), (a, c, d))])
    return points, cells, tags(points[cells].mean(axis=1))


def made_mesh(*, full: bool = False) -> Mesh:
    """The block as a mesh in metres."""
    points, cells, region = block(full=full)
    none: Any = np.empty((0, 3), np.int64)
    return Mesh(points * 1e-9, cells, region, REGIONS, none, np.empty(0, np.int32), {}, 1 if full else 4, {})


def made_solution(kind: str = "quarter") -> Solution:
    """A solution that no solver made, its device the published one. kind : "quarter", "full" or "plane"."""
    points, cells, region = plane() if kind == "plane" else block(full=kind == "full")
    size = 10.0 ** region.astype(float)
    types = np.full(len(cells), 5 if kind == "plane" else 10)
    fields = Fields(
        points * 1e-9, cells, types, potential(points), temperature(points), region, size, 10 * size, 100 * size, REGIONS,
        4 if kind == "quarter" else 1, (None, {}),
    )  # fmt: skip
    device = Device.of()
    made = provenance("a test", device=device.model_dump(mode="json"), substituted=device.substituted())
    dome = DomeState(329.5, 335.0, 7.9e7)
    return Solution(
        -1.0, -2.8e-5, 2.8e-5, 35714.0, 2.8e-5, dome, 1.3e6, Balances(1e-11, 2e-12, 3e-14, 0.016), 1000, len(cells), 0.1, made,
        fields, {"dome": dome},
    )  # fmt: skip


def make_run(folder: Path) -> Path:
    """Fill a folder with one file of nearly every kind; needs pyvista and matplotlib for fields and pictures."""
    from compact_model.cycle import quasi_static_cycle, write_cycle_csv
    from compact_model.model import CompactModel
    from compact_model.mvm.settings import MvmSettings
    from compact_model.mvm.study import NORMALISATION, mvm_study
    from compact_model.programming_statistics import program_statistics
    from device_physics.field_files import write_vtu
    from fits.hopping.fit import fit_hopping
    from fits.hopping.state_curves import state_curves
    from fits.hopping.synthetic import write_synthetic_sweeps
    from fits.reading.readers import read_iv
    from fits.results.delivery import save_figure
    from meshes.mesh_picture import draw_mesh

    folder.mkdir(parents=True, exist_ok=True)
    solution = made_solution()
    write_json(folder / "solution.json", solution.to_dict())
    write_vtu(solution, folder / "fields.vtu")
    draw_mesh(made_mesh(), folder / "mesh.png")
    shutil.copy(folder / "mesh.png", folder / "cutaway.png")  # any picture
    sweeps = write_synthetic_sweeps(folder)
    fit = fit_hopping(state_curves([read_iv(f) for f in sweeps], r_series_ohm=0.0), r_cf_m=11e-9)
    write_json(folder / "fit.json", fit.to_dict())
    (folder / "fit.txt").write_text(f"# provenance: {{}}\n{fit.report()}\n")
    save_figure(fit.plot(), folder / "fit.png")
    model = fit.to_compact_model(files=sweeps)
    model.save(folder / "model.json")
    assert model.cell is not None
    write_cycle_csv(quasi_static_cycle(model.cell), folder / "cycle.csv", synthetic=True)
    statistics = program_statistics(CompactModel.published().population, (2, 2), 4, 0.05, seed=0)
    record = provenance("program_statistics", rows=2, columns=2, levels=4)
    write_json(folder / "array.json", {"results": [statistics.as_dict()], "provenance": record})
    settings = MvmSettings.published()
    study = mvm_study(8, 5, [0.0, 3600.0], settings, seed=0)
    write_json(
        folder / "mvm.json",
        {
            "size": 8, "inputs": 5, "seed": 0, "times_s": [0.0, 3600.0], "rmse": study.rmse.tolist(),
            "rmse_over_std": study.rmse_over_std.tolist(), "normalisation": NORMALISATION,
            "settings": settings.model_dump(mode="json"), "provenance": provenance("reram mvm", synthetic=True),
        },
    )  # fmt: skip
    (folder / "aihwkit_config.py").write_text("# for aihwkit\n")
    _training(folder / "train")
    (folder / "notes.dat").write_bytes(b"\0\1\2")
    stages = [{"stage": "3D electrothermal solution", "status": "done", "what": "made by hand", "seconds": 0.1}]
    write_json(folder / "summary.json", {"stages": stages, "files": [], "provenance": provenance("reram run")})
    return folder


def _training(folder: Path) -> None:
    from compact_model.training.learning_curve import LearningCurve

    folder.mkdir()
    curve = LearningCurve("accuracy")
    for epoch in range(1, 6):
        curve.add(epoch, 1.0 / epoch, 0.9 + 0.01 * epoch, 1000)
    curve.save_csv(folder / "curve.csv")
    in_time = [{"time_s": 0.0, "accuracy": 0.95}, {"time_s": 3600.0, "accuracy": 0.94}]
    record = {
        "task": "digits", "figure": "accuracy", "last": 0.95, "best": 0.95, "best_epoch": 5, "epochs": 5, "in_time": in_time,
        "curve": curve.rows, "settings": {"algorithm": "agad"}, "provenance": provenance("reram train"),
    }  # fmt: skip
    (folder / "result.json").write_text(json.dumps(record))
