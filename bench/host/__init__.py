"""What is about this host and its processes, not about one run: locks, marks, signals, versions."""
