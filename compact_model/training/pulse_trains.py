"""How an outer product becomes pulse trains."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ground.spec import Spec


class PulseTrains(Spec):
    """slots : length of the trains, at most 31.

    shorten : bit-length management: only as many slots as the largest product needs.
    manage : update management: both trains are scaled so that their strongest lines are equally likely to be up.
    """

    slots: Annotated[int, Field(ge=1, le=31)] = 31
    shorten: bool = True
    manage: bool = True
