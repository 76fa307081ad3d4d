"""Perennial: orders come in, a lifecycle comes out, audiences go out. Every night, with proof."""

__version__ = "0.1.0"
