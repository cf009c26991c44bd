"""The engine: plan, execute, record, measure, judge, show. No brand, no number of the regulation."""

__all__ = ["__version__"]

__version__ = "0.1.0"
