"""What happens on a day of in-garage delivery: the typed events."""

from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from pydantic import BaseModel, Field

from eventflow import EventModel

__all__ = [
    "Courier",
    "CourierArrived",
    "Door",
    "DoorLeftOpen",
    "Parcel",
    "ParcelDelayed",
    "ParcelLeft",
    "PaymentTaken",
    "Recipient",
]


class Door(BaseModel):
    """A door that the device vendor can open and close."""

    id: str
    kind: Literal["garage", "gate", "lobby", "front-door"]


class Recipient(BaseModel):
    """Who the parcel is for."""

    id: str
    name: str
    language: str = Field(description="As the shop wrote it down: en, NL, nl, …")


class Courier(BaseModel):
    """Who brings the parcel."""

    id: str
    partner: str
    network_address: IPv4Address | IPv6Address


class Parcel(BaseModel):
    """What is brought."""

    id: str = Field(description="Region, partner and number, such as EU-NB-000123.")
    weight_kg: float = Field(gt=0)
    value: float = Field(ge=0, description="In the shop's currency.")
    tags: list[str] = Field(default_factory=list)


class CourierArrived(EventModel, source="courier.app", type="CourierArrived", version="1.0"):
    """The courier stands before the door."""

    parcel: Parcel
    courier: Courier
    recipient: Recipient
    door: Door


class ParcelLeft(EventModel, source="courier.app", type="ParcelLeft", version="1.0"):
    """The parcel lies behind the door."""

    parcel: Parcel
    courier: Courier
    recipient: Recipient
    door: Door
    photo: str | None = Field(default=None, description="Where the proof lies; absent: none taken.")


class ParcelDelayed(EventModel, source="partner.planning", type="ParcelDelayed", version="1.0"):
    """The parcel comes later than promised."""

    parcel: Parcel
    recipient: Recipient
    minutes: int = Field(gt=0)
    expected_at: datetime
    cause: str


class DoorLeftOpen(EventModel, source="door.sensor", type="DoorLeftOpen", version="1.0"):
    """A sensor sees a door stand open."""

    door: Door
    open_for_seconds: float = Field(ge=0)
    firmware: str


class PaymentTaken(EventModel, source="shop.payments", type="PaymentTaken", version="1.0"):
    """The shop was paid for a parcel."""

    parcel: Parcel
    recipient: Recipient
    amount: float = Field(gt=0)
    currency: str
    method: str
