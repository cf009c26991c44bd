"""The engine: plan, execute, record, measure, judge and show. It names no brand and holds no number of the regulation."""

__all__ = ["__version__"]

__version__ = "0.1.0"
