"""Matrices multiplied in memory: converters, mapping, devices in time, and how far the result is from floating point."""

from ground.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "chain": ["Mvm", "Tile"],
        "converters": ["Converter"],
        "mapping": ["Mapping"],
        "reading": ["Reading"],
        "settings": ["MvmSettings"],
        "study": ["MvmStudy", "error_budget", "mvm_study", "mvm_sweep"],
    },
)
