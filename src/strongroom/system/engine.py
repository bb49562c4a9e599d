"""The engine mounted at `sys/`: all tables together."""

from strongroom.framework import Engine
from strongroom.system import (
    about,
    audit,
    backup,
    backups,
    capabilities,
    health,
    jobs,
    leases,
    locked_users,
    mounts,
    namespaces,
    operator,
    password_policies,
    policies,
    quotas,
    rekey,
    seals,
    settings,
    tools,
    tune,
    ui_mounts,
    wrapping,
)
from strongroom.system.ceremonies import Permissions


class InNamespace(Engine):
    """What of the system a namespace other than the root has: all that concerns the namespace alone."""

    kind = "system"
    summary = "The system endpoints of a namespace: mounts, policies, leases, namespaces below."
    trusted = True
    routes = (
        *(route for route in operator.ROUTES if route.path == "seal-status"),
        *health.ROUTES,
        *tune.ROUTES,
        *mounts.ROUTES,
        *ui_mounts.ROUTES,
        *namespaces.ROUTES,
        *policies.ROUTES,
        *password_policies.ROUTES,
        *leases.ROUTES,
        *locked_users.ROUTES,
        *wrapping.ROUTES,
        *capabilities.ROUTES,
        *tools.ROUTES,
        *about.IN_NAMESPACES,
    )


def system(permissions: Permissions) -> Engine:
    """The system's engine, with the ceremonies as open as the configuration says."""

    class System(Engine):
        kind = "system"
        summary = "The system's own endpoints: control, policy and debugging."
        trusted = True
        within = InNamespace
        routes = (
            *rekey.routes(permissions),
            *operator.ROUTES,
            *seals.ROUTES,
            *health.ROUTES,
            *tune.ROUTES,
            *mounts.ROUTES,
            *ui_mounts.ROUTES,
            *namespaces.ROUTES,
            *locked_users.ROUTES,
            *policies.ROUTES,
            *password_policies.ROUTES,
            *leases.ROUTES,
            *jobs.ROUTES,
            *wrapping.ROUTES,
            *capabilities.ROUTES,
            *tools.ROUTES,
            *quotas.ROUTES,
            *audit.ROUTES,
            *backup.ROUTES,
            *backups.ROUTES,
            *settings.ROUTES,
            *about.ROUTES,
        )

    return System()
