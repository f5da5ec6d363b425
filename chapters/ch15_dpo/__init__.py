"""Chapter 15: Direct preference optimisation."""
