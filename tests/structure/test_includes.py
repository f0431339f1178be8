"""The rooms hold: no include upwards, no engine outside its room. And the check that says so does find them."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import includes  # noqa: E402

SRC = pathlib.Path(__file__).resolve().parents[2] / "src"


@pytest.fixture
def tree(tmp_path):
    """tree({path: text}) writes files below a src/ of three rooms: base, store over base, app over store."""

    def write(files):
        rooms = {"base": "", "store": "ROOMS base", "app": "ROOMS store", "http": "ROOMS base", "rpc": "ROOMS base"}
        for room, declared in rooms.items():
            files.setdefault(f"{room}/CMakeLists.txt", f"parley_room({room} ASIO\n  {declared}\n  SOURCES a.cc)\n")
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(text)
        return [str(finding) for finding in includes.check(tmp_path)]

    return write


def test_the_sources_keep_to_their_rooms():
    assert [str(finding) for finding in includes.check(SRC)] == []


def test_every_folder_of_sources_is_a_room():
    rooms = includes.declared_rooms(SRC)
    folders = {p.parent.name for p in SRC.glob("*/*.cc")}
    assert len(rooms) >= 5
    assert folders - {"app"} <= rooms.keys()  # app is the program itself, and may be no library


def test_what_is_declared_passes(tree):
    assert tree({"store/a.cc": '#include "base/a.h"\n#include "store/a.h"\n#include <rocksdb/db.h>\n'}) == []


@pytest.mark.parametrize(
    "file, line, finding",
    [
        ("base/a.cc", '#include "store/a.h"', "base/a.cc:1: base does not declare store"),
        ("base/a.h", '  #  include "store/a.h"', "base/a.h:1: base does not declare store"),
        ("app/a.cc", '#include "base/a.h"', "app/a.cc:1: app does not declare base"),  # declared by store, not by app
        ("http/a.cc", '#include "rpc/a.h"', "http/a.cc:1: http does not declare rpc"),
        ("http/a.cc", "#include <rocksdb/db.h>", "http/a.cc:1: rocksdb/db.h is for store alone"),
        ("store/a.cc", '#include "a.h"', 'store/a.cc:1: a.h: includes are "room/file.h"'),
        ("store/a.cc", "#include <prometheus/registry.h>", "store/a.cc:1: prometheus/registry.h is for base alone"),
        ("tool/a.cc", '#include "base/a.h"', "tool/a.cc:1: tool does not declare base"),  # no room at all
    ],
)
def test_a_bad_include_is_found(tree, file, line, finding):
    assert tree({file: line + "\n"}) == [finding]


def test_an_engine_in_a_header_that_leaves_its_room_is_found(tree):
    files = {"store/a.h": "#include <rocksdb/db.h>\n", "store/a.cc": '#include "store/a.h"\n'}
    assert tree(dict(files)) == []
    assert tree(files | {"app/a.cc": '#include "store/a.h"\n'}) == [
        "store/a.h:1: rocksdb/db.h in a header that other rooms include"
    ]


@pytest.mark.parametrize(
    "declared, finding",
    [
        ({"http": "ROOMS base rpc"}, "http and rpc never include each other"),
        ({"base": "ROOMS app"}, "base includes itself in a circle"),
        ({"store": "ROOMS base cellar"}, "store declares cellar, which is no room"),
    ],
)
def test_a_bad_declaration_is_found(tree, declared, finding):
    lists = {
        f"{room}/CMakeLists.txt": f"parley_room({room}\n  {rooms} # why\n  LIBS x)\n"
        for room, rooms in declared.items()
    }
    assert f"CMakeLists.txt:1: {finding}" in tree(lists)
