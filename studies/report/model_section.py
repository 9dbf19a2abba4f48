"""The compact model and what it does alone: cell, population, noise, what is assumed, the quasi-static cycle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from compact_model.cycle import Cycle
from compact_model.cycle_plot import draw_cycle
from compact_model.model import CompactModel
from ground.page import Facts, Figure, Note, Part, Section, Table, Text
from studies.report.amounts import amount
from studies.report.shelf import Item, Shelf, drawing, each


def model(shelf: Shelf) -> list[Section]:
    """Return the section of compact models."""
    parts = each(shelf.all("model"), _model)
    return [Section("Compact model", parts)] if parts else []


def cycle(shelf: Shelf) -> list[Section]:
    """Return the section of simulated quasi-static cycles."""
    parts = each(shelf.all("cycle"), lambda item: _cycle(shelf, item))
    return [Section("Quasi-static cycle", parts)] if parts else []


def _model(item: Item) -> list[Part]:
    found = CompactModel.load(item.file.path)
    p, law = found.population, found.noise.relaxation
    facts = [
        ("conductances", f"{1e6 * p.g_min_mean_S:.3g} to {1e6 * p.g_max_mean_S:.3g} µS", ""),
        ("states", f"{p.states.mean[0]:g} ± {p.states.sigma[0]:g}", "pulse noise over step at the symmetry point"),
        ("symmetry point", f"{p.states.mean[1]:g} ± {p.states.sigma[1]:g}", "skew"),
        (
            "relaxation",
            f"{amount(law.mean_shift_S, 'S')} ln t",
            f"spread {amount(law.sigma_S, 'S')} + {amount(law.sigma_per_ln_S, 'S')} ln t",
        ),
    ]
    parts: list[Part] = []
    if found.synthetic:
        parts.append(Note("Made from SYNTHETIC data: not a model of a measured device."))
    parts += [Text(f"{found.name}, content {found.content_hash}"), Facts(facts)]
    for title, part in (("Cell", found.cell), ("Population of pulsed devices", p), ("Noise", found.noise)):
        if part is not None:
            rows = list(_flat(part.model_dump(mode="json", exclude={"assumed"})))
            parts.append(Table(title, ("parameter", "value"), rows, folded=True))
    assumed = {**(found.cell.assumed if found.cell else {}), **p.assumed}
    if assumed:
        parts.append(Table("Neither measured nor published", ("what", "why it is what it is"), list(assumed.items())))
    if found.validity:
        ranges = [(name, low, high) for name, (low, high) in found.validity.items()]
        parts.append(Table("Made for", ("quantity", "from", "to"), ranges, folded=True))
    return parts


def _flat(values: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every number of nested tables, with its dotted name."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        elif isinstance(value, list):
            for k, x in enumerate(value):
                yield f"{above}{name}[{k}]", x
        else:
            yield f"{above}{name}", value


def _cycle(shelf: Shelf, item: Item) -> list[Part]:
    lines = item.file.text().splitlines()
    values = np.array(
        [[float(x) for x in line.split(",")] for line in lines if line and not line.startswith("#") and line[0] != "t"]
    )
    found = Cycle(*values.T)
    facts = [
        ("largest current", amount(float(np.abs(found.current_A).max()), "A"), ""),
        ("hottest dome", f"{found.T_K.max():.0f} K", ""),
        ("ends at", f"x = {found.x[-1]:.2f}", "0: HRS, 1: LRS"),
    ]
    said = " ".join(line.lstrip("# ") for line in lines if line.startswith("#"))
    ready = shelf.figures(item, "Current, dome temperature and state; ion barriers are assumed")
    if not ready:
        ready = [Figure(drawing(lambda path: draw_cycle(found, path, title=said)), f"{said} ({item.name})")]
    return [Facts(facts), *ready]
