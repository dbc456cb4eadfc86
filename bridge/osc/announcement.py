"""The daemon in the network's list of services: `_osc._udp.local.`, by zeroconf (Bonjour, Avahi), for clients on other machines.

The package zeroconf is an extra. Where it is missing, or the network does not take it, the log says so and the daemon serves on.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import socket
from typing import TYPE_CHECKING

from bridge.osc import spec

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncZeroconf

SERVICE = "_osc._udp.local."

log = logging.getLogger(__name__)


class Announcement:
    """Of `name` at an IPv4 address, from `start` to `close`. A name that another service has gets a number added."""

    def __init__(self, name: str, host: str, port: int):
        self._name, self._host, self._port = name, host, port
        self._zeroconf: AsyncZeroconf | None = None

    async def start(self) -> None:
        try:
            import ifaddr
            import zeroconf
            from zeroconf.asyncio import AsyncZeroconf
        except ImportError:
            log.warning("service_name is set, but zeroconf is missing: pip install 'inspire-daw[zeroconf]'")
            return
        addresses = [self._host]
        if ipaddress.IPv4Address(self._host).is_unspecified:
            every = [str(one.ip) for adapter in ifaddr.get_adapters() for one in adapter.ips if one.is_IPv4]
            addresses = [one for one in every if not ipaddress.IPv4Address(one).is_loopback]
        properties = {"txtvers": "1", "prefix": "/inspire", "protocol": str(spec.PROTOCOL)}
        try:
            self._zeroconf = AsyncZeroconf(interfaces=addresses)
            service = zeroconf.ServiceInfo(
                SERVICE,
                f"{self._name}.{SERVICE}",
                port=self._port,
                properties=properties,
                addresses=[socket.inet_aton(one) for one in addresses],
            )
            await self._zeroconf.async_register_service(service, allow_name_change=True)
            log.info("announced as %s", service.name)
        except (zeroconf.Error, OSError) as error:
            log.warning("cannot announce the service %r: %r", self._name, error)

    async def close(self) -> None:
        """Takes it from the list."""
        if self._zeroconf:
            with contextlib.suppress(OSError):  # the network is gone: so is its list
                await self._zeroconf.async_close()
