"""What happens inside the device: materials, conduction laws, coupled current and heat, sweeps, response tables."""

from ground.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "device": ["Device", "SolverOptions"],
        "electrothermal": ["solve"],
        "laws": ["hopping_conductivity", "hopping_current_density"],
        "materials": ["Material", "material_table"],
        "dome_response": ["DomeResponse", "Response"],
        "response_table": ["response"],
        "selfconsistent": ["bias_sweep"],
        "solution": ["Solution"],
        "sweeps": ["save_sweep", "sweep"],
    },
)
