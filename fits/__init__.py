"""What was measured: readers, extractions, fits with uncertainty, and the way from data to a compact model."""

from ground.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "forming_voltage": ["Forming", "forming"],
        "hopping": ["fit_hopping"],
        "hopping_fit": ["HoppingFit", "StateCurve"],
        "identifiability": ["Fixed", "Identified"],
        "iv_summary": ["iv_report", "iv_summary"],
        "low_field_fit": ["Extraction", "fit_cmo", "fit_filament"],
        "low_field": ["LowField", "low_field_conductance"],
        "measurement": ["Measurement"],
        "readers": ["read_iv", "write_iv_csv"],
        "segments": ["segment"],
        "state_curves": ["state_curves"],
        "resistance_states": ["States", "states"],
        "synthetic": ["synthetic_curves"],
    },
)
