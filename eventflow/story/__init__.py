"""The story of an event: what happened to it, where it is, and which rules it meets."""
