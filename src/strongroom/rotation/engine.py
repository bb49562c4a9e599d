"""The engine mounted at `rotation/`: plans, rotations, what is late."""

from strongroom.framework import Engine, Route
from strongroom.rotation import plans, runs


class RotationEngine(Engine):
    """Secrets replaced by plan, without an outage."""

    kind = "rotation"
    summary = "Plans by which secrets are replaced, and what became of each rotation"
    trusted = True
    routes = (
        Route(path="plans/", list=plans.list_names, summary="List the plans."),
        Route(
            path="plans/{name}",
            read=plans.read,
            write=plans.write,
            delete=plans.delete,
            exists=plans.exists,
            summary="How one secret is rotated, and where it stands.",
        ),
        Route(
            path="plans/{name}/rotate", write=plans.rotate, summary="Rotate now, or join what is under way."
        ),
        Route(
            path="plans/{name}/preview",
            read=plans.preview,
            summary="What a rotation would do, and who reads the secret.",
        ),
        Route(
            path="plans/{name}/credentials",
            read=plans.credentials,
            summary="The credential in force, and the previous one while it is valid.",
        ),
        Route(
            path="plans/{name}/history", list=runs.history, summary="A plan's rotations, the newest first."
        ),
        Route(path="rotations/", list=runs.list_active, summary="List the rotations under way."),
        Route(path="rotations/{id}", read=runs.show, summary="A rotation with its steps."),
        Route(path="rotations/{id}/cancel", write=runs.cancel, summary="Take a rotation back."),
        Route(
            path="rotations/{id}/approve", write=runs.approve, summary="Approve what someone else asked for."
        ),
        Route(path="rotations/{id}/end-grace", write=runs.end_grace, summary="End a rotation's grace now."),
        Route(path="overdue", list=runs.list_overdue, summary="Plans that should have rotated and have not."),
        Route(
            path="cadence",
            read=runs.read_cadence,
            write=runs.write_cadence,
            summary="How often secrets are rotated by type and classification.",
        ),
    )
