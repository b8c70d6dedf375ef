"""The metrics of many processes as one text."""

from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families

_COUNTS = {"counter", "histogram", "summary"}


def sum_metrics(texts: Iterable[str], *, gauges: bool = True) -> str:
    """Several Prometheus texts as one, each sample the sum of its namesakes.

    The time at which a series began is left out: it is a process's, and these are many. Without
    `gauges` only what counts up is taken: of a process that is gone nothing else is still true.
    """
    heads: dict[str, list[str]] = {}
    samples: dict[str, dict[str, float]] = {}
    for text in texts:
        # Summed from texts: the client's own files for many processes are mapped, and a full disk
        # kills by them (ADR 253).
        for family in text_string_to_metric_families(text):
            if family.name.endswith("_created") or not (gauges or family.type in _COUNTS):
                continue
            help_text = family.documentation.replace("\\", r"\\").replace("\n", r"\n")
            # The parser takes the ending off a counter's name, and readers of the format expect it.
            name = f"{family.name}_total" if family.type == "counter" else family.name
            heads[family.name] = [f"# HELP {name} {help_text}", f"# TYPE {name} {family.type}"]
            found = samples.setdefault(family.name, {})
            for sample in family.samples:
                labels = ",".join(
                    f'{key}="{_escaped(value)}"' for key, value in sorted(sample.labels.items())
                )
                series = f"{sample.name}{{{labels}}}" if labels else sample.name
                found[series] = found.get(series, 0.0) + sample.value
    lines: list[str] = []
    for name, head in heads.items():
        lines += head
        lines += [f"{series} {value}" for series, value in samples[name].items()]
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
