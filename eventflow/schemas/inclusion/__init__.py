"""Whether one JSON Schema accepts all that another one does, and where it does not."""

from eventflow.schemas.inclusion.difference import Difference, Verdict
from eventflow.schemas.inclusion.identical import identical
from eventflow.schemas.inclusion.inclusion import Inclusion
from eventflow.schemas.inclusion.node import Node

__all__ = ["Difference", "Inclusion", "Node", "Verdict", "identical"]
