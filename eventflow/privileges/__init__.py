"""Least privilege: what the users of each kind of process may do in Redis and in RabbitMQ."""

from eventflow.privileges.duty import Duty, Role
from eventflow.privileges.rabbitmq_permissions import Permissions, permissions_of
from eventflow.privileges.redis_acl import acl_of

__all__ = ["Duty", "Permissions", "Role", "acl_of", "permissions_of"]
