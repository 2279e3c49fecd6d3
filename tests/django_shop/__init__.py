"""A small shop in Django, for tests: it takes orders, and says so."""
