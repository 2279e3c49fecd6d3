"""IP addresses, read as the service reads them: leading zeros are decimal, mapped IPv4 is IPv4."""

import re
from ipaddress import AddressValueError, IPv6Address

__all__ = ["Address", "parse_address"]

Address = tuple[int, int]
"""The version, 4 or 6, and the address as a number."""

_IPV4 = re.compile(r"([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)")
_IPV4_LONGEST = 15
_IPV6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*")
_OCTET = 255


def parse_address(text: str) -> Address | None:
    """Read an IP address.

    Args:
        text: Any text.

    Returns:
        The version and the number; None when *text* is no address. ``10.0.0.01`` is
        ``10.0.0.1``, and ``::ffff:a00:1`` is as well.
    """
    if ":" in text:
        return _parse_ipv6(text)
    if len(text) > _IPV4_LONGEST or not text[:1].isdigit():
        return None
    match = _IPV4.fullmatch(text)
    if match is None:
        return None
    number = 0
    for group in match.groups():
        octet = int(group)
        if octet > _OCTET:
            return None
        number = number << 8 | octet
    return 4, number


def _parse_ipv6(text: str) -> Address | None:
    if _IPV6.fullmatch(text) is None:
        return None
    # A group may have any number of leading zeros there; the standard library takes four digits.
    plain = ":".join(group.lstrip("0") or group[-1:] for group in text.split(":"))
    try:
        address = IPv6Address(plain)
    except AddressValueError:
        return None
    mapped = address.ipv4_mapped
    return (6, int(address)) if mapped is None else (4, int(mapped))
