"""Chapter 4: Bandits."""
