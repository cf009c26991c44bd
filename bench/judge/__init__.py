"""Metrics against rules: comparators only, no number of its own."""
