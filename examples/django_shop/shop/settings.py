"""The shop's settings: SQLite, mails as files, and events by the outbox."""

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parents[1]

SECRET_KEY = "the shop on your own machine has no secrets"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["eventflow.contrib.django", "shop"]
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "shop.db",
        # Several processes write: each waits for the others from its transaction's first statement.
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
    }
}

EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = BASE_DIR / "mails"
DEFAULT_FROM_EMAIL = "shop@example.org"

EVENTFLOW = {
    "OUTBOX": True,  # an event is written in the transaction of its order
    "WORKERS": "shop.celery",
}

WAREHOUSE_FOLDER = BASE_DIR / "warehouse"
WAREHOUSE_FAILURE_RATE = 0.5  # of the calls to its API
