"""Pictures inside a page: matplotlib figures, files and bytes as data: addresses."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

from ground.errors import InputError

_SVG_MAX = 1_500_000  # bytes; beyond it a figure goes in as PNG
_STARTS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg"}
_SVG = re.compile(rb"\s*(<\?xml[^>]*\?>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE[^>]*>\s*)?(<!--.*?-->\s*)*<svg[\s>]", re.DOTALL)


def drawn(figure: Any) -> tuple[str, bytes]:
    """Return (kind, bytes) of a matplotlib figure, of the file at a path, or of a file's bytes; kind as in image/png.

    A figure becomes SVG (sharp at any size), or PNG where that would be too big.
    Raises InputError for what cannot be read or is neither PNG, JPEG nor SVG.
    """
    if hasattr(figure, "savefig"):
        return _saved(figure)
    if isinstance(figure, bytes):
        return _kind(figure, "a picture given as bytes"), figure
    path = Path(figure)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: the picture cannot be read: {error.strerror}.") from None
    return _kind(data, str(path)), data


def encoded(kind: str, data: bytes) -> str:
    """Return the data: address of a picture."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _kind(data: bytes, name: str) -> str:
    for start, kind in _STARTS.items():
        if data.startswith(start):
            return kind
    if _SVG.match(data):
        return "svg+xml"
    raise InputError(
        f"{name}: is not a picture that a page can show: expected PNG, JPEG or SVG; is it cut short or renamed?"
    )


def _saved(figure: Any) -> tuple[str, bytes]:
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", dpi=150, metadata={"Date": None})
    if stream.tell() <= _SVG_MAX:
        return "svg+xml", stream.getvalue()
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=150)
    return "png", stream.getvalue()
