"""The vocabulary that learning algorithms share."""
