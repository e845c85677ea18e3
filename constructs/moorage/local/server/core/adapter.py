"""The names of ministack's service modules that the local AWS uses, including private names.

ministack has no public interface to the state behind its APIs. So each of these modules is accessed through a list of
the names that are used, without their underscores. If an upgrade of ministack renames one of them, only this file
changes, and a test reports the names that no longer exist. The application and a few modules of `ministack.core` have
such lists, too. Helpers in `ministack.core` are imported directly.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any


class Module:
    """A module of ministack, reduced to the listed names.

    The module is imported on first use, since ministack reads the environment when it is imported.

    Args:
        name: The name of the module.
        names: The names that are used, separated by spaces. A private name is accessed without its underscore;
            `new=_old` makes `_old` accessible as `new`.
    """

    __slots__ = ("listed",)
    listed: tuple[str, Mapping[str, str]]
    """The name of the module, and ministack's name for each name that is used here."""

    def __init__(self, name: str, names: str) -> None:
        pairs = ((each.partition("=")[0].lstrip("_"), each.rpartition("=")[2]) for each in names.split())
        object.__setattr__(self, "listed", (name, dict(pairs)))

    def __getattr__(self, name: str) -> Any:
        return getattr(*self._place(name))

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(*self._place(name), value)

    def _place(self, name: str) -> tuple[ModuleType, str]:
        """Return the ministack module, and the name in it that a listed name stands for."""
        module, names = self.listed
        if name not in names:
            raise AttributeError(f"the list of {module} in {__name__} does not contain {name}; add {name} to the list")
        return importlib.import_module(module), names[name]


# The modules

