"""Checks every #include of our own code against the rooms that CMake declares.

    python3 tests/structure/includes.py [SRC]      prints what is wrong; exit 1 if anything is

Rules: a file may include its own room and those that its room's parley_room() call names after ROOMS (a room of a room
does not count); a folder that declares no room may include nothing of ours; an engine's headers appear only in the
rooms listed in ENGINES, and never in a header that another room could include.
"""

import dataclasses
import pathlib
import re
import sys

# An engine's headers (the beginning of the path) and the room that it is private to.
ENGINES = {
    "rocksdb/": "store",
    "hiredis/": "store",
    "prometheus/": "base",
    "spdlog/": "base",
    "thrift/": "rpc",
    "gen-cpp/": "rpc",
    "boost/json": "http",
    "google/protobuf/": "http",
    "im.pb.h": "http",
    "toml++/": "app",
    "CLI/": "app",
}
# A second room, with the reason why.
ALSO = {
    ("boost/json", "cli"): "the command line reads the API's answers",
}

_ROOM = re.compile(r"\bparley_room\(\s*(\w+)([^)]*)\)")
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
    for listfile in sorted(src.glob("*/CMakeLists.txt")):
        text = re.sub(r"#.*", "", listfile.read_text())
        for name, arguments in _ROOM.findall(text):
            words, allowed = arguments.split(), set()
            if "ROOMS" in words:
                for word in words[words.index("ROOMS") + 1:]:
                    if word in _KEYWORDS:
                        break
                    allowed.add(word)
            rooms[name] = allowed
    return rooms


def forbidden_rooms(rooms):
    """What is wrong with the declarations themselves: unknown rooms, circles, http and rpc together."""
    for room, allowed in rooms.items():
        for other in sorted(allowed - rooms.keys()):
            yield f"{room} declares {other}, which is no room"
        if {room} | allowed >= {"http", "rpc"} and room in ("http", "rpc"):
            yield "http and rpc never include each other"
        if room in _reachable(rooms, room):
            yield f"{room} includes itself in a circle"


def check(src):
    """Every Finding under `src`, in order."""
    rooms = declared_rooms(src)
    findings = [Finding("CMakeLists.txt", 1, text) for text in forbidden_rooms(rooms)]
    for file in sorted(p for p in src.rglob("*") if p.suffix in (".h", ".cc")):
        room = file.relative_to(src).parts[0]
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if found := _INCLUDE.match(line):
                text = _wrong_with(found[1] or found[2], bool(found[1]), file, room, rooms)
                if text:
                    findings.append(Finding(str(file.relative_to(src)), number, text))
    return findings


def _wrong_with(included, quoted, file, room, rooms):
    """Why `file` of `room` may not include `included`, or None."""
    for engine, owner in ENGINES.items():
        if included.startswith(engine) and room != owner and (engine, room) not in ALSO:
            return f"{included} belongs to {owner} alone"
        if included.startswith(engine) and file.suffix == ".h" and not _private_header(file):
            return f"{included} in a header: other rooms could come to see it"
    if not quoted or included == "im.pb.h":
        return None
    if "/" not in included:
        return f'{included}: includes are "room/file.h"'
    other = included.split("/")[0]
    if other != room and other not in rooms.get(room, set()):
        return f"{room} does not declare {other}"
    return None


def _private_header(file):
    """A header that only its own folder includes."""
    src = next(p for p in file.parents if p.parent == file.parents[len(file.parents) - 1] or p.name == "src")
    name = str(file.relative_to(src))
    room = name.split("/")[0]
    pattern = re.compile(rf'^\s*#\s*include\s*"{re.escape(name)}"', re.M)
    return not any(pattern.search(other.read_text()) for other in src.rglob("*")
                   if other.suffix in (".h", ".cc") and other.relative_to(src).parts[0] != room)


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
