"""The API actions, by theme. ``ACTIONS`` is the list of what is built; all else is UnknownOperationException.

Each is ``async (workings, call, params) -> answer``, with parameters and answers as botocore's model has them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tabletop.base.call import Call
from tabletop.functions.operations import (
    aliases,
    changing,
    concurrency,
    event_configs,
    event_source_mappings,
    invoking,
    layers,
    permissions,
    reading,
    resource_policies,
    settings,
    streaming,
    tagging,
    url_configs,
    versioning,
)
from tabletop.functions.workings import Workings

Operation = Callable[[Workings, Call, dict[str, Any]], Awaitable[dict[str, Any]]]

ACTIONS: dict[str, Operation] = {
    "CreateFunction": changing.create_function,
    "UpdateFunctionCode": changing.update_function_code,
    "UpdateFunctionConfiguration": changing.update_function_configuration,
    "DeleteFunction": changing.delete_function,
    "GetFunction": reading.get_function,
    "GetFunctionConfiguration": reading.get_function_configuration,
    "ListFunctions": reading.list_functions,
    "ListVersionsByFunction": reading.list_versions_by_function,
    "GetAccountSettings": reading.get_account_settings,
    "PutFunctionConcurrency": concurrency.put_function_concurrency,
    "DeleteFunctionConcurrency": concurrency.delete_function_concurrency,
    "GetFunctionConcurrency": concurrency.get_function_concurrency,
    "PutProvisionedConcurrencyConfig": concurrency.put_provisioned_concurrency_config,
    "DeleteProvisionedConcurrencyConfig": concurrency.delete_provisioned_concurrency_config,
    "GetProvisionedConcurrencyConfig": concurrency.get_provisioned_concurrency_config,
    "ListProvisionedConcurrencyConfigs": concurrency.list_provisioned_concurrency_configs,
    "GetFunctionCodeSigningConfig": settings.get_function_code_signing_config,
    "PublishVersion": versioning.publish_version,
    "CreateAlias": aliases.create_alias,
    "UpdateAlias": aliases.update_alias,
    "DeleteAlias": aliases.delete_alias,
    "GetAlias": aliases.get_alias,
    "ListAliases": aliases.list_aliases,
    "PutFunctionEventInvokeConfig": event_configs.put_function_event_invoke_config,
    "UpdateFunctionEventInvokeConfig": event_configs.update_function_event_invoke_config,
    "DeleteFunctionEventInvokeConfig": event_configs.delete_function_event_invoke_config,
    "GetFunctionEventInvokeConfig": event_configs.get_function_event_invoke_config,
    "ListFunctionEventInvokeConfigs": event_configs.list_function_event_invoke_configs,
    "CreateFunctionUrlConfig": url_configs.create_function_url_config,
    "UpdateFunctionUrlConfig": url_configs.update_function_url_config,
    "DeleteFunctionUrlConfig": url_configs.delete_function_url_config,
    "GetFunctionUrlConfig": url_configs.get_function_url_config,
    "ListFunctionUrlConfigs": url_configs.list_function_url_configs,
    "PublishLayerVersion": layers.publish_layer_version,
    "GetLayerVersion": layers.get_layer_version,
    "GetLayerVersionByArn": layers.get_layer_version_by_arn,
    "DeleteLayerVersion": layers.delete_layer_version,
    "ListLayers": layers.list_layers,
    "ListLayerVersions": layers.list_layer_versions,
    "AddLayerVersionPermission": layers.add_layer_version_permission,
    "RemoveLayerVersionPermission": layers.remove_layer_version_permission,
    "GetLayerVersionPolicy": layers.get_layer_version_policy,
    "PutFunctionRecursionConfig": settings.put_function_recursion_config,
    "GetFunctionRecursionConfig": settings.get_function_recursion_config,
    "PutRuntimeManagementConfig": settings.put_runtime_management_config,
    "GetRuntimeManagementConfig": settings.get_runtime_management_config,
    "PutResourcePolicy": resource_policies.put_resource_policy,
    "GetResourcePolicy": resource_policies.get_resource_policy,
    "DeleteResourcePolicy": resource_policies.delete_resource_policy,
    "Invoke": invoking.invoke,
    "InvokeAsync": invoking.invoke_async,
    "InvokeWithResponseStream": streaming.invoke_with_response_stream,
    "TagResource": tagging.tag_resource,
    "UntagResource": tagging.untag_resource,
    "ListTags": tagging.list_tags,
    "AddPermission": permissions.add_permission,
    "RemovePermission": permissions.remove_permission,
    "GetPolicy": permissions.get_policy,
    "CreateEventSourceMapping": event_source_mappings.create_event_source_mapping,
    "GetEventSourceMapping": event_source_mappings.get_event_source_mapping,
    "ListEventSourceMappings": event_source_mappings.list_event_source_mappings,
    "UpdateEventSourceMapping": event_source_mappings.update_event_source_mapping,
    "DeleteEventSourceMapping": event_source_mappings.delete_event_source_mapping,
}
