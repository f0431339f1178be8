"""Checks every #include of our own code against the rooms that CMake declares.

    python3 tests/structure/includes.py [SRC]      prints what is wrong; exit 1 if anything is

Rules: a file may include its own room and those that its room's parley_room() call names after ROOMS (a room of a room
does not count); a folder that declares no room may include nothing of ours; an engine's headers appear only in the
rooms listed in ENGINES, and never in a header that another room includes.
"""

import dataclasses
import pathlib
import re
import sys

# The beginning of an engine's headers, and the rooms that may see them. The longest beginning decides.
ENGINES = {
    "rocksdb/": {"store"},
    "hiredis/": {"redis"},
    "thrift/": {"rpc"},
    "gen-cpp/": {"rpc"},
    "google/protobuf/": {"http"},
    "im.pb.h": {"http"},
    "boost/json": {"http", "cli", "load", "doctor"},  # answers of the API, reports
    "spdlog/": {"base"},
    "prometheus/": {"base"},
    "prometheus/metric_family.h": {"base", "net", "redis", "store", "http", "rpc", "app"},  # what a collector returns
    "toml++/": {"base"},
    "CLI/": {"base", "app"},
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
                for word in words[words.index("ROOMS") + 1 :]:
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
                text = _wrong_with(found[1] or found[2], bool(found[1]), file, room, rooms, src)
                if text:
                    findings.append(Finding(str(file.relative_to(src)), number, text))
    return findings


def _wrong_with(included, quoted, file, room, rooms, src):
    """Why `file` of `room` may not include `included`, or None."""
    engine = max((e for e in ENGINES if included.startswith(e)), key=len, default=None)
    if engine:
        if room not in ENGINES[engine]:
            return f"{included} is for {', '.join(sorted(ENGINES[engine]))} alone"
        if file.suffix == ".h" and _leaves_its_room(file, room, src):
            return f"{included} in a header that other rooms include"
        return None
    if not quoted:
        return None
    if "/" not in included:
        return f'{included}: includes are "room/file.h"'
    other = included.split("/")[0]
    if other != room and other not in rooms.get(room, set()):
        return f"{room} does not declare {other}"
    return None


def _leaves_its_room(header, room, src):
    line = re.compile(rf'^\s*#\s*include\s*"{re.escape(str(header.relative_to(src)))}"', re.M)
    others = (p for p in src.rglob("*") if p.suffix in (".h", ".cc") and p.relative_to(src).parts[0] != room)
    return any(line.search(p.read_text()) for p in others)


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
