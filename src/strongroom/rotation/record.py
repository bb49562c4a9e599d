"""What rotation stores, below its own part of the barrier.

`plan/<name>` a Plan, `target/<reference>` the plan that rotates it, `state/<name>` where its
rotations stand, `run/<id>` a rotation, `order/<id>` the plan as that rotation found it,
`held/<id>` what a rotation holds until it ends, `history/<name>/<id>` its past.
"""

from typing import Literal, Protocol

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core.core import AREA
from strongroom.errors import NotFound
from strongroom.framework import Mount
from strongroom.rotation.declared import HttpTarget

MOUNT = Mount(
    path="rotation/",
    kind="rotation",
    uuid="rotation",
    accessor="rotation_strongroom",
    description="plans by which secrets are replaced, and what became of each rotation",
)

Trigger = Literal["schedule", "manual", "incident", "fallback"]
State = Literal["queued", "approval", "making", "grace", "retiring", "undoing", "done", "failed", "cancelled"]
ENDED: frozenset[State] = frozenset({"done", "failed", "cancelled"})
PUBLISHED: frozenset[State] = frozenset({"grace", "retiring"})


class DatabaseTarget(
    Struct, frozen=True, kw_only=True, tag_field="kind", tag="database", forbid_unknown_fields=True
):
    """A static role of the database engine, with two accounts that take turns.

    `role` is its whole path. Without `users` they are NAME_a and NAME_b, after the role's
    account. An account that is not there is made by `creation_statements`.
    """

    role: str
    users: tuple[str, ...] = ()
    creation_statements: tuple[str, ...] = ()


class GenerateTarget(
    Struct, frozen=True, kw_only=True, tag_field="kind", tag="generate", forbid_unknown_fields=True
):
    """A key-value secret some of whose fields are passwords that a policy makes.

    With `destroy` the replaced version is erased in the end.
    """

    secret: str
    fields: tuple[str, ...] = ("password",)
    password_policy: str = ""
    destroy: bool = False


Target = DatabaseTarget | HttpTarget | GenerateTarget


class Plan(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one secret is rotated; times in seconds.

    `schedule` holds presets, cron expressions, `by-risk`; nothing means by hand. `grace` is how
    long the old credential stays valid at most; it ends before that, but not before `settle`,
    once everyone who read the secret in the last `consumer_days` has the new one. `type` and
    the secret's classification choose the preset where the schedule is by risk.
    """

    name: str
    target: Target
    schedule: tuple[str, ...] = ()
    type: str = ""
    description: str = ""
    timezone: str = "UTC"
    window: int = 0
    jitter: int = 0
    grace: int = 3600
    settle: int = 60
    consumer_days: int = 30
    attempts: int = 5
    fallback: Literal["keep", "retry", "second_plan"] = "keep"
    retry_after: int = 3600
    second_plan: str = ""
    approval: bool = False
    on_incident: Literal["automatic", "approval", "never"] = "automatic"
    paused: bool = False
    created: float = 0

    @property
    def kind(self) -> str:
        """The kind of its target, which is also its type where none is given."""
        return str(self.target.__struct_config__.tag)


class PlanState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a plan's rotations stand: `active` and `queued` are rotation ids, `slot` is in force."""

    active: str = ""
    queued: str = ""
    last: str = ""
    last_success: float = 0
    failures: int = 0
    slot: str = ""


class Step(Struct, frozen=True, array_like=True):
    """A step that was done, and when."""

    name: str
    at: float


class Run(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rotation. Times in seconds since the epoch, 0 for not yet.

    `old` and `new` are version numbers. `grace` is what was asked for instead of the plan's,
    -1 for nothing; `grace_ends` the moment that came of it. `late` are consumers that had not
    fetched the new version when grace ended. `error` is a class name.
    """

    id: str
    plan: str
    trigger: Trigger
    reason: str
    created: float
    state: State = "making"
    job: str = ""
    incident: str = ""
    by: str = ""
    approval: bool = False
    approved_by: str = ""
    started: float = 0
    published: float = 0
    ended: float = 0
    grace: int = -1
    grace_ends: float = 0
    old: int = 0
    new: int = 0
    late: tuple[str, ...] = ()
    given_up: bool = False
    abandoned: bool = False
    error: str = ""
    failed_step: str = ""
    steps: tuple[Step, ...] = ()


class Held(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a rotation of a key-value secret holds: `old` and `new` fields, and the facts to make new ones."""

    old: dict[str, str] = {}
    new: dict[str, str] = {}
    generated: str = ""
    slot: str = ""
    old_slot: str = ""

    def __repr__(self) -> str:
        return "Held(…)"


class FailedRotation(Struct, frozen=True, kw_only=True):
    """What `on_failure` is told: references and class names, no values.

    `standing` says which credential is in force: the `old` one, or the `new` one while the old
    could not be ended yet.
    """

    rotation: str
    plan: str
    trigger: Trigger
    incident: str
    step: str
    error: str
    standing: Literal["old", "new"]


class Referred(Protocol):
    """What a fingerprint leads to: a secret by its mount's path and its path in it."""

    @property
    def mount(self) -> str: ...
    @property
    def path(self) -> str: ...


def view(tx: BarrierTransaction) -> View:
    """Rotation's part of the barrier."""
    return View(tx, f"{AREA}{MOUNT.uuid}/")


def reference(mount: str, path: str) -> str:
    """The one spelling of a rotated secret: `kv/app/db` or `database/static-roles/app`."""
    for family in ("static-creds/", "static-roles/", "rotate-role/"):
        if path.startswith(family):
            return f"{mount}static-roles/{path.removeprefix(family)}"
    return f"{mount}{path}"


async def find_plan(rows: View, name: str) -> Plan:
    """A plan by name. Raises NotFound."""
    plan = await rows.find(f"plan/{name}", Plan)
    if plan is None:
        raise NotFound(f"there is no rotation plan '{name}'")
    return plan


async def find_run(rows: View, rotation: str) -> Run:
    """A rotation by id. Raises NotFound."""
    run = await rows.find(f"run/{rotation}", Run)
    if run is None:
        raise NotFound(f"there is no rotation {rotation}")
    return run


async def state_of(rows: View, plan: str) -> PlanState:
    """Where a plan's rotations stand."""
    return await rows.find(f"state/{plan}", PlanState) or PlanState()
