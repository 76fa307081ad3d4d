"""Source systems: one file per connector kind, found by name through the registry."""
