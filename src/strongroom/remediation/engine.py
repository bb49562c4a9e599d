"""The engine mounted at `incidents/`: incidents, playbooks, webhooks and evidence."""

from strongroom.framework import Engine, Route
from strongroom.remediation import incidents, settings


class Incidents(Engine):
    """Leaks that someone must answer, and what answers them."""

    kind = "incidents"
    summary = "Incidents: containment by playbooks, approvals, evidence"
    trusted = True
    routes = (
        Route(path="", list=incidents.listing, summary="Incidents, the newest first; by state"),
        Route(path="open", write=incidents.open_one, summary="Open an incident for a finding"),
        Route(
            path="config",
            read=settings.read_config,
            write=settings.write_config,
            summary="From which severity on findings become incidents, and how they are answered",
        ),
        Route(path="playbooks", list=settings.list_playbooks, summary="Every playbook's name"),
        Route(
            path="playbooks/{name}",
            read=settings.read_playbook,
            write=settings.write_playbook,
            delete=settings.delete_playbook,
            summary="A playbook, as TOML; one of yours wins over the one that comes with the server",
        ),
        Route(path="webhooks", list=settings.list_webhooks, summary="Who is told of incidents"),
        Route(
            path="webhooks/{name}",
            read=settings.read_webhook,
            write=settings.write_webhook,
            delete=settings.delete_webhook,
            summary="A webhook: signed with a key that is shown once",
        ),
        Route(
            path="{id}/approve",
            write=incidents.approve,
            summary="Let a playbook run that someone else asked for",
        ),
        Route(path="{id}/run", write=incidents.run, summary="Run the playbook, or ask for its approval"),
        Route(path="{id}/done", write=incidents.done, summary="Say that a step left to people is done"),
        Route(path="{id}/note", write=incidents.note, summary="Add to the timeline"),
        Route(
            path="{id}/close", write=incidents.close, summary="Close an incident whose playbook does not run"
        ),
        Route(
            path="{id}/evidence",
            read=incidents.evidence,
            summary="The evidence file, a zip that proves itself",
        ),
        Route(path="{id}", read=incidents.show, summary="An incident with its steps and timeline"),
    )
