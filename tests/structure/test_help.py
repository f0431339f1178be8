"""What can be counted of the English that the program speaks: its help, and the messages in its source."""

import pathlib
import re
import subprocess

import pytest

from support import prose
from support.build import BINARY

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMANDS = ("serve", "send", "pull", "config", "doctor", "health", "bench")


def help_of(*command):
    return subprocess.run([BINARY, *command, "--help"], capture_output=True, text=True, check=True).stdout


def entries(text):
    """The prose of a help: its paragraphs, and what stands beside each option or below it."""
    found = [[]]
    for line in text.splitlines():
        if row := re.match(r"  (\S.*?)(?:\s{2,}(\S.*))?$", line):
            found.append([row[2]] if row[2] else [])
        elif re.match(r"$|\S.*:$|Usage:", line):
            found.append([])
        elif not line.strip().startswith("parley "):
            found[-1].append(line.strip())
    return [" ".join(entry) for entry in found if entry]


def sentences(text):
    return [s for entry in entries(text) for s in prose.plain_sentences(entry)]


def test_the_overview_names_every_command_with_an_example():
    text = help_of()
    for command in COMMANDS:
        assert re.search(rf"^  {command} +[A-Z].*\.\n +parley {command}", text, re.M), command


def test_what_is_counted_is_what_is_read():
    found = [s.text for s in sentences(help_of("send"))]
    assert "Send a message to a chat." in found
    assert "The sender, who is one of the two members." in found
    assert "The server then stores the message only once." in found
    assert "Sends hi from Alice to Bob." in found
    assert not any("--as SENDER" in sentence for sentence in found)


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)], ids=" ".join)
def test_the_help_is_short_sentences_in_short_lines(command):
    text = help_of(*command)
    assert prose.complaints(sentences(text)) == []
    assert prose.long_lines(text) == []
    assert len(sentences(text)) > 5


@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_of_the_help_is_explained_by_whole_sentences(command):
    for entry in entries(help_of(command)):
        assert entry.endswith("."), entry


@pytest.mark.parametrize("command", COMMANDS)
def test_each_example_of_the_help_is_read_by_the_program(command):
    """Every line below Examples is a line of parley, and names only options that its help shows."""
    text = help_of(command)
    examples = re.findall(r"^  (\S.*)$", text.split("\nExamples:\n")[1], re.M)
    assert len(examples) >= 2
    for example in examples:
        assert f"parley {command}" in example
        for option in re.findall(r" (--[a-z][a-z-]+)", example.split(' -- "')[0]):
            assert re.search(rf"^  {option}\b", text, re.M), example


def test_the_reference_page_is_plain_english():
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert prose.markdown_complaints(page) == []
