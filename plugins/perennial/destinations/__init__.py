"""Destinations: one file per kind, found by name through the registry. None of them can subscribe anybody."""
