"""What can be counted of prose: the words of its sentences, and the columns of its lines.

STYLE: a sentence has at most 25 words, 17 on average. No line is longer than 120 columns.
"""

import dataclasses
import re

MOST_WORDS = 25
MOST_WORDS_ON_AVERAGE = 17
MOST_COLUMNS = 120

# A full stop behind these does not end a sentence.
ABBREVIATIONS = ("e.g.", "i.e.", "etc.", "vs.", "cf.", "approx.", "no.")

_FENCE = re.compile(r"^\s*(?:>\s*)?(```+|~~~+)")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+")
_ITEM = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?")
_ROW_RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_END = re.compile(r"[.!?…][\"'”’)\]*_]*(?=\s+[\"'“‘(\[]*[^\W_a-z])")
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.S)
_PLACEHOLDER = "Code"  # one word, whatever stands between the backticks


@dataclasses.dataclass(frozen=True)
class Sentence:
    line: int  # of the block that it stands in, from 1
    kind: str  # "text", "item", "heading" or "cell"
    text: str

    @property
    def words(self):
        return count_words(self.text)


def count_words(text):
    """What stands between white space and has a letter or a digit. So `--max-text` is one word and `-` is none."""
    return sum(1 for part in text.split() if any(c.isalnum() for c in part))


def split_sentences(text):
    """The sentences of one paragraph of plain text."""
    text = " ".join(text.split())
    found, begin = [], 0
    for end in _END.finditer(text):
        sentence = text[begin : end.end()]
        if sentence.lower().endswith(ABBREVIATIONS):
            continue
        found.append(sentence.strip())
        begin = end.end()
    found.append(text[begin:].strip())
    return [sentence for sentence in found if count_words(sentence)]


def _without_marks(text):
    """What a reader sees of inline Markdown. Code, and a bare address, count as one word each."""
    text = _CODE.sub(_PLACEHOLDER, text)
    text = re.sub(r"<https?://[^>]*>", "Address", text)
    text = re.sub(r"</?[A-Za-z][^>]*>", "", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"!?\[([^\]]*)\]\[[^\]]*\]", r"\1", text)
    text = re.sub(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", r"\2", text)
    text = re.sub(r"(?<![\w*])([*_])(?=\S)([^*_]+?)(?<=\S)\1(?![\w*])", r"\2", text)
    return text


def _cells(row):
    """The cells of a table's row. A `\\|`, and a bar in code, is no border."""
    row = _CODE.sub(_PLACEHOLDER, row).replace(r"\|", "/")
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def _blocks(markdown):
    """(line, kind, text) of each paragraph, list item, heading and table cell. Code blocks and comments are left out."""
    markdown = re.sub(r"<!--.*?-->", lambda m: "\n" * m[0].count("\n"), markdown, flags=re.S)
    begin, kind, parts, fence, after_blank, in_list = 0, "text", [], None, True, False

    def flush():
        nonlocal parts
        if parts:
            yield begin, kind, " ".join(parts)
        parts = []

    for number, raw in enumerate(markdown.splitlines(), 1):
        opened = _FENCE.match(raw)
        if fence:
            if opened and opened[1].startswith(fence):
                fence = None
            continue
        if opened:
            yield from flush()
            fence, after_blank = opened[1], True
            continue
        line = re.sub(r"^\s*>\s?", "", raw)
        if not line.strip():
            yield from flush()
            after_blank = True
            continue
        if after_blank and not line.startswith(" "):
            in_list = False
        if after_blank and not in_list and line.startswith("    ") and not parts:
            continue  # indented code
        if _HEADING.match(line):
            yield from flush()
            yield number, "heading", _HEADING.sub("", line).rstrip("# ")
        elif line.lstrip().startswith("|"):
            yield from flush()
            if not _ROW_RULE.match(line):
                yield from ((number, "cell", cell) for cell in _cells(line))
        elif _ITEM.match(line):
            yield from flush()
            begin, kind, parts, in_list = number, "item", [_ITEM.sub("", line).strip()], True
        else:
            if not parts:
                begin, kind = number, "item" if in_list else "text"
            parts.append(line.strip())
        after_blank = line.lstrip().startswith("|") or bool(_HEADING.match(line))
    yield from flush()


def markdown_sentences(markdown):
    """Every Sentence of a Markdown page. A heading, a list item and a table cell end the sentence before them."""
    return [
        Sentence(line, kind, text)
        for line, kind, block in _blocks(markdown)
        for text in split_sentences(_without_marks(block))
    ]


def plain_sentences(text, kind="text"):
    """Every Sentence of plain text, whose paragraphs are parted by empty lines."""
    found = []
    for paragraph in re.finditer(r"(?:.*\S.*(?:\n|$))+", text):
        line = text.count("\n", 0, paragraph.start()) + 1
        found += [Sentence(line, kind, sentence) for sentence in split_sentences(paragraph[0])]
    return found


def average_words(sentences):
    """Of text and list items only: headings and cells are short, and would hide long sentences."""
    counts = [sentence.words for sentence in sentences if sentence.kind in ("text", "item")]
    return sum(counts) / len(counts) if counts else 0.0


def complaints(sentences):
    """What is wrong with the length of these sentences, a line each. No complaint: an empty list."""
    found = [
        f"line {sentence.line}: {sentence.words} words, at most {MOST_WORDS}: {sentence.text}"
        for sentence in sentences
        if sentence.words > MOST_WORDS
    ]
    if (average := average_words(sentences)) > MOST_WORDS_ON_AVERAGE:
        found.append(f"{average:.1f} words a sentence on average, at most {MOST_WORDS_ON_AVERAGE}")
    return found


def long_lines(text):
    """A complaint for each line that is too long, also in code blocks and tables."""
    return [
        f"line {number}: {len(line)} columns, at most {MOST_COLUMNS}: {line[:60]}…"
        for number, line in enumerate(text.splitlines(), 1)
        if len(line) > MOST_COLUMNS
    ]


def markdown_complaints(markdown):
    """All of the above for a Markdown page."""
    return complaints(markdown_sentences(markdown)) + long_lines(markdown)
