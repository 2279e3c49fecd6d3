"""How many events a second, and how soon: whole deployments under open-loop load, side by side."""

__all__: list[str] = []
