"""What went over the wires of a run: kept, served again, and asked of our own twin."""
