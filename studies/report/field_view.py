"""The 3D view of the fields in a page: our own WebGL, because the libraries weigh megabytes (plotly.js 4.8 MB) and this 15 kB."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ground.images import drawn, encoded
from ground.page import Raw, escape

_HERE = Path(__file__).parent
_HINT = (
    "Drag to turn, two fingers or the wheel (after a click) to zoom, Shift and drag to move; hover for values. A quadrant is cut "
    "away; hide regions to see what lies inside. Colours run between the nodes of the mesh."
)


def field_view(surface: dict[str, Any], caption: str, picture: Path | None) -> Raw:
    """Return the view of a `field_surface`. picture : what stands in its place where a browser cannot draw it."""
    data = json.dumps(surface, separators=(",", ":")).replace("<", "\\u003c")
    shown = f'<img src="{encoded(*drawn(picture))}" alt="{escape(caption)}">' if picture else ""
    return Raw(
        f'<figure class="field-view">\n<div class="standing">{shown}<p class="why">The 3D view needs JavaScript and WebGL 2.</p></div>\n'
        f'<script type="application/json">{data}</script>\n<figcaption>{escape(caption)} {escape(_HINT)}</figcaption></figure>',
        style=(_HERE / "field_view.css").read_text(encoding="utf-8"),
        script=(_HERE / "field_view.js").read_text(encoding="utf-8"),
    )
