"""A shop on Django: it takes orders, and tells of each by an event."""
