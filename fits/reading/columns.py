"""Which column of a table holds which quantity, told by its name and the unit in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ground.errors import InputError, nearest

# In order of preference: a terminal's own reading (Clarius writes formula columns beside it) before a plain word.
_NAMES: dict[str, tuple[tuple[str, ...], ...]] = {
    "voltage": (
        ("av", "anodev", "drainv"),
        ("voltage", "volt", "volts", "bias", "biasvoltage", "vbias", "appliedvoltage", "vapplied", "vtop"),
        ("v", "u"),
    ),
    "current": (("ai", "anodei", "draini"), ("current", "measuredcurrent", "imeas", "itop", "ampere", "amps"), ("i",)),
    "time": (("time", "timestamp", "elapsedtime", "unixtime"), ("t",)),
    "conductance": (("conductance", "cond"), ("g",)),
    "resistance": (("resistance", "res"), ("r",)),
    "lrs": (("lrs", "rlrs", "lrsresistance", "resistancelrs"),),
    "hrs": (("hrs", "rhrs", "hrsresistance", "resistancehrs"),),
    "up": (("up", "upresponse", "potentiation"),),
    "down": (("down", "downresponse", "depression"),),
    "pulse": (("pulse", "pulsenumber", "pulseindex", "npulse", "pulses"),),
    "direction": (("direction", "polarity", "pulsedirection"),),
    "pulse_voltage": (("pulsevoltage", "vpulse", "pulseamplitude", "amplitude"),),
    "device": (("device", "deviceid", "address", "cell"),),
    "cycle": (("cycle", "cycles"),),
    "gate": (("gatevoltage", "gatev", "vgate", "vg", "vgs", "gate"),),
    "drain": (("drainvoltage", "drainv", "vdrain", "vd", "vds", "drain"),),
    "drain_current": (("draincurrent", "draini", "idrain", "id", "ids"),),
    "source": (("sourcevoltage", "sourcev", "vsource", "vs"),),
}
_BASE = {
    "voltage": "V",
    "current": "A",
    "time": "s",
    "conductance": "S",
    "resistance": "ohm",
    "lrs": "ohm",
    "hrs": "ohm",
    "up": "S",
    "down": "S",
    "pulse_voltage": "V",
    "gate": "V",
    "drain": "V",
    "drain_current": "A",
    "source": "V",
}
_PREFIX = {"": 1.0, "G": 1e9, "M": 1e6, "k": 1e3, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
_SHOWN = {
    "voltage": "voltage_V, 'Voltage (V)', 'V [mV]', AV",
    "current": "current_A, 'Current (A)', 'I(uA)', AI",
    "time": "time_s, 'Time (s)'",
}


@dataclass(frozen=True)
class Column:
    """One recognised column: its position from 0, its header and the factor to the SI unit."""

    index: int
    header: str
    factor: float


@dataclass(frozen=True)
class Columns:
    """Where voltage, current and (if there) time stand in a table."""

    voltage: Column
    current: Column
    time: Column | None


def recognise(
    header: Sequence[str], where: str, *, voltage_column: str | None = None, current_column: str | None = None
) -> Columns:
    """Return the columns of a header, in whatever order they stand.

    where : file and line, to begin the messages with.  voltage_column, current_column : header to use, as written.
    Raises InputError where a column is missing, is there twice, or has a unit of another kind.
    """
    voltage = find(header, where, "voltage", voltage_column)
    current = find(header, where, "current", current_column)
    if voltage.index == current.index:
        raise InputError(f"{where}: the column {voltage.header!r} was chosen as voltage and as current; choose two.")
    times = _candidates(header, "time")
    return Columns(voltage, current, times[0] if times else None)


def find_if_there(header: Sequence[str], where: str, kind: str) -> Column | None:
    """Return the column of a kind, None where no name fits; raises InputError where two fit or the unit is another."""
    return find(header, where, kind) if any(_rank(cell.strip(), kind) is not None for cell in header) else None


def looks_like_header(header: Sequence[str]) -> bool:
    """Return whether some cells of a row can be the voltage and the current."""
    return all(any(_rank(cell, kind) is not None for cell in header) for kind in ("voltage", "current"))


def split_unit(text: str) -> tuple[str, str]:
    """Return name and unit of a header such as 'Voltage (V)', 'V [mV]', 'current_A', 'I/uA'; unit "" where none."""
    text = text.strip().strip('"').strip()
    bracket = re.fullmatch(r"(.*?)\s*[(\[{]\s*([^()\[\]{}]*?)\s*[)\]}]\s*", text)
    if bracket:
        return bracket[1], bracket[2]
    tail = re.fullmatch(r"(.+?)(?:\s*/\s*|_|\s+)([kmunpfµμ]?[VAsva]|[GMkmunp]?(?:ohm|Ohm|Ω)|[munpfµμ]?S)", text)
    if tail:
        return tail[1], tail[2]
    return text, ""


def find(header: Sequence[str], where: str, kind: str, wanted: str | None = None) -> Column:
    """Return the one column of a kind, or the one that has the header `wanted`; raises InputError, begun by `where`."""
    cells = [c.strip() for c in header]
    if wanted is not None:
        if wanted.strip() not in cells:
            raise InputError(f"{where}: there is no column {wanted!r} for the {kind}. {nearest(wanted, cells)}")
        index = cells.index(wanted.strip())
        return Column(index, cells[index], _factor(cells[index], kind, where))
    found = _candidates(cells, kind)
    if len(found) > 1:
        raise InputError(
            f"{where}: {' and '.join(repr(c.header) for c in found)} can both be the {kind}; "
            f"say which with {kind}_column=."
        )
    if found:
        return found[0]
    for cell in cells:
        if _rank(cell, kind) is not None:
            _factor(cell, kind, where)  # raises: the name fits and the unit does not
    usual = "_".join(filter(None, (kind, _BASE.get(kind))))
    raise InputError(
        f"{where}: no {kind} column among {_listed(cells)}; expected a name such as {_SHOWN.get(kind, usual)}. "
        f"{nearest(usual, [c for c in cells if c] or ['(empty header)'])} "
        f"If it has another name, say so with {kind}_column= (command line: --{kind}-column)."
    )


def _candidates(header: Sequence[str], kind: str) -> list[Column]:
    ranked: list[tuple[int, Column]] = []
    for index, cell in enumerate(header):
        rank, factor = _rank(cell, kind), _unit_factor(split_unit(cell)[1], kind)
        if rank is not None and factor is not None:
            ranked.append((rank, Column(index, cell.strip(), factor)))
    best = min((rank for rank, _ in ranked), default=0)
    return [column for rank, column in ranked if rank == best]


def _rank(cell: str, kind: str) -> int | None:
    name = split_unit(cell)[0]
    if kind == "time" and name == "T":  # T is a temperature
        return None
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return next((rank for rank, names in enumerate(_NAMES[kind]) if plain in names), None)


def _unit_factor(unit: str, kind: str) -> float | None:
    """Return the factor from `unit` to SI, 1 where no unit is written, None where it is not a unit of this kind."""
    base = _BASE.get(kind, "")
    if unit == "":
        return 1.0
    unit = unit.replace("µ", "u").replace("μ", "u").replace("Ω", "ohm")
    if unit.lower() == {"V": "volt", "A": "ampere", "s": "sec", "S": "siemens"}.get(base):
        return 1.0
    if not base or not unit.lower().endswith(base.lower()):
        return None
    if base == "S" and not unit.endswith("S"):
        return None  # siemens and seconds differ by the case alone
    return _PREFIX.get(unit[: -len(base)])


def _factor(header: str, kind: str, where: str) -> float:
    unit, base = split_unit(header)[1], _BASE.get(kind, "")
    factor = _unit_factor(unit, kind)
    if factor is None:
        allowed = f"{base}, m{base}, u{base} or n{base}" if base else "no unit"
        raise InputError(
            f"{where}: the column {header!r} has the unit {unit!r}, which is not one of {kind}; expected {allowed}."
        )
    return factor


def _listed(cells: Sequence[str]) -> str:
    return ", ".join(repr(c[:40]) for c in cells[:12]) + (", ..." if len(cells) > 12 else "")
