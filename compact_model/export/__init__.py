"""The compact model for other simulators: each exporter a pure function of the model."""

from ground.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "circuit": ["CircuitCell"],
        "lookup": ["lookup_table"],
        "spice": ["spice_subcircuit"],
        "verilog_a": ["verilog_a_module"],
    },
)
