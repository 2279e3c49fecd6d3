"""The shop's pages."""

from django.contrib import admin
from django.urls import path

from tests.django_shop import views

__all__ = ["urlpatterns"]

urlpatterns = [
    path("admin/", admin.site.urls),
    path("orders", views.place_order),
    path("async-orders", views.place_order_async),
]
