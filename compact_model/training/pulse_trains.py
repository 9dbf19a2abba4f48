"""How an outer product becomes pulse trains."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from ground.spec import GrownSpec


class PulseTrains(GrownSpec):
    """slots : length of the trains, at most 31.

    shorten : bit-length management: only as many slots as the largest product needs.
    manage : update management: both trains are scaled so that their strongest lines are equally likely to be up.
    spread : the first slots of a batch's vectors go to the array before the second ones, and so on; else every train in one piece. A
        device moves by less than m steps where m pulses of one sign meet, so trains in one piece are a bias where errors of one sign
        are few and large.
    even : the pulses of a row are evenly spaced in its train, those of a column one block, both turned around at random: as many
        coincidences as the product says, rounded up or down; else every slot of every line is drawn for itself.
    """

    added: ClassVar[tuple[str, ...]] = ("spread", "even")

    slots: Annotated[int, Field(ge=1, le=31)] = 31
    shorten: bool = True
    manage: bool = True
    spread: bool = False
    even: bool = False
