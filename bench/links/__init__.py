"""The wires: VISA, Modbus, and in-process calls. What lies on a wire ends here."""
