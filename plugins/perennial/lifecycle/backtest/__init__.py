"""What lifecycle rules would have flagged on the user's own past days, and what became of it."""
