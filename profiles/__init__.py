"""What to do and what is allowed, as data."""
