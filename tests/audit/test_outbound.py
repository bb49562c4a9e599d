"""Where devices may go: the SSRF set."""

import pytest

from strongroom.audit.devices.outbound import Outbound, check_address
from strongroom.errors import InvalidRequest, UpstreamFailed


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "169.254.1.1", "100.100.100.200", "0.0.0.0", "::", "224.0.0.1", "ff02::1",
        "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
        "127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
    ],
)  # fmt: skip
def test_an_allowed_name_may_not_lead_to_a_special_address(address: str) -> None:
    with pytest.raises(UpstreamFailed, match="where audit devices may not go"):
        check_address("collector.example", address)


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "2001:db8::1"])
def test_an_allowed_name_may_lead_into_the_network(address: str) -> None:
    check_address("collector.example", address)


def test_loopback_is_for_loopback_names() -> None:
    check_address("localhost", "127.0.0.1")
    check_address("::1", "::1")


@pytest.mark.parametrize(
    ("host", "port", "permitted"),
    [
        ("siem.example", 514, True),
        ("SIEM.example.", 514, True),
        ("siem.example", 515, False),
        ("other.example", 514, False),
        ("any.example", 1, True),
        ("2001:db8::5", 6514, True),
        ("2001:db8::5", 1, False),
        ("xsiem.example", 514, False),
    ],
)
def test_only_named_hosts_are_reached(host: str, port: int, permitted: bool) -> None:
    outbound = Outbound(["siem.example:514", "any.example", "[2001:db8::5]:6514"])
    if permitted:
        outbound.permit(host, port)
    else:
        with pytest.raises(InvalidRequest, match="does not allow"):
            outbound.permit(host, port)


@pytest.mark.parametrize("host", ["2852039166", "0xa9fea9fe", "169.16689662", "0251.0376.0251.0376"])
async def test_other_spellings_of_the_metadata_address_do_not_help(host: str) -> None:
    with pytest.raises(UpstreamFailed):
        await Outbound([host]).resolve(host, 80)


async def test_a_name_is_looked_up_and_its_address_used() -> None:
    assert await Outbound(["localhost"]).resolve("localhost", 80) in ("127.0.0.1", "::1")
    with pytest.raises(UpstreamFailed, match="no address"):
        await Outbound(["nowhere.invalid"]).resolve("nowhere.invalid", 80)
    with pytest.raises(InvalidRequest):
        await Outbound([]).resolve("localhost", 80)


def test_local_sockets_are_named_one_by_one() -> None:
    outbound = Outbound(["unix:/dev/log"])
    outbound.permit_unix("/dev/log")
    for path in ("/dev/Log", "/run/docker.sock", "/dev/log/../x"):
        with pytest.raises(InvalidRequest):
            outbound.permit_unix(path)
