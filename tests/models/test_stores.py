"""Recordings stay inside the stores, and are written whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.stores import (
    RecordingEmpty,
    RecordingGone,
    RecordingTooLarge,
    StoreError,
    StoreRefused,
    Stores,
)


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "call.wav").write_bytes(b"sound")
    (tmp_path / "secret.wav").write_bytes(b"secret")
    return Stores(
        tmp_path / "uploads",
        (str(tmp_path / "store"), "https://records.example.com/calls/", "s3://calls/2026/"),
    )


def test_an_upload_is_kept_under_a_name_of_ours(stores: Stores) -> None:
    saved = stores.save([b"abc", b"def"], name="../../etc/passwd.wav", max_bytes=10)
    path = stores.path_of(saved.recording)
    assert path is not None
    assert path.read_bytes() == b"abcdef"
    assert path.is_relative_to(stores.uploads)
    assert path.suffix == ".wav"
    assert saved.sha256 == hashlib.sha256(b"abcdef").hexdigest()


@pytest.mark.parametrize("name", ["", "x", "a.w/av", "a.verylongsuffix", "a.\0", "call.wav\n"])
def test_odd_file_names_do_no_harm(stores: Stores, name: str) -> None:
    saved = stores.save([b"abc"], name=name, max_bytes=10)
    path = stores.path_of(saved.recording)
    assert path is not None
    assert path.is_file()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_too_much_is_refused_and_leaves_nothing(stores: Stores) -> None:
    with pytest.raises(RecordingTooLarge):
        stores.save([b"x" * 6, b"x" * 6], name="a.wav", max_bytes=10)
    assert files(stores.uploads) == []


def test_nothing_is_refused_and_leaves_nothing(stores: Stores) -> None:
    with pytest.raises(RecordingEmpty):
        stores.save([], name="a.wav", max_bytes=10)
    assert files(stores.uploads) == []


def test_an_upload_that_breaks_off_leaves_nothing(stores: Stores) -> None:
    def broken() -> Iterator[bytes]:
        yield b"abc"
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        stores.save(broken(), name="a.wav", max_bytes=10)
    assert files(stores.uploads) == []


def test_a_path_inside_a_store_is_taken(stores: Stores, tmp_path: Path) -> None:
    reference = stores.locate(str(tmp_path / "store" / "call.wav"))
    assert stores.path_of(reference) == tmp_path / "store" / "call.wav"


def test_paths_outside_are_refused(stores: Stores, tmp_path: Path) -> None:
    (tmp_path / "store" / "link.wav").symlink_to(tmp_path / "secret.wav")
    for source in (
        "/etc/passwd",
        str(tmp_path / "secret.wav"),
        str(tmp_path / "store" / ".." / "secret.wav"),
        str(tmp_path / "store" / "link.wav"),
        str(tmp_path / "storehouse" / "call.wav"),
        "call.wav",
        "file:///etc/passwd",
        "a\0b",
    ):
        with pytest.raises(StoreRefused):
            stores.locate(source)


def test_a_path_that_is_not_there_says_so(stores: Stores, tmp_path: Path) -> None:
    with pytest.raises(RecordingGone):
        stores.locate(str(tmp_path / "store" / "none.wav"))
    with pytest.raises(RecordingGone):
        stores.locate(str(tmp_path / "store"))


def test_a_stored_reference_is_checked_again_when_it_is_opened(
    stores: Stores, tmp_path: Path
) -> None:
    for recording in ("upload:../secret.wav", f"file:{tmp_path / 'secret.wav'}", "ftp://x/y"):
        with pytest.raises(StoreError):
            stores.path_of(recording)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://records.example.com/calls/2026/1.wav", None),
        ("https://records.example.com/calls/a%20b%2B.wav", None),
        ("https://records.example.com/calls/..wav", None),
        ("https://records.example.com/calls/звонок.wav", None),
        ("HTTPS://Records.Example.com/calls/1.wav", "https://records.example.com/calls/1.wav"),
        ("https://records.example.com:443/calls/1.wav", "https://records.example.com/calls/1.wav"),
        ("s3://calls/2026/11/1.wav", None),
        ("s3://calls/2026/100%.wav", None),
    ],
)
def test_an_address_inside_a_store_is_taken(stores: Stores, address: str, kept: str | None) -> None:
    assert stores.locate(address) == (kept or address)
    assert stores.path_of(kept or address) is None


@pytest.mark.parametrize(
    "address",
    [
        "http://records.example.com/calls/1.wav",
        "https://records.example.com/private/1.wav",
        "https://records.example.com/calls/../private/1.wav",
        "https://records.example.com/calls/%2e%2e/private/1.wav",
        "https://records.example.com/calls/%2E%2E%2Fprivate/1.wav",
        "https://records.example.com/calls/%252e%252e/private/1.wav",
        "https://records.example.com.evil.com/calls/1.wav",
        "https://records.example.com@evil.com/calls/1.wav",
        "https://user@records.example.com/calls/1.wav",
        "https://evil.com/https://records.example.com/calls/1.wav",
        "https://records.example.com/calls/1.wav\n",
        "gopher://records.example.com/calls/1.wav",
        "https://records.example.com/calls/",
        "https://records.example.com/calls",
        "https://records.example.com/Calls/1.wav",
        "https://records.example.com/calls//1.wav",
        "https://records.example.com/calls/./1.wav",
        "https://records.example.com/calls/..",
        "https://records.example.com/calls/..%2fprivate",
        "https://records.example.com/calls/a%2Fb.wav",
        "https://records.example.com/calls/a%5Cb.wav",
        "https://records.example.com/calls/%252e",
        "https://records.example.com/calls/%zz",
        "https://records.example.com/calls/%00.wav",
        "https://records.example.com/calls/%0d%0aX: 1",
        "https://records.example.com/calls\\1.wav",
        "https://records.example.com\\@evil.com/calls/1.wav",
        "https:\\\\records.example.com/calls/1.wav",
        "https://records.example.com/calls/1.wav?x=https://evil.com",
        "https://records.example.com/calls/1.wav#x",
        "https://records.example.com#/calls/1.wav",
        "https://evil.com#records.example.com/calls/1.wav",
        "https://user:password@records.example.com/calls/1.wav",
        "https://records.example.com:8443/calls/1.wav",
        "https://records.example.com:0443x/calls/1.wav",
        "https://records.example.com./calls/1.wav",
        "https://[::1]/calls/1.wav",
        "https:///calls/1.wav",
        " https://records.example.com/calls/1.wav",
        "https://records.example.com/calls/1\t.wav",
        "s3://calls/1.wav",
        "s3://calls/2026/../1.wav",
        "s3://calls/20261.wav",
        "s3://Calls/2026/1.wav",
        "s3://calls:443/2026/1.wav",
        "s3://key:secret@calls/2026/1.wav",
        "s3://calls/2026/1.wav?versionId=1",
        "s3a://calls/2026/1.wav",
        "https+s3://calls/2026/1.wav",
        "simplecache::s3://calls/2026/1.wav",
    ],
)
def test_addresses_outside_are_refused(stores: Stores, address: str) -> None:
    with pytest.raises(StoreRefused):
        stores.locate(address)
