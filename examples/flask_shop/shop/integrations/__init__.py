"""Who hears of orders: one module for each."""
