"""Recording in, metrics with uncertainty out: pure functions."""
