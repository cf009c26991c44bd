"""What people write: station, profile, rules. Every fault at once, each with its address."""
