"""What the device says, and what it does after a control: telemetry, its own meter, its modes."""
