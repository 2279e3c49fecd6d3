"""Replays: archived events, sent again in order of time, marked, and each one once."""
