"""The migrations of the outbox's table."""
