"""What can be counted of the messages in src/: those that are logged, answered as an error, or printed."""

import pathlib
import re

from support import prose

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What a message is handed to. An error's title in error.h, and a metric's help, are messages as well.
SPEAKS = re.compile(
    r"\b(?:log_(?:debug|info|warn|error)|fail|unexpected|usage_error|print_error|malformed|unreadable|give_up|set_down"
    r"|unusable|turn_away|close|refuse|bad|gauge_family|counter_family|histogram_family|ErrorInfo|Error|Finding|foreign)\s*[({]"
)
# What `parley doctor` says is mostly built as `return {subject, found, effect, fix}`: such files count as a whole.
FINDINGS = re.compile(r"\b(?:Findings?|RedisSettingFault)\s+\w+\(|\bvector<RedisSettingFault>")
LITERAL = re.compile(r'R"(\w*)\((.*?)\)\1"|"((?:[^"\\\n]|\\.)*)"|\'(?:[^\'\\\n]|\\.)\'', re.S)


def without_comments(source):
    """`source` with its comments blanked; what stands in a literal stays."""
    token = re.compile(LITERAL.pattern + r"|//[^\n]*|/\*.*?\*/", re.S)
    return token.sub(lambda m: re.sub(r"[^\n]", " ", m[0]) if m[0].startswith("/") else m[0], source)


def arguments(source, begin):
    """What stands between the bracket before `begin` and its partner."""
    depth, at = 1, begin
    while depth and at < len(source):
        if literal := LITERAL.match(source, at):
            at = literal.end()
            continue
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(source[at], 0)
        at += 1
    return source[begin : at - 1]


def literals(code):
    """The string literals of `code`; those that only white space parts are one, as for the compiler."""
    found, end = [], None
    for literal in LITERAL.finditer(code):
        if literal[0].startswith("'"):
            continue
        text = literal[2] if literal[3] is None else literal[3]
        if end is not None and not code[end : literal.start()].strip():
            found[-1] += text
        else:
            found.append(text)
        end = literal.end()
    return found


def messages(source):
    """(line, message) of each literal of several words that is said to somebody."""
    source = without_comments(source)
    said = [(call.start(), arguments(source, call.end())) for call in SPEAKS.finditer(source)]
    if FINDINGS.search(source):
        said.append((0, source))
    found = {}
    for start, code in said:
        line = source.count("\n", 0, start) + 1
        for text in literals(code):
            if len(text.split()) >= 3:
                found.setdefault(text, line)
    return [(line, text.replace(r"\n", "\n").replace(r"\"", '"')) for text, line in found.items()]


def all_messages():
    for path in sorted((ROOT / "src").rglob("*.cc")) + sorted((ROOT / "src").rglob("*.h")):
        if not re.search(r"_(test|fixture|benchmark|contract)\.|fake_|faulty_", path.name):
            for line, text in messages(path.read_text()):
                yield f"{path.relative_to(ROOT)}:{line}", text


def test_messages_are_found():
    source = """
      // log_info("not this comment of words")
      return fail(ErrorCode::kX, fmt::format("two of them are "
                                             "one \\"text\\" here", "and another one (here)"));
      log_info("one two"); other("not said to anybody");
      log_warn("a node is away", {{"why", ok ? "it does not answer" : ')'}}); late("not this one");
    """
    assert [text for _, text in messages(source)] == [
        'two of them are one "text" here',
        "and another one (here)",
        "a node is away",
        "it does not answer",
    ]
    assert [line for line, _ in messages(source)] == [3, 3, 6, 6]


def test_the_texts_of_doctor_are_found():
    source = 'Finding judge(int n) {\n  return {subject, "it is full, by far", "sends are refused"};\n}\n'
    assert [text for _, text in messages(source)] == ["it is full, by far", "sends are refused"]
    places = {place.split(":")[0] for place, _ in all_messages()}
    assert {f"src/doctor/{name}.cc" for name in ("machine", "nodes", "listeners")} <= places
    assert {f"src/store/{name}.cc" for name in ("embedded/disk", "redis/doctor", "redis/settings")} <= places


def test_messages_are_short_sentences():
    found = list(all_messages())
    assert len(found) > 100
    sentences = [prose.Sentence(place, "text", s) for place, text in found for s in prose.split_sentences(text)]
    assert prose.complaints(sentences) == []


def test_messages_have_no_semicolons():
    assert [f"{place}: {text}" for place, text in all_messages() if re.search(r";(\s|$)", text)] == []


def test_messages_do_not_use_where_for_if():
    """STYLE: "if" and "when" for conditions, and a subject at the beginning: no "who" or "what" as a noun, no "that" clause."""
    odd = re.compile(r"^(who|what|whoever|whatever|that) |, where that | where (it|there|none|no|chats) ", re.I)
    assert [f"{place}: {text}" for place, text in all_messages() if odd.search(text)] == []
