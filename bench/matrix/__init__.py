"""The DR-ready matrix: runs laid over what aggregators ask, and the markets they open."""
