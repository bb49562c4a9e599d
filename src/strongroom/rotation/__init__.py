"""Rotation plans: secrets replaced without an outage, every step journalled. See docs/rotation.md.

What other floors call: `start`, `plan_for` and `status`, in a transaction of theirs.
"""

from strongroom.rotation.engine import RotationEngine
from strongroom.rotation.neighbours import Consumer, Neighbours
from strongroom.rotation.record import FailedRotation, Plan, Referred, Run
from strongroom.rotation.service import RotationDesk
from strongroom.rotation.starting import plan_for, start, status

__all__ = [
    "Consumer",
    "FailedRotation",
    "Neighbours",
    "Plan",
    "Referred",
    "RotationDesk",
    "RotationEngine",
    "Run",
    "plan_for",
    "start",
    "status",
]
