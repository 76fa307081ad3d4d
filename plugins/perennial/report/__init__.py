"""The nightly report: one HTML file for people, drawn from tables, never from one customer after the other."""
