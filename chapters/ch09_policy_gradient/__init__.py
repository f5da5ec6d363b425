"""Chapter 9: Policy gradient."""
