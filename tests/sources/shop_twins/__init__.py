"""Vendors in miniature, made from their documentation: never compared with the vendor itself."""
