"""The simulated world: physics, dialects and wires of the twin station."""
