"""One file per instrument: a driver is a table of quantities plus the exchanges its manual shows."""
