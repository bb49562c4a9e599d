"""Live checks: does a found credential still work, and whose is it.

Off unless asked for. A check is data, the `[detector.verify]` table of its
detector: one request that changes nothing, and what its answers mean. The way
of a credential: `canaries` (a trap is never touched) → `memory` (asked lately?)
→ `fill` (table and secret make a request) → `pace` (not too fast) → `transport`
(https to public addresses) → `judge` (live, dead or unknown, and its reach).
"""

from strongroom.scanner.verify.checker import Checker, Choice, check, names
from strongroom.scanner.verify.parts import Parts

__all__ = ["Checker", "Choice", "Parts", "check", "names"]
