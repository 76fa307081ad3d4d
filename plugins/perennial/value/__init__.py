"""The nightly forecast of customer value: histories from the warehouse, a back-test, a fit, two small tables."""
