"""One idea per file, the loop in plain sight."""
