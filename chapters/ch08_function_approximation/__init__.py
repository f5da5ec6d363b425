"""Chapter 8: Function approximation."""
