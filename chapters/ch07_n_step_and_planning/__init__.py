"""Chapter 7: N step and planning."""
