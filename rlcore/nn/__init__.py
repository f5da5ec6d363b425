"""How functions are represented and fitted."""
