"""Addresses that aren't the internet's, and hosts that aren't arXiv's, however they are spelled."""

from __future__ import annotations

from typing import Any

import pytest

from analyzers.errors import SourceError
from analyzers.sources.connecting import addresses, is_arxiv, is_public, next_address

NOT_PUBLIC = (
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255",
    "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "192.0.2.1",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "2002:a00:1::", "64:ff9b::7f00:1",
    "2001:0:7f00:1::", "::127.0.0.1", "fec0::1", "::ffff:0:127.0.0.1", "::ffff:0:a00:1",
    "64:ff9b:1::7f00:1", "2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a00:1", "5f00::1",
    "3fff::1", "4000::1", "1::1", "192.0.0.9", "192.88.99.1",
    "not an address", "",
)  # fmt: skip
PUBLIC = (
    "1.1.1.1",
    "151.101.3.42",
    "2606:4700::5efe:101:101",
    "2606:4700::1111",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101",
)
SPELLINGS = ("2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "017700000001")
"""Of 127.0.0.1, as the C library reads them."""


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_of_no_internet_is_told(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_told(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", SPELLINGS)
def test_other_spellings_are_looked_at_as_the_address_they_are(host: str) -> None:
    assert addresses(host, 80) == ["127.0.0.1"]
    assert not is_arxiv(host)


class Answer:
    """What `next_address` looks at."""

    is_redirect = True

    def __init__(self, url: str, location: str) -> None:
        self.url, self.headers = url, {"Location": location}


@pytest.mark.parametrize(
    ("location", "is_followed"),
    [
        ("https://arxiv.org/pdf/2410.09426", True), ("/pdf/2410.09426v1", True),
        ("https://export.arxiv.org:443/x", True), ("http://arxiv.org/x", False),
        ("https://arxiv.org:8443/x", False), ("https://evil.example/", False),
        ("https://127.0.0.1/", False), ("https://xarxiv.org/", False),
        ("https://127.0.0.1\\.arxiv.org/x", False), ("//evil.example\\.arxiv.org/x", False),
        ("https://x.example%5c.arxiv.org/", False), ("https://x.example%2f.arxiv.org/", False),
        ("https://evil.example;.arxiv.org/", False), ("https://evil.example^.arxiv.org/", False),
        ("https://.arxiv.org/", False), ("https://a..arxiv.org/", False),
        ("https://arxiv.org:443\\@evil.example/", False), ("https://arxiv.org\\.x/", False),
        ("https://arxiv.org@evil.example/", False), ("https://arxiv.org.evil.example/", False),
    ],
)  # fmt: skip
def test_arxiv_leads_to_arxiv_only(location: str, is_followed: bool) -> None:
    asked = "https://export.arxiv.org/pdf/2410.09426"
    answer: Any = Answer(asked, location)
    if is_followed:
        assert next_address(asked, answer)
    else:
        with pytest.raises(SourceError, match="another place"):
            next_address(asked, answer)
