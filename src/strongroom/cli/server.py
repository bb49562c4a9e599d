"""Run the vault server.

examples:
  strongroom server --dev
  strongroom server --data /var/lib/strongroom --tls-cert cert.pem --tls-key key.pem
  strongroom server --data /var/lib/strongroom --storage postgresql://strongroom@db1,db2/strongroom
  strongroom server --config /etc/strongroom.toml

Signals: TERM drains and stops, HUP reads the certificates again and reopens audit files.
Keys of the configuration file: docs/configuration.md.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from strongroom.server.address import Address
    from strongroom.server.config import Config
    from strongroom.server.dev import Opened


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--listen", metavar="ADDRESS", help="numeric address and port (127.0.0.1:8200)")
    parser.add_argument("--data", metavar="DIR", help="directory of storage and audit log")
    parser.add_argument(
        "--storage", metavar="URL", help="postgresql://user@host/database in place of the embedded store"
    )
    parser.add_argument("--tls-cert", metavar="FILE", help="PEM certificate chain")
    parser.add_argument("--tls-key", metavar="FILE", help="PEM private key")
    parser.add_argument("--config", metavar="FILE", type=Path, help="TOML configuration; flags win over it")
    parser.add_argument(
        "--dev", action="store_true", help="unsealed, in memory unless --data is given, root token printed"
    )
    parser.add_argument(
        "--dev-root-token-id",
        metavar="ID",
        default="",
        help="root token of a --dev server (never a real one)",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until a signal ends it."""
    gc.disable()  # imports leave nothing to collect, and looking for it takes a twelfth of their time
    from strongroom.server.problems import StartFailed  # noqa: PLC0415 (only a server pays for the server)
    from strongroom.server.run import Development, run  # noqa: PLC0415 (same)

    gc.enable()
    if args.dev_root_token_id and not args.dev:
        raise StartFailed(
            "--dev-root-token-id is for --dev only",
            "A real server draws its root token at random.",
            "Drop the option, or add --dev.",
        )
    development = Development(args.dev_root_token_id, _announce) if args.dev else None
    run(_config(args), config_file=args.config, development=development)
    return 0


def _config(args: argparse.Namespace) -> Config:
    from msgspec.structs import replace  # noqa: PLC0415 (only a server pays for the server)

    from strongroom.server.config import Storage, load  # noqa: PLC0415 (same)

    flags = {name: getattr(args, name) for name in ("listen", "data", "storage", "tls_cert", "tls_key")}
    config = load(args.config, flags)
    if args.dev and not config.data and config.storage.kind == "sqlite":
        return replace(config, storage=Storage(kind="memory"))
    return config


def _announce(opened: Opened, address: Address) -> None:
    """Tell the developer how to reach the server; this is the one place that prints a token."""
    sys.stdout.write(
        f"Strongroom is open at http://{address} for development: its root token is on this screen.\n\n"
        f"  export STRONGROOM_ADDR=http://{address} VAULT_ADDR=http://{address}\n"
        f"  export STRONGROOM_TOKEN={opened.root_token.reveal()} VAULT_TOKEN={opened.root_token.reveal()}\n\n"
        f"Unseal key: {opened.unseal_key.reveal()}\n\n"
        "Try next, in another terminal:\n"
        "  strongroom kv put secret/hello password    # asks for the value, so it stays out of the history\n"
        "  strongroom kv get secret/hello\n"
        "  strongroom audit tail\n"
    )
    sys.stdout.flush()
