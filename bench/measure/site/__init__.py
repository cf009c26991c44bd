"""The house at the receiving point."""
