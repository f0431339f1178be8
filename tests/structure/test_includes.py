"""The rooms hold: no include upwards, no library outside its room. And the check that says so does find them."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import includes  # noqa: E402

SRC = pathlib.Path(__file__).resolve().parents[2] / "src"

# The rooms of a small tree, each with what it declares.
ROOMS = {
    "base": "",
    "chat": "ROOMS base",
    "store": "ROOMS base",
    "store/embedded": "ROOMS base store",
    "store/redis": "ROOMS base store",
    "http/wire": "ROOMS base",
    "http/server": "ROOMS base http/wire",
    "rpc/wire": "ROOMS base",
    "rpc/server": "ROOMS rpc/wire",
    "rpc/client": "ROOMS rpc/wire",
    "api": "ROOMS chat http/server",
    "app": "ROOMS store",
}


@pytest.fixture
def tree(tmp_path):
    """tree({path: text}, {room: ROOMS}) writes files, and declarations over those of ROOMS, below a src/."""

    def write(files, declared=None):
        lists = {
            f"{room}/CMakeLists.txt": f"parley_room({room} ASIO\n  {rooms} # why\n  SOURCES a.cc)\n"
            for room, rooms in (ROOMS | (declared or {})).items()
        }
        for path, text in (lists | files).items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return [str(finding) for finding in includes.check(tmp_path)]

    return write


def test_the_sources_keep_to_their_rooms():
    assert [str(finding) for finding in includes.check(SRC)] == []


def test_every_declared_room_is_known():
    rooms = includes.declared_rooms(SRC)
    assert rooms.keys() >= {"base", "http/server", "rpc/client", "store/embedded", "api", "app"}
    for room in set(includes.BLIND) | {r for pair in includes.APART for r in pair} | set(includes.ENGINES):
        assert any(r == room or r.startswith(room + "/") for r in rooms), room


def test_what_is_declared_passes(tree):
    assert (
        tree(
            {
                "store/embedded/a.cc": '#include "base/a.h"\n#include "store/a.h"\n#include "store/embedded/a.h"\n'
                "#include <rocksdb/db.h>\n",
                "api/a.cc": '#include "chat/a.h"\n#include "http/server/a.h"\n',
            }
        )
        == []
    )


@pytest.mark.parametrize(
    "file, line, finding",
    [
        ("base/a.cc", '#include "store/a.h"', "base/a.cc:1: base does not declare store"),
        ("base/a.h", '  #  include "store/a.h"', "base/a.h:1: base does not declare store"),
        ("app/a.cc", '#include "base/a.h"', "app/a.cc:1: app does not declare base"),  # declared by store, not by app
        ("store/a.cc", '#include "a.h"', 'store/a.cc:1: a.h: includes are "room/file.h"'),
        ("store/a.cc", "#include <prometheus/registry.h>", "store/a.cc:1: prometheus/registry.h is for base alone"),
        ("store/a.cc", "#include <rocksdb/db.h>", "store/a.cc:1: rocksdb/db.h is for store/embedded alone"),
        ("store/redis/a.cc", "#include <rocksdb/db.h>", "store/redis/a.cc:1: rocksdb/db.h is for store/embedded alone"),
        # Rooms in rooms: the outer one declares neither for the inner ones nor for who includes it.
        ("store/a.cc", '#include "store/redis/a.h"', "store/a.cc:1: store does not declare store/redis"),
        ("app/a.cc", '#include "store/redis/a.h"', "app/a.cc:1: app does not declare store/redis"),
        ("http/wire/a.cc", '#include "http/server/a.h"', "http/wire/a.cc:1: http/wire does not declare http/server"),
        (
            "store/redis/a.cc",
            '#include "store/embedded/a.h"',
            "store/redis/a.cc:1: store/redis does not declare store/embedded",
        ),
        ("rpc/server/a.cc", '#include "rpc/client/a.h"', "rpc/server/a.cc:1: rpc/server does not declare rpc/client"),
        ("rpc/client/a.cc", '#include "rpc/server/a.h"', "rpc/client/a.cc:1: rpc/client does not declare rpc/server"),
        ("http/server/a.cc", '#include "chat/a.h"', "http/server/a.cc:1: http/server does not declare chat"),
    ],
)
def test_a_bad_include_is_found(tree, file, line, finding):
    assert tree({file: line + "\n"}) == [finding]


@pytest.mark.parametrize("file", ["tool/a.cc", "http/a.cc", "store/redis/inner/a.h", "a.cc"])
def test_a_folder_of_sources_that_is_no_room_is_found(tree, file):
    assert tree({file: "\n"}) == [f"{file}:1: {file.rpartition('/')[0] or 'src'} holds sources and is no room"]


def test_a_library_in_a_header_that_leaves_its_room_is_found(tree):
    files = {
        "store/embedded/a.h": "#include <rocksdb/db.h>\n",
        "store/embedded/a.cc": '#include "store/embedded/a.h"\n',
    }
    assert tree(files) == []
    assert tree(files | {"app/a.cc": '#include "store/embedded/a.h"\n'}, {"app": "ROOMS store/embedded"}) == [
        "store/embedded/a.h:1: rocksdb/db.h in a header that other rooms include"
    ]


@pytest.mark.parametrize(
    "declared, finding",
    [
        ({"store": "ROOMS base cellar"}, "store declares cellar, which is no room"),
        ({"base": "ROOMS app"}, "base includes itself in a circle"),
        ({"store": "ROOMS base store/redis"}, "store includes itself in a circle"),
        ({"http/wire": "ROOMS http/server"}, "http/wire includes itself in a circle"),
        ({"api": "ROOMS rpc/wire"}, "api and rpc/wire never include each other"),
        ({"http/wire": "ROOMS rpc/wire"}, "http/server and rpc/wire never include each other"),  # by way of another
        ({"rpc/server": "ROOMS rpc/client"}, "rpc/server and rpc/client never include each other"),
        ({"rpc/client": "ROOMS rpc/server"}, "rpc/client and rpc/server never include each other"),
        ({"store/redis": "ROOMS store/embedded"}, "store/redis and store/embedded never include each other"),
        ({"store/new": "ROOMS store/redis"}, "store/new and store/redis never include each other"),  # however many
        ({"base": "ROOMS chat", "chat": ""}, "http/server knows nothing of chat"),  # by way of another
        ({"http/server": "ROOMS service", "service": ""}, "http/server knows nothing of service"),
        ({"http/client": "ROOMS store"}, "http/client knows nothing of store"),
        ({"http/server": "ROOMS api"}, "http/server knows nothing of api"),
    ],
)
def test_a_bad_declaration_is_found(tree, declared, finding):
    assert f"CMakeLists.txt:1: {finding}" in tree({}, declared)
