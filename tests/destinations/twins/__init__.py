"""Vendors in miniature: they check each request against the vendor's own specification, and keep what they are told."""
