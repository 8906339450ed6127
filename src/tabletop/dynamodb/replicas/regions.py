"""Regions that a replica can be in. Requests of any other region are served too; a global table has its replicas here."""

from __future__ import annotations

SUPPORTED = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "ca-west-1", "mx-central-1", "sa-east-1"),
    *("eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2"),
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3"),
    *("ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ap-south-1", "ap-south-2", "ap-east-1"),
    *("ap-east-2", "af-south-1", "il-central-1", "me-central-1", "me-south-1"),
)
"""The AWS partition. AWS also asks that an opt-in region is enabled; here all are."""

STRONG = frozenset(
    {"us-east-1", "us-east-2", "us-west-2"}
    | {"eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1"}
    | {"ap-northeast-1", "ap-northeast-2", "ap-northeast-3"}
)
"""Regions with multi-Region strong consistency. The guide says that a global table cannot span two of these three sets; AWS
was seen to accept one that does, and so does Tabletop."""
