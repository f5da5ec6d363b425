"""Chapter 11: Proximal policy optimisation."""
