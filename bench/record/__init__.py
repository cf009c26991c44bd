"""The run folder: crash-safe while it runs, complete in itself afterwards."""
