"""How power follows commands: activations, changing commands, signals that never rest, slots."""
