"""Chapter 5: Monte-Carlo methods."""