acm = Module(
    "ministack.services.acm",
    "_certificates",
)
alb = Module(
    "ministack.services.alb",
    """
    _action_xml _lb_attrs _lb_xml _lbs _listeners _rules set_targets_for_group _tags _targets _tg_xml _tgs
    """,
)
apigateway = Module(
    "ministack.services.apigateway",
    "_apis _integrations",
)
apigateway_v1 = Module(
    "ministack.services.apigateway_v1",
    """
    _create_request_validator _delete_request_validator _request_validators _resources _rest_apis _stages_v1
    """,
)
app = Module(
    "ministack.app",
    """
    SERVICE_HANDLERS app _collect_scripts _credential_failure _dispatch_service_request
    _execute_api_authorization_type _function_url_auth_target _handle_alb_request _handle_execute_api_request
    _handle_lambda_url_request _handle_post_body_shortcuts _handle_pre_body_request
    _handle_special_data_plane_request _is_ecr_registry_path _is_potential_alb_request _parse_execute_api_url
    _parse_lambda_url _routing_params _send_response set_request_account_id
    """,
)
autoscaling = Module(
    "ministack.services.autoscaling",
    """
    _ACTION_MAP _asgs _error _hook_record _hooks _launch_configs _p _parse_member_list _parse_nested
    _reconcile_instances _tags _xml
    """,
)
batch = Module(
    "ministack.services.batch",
    "_compute_envs _job_definitions _job_queues",
)
changesets = Module(
    "ministack.services.cloudformation.changesets",
    """
    _add_event _evaluate_conditions _resolve_parameters _resolve_props_for_diff validate_template_support
    """,
)
cloudformation = Module(
    "ministack.services.cloudformation",
    "_change_sets _exports _stack_events _stacks",
)
cloudtrail = Module(
    "ministack.services.cloudtrail",
    """
    _DISPATCH _add_tags _create_trail _delete_trail _err _event_selectors _find_visible_trail _ok
    _put_event_selectors _remove_tags _start_logging _stop_logging _trail_arn _trail_tags _trails _update_trail
    """,
)
cloudwatch = Module(
    "ministack.services.cloudwatch",
    """
    _alarms cloudformation_delete_dashboard cloudformation_put_dashboard cloudformation_put_metric_alarm
    cloudformation_set_metric_alarm_tags _composite_alarms _delete_alarms _dispatch_alarm_actions get_account_id
    get_region _history_entries _put_composite_alarm _resource_tags _ts_iso
    """,
)
cloudwatch_logs = Module(
    "ministack.services.cloudwatch_logs",
    """
    _VALID_RETENTION_DAYS _create_log_group _create_log_stream _delete_log_group _log_groups _put_log_events
    _resource_policies
    """,
)
codebuild = Module(
    "ministack.services.codebuild",
    "_project_shape _projects",
)
cognito = Module(
    "ministack.services.cognito",
    "_identity_pools",
)
custom_resource = Module(
    "ministack.services.cloudformation.custom_resource",
    "invoke_custom_resource _lock _normalise_resource_properties _pending register_token _response_url",
)
dynamodb = Module(
    "ministack.services.dynamodb",
    """
    _create_table _delete_resource_policy _disable_kinesis_streaming_destination
    _enable_kinesis_streaming_destination _kinesis_destinations _pitr_settings _put_resource_policy _replica_group
    _sse_description_from_spec _tables _tags _ttl_settings _update_continuous_backups _update_contributor_insights
    _update_table _update_ttl
    """,
)
ec2 = Module(
    "ministack.services.ec2",
    """
    _ACTION_MAP _DEFAULT_SUBNET_ID _DEFAULT_VPC_ID _addresses _allocate_address _create_flow_logs
    _create_nat_gateway _delete_flow_logs _ensure_defaults_initialized _flow_logs _instance_xml _instances
    _internet_gateways _key_pairs _launch_instances_internal _launch_templates _lt_data_xml _nat_gateways
    _network_acls _network_interfaces _new_lt_id _new_volume_id _p _placement_groups _prefix_lists _release_address
    _resolve_iam_instance_profile _route_tables _rules_match _security_groups _sg_rule_id _sg_xml _subnet_fields_xml
    _subnets _tags _terminate_instances _volumes _vpc_endpoints _vpc_fields_xml _vpc_peering _vpcs _vpn_connections
    _vpn_gateways _xml
    """,
)
ecr = Module(
    "ministack.services.ecr",
    """
    _content_digest _create_repository _delete_repository _find_image _image_digest _images _layer_blobs
    _lifecycle_policies _manifest_blobs _put_lifecycle_policy _registry_error _repo_arn _repo_policies _repo_shape
    _repositories _set_repository_policy _uploads _v2_get_manifest _v2_head_manifest _v2_put_manifest
    """,
)
ecs = Module(
    "ministack.services.ecs",
    """
    _ACTION_MAP _FARGATE_PROVIDERS _PRE_STOP_STATUSES _account_settings _attributes _capacity_providers
    _circuit_breaker_threshold _cluster_name_from_arn _clusters _complete_service_deployment
    _create_capacity_provider _create_service _delete_capacity_provider _delete_cluster _delete_service
    _deregister_task_definition _describe_container_instances get_account_id _get_docker get_region _iso json
    _launch_choice _list_account_settings _list_container_instances _make_deployment _mark_task_stopped new_uuid
    _primary_deployment _put_cluster _put_cluster_capacity_providers _reconcile_service_tasks _recount_cluster
    _refresh_service_state _register_task_definition _resolve_capacity_provider_name _resolve_cluster_name
    _resolve_service_ref _resolve_td_key _run_task _sanitize _services _stop_task _sync_service_targets _tags
    _task_defs _task_ip _tasks _update_capacity_provider _update_cluster _update_service
    """,
)
elasticache = Module(
    "ministack.services.elasticache",
    "_clusters _replication_groups",
)
engine = Module(
    "ministack.services.cloudformation.engine",
    """
    CfnLoader _evaluate_conditions _extract_deps _parse_template _resolve_parameters _resolve_refs _topological_sort
    validate_template_support
    """,
)
eventbridge = Module(
    "ministack.services.eventbridge",
    """
    _SCHEDULER_TICK_INTERVAL _apply_input_transformer _cron_next_fire _ensure_default_bus _event_bus_name_from_ref
    _event_bus_policies _event_buses _invoke_target _parse_cron_fields _parse_rate_seconds _pattern_event_view
    _put_events _put_rule _put_targets _remove_targets _rule_key _rules
    """,
)
glue = Module(
    "ministack.services.glue",
    "subprocess",
)
handlers = Module(
    "ministack.services.cloudformation.handlers",
    """
    _ACTION_HANDLERS _add_event _capabilities_enforced _delete_stack _evaluate_conditions _has_dynamic_references
    _imported_export_names _p _page _resolve_parameters _resolve_stack _roll_back_operation _stack_has_no_updates
    validate_template_support _xml
    """,
)
helpers = Module(
    "ministack.services.cloudformation.helpers",
    "_resolve_document",
)
iam = Module(
    "ministack.services.iam",
    """
    _create_instance_profile _groups _instance_profiles _lookup_policy _oidc_providers _policies _roles _users
    """,
)
iam_evaluator = Module(
    "ministack.core.iam_evaluator",
    """
    EvalContext _action_matches caller=_request_caller_arn caller_arn _conditions_met evaluate
    evaluate_resource_policy _gather_role_policies _principal_matches request_caller_arn resource_policy_allows
    _service_principal_matches
    """,
)
kinesis = Module(
    "ministack.services.kinesis",
    "_deregister_consumer _register_consumer _start_stream_encryption _stop_stream_encryption _streams",
)
kms = Module(
    "ministack.services.kms",
    "_resolve_key _schedule_key_deletion",
)
lambda_runtime = Module(
    "ministack.core.lambda_runtime",
    """
    _NODEJS_WORKER_SCRIPT _PYTHON_WORKER_SCRIPT ProvidedWorker Worker _account_region_from_function_config
    execution_credentials subprocess
    """,
)
lambda_svc = Module(
    "ministack.services.lambda_svc",
    """
    _esms _execute_function_with_config_scope execution_credentials _execution_record_for_config
    executions_in_flight _fetch_code_from_s3 _functions _get_func_record_for_ref invalidate_worker reset subprocess
    """,
)
node_pool = Module(
    "ministack.core.node_pool",
    "subprocess",
)
pipes = Module(
    "ministack.services.pipes",
    "_deliver_batch _pipes",
)
provisioners = Module(
    "ministack.services.cloudformation.provisioners",
    """
    _EC2_ROUTE_TARGETS _REPLACING_PROPERTIES _RESOURCE_HANDLERS _S3_BUCKET_CONFIGURATIONS _STACK_TAG_PROPERTY
    _asg_delete _cw_metric_alarm_delete _cwlogs_sync_resource_policy _delete_resource _eb_rule_apply_tags
    _eb_rule_delete _ec2_apply_tags _ec2_igw_create _ec2_route_create _ec2_route_delete _ec2_route_destination
    _ec2_route_update _ec2_rtb_create _ec2_sg_create _ec2_sg_delete _ec2_sg_permissions _ec2_sg_update
    _ec2_subnet_create _ec2_subnet_delete _ec2_subnet_rtb_assoc_create _ec2_subnet_rtb_assoc_delete
    _ec2_subnet_update _ec2_vpc_create _ec2_vpc_delete _ec2_vpc_endpoint_create _ec2_vpc_endpoint_delete
    _ec2_vpc_endpoint_update _ec2_vpc_gw_attach_create _ec2_vpc_gw_attach_delete _ec2_vpc_gw_attach_update
    _ec2_vpc_update _elbv2_listener_actions _elbv2_listener_create _elbv2_listener_delete
    _elbv2_listener_rule_create _elbv2_listener_rule_delete _elbv2_listener_rule_update _elbv2_listener_update
    _elbv2_load_balancer_create _elbv2_load_balancer_delete _elbv2_load_balancer_update _elbv2_tags
    _elbv2_target_group_create _elbv2_target_group_delete _elbv2_target_group_update _kms_key_create _kms_key_update
    _lambda_create _lambda_delete _lambda_function_for_cfn_ref _lambda_update _r53_hosted_zone_create
    _r53_hosted_zone_delete _r53_hosted_zone_update _r53_record_set_build_rs _r53_record_set_create
    _r53_record_set_delete _reconcile_tag_list _reconcile_tag_map _s3_delete _scheduler_group_delete
    _scheduler_schedule_delete _sd_service_create _sd_service_delete _sd_service_update _sfn_definition
    _sfn_state_machine_delete _sfn_tags _sm_secret_create _sm_secret_delete _sm_secret_update _sns_delete
    _sns_update _tag_map
    """,
)
rds = Module(
    "ministack.services.rds",
    "_clusters _db_proxies _instances _option_groups _tags",
)
responses = Module(
    "ministack.core.responses",
    "_BOTOCORE_NAME _account_from_sts_session _service_model",
)
route53 = Module(
    "ministack.services.route53",
    "_caller_refs _default_records _records _rs_key _tags _zones",
)
router = Module(
    "ministack.core.router",
    "_KNOWN_AWS_SERVICE_NAMES SERVICE_PATTERNS",
)
s3 = Module(
    "ministack.services.s3",
    """
    _bucket_accelerate_config _bucket_acl _bucket_encryption _bucket_logging_config _bucket_object_lock
    _bucket_owner_account _bucket_policies _bucket_tags _buckets _canned_acl_policy_xml _canonical_owner_id
    _delete_bucket _delete_bucket_encryption _delete_bucket_lifecycle _delete_bucket_ownership_controls _error
    _get_object_data _put_bucket_accelerate _put_bucket_encryption _put_bucket_lifecycle _put_bucket_logging
    _put_bucket_notification _put_bucket_ownership_controls _put_bucket_tagging _put_object
    _put_object_lock_configuration _resolve_sse_write_headers
    """,
)
scheduler = Module(
    "ministack.services.scheduler",
    """
    _SCHEDULE_TICK_INTERVAL _create_schedule _create_schedule_group _group_arn _schedule_arn _schedule_groups
    _schedules _tags _tick_schedules _to_epoch _update_schedule
    """,
)
secretsmanager = Module(
    "ministack.services.secretsmanager",
    "_create_secret _delete_secret _resolve resolve_secret_string _resource_policies",
)
servicediscovery = Module(
    "ministack.services.servicediscovery",
    "_namespaces _services",
)
signer = Module(
    "ministack.services.signer",
    "_profiles",
)
sigv4 = Module(
    "ministack.core.sigv4",
    """
    decode_header_value header_signature_failure parse_header_signature parse_query_signature
    presigned_request_is_expired request_time_failure
    """,
)
sns = Module(
    "ministack.services.sns",
    "_create_topic get_account_id get_region _topics",
)
sqs = Module(
    "ministack.services.sqs",
    "_act_send_message _queue_by_arn _queues",
)
ssm = Module(
    "ministack.services.ssm",
    "_parameters _public_parameter _put_parameter _reserved_name_error",
)
stacks = Module(
    "ministack.services.cloudformation.stacks",
    """
    _add_event _delete_resource _diff_resources _evaluate_conditions _resolve_stack_outputs _roll_back_operation
    _runs_on_worker_thread _stack_tags_changed _topological_sort _update_keeping_seed _with_stack_tags
    """,
)
stepfunctions = Module(
    "ministack.services.stepfunctions",
    """
    _ExecutionError _SERVICE_DISPATCH _SFN_WAIT_SCALE _create_state_machine _executions _invoke_aws_sdk_integration
    _invoke_nested_start_execution _invoke_nested_start_execution_sync
    _run_execution _start_execution _state_machines _tags _update_state_machine
    """,
)
sts = Module(
    "ministack.services.sts",
    "register_session",
)
wait_conditions = Module(
    "ministack.services.cloudformation.wait_conditions",
    "SIGNAL_PATH has_handle",
)
