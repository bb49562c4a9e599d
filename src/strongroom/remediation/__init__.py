"""Remediation: incidents, the playbooks that contain leaks, and evidence of it. See docs/incidents.md."""

from strongroom.remediation.engine import Incidents
from strongroom.remediation.service import MOUNT, IncidentsDesk

__all__ = ["MOUNT", "Incidents", "IncidentsDesk"]
