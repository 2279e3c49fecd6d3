"""What the shop remembers."""

from django.db import models

__all__ = ["Order"]


class Order(models.Model):
    """Somebody wants something."""

    email = models.EmailField()
    product = models.CharField(max_length=20)
    quantity = models.PositiveIntegerField()
    total_cents = models.PositiveIntegerField()
    status = models.CharField(max_length=10, default="placed")

    def __str__(self) -> str:
        return f"order {self.pk}: {self.quantity} {self.product}"
