"""The top floor: whole jobs that go through all the others: a run, the demo, and the comparison with the paper."""

from ground.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "pipeline": ["Job", "run_job"],
        "reproduce": ["Reproduction", "reproduce_paper"],
        "scoreboard": ["Row", "compute_rows"],
    },
)
