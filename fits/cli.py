"""`reram fit ...`: measured files in, extractions and fits out. Each command is in the `cli.py` of its package."""

from __future__ import annotations

import typer

from fits.devices.cli import folder_command, population_command
from fits.extraction.cli import cmo_command, filament_command, transistor_command
from fits.hopping.cli import hopping_command
from fits.hopping.synthetic_cli import synthetic_command
from fits.noise.cli import noise_command, relaxation_command
from fits.pulses.cli import pulses_command
from fits.sweeps.cli import forming_command, iv_command

app = typer.Typer(no_args_is_help=True, help="Extract states, conductances and forming voltages from measured sweeps.")

app.command("iv")(iv_command)
app.command("forming")(forming_command)
app.command("folder")(folder_command)
app.command("transistor")(transistor_command)
app.command("population")(population_command)
app.command("filament")(filament_command)
app.command("cmo")(cmo_command)
app.command("hopping")(hopping_command)
app.command("synthetic")(synthetic_command)
app.command("pulses")(pulses_command)
app.command("relaxation")(relaxation_command)
app.command("noise")(noise_command)
