"""An array of devices between resistive wires, solved exactly."""

from ground.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "cell_law": ["HoppingCell"],
        "cell_product": ["CellProduct"],
        "cell_table": ["CellTable"],
        "ir_drop": ["ShortcutError", "aihwkit_product", "shortcut_error"],
        "laws": ["Curve", "DeviceLaw", "OneTransistor", "Point", "Sinh"],
        "linear": ["Crossbar"],
        "netlist": ["crossbar_netlist"],
        "nonlinear": ["NonlinearCrossbar"],
        "solution": ["Solution"],
        "wires": ["Wires"],
    },
)
