"""The daemon in the network's list of services, with the real zeroconf over a real interface."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import sys

import pytest

from bridge.config.settings import Settings
from bridge.errors import SettingsError
from bridge.osc.announcement import SERVICE, Announcement
from bridge.osc.client import Client
from tests.bridge.conftest import wait_for

TOKEN = "correct horse battery staple"
zeroconf = pytest.importorskip("zeroconf")
ifaddr = pytest.importorskip("ifaddr")


@pytest.fixture(scope="module")
def address() -> str:
    """Of an interface that others can reach."""
    every = [one.ip for adapter in ifaddr.get_adapters() for one in adapter.ips if one.is_IPv4]
    found = [one for one in every if not ipaddress.IPv4Address(one).is_loopback]
    return found[0] if found else pytest.skip("no network here but loopback")


@pytest.fixture
def browser(address):
    """Another machine's view, as far as one machine can give it."""
    with zeroconf.Zeroconf(interfaces=[address]) as one:
        yield one


def test_it_is_found_by_its_name_and_is_gone_when_it_ends(start_daemon, browser, address):
    name = f"inspire.test {id(browser)}"
    daemon = start_daemon(host=address, token=TOKEN, service_name=name)
    service = wait_for(lambda: browser.get_service_info(SERVICE, f"{name}.{SERVICE}"))
    assert (service.port, service.parsed_addresses()) == (daemon.port, [address])
    assert service.decoded_properties["prefix"] == "/inspire"
    with Client(service.port, service.parsed_addresses()[0], token=TOKEN) as client:
        assert client.ping().protocol == int(service.decoded_properties["protocol"])
        client.quit()
    daemon.process.wait(60)
    assert "announced as" in daemon.log and "Traceback" not in daemon.log
    with zeroconf.Zeroconf(interfaces=[address]) as afterwards:
        assert afterwards.get_service_info(SERVICE, f"{name}.{SERVICE}", 1000) is None


def test_two_of_one_name_get_names_of_their_own(address, browser, caplog):
    caplog.set_level(logging.INFO)
    name = f"inspire twice {id(browser)}"

    async def announce() -> None:
        both = [Announcement(name, "0.0.0.0", port) for port in (7771, 7772)]
        for one in both:
            await one.start()
        for one in both:
            await one.close()

    asyncio.run(announce())
    assert [record.args[0] for record in caplog.records] == [f"{name}.{SERVICE}", f"{name}-2.{SERVICE}"]


def test_without_the_package_it_is_said_what_to_install(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    asyncio.run(Announcement("inspire", "192.0.2.1", 7770).start())
    assert "pip install 'inspire-daw[zeroconf]'" in caplog.text


def test_a_name_that_the_network_does_not_take_is_reported(address, caplog):
    async def announce() -> None:
        one = Announcement("no\x01name", address, 7770)
        await one.start()
        await one.close()

    asyncio.run(announce())
    assert "cannot announce the service 'no\\x01name'" in caplog.text


def test_on_loopback_nothing_is_announced():
    with pytest.raises(SettingsError, match="service_name"):
        Settings(service_name="inspire")
    with pytest.raises(SettingsError, match="service_name"):
        Settings(host="192.0.2.1", token=TOKEN, service_name="x" * 64)
    assert Settings(host="192.0.2.1", token=TOKEN, service_name="inspire").service_name
