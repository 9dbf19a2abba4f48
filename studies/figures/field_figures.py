"""Figures S1, S2 and S4: the finite-element model, its fields in both states, and temperature and field of the dome over the bias."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ground.paper import paper
from ground.plotting import matplotlib_part
from studies.figures.figure import Drawing, Effort, Figure
from studies.figures.style import OURS, PUBLISHED, SECOND, THIRD, legend, new_figure, remark, table

_LAYERS = {"TiN": "#b9c3d0", "HfOx": "#f2d9a0", "CMO": "#bcd8c4"}
_CHANNELS = {"filament": "#c8553d", "dome": "#e8a48f"}
_COLOURS = {"LRS": "#b5383b", "HRS": OURS}
_BIASES_V = {"LRS": np.linspace(-1.0, 0.0, 21), "HRS": np.linspace(0.0, 0.9, 19)}  # as far as the published curves
_STUDIED = {
    "resistance_ohm": ("resistance", "ohm", OURS),
    "dT_per_W": ("dome rise per power", "K/W", SECOND),
    "E_per_V": ("dome field per bias", "1/m", THIRD),
}
_HOPPING = ("transport.n_e, delta_e", "cycling.r_lrs_ohm")
_STACK = ("stack", "forming_fit.r_cf_nm", "forming_fit.sigma_cmo_after_forming_S_per_cm")
_INFERRED = (
    "What {} of the supplement shows is not known here (no copy with its caption was at hand): the content is inferred "
    "from the text's account of the finite-element model."
)


def figures() -> list[Figure]:
    """Return figures S1, S2 and S4."""
    return [
        Figure("S1", "The finite-element model: stack, mesh and convergence (content inferred)", _model, _STACK),
        Figure("S2", "Temperature and field in both states (content inferred)", _fields, _HOPPING),
        Figure("S4", "Average temperature and field of the dome over the bias", _dome, _HOPPING),
    ]


def _model(effort: Effort) -> Drawing:
    from device_physics.device import Device
    from device_physics.electrothermal import solve
    from device_physics.mesh_study import mesh_study

    device = Device.from_tables({"mesh": {"domain": "axisymmetric"}})
    study, fields = mesh_study(device, 0.2), solve(device, 0.2).fields
    figure, (sketch, mesh, errors) = new_figure(1, 3, width=4.1, height=3.3)
    _sketch(sketch, device.stack)
    x, z, corners = _section(fields)
    inside = np.any((np.abs(x[corners]) < 16) & (np.abs(z[corners] - 27) < 14), axis=1)
    names = {tag: name for name, tag in fields.regions.items()}
    colours = [_colour(names[int(t)], device.stack) for t in np.tile(fields.region, 2)[inside]]
    polygons = np.stack([x[corners[inside]], z[corners[inside]]], axis=2)
    collection = matplotlib_part("collections").PolyCollection
    mesh.add_collection(collection(polygons, facecolors=colours, edgecolors="#3a4656", linewidths=0.25))
    mesh.set(xlim=(-15, 15), ylim=(14, 40), aspect="equal", xlabel="r [nm]", ylabel="z [nm]")
    mesh.set_title(f"mesh of the half-section: {study.own.cells} triangles, {study.own.dofs} dofs", fontsize=9)
    rims = np.array([r.rim_size_m for r in study.rows])
    variables = {}
    for name, (label, unit, colour) in _STUDIED.items():
        found, values = study.extrapolated[name], np.array([getattr(r, name) for r in study.rows])
        relative = np.abs(values / found.value - 1)
        order = "" if found.order is None else f", order {found.order:.2f}"
        errors.loglog(rims * 1e9, relative, "o-", color=colour, ms=4, lw=1.2, label=f"{label}{order}")
        variables[name] = ("rim_size_m", values, unit)
    ticks = rims * 1e9
    errors.set_xticks(ticks, [f"{t:g}" for t in ticks])
    errors.set_xticks([], minor=True)
    own = device.mesh.rim_size_m * 1e9
    errors.axvline(own, color=PUBLISHED, lw=0.8, ls=":")
    errors.text(own * 1.03, errors.get_ylim()[0] * 1.3, "default", fontsize=7.5)
    errors.set(xlabel="edge length at the rim of the filament [nm]", ylabel="error against the extrapolated value")
    errors.set_title("observed convergence", fontsize=9)
    legend(errors, loc="upper left")
    ohm = study.extrapolated["resistance_ohm"]
    caption = (
        f"{_INFERRED.format('S1')} Thicknesses, area and filament are published; conductivities of all but the CMO are "
        "substituted. The field is "
        "singular at the rim, so the order is that of the singularity. Post-forming cell at 0.2 V, axisymmetric twin: "
        f"{ohm.value / 1e3:.3f} ± {ohm.error / 1e3:.3f} kΩ extrapolated, {study.own.resistance_ohm / 1e3:.3f} kΩ on the "
        "default mesh."
    )
    data = table({"rim_size_m": (rims, "m")}, **variables)
    return Drawing(figure, data, caption, {"bias_V": 0.2, "device_hash": device.content_hash()})


def _colour(region: str, stack: Any) -> str:
    materials = {layer.name: layer.material for layer in stack.layers}
    return _CHANNELS.get(region) or _LAYERS[materials[region]]


def _sketch(axis: Any, stack: Any) -> None:
    """Draw the layers to scale with their thicknesses, the filament and the dome."""
    patches, half, z = matplotlib_part("patches"), 0.5e9 * stack.width_m, 0.0
    for layer in stack.layers:
        thick = layer.thickness_m * 1e9
        axis.add_patch(patches.Rectangle((-half, z), 2 * half, thick, fc=_LAYERS[layer.material], ec="white", lw=0.8))
        axis.text(-half + 4, z + 0.5 * thick, layer.material, va="center", fontsize=8)
        axis.text(half + 4, z + 0.5 * thick, f"{thick:g} nm", va="center", fontsize=8)
        if layer.name == stack.filament.layer:
            r, foot, top = stack.filament.radius_m * 1e9, z, z + thick
        z += thick
    axis.add_patch(patches.Wedge((0, top), r, 0, 180, fc=_CHANNELS["dome"], ec="white", lw=0.6))
    axis.add_patch(patches.Rectangle((-r, foot), 2 * r, top - foot, fc=_CHANNELS["filament"], ec="white", lw=0.6))
    for text, at, to in (
        (f"dome, {r:g} nm", (5, top + 6), (30, top + 13)),
        (f"filament, {r:g} nm", (8, foot + 2), (30, foot - 11)),
    ):
        axis.annotate(text, at, xytext=to, fontsize=8, va="center", arrowprops={"arrowstyle": "-", "lw": 0.7})
    axis.annotate("", (-half, -6), xytext=(half, -6), arrowprops={"arrowstyle": "<->", "lw": 0.8})
    axis.text(0, -9, f"{2 * half:g} nm", ha="center", va="top", fontsize=8)
    axis.text(0, z + 2, "bias, 293 K", ha="center", va="bottom", fontsize=8)
    axis.text(-half, -9, "0 V, 293 K", ha="left", va="top", fontsize=8)
    axis.set(xlim=(-half - 3, half + 34), ylim=(-22, z + 14), aspect="equal")
    axis.axis("off")


def _section(fields: Any) -> tuple[Any, Any, Any]:
    """Return x, z [nm] of the nodes on both sides of the axis, and the corners of the triangles; first one side, then the other."""
    x, z, corners = fields.points[:, 0] * 1e9, fields.points[:, 2] * 1e9, fields.cells[:, :3]
    return np.concatenate([x, -x]), np.concatenate([z, z]), np.concatenate([corners, corners + len(x)])


@cache
def _sweep(state: str) -> tuple[Any, ...]:
    """Return the self-consistent solutions of a state over its biases."""
    from device_physics.selfconsistent import bias_sweep
    from studies.published_cell import attempt_Hz, device

    return tuple(bias_sweep(device(state.lower(), attempt_Hz()), _BIASES_V[state].tolist()))


def _fields(effort: Effort) -> Drawing:
    found = {"LRS": _sweep("LRS")[0], "HRS": _sweep("HRS")[-1]}
    figure, axes = new_figure(2, 2, width=4.8, height=2.55)
    T_max = max(float(s.fields.T.max()) for s in found.values())
    norms = {"T": matplotlib_part("colors").Normalize(293.0, T_max), "E": matplotlib_part("colors").LogNorm(1e6, 3e8)}
    variables: dict[str, Any] = {}
    for row, (state, s) in zip(axes, found.items(), strict=True):
        x, z, corners = _section(s.fields)
        T = np.tile(s.fields.T, 2)
        T_drawn = row[0].tripcolor(
            x, z, corners, T, shading="gouraud", norm=norms["T"], cmap="inferno", rasterized=True
        )
        drawn = {"T": T_drawn, "E": _draw_field(row[1], s.fields, norms["E"])}
        for axis, (name, label) in zip(row, (("T", "temperature [K]"), ("E", "field [V/m]")), strict=True):
            _outline(axis, s.fields)
            axis.set(xlim=(-60, 60), ylim=(0, 64), aspect="equal", xlabel="r [nm]", ylabel="z [nm]")
            figure.colorbar(drawn[name], ax=axis, label=label, pad=0.02, shrink=0.9)
        said = f"{state} at {s.bias_V:g} V, {s.current_A * 1e6:.3g} µA".replace("-", "\N{MINUS SIGN}")
        row[0].set_title(f"{said}: dome {s.dome.T_mean_K:.0f} K, at most {s.dome.T_max_K:.0f} K", fontsize=9)
        row[1].set_title(f"dome {s.dome.E_mean_V_per_m:.2g} V/m", fontsize=9)
        low = state.lower()
        for name, values, unit in (
            ("r", s.fields.points[:, 0], "m"),
            ("z", s.fields.points[:, 2], "m"),
            ("T", s.fields.T, "K"),
            ("V", s.fields.V, "V"),
        ):
            variables[f"{low}_{name}"] = (f"{low}_node", values, unit)
        variables[f"{low}_E_mean"] = (f"{low}_cell", s.fields.E_mean, "V/m")
        variables[f"{low}_corners"] = ((f"{low}_cell", "corner"), s.fields.cells[:, :3], "1")
    sizes = {"corner": 3} | {
        f"{n.lower()}_{k}": len(v)
        for n, s in found.items()
        for k, v in (("node", s.fields.T), ("cell", s.fields.E_mean))
    }
    data = table({n: (np.arange(k), "1") for n, k in sizes.items()}, **variables)
    caption = (
        f"{_INFERRED.format('S2')} Self-consistent: in the CMO the conductivity follows the hopping law at the local "
        "field and temperature, in the HRS "
        "with a depleted dome of 13 nm (assumed). Densities and barriers as published, attempt rate from the published "
        "LRS resistance; "
        "the heat flows out through both electrodes."
    )
    settings = {
        state: {"bias_V": s.bias_V, "current_A": s.current_A, "dome_mean_K": s.dome.T_mean_K}
        for state, s in found.items()
    }
    return Drawing(figure, data, caption, settings)


def _draw_field(axis: Any, fields: Any, norm: Any) -> Any:
    """Draw |E| smoothly inside each region (nodal means of its own cells, for the field jumps from one to the next)."""
    x, z, corners = _section(fields)
    region, E = np.tile(fields.region, 2), np.tile(fields.E_mean, 2)
    for tag in np.unique(region):
        mine, total, count = corners[region == tag], np.zeros(x.size), np.zeros(x.size)
        np.add.at(total, mine, E[region == tag, None])
        np.add.at(count, mine, 1.0)
        values = np.maximum(total / np.maximum(count, 1.0), 1e-9)
        drawn = axis.tripcolor(x, z, mine, values, shading="gouraud", norm=norm, cmap="viridis", rasterized=True)
    return drawn


def _outline(axis: Any, fields: Any) -> None:
    """Draw the borders between regions: edges whose two triangles are of different regions."""
    corners, region = fields.cells[:, :3], fields.region
    edges = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]), axis=1)
    owner = np.tile(region, 3)
    order = np.lexsort((edges[:, 1], edges[:, 0]))
    edges, owner = edges[order], owner[order]
    shared = np.all(edges[1:] == edges[:-1], axis=1) & (owner[1:] != owner[:-1])
    points = fields.points[edges[1:][shared]][:, :, [0, 2]] * 1e9
    lines = np.concatenate([points, points * [-1.0, 1.0]])
    axis.add_collection(matplotlib_part("collections").LineCollection(lines, colors="white", linewidths=0.9))


def _dome(effort: Effort) -> Drawing:
    figure, (heat, field) = new_figure(1, 2, width=4.2, height=3.4)
    t = paper()["transport"]
    variables: dict[str, Any] = {}
    for state, colour in _COLOURS.items():
        found = _sweep(state)
        T = np.array([s.dome.T_mean_K for s in found])
        hottest = np.array([s.dome.T_max_K for s in found])
        E = np.array([s.dome.E_mean_V_per_m for s in found])
        heat.plot(_BIASES_V[state], T, "-", color=colour, lw=1.8, label=f"ours, {state}")
        heat.plot(_BIASES_V[state], hottest, ":", color=colour, lw=1.0, label="_")
        field.semilogy(_BIASES_V[state], np.where(E > 0, E, np.nan), "-", color=colour, lw=1.8, label=f"ours, {state}")
        low = state.lower()
        variables |= {f"{low}_T_mean_K": (f"{low}_bias_V", T, "K"), f"{low}_T_max_K": (f"{low}_bias_V", hottest, "K")}
        variables[f"{low}_E_mean"] = (f"{low}_bias_V", E, "V/m")
    for V, K, colour in ((-1.0, t["t_dome_lrs_at_minus_1V_K"], "#b5383b"), (0.9, t["t_dome_hrs_at_0V9_K"], OURS)):
        heat.plot(
            V,
            K,
            "P",
            ms=9,
            color=colour,
            mec="black",
            mew=0.7,
            clip_on=False,
            zorder=5,
            label=f"published: about {K} K",
        )
    heat.plot([], [], ":", color="grey", lw=1.0, label="hottest point of the dome")
    field.axhspan(*t["e_dome_range_V_per_m"], color="#000000", alpha=0.07, lw=0, label="range of the published curves")
    heat.set(xlabel="bias across the cell [V]", ylabel="temperature of the dome [K]")
    field.set(xlabel="bias across the cell [V]", ylabel="field in the dome [V/m]", ylim=(1e6, 3e8))
    legend(heat, loc="upper right")
    legend(field, loc="lower left")
    remark(heat, "self-consistent FEM", 0.03, 0.04)
    data = table({f"{s.lower()}_bias_V": (v, "V") for s, v in _BIASES_V.items()}, **variables)
    caption = (
        "Means over the dome, solved self-consistently; nothing is tuned to the published values, which are read off "
        "the figure. The thermal "
        "constants of all but the CMO are substituted, and the dome of the HRS (13 nm) is assumed. Ours begins at "
        "293.15 K and rises less: the "
        "rise goes with the power and the thermal resistance, and the published resistance of that LRS is not printed."
    )
    return Drawing(figure, data, caption, {"hrs_dome_m": 13e-9})
