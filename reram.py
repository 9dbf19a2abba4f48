"""The command line: mounts one small cli.py of each package, and turns errors into messages and exit codes.

Exit codes: 0 done, 2 bad input or something missing, 3 not converged, 1 a bug of ours, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys

import typer

import compact_model.cli
import compact_model.mvm.cli
import compact_model.training.cli
import compact_model.training.evaluate_cli
import device_physics.cli
import device_physics.mesh_cli
import fits.cli
import ground.cli
import ground.trace_cli
import studies.cli
import studies.report.cli
import studies.uncertainty_cli
from ground.errors import ReramError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="cmo-reram: from a 3D electrothermal solution of the TiN/HfOx/CMO/TiN ReRAM cell to arrays and analog-AI simulators.",
)
app.command("doctor")(ground.cli.doctor_command)
app.command("demo")(studies.cli.demo_command)
app.command("run")(studies.cli.run_command)
app.add_typer(device_physics.mesh_cli.app, name="mesh")
app.command("solve")(device_physics.cli.solve_command)
app.command("sweep")(device_physics.cli.sweep_command)
app.command("sweep-plot")(device_physics.cli.sweep_plot_command)
app.command("response")(device_physics.cli.response_command)
app.add_typer(fits.cli.app, name="fit")
app.add_typer(compact_model.cli.model_app, name="model")
app.add_typer(compact_model.cli.array_app, name="array")
app.add_typer(compact_model.cli.export_app, name="export")
app.command("mvm")(compact_model.mvm.cli.mvm_command)
app.command("train")(compact_model.training.cli.train_command)
app.command("evaluate")(compact_model.training.evaluate_cli.evaluate_command)
app.command("trace")(ground.trace_cli.trace_command)
app.command("uncertainty")(studies.uncertainty_cli.uncertainty_command)
app.command("reproduce")(studies.cli.reproduce_command)
app.command("report")(studies.report.cli.report_command)


_STOPPED = (
    "reram: stopped. Finished points are kept; the same command goes on from there (`reram train` with --resume).\n"
)


def main() -> None:
    """Run `reram`; every error ends as one message on stderr and an exit code, never as a traceback."""
    try:
        app(standalone_mode=True)
    except SystemExit as stop:
        if stop.code == 130:  # typer has caught Ctrl-C itself
            sys.stderr.write(_STOPPED)
        raise
    except ReramError as error:
        sys.stderr.write(f"reram: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write(_STOPPED)
        sys.exit(130)
    except Exception as error:
        if os.environ.get("RERAM_DEBUG"):
            raise
        sys.stderr.write(
            f"reram: this is a bug in cmo-reram, not in your input: {type(error).__name__}: {error}\n"
            "Please report it with the output of the same command under RERAM_DEBUG=1.\n"
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
