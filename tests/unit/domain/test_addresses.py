"""Only addresses of the public internet pass, in every notation and however deep an inner one is wrapped."""

import pytest

from app.domain.addresses import is_public

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0", "223.255.255.255",
          "2606:4700:4700::1111", "2a00:1450:4001:82f::200e", "2001:4860:4860::8888", "64:ff9b::808:808"]  # fmt: skip

INNER = [
    "0.0.0.0",  # noqa: S104 - refused, not bound to
    "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.1.2.3",
    "127.255.255.255", "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.8", "192.0.0.192",
    "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::a00:1", "64:ff9b:1::1", "64:ff9b:1::808:808", "100::1", "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "2002:808:808::1", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "2606:4700::1%1",
    "fec0::1", "ff02::1", "ff0e::1",
    "", "localhost", "example.com", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1 ", "1.1.1.1/32", "[::1]",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_passes(address: str) -> None:
    """Ordinary addresses of the internet may be connected to, also through NAT64."""
    assert is_public(address)


@pytest.mark.parametrize("address", INNER)
def test_an_inner_address_does_not_pass(address: str) -> None:
    """Private, local, reserved, multicast, wrapped and unreadable ones may not."""
    assert not is_public(address)
