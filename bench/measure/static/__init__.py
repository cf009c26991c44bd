"""Levels of frequency held still: droop, dead band, accuracy; and recorded frequency as an assessment."""
