"""All detectors of a scan, compiled: from the disk cache, or anew from their files.

What the cache holds is for these files alone: it is read back only under the stamp it was stored with.
"""

from __future__ import annotations

import marshal
import os
import zlib
from typing import TYPE_CHECKING, Any

from strongroom.errors import InvalidRequest
from strongroom.scanner import cache, plan
from strongroom.scanner.confirm import Rule
from strongroom.scanner.detector import Detector
from strongroom.scanner.packed import Packed, pack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.scanner.engines import Engine

FORMAT = "11"  # of the cached content; a change of it or of a rule leaves old files unread


class Rules:
    """Detectors by number and by id, ready to run, with the engine that looks for them."""

    def __init__(self, stored: dict[str, Any]) -> None:
        self._detectors = Packed(stored["detectors"])
        self._reaches: list[int] = stored["reaches"]
        self._numbers: dict[str, int] = stored["numbers"]
        self._rules: list[Rule | None] = [None] * len(self._detectors)
        self._stored = stored
        self.targets: list[plan.Target] = stored["targets"]
        self._named: list[int] = stored["named"]
        self._place: dict[int, int] = {}
        self._names = Packed(stored["names"])
        self.expressions: list[str] = stored["expressions"]
        self.width: int = stored["width"]

    def __len__(self) -> int:
        return len(self._detectors)

    def name(self, target: int) -> tuple[str, str, int]:
        """Return the pattern, the gate and the gate's width of a name, by its target."""
        if not self._place:
            self._place = {index: place for place, index in enumerate(self._named)}
        pattern, gate, width = self._names[self._place[target]]
        return pattern, gate, width

    def rule(self, number: int) -> Rule:
        """Return the rule with this number."""
        found = self._rules[number]
        if found is None:
            found = self._rules[number] = Rule(Detector(*self._detectors[number]), self._reaches[number])
        return found

    def detector(self, id: str) -> Detector | None:
        """Return the detector of this id, or None."""
        number = self._numbers.get(id)
        return None if number is None else self.rule(number).detector

    def generic(self, id: str) -> Detector:
        """Return the detector of this id; a plain one where no file describes it."""
        found = self.detector(id)
        if found is None:
            name = id.partition(".")[2].replace("_", " ").capitalize()
            found = Detector(
                id, name, "generic", "medium", "high", "Change it where it is used, and keep it in the vault."
            )
        return found

    def detectors(self) -> list[Detector]:
        """All detectors, in the order of their ids."""
        return [self.rule(self._numbers[id]).detector for id in sorted(self._numbers)]

    def engine(self) -> Engine:
        """Make the engine: Hyperscan where it exists."""
        from strongroom.scanner import engines  # noqa: PLC0415 (commands that only list detectors need none)

        if self._stored["shapes"]:
            stored = self._stored
            return engines.Hyperscan(stored["shapes"], stored["words"], stored["runs"], stored["near"])
        portable = plan.Plan()
        portable.expressions, portable.targets = self.expressions, self.targets
        return engines.Portable(portable)


def load(extra: Sequence[tuple[str, str]] = (), *, portable: bool = False) -> Rules:
    """Return the built-in rules and those of `extra`, pairs of (source name, TOML text).

    Raises InvalidRequest when a detector is wrong, or an id stands twice.
    `portable` takes the engine that needs no Hyperscan.
    """
    engine = "" if portable else hyperscan_version()
    stamp = marshal.dumps((FORMAT, engine, _stamp(), [text for _, text in extra]))
    name = f"rules-{zlib.crc32(stamp):08x}{zlib.adler32(stamp):08x}"
    stored = cache.read(name)
    if not isinstance(stored, dict) or stored["stamp"] != stamp:
        stored = _compile(extra, native=bool(engine)) | {"stamp": stamp}
        cache.write(name, stored)
    return Rules(stored)


def hyperscan_version() -> str:
    """Name the engine and the processor it compiles for; "" where there is no Hyperscan."""
    try:
        import hyperscan  # noqa: PLC0415 (absent on some platforms)
    except ImportError:
        return ""
    version = getattr(hyperscan, "__version__", "")
    return f"{version} {os.uname().machine} {_processor()}"


def _processor() -> str:
    """The instruction sets of this processor, which a compiled database depends on."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            return next((line for line in file if line.startswith(("flags", "Features"))), "")
    except OSError:
        return os.uname().version


_HERE = os.path.dirname(__file__)  # noqa: PTH120
_PLANNERS = (
    "context.py",
    "detector.py",
    "generic_triggers.py",
    "plan.py",
    "prefilter.py",
    "regions.py",
    "rules.py",
)


def _stamp() -> list[tuple[str, int, int]]:
    """What changes when a built-in detector or the code that plans the search does."""
    found = [(name, os.stat(f"{_HERE}/{name}")) for name in _PLANNERS]  # noqa: PTH116 (pathlib costs a hook 4 ms)
    with os.scandir(f"{_HERE}/detectors") as entries:
        found += [(entry.name, entry.stat()) for entry in entries if entry.name[-5:] == ".toml"]
    return sorted([(name, status.st_mtime_ns, status.st_size) for name, status in found])


def builtin() -> list[Detector]:
    """Read the detector files of this package."""
    from pathlib import Path  # noqa: PLC0415 (only when no compiled rules are cached)

    from strongroom.scanner import detector  # noqa: PLC0415

    return [d for path in sorted(Path(_HERE, "detectors").glob("*.toml")) for d in detector.load(path)]


def _compile(extra: Sequence[tuple[str, str]], *, native: bool) -> dict[str, Any]:
    from strongroom.scanner import confirm, detector, engines, generic, regions  # noqa: PLC0415

    found = builtin() + [d for source, text in extra for d in detector.parse(text, source)]
    numbers: dict[str, int] = {}
    for number, d in enumerate(found):
        if d.id in numbers:
            raise InvalidRequest(f"the detector id `{d.id}` stands twice")
        numbers[d.id] = number
    made = plan.make(found, [t.pattern for t in generic.TRIGGERS], literals=not native)
    shapes = dict(enumerate(made.expressions))
    words = {i: shapes.pop(i) for i, (what, _) in enumerate(made.targets) if what == plan.NAME}
    return {
        "detectors": pack([tuple(d._replace(matches=(), non_matches=())) for d in found]),
        "reaches": [confirm.rule(d).reach for d in found],
        "numbers": numbers,
        "targets": made.targets,
        "named": list(made.names),
        "names": pack(list(made.names.values())),
        "expressions": [] if native else made.expressions,
        "shapes": engines.compile_database(shapes) if native else b"",
        "words": engines.compile_database(words) if native and words else b"",
        "runs": engines.compile_database({0: regions.pattern()}) if native else b"",
        "near": made.near,
        "width": max(map(confirm.reach, made.expressions)),
    }
