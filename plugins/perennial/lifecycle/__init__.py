"""Lifecycle models: from conditions in config/ to SQL over episodes."""
