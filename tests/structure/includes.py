"""Checks every #include of our own code against the rooms that CMake declares.

    python3 tests/structure/includes.py [SRC]      prints what is wrong; exit 1 if anything is

A room is a folder below src/ that CMake declares by parley_room(), such as base or http/server. Rules: every folder with
sources is a room. A file may include its own room and those that its room names after ROOMS (a room of a room does not
count). No room reaches itself in a circle, nor one that APART or BLIND keeps from it, whatever is declared between. A
library's headers appear only in the rooms listed in LIBRARIES, and never in a header that another room includes.
"""

import dataclasses
import itertools
import pathlib
import re
import sys

# Here and in what follows, a room stands for the rooms in it, too.

# The beginning of a library's headers, and the rooms that may see them. The longest beginning decides.
LIBRARIES = {
    "rocksdb/": {"store/embedded"},
    "hiredis/": {"redis"},
    "thrift/": {"rpc/wire"},
    "gen-cpp/": {"rpc/wire"},
    "google/protobuf/": {"service", "rpc/server", "rpc/client", "api"},
    "api.pb.h": {"service", "rpc/client", "api"},  # in rpc for tests alone
    "records.pb.h": {"chat"},
    # Answers of the API, and reports. In base and http for tests alone.
    "boost/json": {"base", "api", "cli", "load", "doctor", "http/wire"},
    "spdlog/": {"base"},
    "prometheus/": {"base"},
    "prometheus/metric_family.h": {"base", "net", "redis", "store", "http", "rpc", "api", "app"},  # of a collector
    "toml++/": {"base"},
    "CLI/": {"base", "app"},
}

# Rooms that never reach each other. All rooms in a room of ENGINES are apart, however many there come to be.
APART = (("rpc/server", "rpc/client"), ("api", "rpc"), ("http", "rpc"))
ENGINES = ("store",)

# What a room never reaches.
BLIND = {"http": ("chat", "service", "store", "api", "redis")}

_ROOM = re.compile(r"\bparley_room\(\s*([\w/]+)([^)]*)\)")
_KEYWORDS = {"ASIO", "LIBS", "PRIVATE_LIBS", "SOURCES", "TESTS", "TEST_LIBS"}
_INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


@dataclasses.dataclass(frozen=True)
class Finding:
    file: str
    line: int
    text: str

    def __str__(self):
        return f"{self.file}:{self.line}: {self.text}"


def declared_rooms(src):
    """{room: the rooms that it may include besides itself}, from the parley_room() calls."""
    rooms = {}
    for listfile in sorted(src.rglob("CMakeLists.txt")):
        text = re.sub(r"#.*", "", listfile.read_text())
        for name, arguments in _ROOM.findall(text):
            words, allowed = arguments.split(), set()
            if "ROOMS" in words:
                for word in words[words.index("ROOMS") + 1 :]:
                    if word in _KEYWORDS:
                        break
                    allowed.add(word)
            rooms[name] = allowed
    return rooms


def forbidden_rooms(rooms):
    """What is wrong with the declarations themselves: unknown rooms, circles, rooms that must not reach each other."""
    for room, allowed in rooms.items():
        for other in sorted(allowed - rooms.keys()):
            yield f"{room} declares {other}, which is no room"
        reached = _reachable(rooms, room)
        if room in reached:
            yield f"{room} includes itself in a circle"
        for other in sorted(reached):
            if _are_apart(room, other):
                yield f"{room} and {other} never include each other"
            elif any(_is_in(room, of) and _is_in(other, what) for of, unseen in BLIND.items() for what in unseen):
                yield f"{room} knows nothing of {other}"


def check(src):
    """Every Finding under `src`, in order."""
    rooms = declared_rooms(src)
    findings = [Finding("CMakeLists.txt", 1, text) for text in forbidden_rooms(rooms)]
    files = sorted(p for p in src.rglob("*") if p.suffix in (".h", ".cc"))
    includes = {file: _includes(file) for file in files}
    leaving = {
        included
        for file, lines in includes.items()
        for _, included, quoted in lines
        if quoted and _folder(included) != _folder(_name(file, src))
    }
    for file in files:
        name = _name(file, src)
        room = _folder(name)
        if room not in rooms:
            findings.append(Finding(name, 1, f"{room or 'src'} holds sources and is no room"))
        for number, included, quoted in includes[file]:
            if text := _wrong_with(included, quoted, room, rooms, file.suffix == ".h" and name in leaving):
                findings.append(Finding(name, number, text))
    return findings


def _wrong_with(included, quoted, room, rooms, leaves):
    """Why a file of `room` may not include `included`, or None. `leaves`: other rooms include that file."""
    library = max((e for e in LIBRARIES if included.startswith(e)), key=len, default=None)
    if library:
        if not any(_is_in(room, allowed) for allowed in LIBRARIES[library]):
            return f"{included} is for {', '.join(sorted(LIBRARIES[library]))} alone"
        return f"{included} in a header that other rooms include" if leaves else None
    if not quoted:
        return None
    other = _folder(included)
    if not other:
        return f'{included}: includes are "room/file.h"'
    if other != room and other not in rooms.get(room, set()):
        return f"{room} does not declare {other}"
    return None


def _includes(file):
    """[(line, what is included, whether in quotation marks)]"""
    lines = enumerate(file.read_text().splitlines(), 1)
    return [(n, found[1] or found[2], bool(found[1])) for n, line in lines if (found := _INCLUDE.match(line))]


def _name(file, src):
    return file.relative_to(src).as_posix()


def _folder(name):
    return name.rpartition("/")[0]


def _is_in(room, outer):
    return room == outer or room.startswith(outer + "/")


def _are_apart(one, other):
    if any(one != other and one.startswith(e + "/") and other.startswith(e + "/") for e in ENGINES):
        return True
    pairs = itertools.chain(APART, ((b, a) for a, b in APART))
    return any(_is_in(one, a) and _is_in(other, b) for a, b in pairs)


def _reachable(rooms, start):
    seen, todo = set(), list(rooms[start])
    while todo:
        room = todo.pop()
        if room not in seen:
            seen.add(room)
            todo += rooms.get(room, ())
    return seen


def main():
    src = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2] / "src")
    findings = check(src.resolve())
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
