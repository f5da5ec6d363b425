"""Chapter 10: Actor-critic."""
