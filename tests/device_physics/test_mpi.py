"""The same numbers on one and on two MPI ranks: linear and self-consistent, from Python and from the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.fem,
    pytest.mark.skipif(shutil.which("mpirun") is None, reason="mpirun is not installed (apt-get install openmpi-bin)"),
]
RANKS = ["mpirun", "-n", "2", "--allow-run-as-root", "--oversubscribe"]
LAW = {"trap_density": "5e19 1/cm^3", "barrier": "65 meV", "hop_distance": "2 nm", "attempt": "9.2e12 Hz"}
FLAT = {"domain": "axisymmetric", "rim_size": "0.5 nm", "growth": 1.0, "dome_divisions": 4}
BOX = {"rim_size": "1.2 nm", "growth": 0.8, "dome_divisions": 4}
CODE = """
import json, sys
from device_physics import _dolfinx as door
from device_physics.device import Device
from device_physics.electrothermal import solve
from device_physics.selfconsistent import bias_sweep
law, out = json.loads(sys.argv[1]), []
for mesh in json.loads(sys.argv[2]):
    for degree in (1, 2):
        out.append(solve(Device.from_tables({"mesh": mesh, "solver": {"degree": degree}}), 0.2))
    out += bias_sweep(Device.from_tables({"mesh": mesh, "materials": {"CMO": {"hopping": law}}}), [-0.2, -0.5])
if door.is_first_rank():
    print(json.dumps([[s.current_A, s.power_W, s.dome.T_mean_K - 293.15, s.dome.E_mean_V_per_m, s.dofs] for s in out]))
"""


def _run(words: list[str], ranks: bool) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*(RANKS if ranks else []), *words], capture_output=True, text=True, check=False, env=environment, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python_gives_the_same_on_two_ranks() -> None:
    words = [sys.executable, "-c", CODE, json.dumps(LAW), json.dumps([FLAT, BOX])]
    one, two = (json.loads(_run(words, ranks)) for ranks in (False, True))
    assert len(one) == 8
    for alone, shared in zip(one, two, strict=True):
        assert shared == pytest.approx(alone, rel=1e-8)


def test_the_command_line_gives_the_same_once(tmp_path: Path) -> None:
    device = tmp_path / "device.toml"
    law = "".join(f'{name} = "{value}"\n' for name, value in LAW.items())
    mesh = "".join(f"{name} = {json.dumps(value)}\n" for name, value in FLAT.items())
    device.write_text(f"[mesh]\n{mesh}\n[materials.CMO.hopping]\n{law}")
    files: list[dict[str, Any]] = []
    for ranks in (False, True):
        path = tmp_path / f"{ranks}.json"
        words = [sys.executable, "-m", "reram", "solve", str(device), "--bias", "0.3", "--json", "-o", str(path)]
        printed = _run(words, ranks)
        files.append(json.loads(path.read_text()))
        assert json.loads(printed)["current_A"] == files[-1]["current_A"]  # once, or it would be no JSON
    assert files[1]["current_A"] == pytest.approx(files[0]["current_A"], rel=1e-8)
    assert files[1]["dome"]["T_mean_K"] == pytest.approx(files[0]["dome"]["T_mean_K"], rel=1e-8)
