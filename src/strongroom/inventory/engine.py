"""The engine mounted at `inventory/`: listings, facts, and the fingerprint index."""

from strongroom.framework import Engine, Route
from strongroom.inventory import exchange, reports


class Inventory(Engine):
    """What is known about secrets, without their values."""

    kind = "inventory"
    summary = "Owners, readers, age and fingerprints of secrets"
    trusted = True
    routes = (
        Route(
            path="secrets/{path:path}",
            read=reports.show,
            summary="All that is known of one secret, by its path",
        ),
        Route(
            path="reports/duplicate",
            read=reports.duplicates,
            summary="Values that more than one secret holds",
        ),
        Route(
            path="reports/{name}",
            read=reports.listing,
            summary="Secrets that are unused, expiring, ownerless or over-age; or all",
        ),
        Route(path="readers/", list=reports.list_readers, summary="Every identity that was seen reading"),
        Route(
            path="readers/{identity:path}",
            read=reports.leaver,
            summary="What an identity has read or could read, and what to rotate when it leaves",
        ),
        Route(path="facts", read=reports.all_facts, summary="The custom metadata that the inventory reads"),
        Route(
            path="mounts/{path:path}",
            read=reports.read_mount,
            write=reports.write_mount,
            summary="The custom metadata that a mount wants for each secret",
        ),
        Route(path="fingerprints", read=exchange.read_status, summary="How many values the index has"),
        Route(
            path="fingerprints/filter",
            read=exchange.read_filter,
            summary="What a scanner needs to see where a stored value may stand",
        ),
        Route(
            path="fingerprints/evaluate",
            write=exchange.evaluate,
            summary="Evaluate blinded windows: limited for each caller",
        ),
        Route(
            path="fingerprints/tokens",
            write=exchange.read_tokens,
            summary="Which found tokens are this server's",
        ),
        Route(
            path="fingerprints/rows",
            write=exchange.read_rows,
            summary="What found windows belong to",
        ),
    )
