"""The sketch is to scale, and its labels do not lie on one another."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree

import pytest

from meshes import Stack
from studies.report.sketch import sketches

CASES = {
    "published": Stack.preset(),
    "cone": Stack.preset(filament={"shape": "cone", "radius_m": 9e-9, "radius_far_m": 5e-9}),
    "two": Stack.preset(filaments=[{"radius_m": 8e-9, "x_m": 4e-8}, {"radius_m": 5e-9, "x_m": -4e-8}]),
    "none": Stack.preset(filament={"shape": "none"}),
    "wide": Stack.preset(width_m=2e-6),
}


def polygons(svg: ElementTree.Element) -> list[list[tuple[float, float]]]:
    return [
        [tuple(map(float, p.split(","))) for p in e.get("points", "").split()] for e in svg.iter() if e.tag == "polygon"
    ]  # type: ignore[misc]


@pytest.mark.parametrize("name", CASES)
def test_layers_and_filaments_are_to_scale(name: str) -> None:
    stack = CASES[name]
    drawn = [ElementTree.fromstring(svg) for svg, _ in sketches(stack)]
    assert len(drawn) == (1 if name == "none" else 2)
    for svg in drawn:
        shapes = polygons(svg)
        heights = [abs(p[0][1] - p[2][1]) for p in shapes]
        layers = [la.thickness_m for la in stack.layers]
        scale = heights[0] / layers[0]
        assert heights[: len(layers)] == pytest.approx([t * scale for t in layers], abs=0.2)
        middles = [0.5 * (p[0][0] + p[1][0]) / scale for p in shapes[len(layers) :]]
        origins = [m - c.filament.x_m for m, c in zip(middles, stack.channels, strict=True)]
        assert origins == pytest.approx(origins[:1] * len(origins), abs=0.2 / scale)
        for shape, channel in zip(shapes[len(layers) :], stack.channels, strict=True):
            below, above = (abs(shape[a][0] - shape[b][0]) for a, b in ((0, 1), (2, 3)))
            assert below == pytest.approx(2 * channel.radius_floor_m * scale, abs=0.2)
            assert above == pytest.approx(2 * channel.radius_ceiling_m * scale, abs=0.2)


@pytest.mark.parametrize("name", CASES)
def test_labels_keep_apart_and_inside_the_drawing(name: str) -> None:
    for text, _ in sketches(CASES[name]):
        svg = ElementTree.fromstring(text)
        _, _, _, tall = map(float, svg.get("viewBox", "").split())
        labels = [e for e in svg.iter("text") if e.get("class") is None]
        heights = sorted(float(e.get("y", "")) for e in labels)
        assert len(labels) >= 3
        assert all(b - a >= 19 for a, b in itertools.pairwise(heights)) and heights[-1] < tall


def test_names_of_layers_are_escaped() -> None:
    layers = [{"name": "<b>", "material": "TiN", "thickness_m": 2e-8}, *Stack.preset().model_dump()["layers"][1:]]
    assert "&lt;b&gt;, 20 nm" in sketches(Stack.model_validate({"layers": layers}))[0][0]
