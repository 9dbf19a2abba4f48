"""Pages that are made from the code and its data when the documentation is built, so that they cannot disagree with them."""

from __future__ import annotations

import importlib
import inspect
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    "meshes": "what the device is",
    "device_physics": "what happens inside it",
    "compact_model": "what the outside sees",
    "compact_model.crossbar": "exact crossbars",
    "compact_model.mvm": "products in memory",
    "fits": "what was measured",
}


def write_pages(folder: Path) -> None:
    """Write all generated pages into the folder; a page whose text is unchanged is not touched."""
    folder.mkdir(exist_ok=True)
    _write(folder / "parameters.md", parameter_page())
    for package, what in PACKAGES.items():
        _write(folder / f"api_{package.replace('.', '_')}.md", api_page(package, what))


def parameter_page() -> str:
    """Return the page of every constant that goes in, with its source: materials and the published inputs."""
    with (ROOT / "device_physics" / "materials.toml").open("rb") as file:
        materials = tomllib.load(file)
    rows = []
    for name, entry in materials.items():
        for quantity in ("electrical_conductivity", "thermal_conductivity"):
            source = entry["sources"][quantity]
            rows.append(
                (
                    name,
                    quantity.replace("_", " "),
                    entry[quantity],
                    " to ".join(source["range"]),
                    source["status"],
                    source["source"],
                )
            )
    return "\n".join(
        [
            "# Parameters and their sources",
            "",
            "Made from `device_physics/materials.toml` and `ground/paper.toml` when these pages are built. *Published* stands in",
            "arXiv:2502.04524; *substituted* is another group's value, since the paper takes it from a table that is not public.",
            "",
            "## Materials",
            "",
            _table(("material", "quantity", "value", "range", "status", "source"), rows),
            "",
            "## Published numbers",
            "",
            "Kind: *text* is printed in the paper or its public code, *figure* read off a figure by eye, *input* an input of the",
            "published simulation, whose reproduction proves nothing.",
            "",
            _published(),
            "",
        ]
    )


def _published() -> str:
    from ground.paper import paper

    parts = []
    for section, entries in paper().items():
        if isinstance(entries, Mapping):
            rows = [(key, *_told(value)) for key, value in entries.items()]
            parts += [f"### {section.replace('_', ' ')}", "", _table(("name", "value", "kind", "how"), rows), ""]
    return "\n".join(parts)


def _told(value: Any) -> tuple[str, str, str]:
    """Return value, kind and how of an entry of paper.toml."""
    if not isinstance(value, Mapping):
        return _shown(value), "", ""
    told = {k: v for k, v in value.items() if k not in ("kind", "how")}
    shown = _shown(told["value"]) if set(told) == {"value"} else _shown(told)
    return shown, str(value.get("kind", "")), str(value.get("how", ""))


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} = {_shown(v)}" for k, v in value.items())
    if isinstance(value, list):
        return "; ".join(_shown(v) for v in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def api_page(package: str, what: str) -> str:
    """Return the reference page of a package: everything it exports, with its own documentation."""
    module = importlib.import_module(package)
    names = list(getattr(module, "__all__", None) or ())
    parts = [f"# `{package}`: {what}", "", inspect.getdoc(module) or "", "", "```{eval-rst}"]
    for name in names:
        thing = getattr(module, name)
        kind = "autoclass" if inspect.isclass(thing) else "autofunction" if callable(thing) else "autodata"
        members = ["   :members:"] if kind == "autoclass" else []
        parts += [f".. {kind}:: {package}.{name}", *members, ""]
    return "\n".join([*parts, "```", ""])


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
