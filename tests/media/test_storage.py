"""Stored files: whole or absent, under our own names only."""

import hashlib
import os
import stat
from pathlib import Path

import pytest

from quilt.media.storage import OWN_BYTES, BadKey, Storage, has_hash, make_key

KEY = "ab/ab" + "0" * 62 + "-" + "1" * 16 + ".mp4"
OLD_KEY = "ab/ab" + "0" * 30 + ".mp4"


@pytest.fixture
def storage(tmp_path):
    return Storage(tmp_path / "media")


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "film"
    path.write_bytes(b"pictures")
    return path


def test_a_new_key_tells_the_bytes_and_is_nobody_elses(source):
    digest = hashlib.sha256(b"pictures").hexdigest()
    key = make_key(source, "mp4", b"\x01" * OWN_BYTES)
    assert key == f"{digest[:2]}/{digest}-{'01' * 8}.mp4"
    assert len({make_key(source, "jpg", os.urandom(OWN_BYTES)) for _ in range(100)}) == 100


def test_a_changed_byte_is_seen(storage, source):
    key = make_key(source, "mp4", os.urandom(OWN_BYTES))
    path = storage.save(key, source)
    assert has_hash(key) and storage.is_unchanged(key)
    path.write_bytes(b"pictureS")
    assert not storage.is_unchanged(key)


def test_the_first_files_keep_their_names(storage, source):
    storage.save(OLD_KEY, source)
    assert list(storage.list_keys()) == [OLD_KEY] and not has_hash(OLD_KEY)


def test_a_saved_file_has_moved_and_can_be_read_by_all(storage, source):
    path = storage.save(KEY, source)
    assert path == storage.path(KEY) and path.read_bytes() == b"pictures"
    assert not source.exists() and storage.exists(KEY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(storage.list_keys()) == [KEY]


def test_saving_again_replaces_the_whole_file(storage, source, tmp_path):
    storage.save(KEY, source)
    other = tmp_path / "other"
    other.write_bytes(b"new")
    assert storage.save(KEY, other).read_bytes() == b"new"


def test_a_file_from_another_disk_is_copied_and_moved(storage):
    """`/dev/shm` is another file system than the test's folder on every Linux we run on."""
    shared = "/dev/shm"
    if not os.path.isdir(shared) or os.stat(shared).st_dev == os.stat(storage.root.parent).st_dev:
        pytest.skip("there is no second file system here")
    source = Path(shared) / f"quilt-test-{os.getpid()}"
    source.write_bytes(b"far")
    assert storage.save(KEY, source).read_bytes() == b"far"
    assert not source.exists() and list(storage.list_keys()) == [KEY]


def test_deleting_twice_is_no_error(storage, source):
    storage.save(KEY, source)
    storage.delete(KEY)
    storage.delete(KEY)
    assert not storage.exists(KEY) and list(storage.list_keys()) == []


@pytest.mark.parametrize(
    "key",
    [
        "",
        "../secret",
        "/etc/passwd",
        "ab/../../secret.mp4",
        *(
            key
            for good in (KEY, OLD_KEY)
            for key in (
                good.removesuffix(".mp4"),
                good.replace("ab/", "cd/"),
                good.replace(".mp4", ".html"),
                good + "\n",
                good + "\x00",
                good.upper(),
                good.replace("0", "٠"),
            )
        ),
        KEY.replace("-", ""),
        KEY.replace("-", "-0"),
    ],
)
def test_other_keys_are_refused(storage, key):
    for act in (storage.path, storage.exists, storage.delete):
        with pytest.raises(BadKey):
            act(key)


def test_a_way_out_through_a_link_is_refused(storage, tmp_path):
    storage.root.mkdir()
    (storage.root / "ab").symlink_to(tmp_path)
    with pytest.raises(BadKey):
        storage.path(KEY)


def test_foreign_and_half_written_files_are_not_listed(storage, source):
    storage.save(KEY, source)
    (storage.root / "ab" / ".part").write_bytes(b"half")
    (storage.root / "notes.txt").write_bytes(b"foreign")
    assert list(storage.list_keys()) == [KEY]


def test_a_bad_suffix_is_refused(source):
    with pytest.raises(BadKey):
        make_key(source, "html", os.urandom(OWN_BYTES))
