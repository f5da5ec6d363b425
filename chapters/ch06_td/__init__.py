"""Chapter 6: temporal differences."""
