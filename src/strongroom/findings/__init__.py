"""Findings: secrets that leaked, one for each, with places, state, severity and exposure window."""

from strongroom.findings.engine import Findings
from strongroom.findings.service import MOUNT, FindingsDesk
from strongroom.findings.vault import Vault

__all__ = ["MOUNT", "Findings", "FindingsDesk", "Vault"]
