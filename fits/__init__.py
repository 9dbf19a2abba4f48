"""What was measured: readers, extractions, fits with uncertainty, and the way from data to a compact model."""

from ground.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "reading.layout": ["Layout"],
        "reading.measurement": ["Measurement"],
        "reading.pulse_readers": ["read_pulses"],
        "reading.readers": ["read_devices", "read_iv", "write_iv_csv"],
        "reading.state_readers": ["read_retention", "read_states"],
        "reading.transistor_data": ["TransistorData", "read_transistor"],
        "sweeps.forming_voltage": ["Forming", "forming"],
        "sweeps.iv_summary": ["IvSummary", "iv_report", "iv_summary"],
        "sweeps.labelled_table": ["iv_table"],
        "sweeps.low_field": ["LowField", "low_field_conductance"],
        "sweeps.resistance_states": ["States", "states"],
        "sweeps.segments": ["segment"],
        "devices.folder": ["read_folder"],
        "devices.population_fit": ["PopulationFit", "fit_population", "read_parameters"],
        "devices.table": ["DeviceTable"],
        "extraction.low_field_fit": ["Extraction", "fit_cmo", "fit_filament"],
        "extraction.transistor_fit": ["TransistorFit", "fit_transistor", "load_transistor"],
        "hopping.fit": ["fit_hopping"],
        "hopping.result": ["HoppingFit", "StateCurve"],
        "hopping.state_curves": ["state_curves"],
        "hopping.synthetic": ["synthetic_curves", "synthetic_sweeps"],
        "pulses.fit": ["PulseFit", "fit_pulses"],
        "pulses.survey": ["PulseSurvey", "fit_survey"],
        "pulses.trace": ["PulseTrace", "protocol_metrics", "traces_of"],
        "noise.noise_spectrum": ["NoiseFit", "fit_noise"],
        "noise.relaxation_fit": ["RelaxationFit", "fit_relaxation"],
        "results.identifiability": ["Fixed", "Identified"],
    },
)
