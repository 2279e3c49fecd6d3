"""Publishing: from a model or an event to the ledger, and on to the routers."""

from eventflow.publishing.publisher import Publisher

__all__ = ["Publisher"]
