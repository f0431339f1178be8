"""What counts prose counts it as a reader would."""

from support import prose

PAGE = """\
# The title of `a page`

The first sentence has `code with several words` and a [link to a page](a.md#b). The second
goes on in the next line, e.g. here. **Bold** ends it!

- An item. It has two.
- Another
  that goes on

  and a paragraph of its own
1. A number

| option | meaning |
|---|:---|
| `--a x\\|y` | What it says. |

```sh
$ this is code; it is not counted
```

    nor is this

> Quoted.
<!-- hidden
words -->
"""


def sentences(page):
    return [(s.kind, s.text) for s in prose.markdown_sentences(page)]


def test_a_page_is_taken_apart():
    assert sentences(PAGE) == [
        ("heading", "The title of Code"),
        ("text", "The first sentence has Code and a link to a page."),
        ("text", "The second goes on in the next line, e.g. here."),
        ("text", "Bold ends it!"),
        ("item", "An item."),
        ("item", "It has two."),
        ("item", "Another that goes on"),
        ("item", "and a paragraph of its own"),
        ("item", "A number"),
        ("cell", "option"),
        ("cell", "meaning"),
        ("cell", "Code"),
        ("cell", "What it says."),
        ("text", "Quoted."),
    ]


def test_a_sentence_knows_its_line():
    lines = {s.text: s.line for s in prose.markdown_sentences(PAGE)}
    assert lines["The title of Code"] == 1
    assert lines["The second goes on in the next line, e.g. here."] == 3
    assert lines["Another that goes on"] == 7
    assert lines["What it says."] == 15
    assert lines["Quoted."] == 23


def test_words_are_what_has_a_letter_or_a_digit():
    assert prose.count_words("one-word, 2 -- `three` | four/4") == 4
    assert prose.count_words(" - … ") == 0


def test_a_full_stop_inside_a_word_ends_nothing():
    assert prose.split_sentences("It is 1.5 s at 127.0.0.1:80 (RFC 9112, 3.2). Then it ends (so.) Yes.") == [
        "It is 1.5 s at 127.0.0.1:80 (RFC 9112, 3.2).",
        "Then it ends (so.)",
        "Yes.",
    ]


def test_what_is_too_long_is_said():
    fits, does_not = " ".join(["ab"] * 25) + ".", " ".join(["ab"] * 26) + "."
    assert [c for c in prose.markdown_complaints(fits) if "average" not in c] == []
    assert any(c.startswith("line 3: 26 words") for c in prose.markdown_complaints(f"{fits}\n\n{does_not}"))
    assert any("on average" in c for c in prose.markdown_complaints(fits))
    assert prose.markdown_complaints("Short. " * 5 + fits.capitalize()) == []
    assert prose.long_lines("a\n" + "b" * 121) == ["line 2: 121 columns, at most 120: " + "b" * 60 + "…"]


def test_code_cannot_hide_a_long_line_but_its_words_do_not_count():
    page = "```\n" + "x " * 61 + "\n```\n"
    assert [c.split(":")[0] for c in prose.markdown_complaints(page)] == ["line 2"]
    assert prose.markdown_complaints("| " + "a " * 20 + "|\n|---|\n| " + "b " * 20 + "|") == []


def test_plain_text_has_paragraphs():
    found = prose.plain_sentences("One. Two\ngoes on.\n\nThree")
    assert [(s.line, s.text) for s in found] == [(1, "One."), (1, "Two goes on."), (4, "Three")]
