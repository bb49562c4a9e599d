"""The engine mounted at `sys/`: all tables together."""

from strongroom.framework import Engine
from strongroom.system import (
    about,
    audit,
    backup,
    capabilities,
    health,
    jobs,
    leases,
    locked_users,
    mounts,
    operator,
    password_policies,
    policies,
    rekey,
    seals,
    settings,
    tools,
    tune,
    ui_mounts,
    wrapping,
)
from strongroom.system.ceremonies import Permissions


def system(permissions: Permissions) -> Engine:
    """The system's engine, with the ceremonies as open as the configuration says."""

    class System(Engine):
        kind = "system"
        summary = "The system's own endpoints: control, policy and debugging."
        trusted = True
        routes = (
            *rekey.routes(permissions),
            *operator.ROUTES,
            *seals.ROUTES,
            *health.ROUTES,
            *tune.ROUTES,
            *mounts.ROUTES,
            *ui_mounts.ROUTES,
            *locked_users.ROUTES,
            *policies.ROUTES,
            *password_policies.ROUTES,
            *leases.ROUTES,
            *jobs.ROUTES,
            *wrapping.ROUTES,
            *capabilities.ROUTES,
            *tools.ROUTES,
            *audit.ROUTES,
            *backup.ROUTES,
            *settings.ROUTES,
            *about.ROUTES,
        )

    return System()
