"""Single steps of frequency: when power began to move, and how it got there."""
