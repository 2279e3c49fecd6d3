"""The shop's own table."""

from django.db import models

__all__ = ["Order"]


class Order(models.Model):
    """An order of one customer."""

    id = models.BigAutoField(primary_key=True)
    customer = models.CharField(max_length=100)
    number = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.customer} {self.number}"
