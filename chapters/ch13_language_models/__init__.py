"""Chapter 13: Language models."""
