"""The only loop that touches instruments: commands out, samples in, safe state at the end."""
