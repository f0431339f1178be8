"""Prometheus' text format 0.0.4, read strictly."""

import re

_SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?$")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
_SUFFIX = re.compile(r"_(bucket|sum|count)$")


class Metrics:
    """Samples as {(name, frozenset of label pairs): value} and the type of each family."""

    def __init__(self, text):
        assert text.endswith("\n"), "the last line ends with a line feed"
        self.types = {}
        self.samples = {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert name not in self.types, f"{name} has two TYPE lines"
                self.types[name] = kind
            elif line and not line.startswith("#"):
                self._add(line)
        self._check_histograms()

    def total(self, name, **labels):
        """The sum of the samples of `name` that carry these labels; None where there is none."""
        wanted = set(labels.items())
        values = [v for (n, l), v in self.samples.items() if n == name and wanted <= l]
        return sum(values) if values else None

    def family(self, kind, *words):
        """The one family of this type whose name contains all the words."""
        found = [n for n, k in self.types.items() if k == kind and all(w in n for w in words)]
        assert len(found) == 1, f"{kind} with {words}: {found} of {sorted(self.types)}"
        return found[0]

    def _add(self, line):
        match = _SAMPLE.match(line)
        assert match, f"not a sample: {line!r}"
        name, labels, value = match.groups()
        rest = _LABEL.sub("", labels or "")
        assert rest == "", f"not labels: {rest!r} in {line!r}"
        key = (name, frozenset(_LABEL.findall(labels or "")))
        assert key not in self.samples, f"twice: {line!r}"
        self.samples[key] = float(value)
        family = name if name in self.types else _SUFFIX.sub("", name)
        assert family in self.types, f"{name} has no TYPE line before it"

    def _check_histograms(self):
        for name in (n for n, kind in self.types.items() if kind == "histogram"):
            series = {}
            for (sample, labels), value in self.samples.items():
                if sample == f"{name}_bucket":
                    bound = float(dict(labels)["le"])
                    series.setdefault(frozenset(l for l in labels if l[0] != "le"), []).append((bound, value))
            for labels, buckets in series.items():
                counts = [count for _, count in sorted(buckets)]
                assert counts == sorted(counts), f"{name} is not cumulative"
                assert max(buckets)[0] == float("inf"), f"{name} has no +Inf bucket"
                assert counts[-1] == self.samples[(f"{name}_count", labels)], f"{name}_count differs from +Inf"
