"""What `manage.py` can do for eventflow."""
