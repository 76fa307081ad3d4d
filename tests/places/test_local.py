"""A folder of this machine: private, whole, and with the reason where it cannot be written."""

import errno
import io

import pytest

from perennial.errors import FatalError, RetriableError
from perennial.places.base import named
from perennial.places.local import Place


def put(folder: str = "drop", name: str = "in/a.csv", content: bytes = b"x") -> None:
    with Place(folder) as place:
        place.write(name, io.BytesIO(content))


def test_only_the_owner_can_look_inside(state):
    put()
    for folder in ("drop", "drop/in"):
        assert (state / folder).stat().st_mode & 0o077 == 0


def test_a_folder_of_somebody_else_is_looked_into_and_read_and_left_as_it_is(state):
    folder = state / "theirs"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "a.csv").write_bytes(b"x")
    for path in (folder, folder / "in"):
        path.chmod(0o775)
    with Place("theirs") as place:
        assert [f.name for f in place.look("in").files] == ["in/a.csv"]
        with place.read("in/a.csv") as stream:
            assert stream.read() == b"x"
    assert [path.stat().st_mode & 0o777 for path in (folder, folder / "in")] == [0o775, 0o775]


def test_a_folder_that_is_not_there_is_not_made_by_a_look(state):
    with Place("theirs") as place, pytest.raises(FatalError, match=r"/theirs: .*make that folder, or name another"):
        place.look()
    assert not (state / "theirs").exists()


def test_links_to_folders_are_not_followed_in_circles(state):
    put(name="a.csv")
    (state / "drop" / "again").symlink_to(state / "drop")
    with Place("drop") as place:
        assert place.look().folders == []


def test_a_full_disk_leaves_yesterdays_file_and_gives_back_its_room(state):
    put(content=b"yesterday")
    part = state / "drop" / "in" / "a.csv.part"
    part.symlink_to("/dev/full")
    with pytest.raises(RetriableError, match=r"in/a.csv: No space left on device"):
        put(content=b"x" * 100_000)
    assert (state / "drop" / "in" / "a.csv").read_bytes() == b"yesterday"
    assert not part.is_symlink()


def test_what_a_killed_run_left_is_replaced(state):
    put(content=b"yesterday")
    (state / "drop" / "in" / "a.csv.part").write_bytes(b"half of something much longer")
    put(content=b"today")
    assert [p.name for p in (state / "drop" / "in").iterdir()] == ["a.csv"]
    assert (state / "drop" / "in" / "a.csv").read_bytes() == b"today"


def test_a_file_where_a_folder_is_meant_is_named(state):
    (state / "drop").write_text("")
    with pytest.raises(FatalError, match=r"/drop"):
        put()


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.EACCES, FatalError),
        (errno.EPERM, FatalError),
        (errno.EROFS, FatalError),
        (errno.ENOENT, FatalError),
        (errno.ENOSPC, RetriableError),
        (errno.EIO, RetriableError),
        (errno.ECONNRESET, RetriableError),
        (None, RetriableError),
    ],
)
def test_errors_of_the_system_say_where_and_whether_to_try_again(number, kind):
    with pytest.raises(kind, match=r"^there: ") as caught, named("there"):
        raise OSError(number, "said so") if number else OSError("said so")
    assert type(caught.value) is kind


def test_an_expected_error_passes_as_it_is():
    with pytest.raises(FileNotFoundError), named("there", FileNotFoundError):
        raise FileNotFoundError
