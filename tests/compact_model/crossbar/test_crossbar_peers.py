"""The crossbar against programs that share nothing with it: ngspice and badcrossbar, where they are installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from compact_model.crossbar import Crossbar, NonlinearCrossbar, Sinh, Wires, crossbar_netlist

needs_ngspice = pytest.mark.skipif(shutil.which("ngspice") is None, reason="needs ngspice")


def _ngspice(path: Path, netlist: str, columns: int) -> np.ndarray:
    path.write_text(netlist)
    shown = subprocess.run(["ngspice", "-b", str(path)], capture_output=True, text=True, check=True).stdout
    found = {int(k): float(v) for k, v in re.findall(r"i\(vbottom_(\d+)\) = (\S+)", shown)}
    assert len(found) == columns, shown[-500:]
    return np.array([found[j] for j in range(columns)])


def _resistors(g: np.ndarray) -> list[list[str]]:
    return [[f"R{{n}} {{w}} {{b}} {1 / x!r}" if x > 0 else "" for x in map(float, row)] for row in g]


@needs_ngspice
@pytest.mark.parametrize("case", ["window", "spread", "both sides", "perfect and open"])
def test_linear_arrays_agree_with_ngspice(case: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shape = (24, 20)
    g, wires, bits = rng.uniform(9e-6, 89e-6, shape), Wires.uniform(0.35), np.zeros(20)
    if case == "spread":
        g, wires = 10 ** rng.uniform(-9, -2, shape) * (rng.random(shape) > 0.2), Wires.uniform(10.0)
    if case == "both sides":
        wires, bits = (
            Wires.uniform(2.0, bit_ohm=1.0, drive="both", sense="both", driver_ohm=30.0),
            rng.uniform(0, 0.1, 20),
        )
    if case == "perfect and open":
        word = np.where(rng.random((24, 19)) < 0.3, 0.0, 5.0)
        word[3, 7] = np.inf
        wires = Wires(word, 0.0, left_ohm=1.0, bottom_ohm=7.0, right_ohm=4.0)
    volts = rng.uniform(-0.2, 0.2, 24)
    theirs = _ngspice(tmp_path / "x.cir", crossbar_netlist(wires, shape, _resistors(g), volts, bits), 20)
    if case == "both sides":  # the netlist prints the bottom terminals
        ours = Crossbar(g, wires).solve(volts, bits).bottom_A[0]
    else:
        ours = Crossbar(g, wires).forward(volts, rtol=1e-11).bit_A[0]
    assert np.abs(ours - theirs).max() < 1e-9 * np.abs(theirs).max()


@needs_ngspice
def test_sinh_devices_agree_with_ngspice(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    g, volts, wires = rng.uniform(9e-6, 89e-6, (16, 12)), rng.uniform(-0.6, 0.6, 16), Wires.uniform(5.0)
    device = [[f"B{{n}} {{w}} {{b}} I={x * 0.15!r}*sinh(V({{w}},{{b}})/0.15)" for x in map(float, row)] for row in g]
    options = "reltol=1e-9 abstol=1e-18 vntol=1e-14 gmin=1e-20"
    theirs = _ngspice(tmp_path / "x.cir", crossbar_netlist(wires, g.shape, device, volts, options=options), 12)
    ours = NonlinearCrossbar(Sinh.from_conductance(g, 0.15), wires).solve(volts).bit_A[0]
    assert np.abs(ours - theirs).max() < 1e-6 * np.abs(theirs).max()


def test_linear_arrays_agree_with_badcrossbar_up_to_128() -> None:
    peer = pytest.importorskip("badcrossbar")
    rng = np.random.default_rng(2)
    for n in (3, 32, 128):
        g, volts = rng.uniform(9e-6, 89e-6, (n, n)), rng.uniform(-0.2, 0.2, (2, n))
        theirs = peer.compute(volts.T, 1.0 / g, 0.35)
        ours = Crossbar(g, Wires.uniform(0.35)).forward(volts, rtol=1e-11, voltages=True)
        assert np.abs(ours.bit_A - theirs.currents.output).max() < 1e-9 * np.abs(ours.bit_A).max()
        assert np.abs(ours.word_V[1] - theirs.voltages.word_line[..., 1]).max() < 1e-9
        assert np.abs(ours.device_A[1] - theirs.currents.device[..., 1]).max() < 1e-9 * ours.device_A.max()
