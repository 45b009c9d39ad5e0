"""Which addresses are of the internet at large: everything else is the inside of something."""

import pytest

from muster.addresses import is_public

INSIDE = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254
    169.254.0.1 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255
    198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    168.63.129.16
    :: ::1 ::ffff:8.8.8.8 ::ffff:127.0.0.1 ::ffff:a9fe:a9fe ::127.0.0.1 ::8.8.8.8 64:ff9b::7f00:1 64:ff9b::808:808
    64:ff9b:1::1 100::1 100:0:0:1::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1
    2001:db8::1 2002:7f00:1:: 2002:808:808::1 2002:a9fe:a9fe::1 3fff::1 5f00::1 fc00::1 fd12:3456::1
    fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 ff0e::1 2606:4700::5efe:7f00:1 2606:4700::200:5efe:a00:1
    2606:4700::1%eth0
""".split()  # noqa: SIM905  # a hundred quoted words read worse
OUTSIDE = """
    1.1.1.1 8.8.8.8 93.184.215.14 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1 169.253.255.255 172.15.0.1
    172.32.0.1 192.0.3.1 192.167.0.1 198.17.0.1 198.20.0.1 223.255.255.255
    2606:4700:4700::1111 2001:4860:4860::8888 2a00:1450:4001::1 2003::1
""".split()  # noqa: SIM905  # the same
WRITTEN_OTHERWISE = """
    127.1 0177.0.0.1 0x7f.0.0.1 2130706433 0x7f000001 127.0.0.1.  127.0.0.01 8.8.8.8/32 [::1] localhost 1.1.1
""".split()  # noqa: SIM905  # the same


@pytest.mark.parametrize("address", INSIDE)
def test_the_inside_is_not_public(address: str) -> None:
    """Private, local, shared, multicast, reserved, and what carries another address in itself."""
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_outside_is(address: str) -> None:
    """Also the neighbours of what is not."""
    assert is_public(address)


@pytest.mark.parametrize(
    "address", ["", " 8.8.8.8", "8.8.8.8 ", "\uff18.8.8.8", "\u0661.1.1.1", *WRITTEN_OTHERWISE]
)
def test_only_the_plain_form_is_an_address(address: str) -> None:
    """What another program may read as something else is nothing here."""
    assert not is_public(address)
