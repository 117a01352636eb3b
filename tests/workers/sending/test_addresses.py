"""Which addresses may be reached, and which never."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

import pytest

from settings import BadSettings, read_settings
from workers.sending.addresses import AddressRefused, Reach, is_public, look_up, read_url

PRIVATE = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1"),
    *("169.254.169.254", "224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "198.18.0.1"),
    *("192.0.2.1", "::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "ff0e::1"),
    *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::1"),
    *("2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "4000::1"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_and_reserved_addresses_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:2800:21f:cb07::1"])
def test_addresses_of_the_public_net_are(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://a.example/", "begins with https"),
        ("https:///hook", "begins with https"),
        ("//a.example/hook", "begins with https"),
        ("https://user:secret@a.example/", "no user or password"),
        ("https://a.example@127.0.0.1/", "no user or password"),
        ("https://a.example\\@127.0.0.1/", "no user or password"),
        ("https://a.example/\\x", "no backslash"),
        ("https://a.example/#there", "no fragment"),
        ("https://a.example:99999/", "no address"),
        ("https://[::1/", "no address"),
        ("https://a.example/a b", "printable"),
        ("https://a.example/\r\nX: 1", "printable"),
        ("https://пример.example/", "ASCII"),
        ("https://a.example/" + "a" * 2000, "2,000"),
    ],
)
def test_what_is_no_plain_address_is_refused(url: str, why: str) -> None:
    with pytest.raises(AddressRefused, match=why) as refusal:
        read_url(url)
    assert "a.example" not in str(refusal.value)


def test_the_parts_of_an_address() -> None:
    target = read_url("https://Hooks.Example.:8443/a?b=c")
    assert (target.is_tls, target.host, target.port) == (True, "hooks.example", 8443)
    assert read_url("http://[2606:2800::1]/").host == "2606:2800::1"
    assert read_url("http://a.example").port == 80
    assert read_url("https://a.example").port == 443


def check(url: str, *found: str, private: tuple[str, ...] = ()) -> list[str]:
    target = read_url(url)
    return asyncio.run(look_up(target, Reach.of(private), lambda _host, _port: found))


def test_a_name_is_refused_if_any_of_its_addresses_is_private() -> None:
    assert check("https://a.example/", "8.8.8.8", "2606:2800::1") == ["8.8.8.8", "2606:2800::1"]
    with pytest.raises(AddressRefused, match="OVERTONE_WEBHOOK_PRIVATE"):
        check("https://a.example/", "8.8.8.8", "10.0.0.1")


def test_the_setting_names_hosts_addresses_and_networks() -> None:
    private = ("hooks.lan", "10.1.0.0/16", "127.0.0.1", "fd00::/8")
    assert check("http://hooks.lan/", "192.168.9.9", private=private)
    assert check("http://HOOKS.lan./", "192.168.9.9", private=private)
    assert check("https://a.example/", "10.1.200.1", private=private)
    assert check("http://a.example/", "fd12::1", private=private)
    assert check("http://127.0.0.1:9/", "127.0.0.1", private=private)
    for host, address in (("other.lan", "192.168.9.9"), ("a.example", "10.2.0.1")):
        with pytest.raises(AddressRefused):
            check(f"https://{host}/", address, private=private)


def test_plain_http_is_for_what_the_setting_names() -> None:
    with pytest.raises(AddressRefused, match="https://"):
        check("http://a.example/", "8.8.8.8")
    assert check("http://a.example/", "8.8.8.8", private=("a.example",))


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost"])
def test_other_spellings_of_loopback_are_looked_up_and_refused(host: str) -> None:
    with pytest.raises(AddressRefused, match=r"private|looked up"):
        asyncio.run(look_up(read_url(f"https://{host}/"), Reach()))


def test_a_host_that_nobody_knows_is_refused() -> None:
    def unknown(_host: str, _port: int) -> list[str]:
        raise OSError("unknown")

    with pytest.raises(AddressRefused, match="cannot be looked up"):
        asyncio.run(look_up(read_url("https://a.example/"), Reach(), unknown))
    with pytest.raises(AddressRefused, match="no address"):
        check("https://a.example/")


def test_the_setting_is_read_and_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERTONE_WEBHOOK_PRIVATE", "hooks.lan, 10.0.0.0/8,::1")
    assert read_settings().webhook_private == ("hooks.lan", "10.0.0.0/8", "::1")
    for wrong in ("10.0.0.1/8", "a b", "http://hooks.lan", "10.0.0.0/99"):
        monkeypatch.setenv("OVERTONE_WEBHOOK_PRIVATE", wrong)
        with pytest.raises(BadSettings, match="OVERTONE_WEBHOOK_PRIVATE"):
            read_settings()
