"""What other tools are set up with, generated from the rules: pure functions, the same text each time.

The rules say which targets there are, who owns them and what they may take; the catalogue of metrics
says what is known of them. So a dashboard, alerts and scalers need not be kept in step by hand.
"""
