"""Settings of UpdateTable that are about global tables without being replicated: disassociation protection, settings mode."""

from __future__ import annotations

from typing import Any

from tabletop.dynamodb.lifecycle import Record, invalid

_MODES = ("ENABLED", "DISABLED")


def check_group_settings(body: dict[str, Any]) -> None:
    """What can be judged without the table. Raises ValidationException."""
    if body.get("DisassociationProtectionEnabled") is not None and body.keys() - {
        "TableName",
        "DisassociationProtectionEnabled",
    }:
        # Inferred: that it must be alone is documented.
        raise invalid("DisassociationProtectionEnabled must be the only modification in the request")
    check_settings_mode(body)


def check_settings_mode(body: dict[str, Any]) -> None:
    mode = body.get("GlobalTableSettingsReplicationMode")
    if mode is not None and mode not in _MODES:
        # The end of the sentence is inferred.
        raise invalid(
            f"Value '{mode}' at 'GlobalTableSettingsReplicationMode' failed to satisfy constraint: "
            "Only ENABLED and DISABLED settings replication are supported"
        )


def change_group_settings(record: Record, body: dict[str, Any]) -> None:
    """Change the record in place. Raises ValidationException."""
    protected = body.get("DisassociationProtectionEnabled")
    if protected is not None:
        if (record.get("group") or {}).get("consistency") != "EVENTUAL":
            # Inferred.
            raise invalid(
                "DisassociationProtectionEnabled is only supported for a replica of a global table "
                "with multi-Region eventual consistency"
            )
        record["group"]["protected"] = protected
    mode = body.get("GlobalTableSettingsReplicationMode")
    if mode is not None:
        if record.get("group"):
            # Inferred: that it is for regional tables is documented.
            raise invalid("GlobalTableSettingsReplicationMode cannot be changed for a replica of a global table")
        record["settings_replication"] = mode
