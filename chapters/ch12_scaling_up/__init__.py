"""Chapter 12: Scaling up."""
