"""The names of AWS managed policies, as far as they are known.

AWS adds policies every month, so a name that may be new is accepted. A name that AWS uses under another path is
refused. A name that does not begin like the name of any AWS managed policy is also refused (AWS managed policy
reference guide; the names are those of February 2025).
"""

from __future__ import annotations

import re

_UNDER = {
    "job-function": """
        Billing DataScientist DatabaseAdministrator NetworkAdministrator SupportUser SystemAdministrator ViewOnlyAccess
    """,
    "service-role": """
        AWSAppRunnerServicePolicyForECRAccess AWSAppSyncPushToCloudWatchLogs
        AWSBackupGatewayServiceRolePolicyForVirtualMachineMetadataSync AWSBackupServiceRolePolicyForBackup
        AWSBackupServiceRolePolicyForRestores AWSBatchServiceEventTargetRole AWSBatchServiceRole
        AWSCodeDeployRole AWSCodeDeployRoleForCloudFormation AWSCodeDeployRoleForLambda
        AWSCodeDeployRoleForLambdaLimited AWSConfigRole AWSConfigRoleForOrganizations
        AWSConfigRulesExecutionRole AWSElasticBeanstalkEnhancedHealth AWSElasticBeanstalkRoleCWL
        AWSElasticBeanstalkRoleCore AWSElasticBeanstalkRoleECS AWSElasticBeanstalkRoleRDS
        AWSElasticBeanstalkRoleSNS AWSElasticBeanstalkRoleWorkerTier AWSElasticBeanstalkService
        AWSGlueDataBrewServiceRole AWSGlueServiceNotebookRole AWSGlueServiceRole
        AWSIoTDeviceDefenderAddThingsToThingGroupMitigationAction AWSIoTDeviceDefenderAudit
        AWSIoTDeviceDefenderEnableIoTLoggingMitigationAction
        AWSIoTDeviceDefenderPublishFindingsToSNSMitigationAction
        AWSIoTDeviceDefenderReplaceDefaultPolicyMitigationAction
        AWSIoTDeviceDefenderUpdateCACertMitigationAction AWSIoTDeviceDefenderUpdateDeviceCertMitigationAction
        AWSIoTFleetHubFederationAccess AWSIoTLogging AWSIoTOTAUpdate AWSIoTRuleActions
        AWSIoTSiteWiseMonitorPortalAccess AWSIoTThingsRegistration AWSLambdaBasicExecutionRole
        AWSLambdaDynamoDBExecutionRole AWSLambdaENIManagementAccess AWSLambdaKinesisExecutionRole
        AWSLambdaMSKExecutionRole AWSLambdaRole AWSLambdaSQSQueueExecutionRole AWSLambdaVPCAccessExecutionRole
        AWSTransferLoggingAccess AWS_ConfigRole AmazonAPIGatewayPushToCloudWatchLogs
        AmazonDMSCloudWatchLogsRole AmazonDMSRedshiftS3Role AmazonDMSVPCManagementRole
        AmazonEBSCSIDriverPolicy AmazonEC2ContainerServiceAutoscaleRole AmazonEC2ContainerServiceEventsRole
        AmazonEC2ContainerServiceRole AmazonEC2ContainerServiceforEC2Role AmazonEC2RoleforAWSCodeDeploy
        AmazonEC2RoleforAWSCodeDeployLimited AmazonEC2RoleforDataPipelineRole AmazonEC2RoleforSSM
        AmazonEC2SpotFleetAutoscaleRole AmazonEC2SpotFleetTaggingRole
        AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity
        AmazonECSInfrastructureRolePolicyForVolumes AmazonECSTaskExecutionRolePolicy AmazonEFSCSIDriverPolicy
        AmazonEMRServicePolicy_v2 AmazonElasticMapReduceEditorsRole AmazonElasticMapReduceRole
        AmazonElasticMapReduceforAutoScalingRole AmazonElasticMapReduceforEC2Role
        AmazonRDSDirectoryServiceAccess AmazonRDSEnhancedMonitoringRole
        AmazonS3ObjectLambdaExecutionRolePolicy AmazonSNSRole AmazonSSMAutomationRole
        AmazonSSMMaintenanceWindowRole AutoScalingNotificationAccessRole
        CloudWatchEventsBuiltInTargetExecutionAccess CloudWatchEventsInvocationAccess
    """,
}
_PATHS = {name: path for path, names in _UNDER.items() for name in names.split()}
_PATHLESS = """
    AWSXRayDaemonWriteAccess AWSXrayCrossAccountSharingConfiguration AWSXrayFullAccess AWSXrayReadOnlyAccess
    AWSXrayWriteOnlyAccess AdministratorAccess AdministratorAccess-AWSElasticBeanstalk
    AdministratorAccess-Amplify AmazonDynamoDBFullAccess AmazonDynamoDBFullAccesswithDataPipeline
    AmazonDynamoDBReadOnlyAccess AmazonEC2ContainerRegistryFullAccess AmazonEC2ContainerRegistryPowerUser
    AmazonEC2ContainerRegistryPullOnly AmazonEC2ContainerRegistryReadOnly
    AmazonECSInfrastructureRolePolicyForVpcLattice AmazonECS_FullAccess AmazonEKSBlockStoragePolicy
    AmazonEKSClusterPolicy AmazonEKSComputePolicy AmazonEKSFargatePodExecutionRolePolicy
    AmazonEKSLoadBalancingPolicy AmazonEKSLocalOutpostClusterPolicy AmazonEKSNetworkingPolicy
    AmazonEKSServicePolicy AmazonEKSVPCResourceController AmazonEKSWorkerNodeMinimalPolicy
    AmazonEKSWorkerNodePolicy AmazonEKS_CNI_Policy AmazonRDSCustomInstanceProfileRolePolicy
    AmazonRDSDataFullAccess AmazonRDSFullAccess AmazonRDSPerformanceInsightsFullAccess
    AmazonRDSPerformanceInsightsReadOnly AmazonRDSReadOnlyAccess AmazonS3FullAccess AmazonS3ReadOnlyAccess
    AmazonSNSFullAccess AmazonSNSReadOnlyAccess AmazonSQSFullAccess AmazonSQSReadOnlyAccess
    AmazonSSMManagedEC2InstanceDefaultPolicy AmazonSSMManagedInstanceCore CloudWatchActionsEC2Access
    CloudWatchAgentAdminPolicy CloudWatchAgentServerPolicy CloudWatchApplicationInsightsFullAccess
    CloudWatchApplicationInsightsReadOnlyAccess CloudWatchApplicationSignalsFullAccess
    CloudWatchApplicationSignalsReadOnlyAccess CloudWatchAutomaticDashboardsAccess
    CloudWatchCrossAccountSharingConfiguration CloudWatchEventsFullAccess CloudWatchEventsReadOnlyAccess
    CloudWatchFullAccess CloudWatchFullAccessV2 CloudWatchInternetMonitorFullAccess
    CloudWatchInternetMonitorReadOnlyAccess CloudWatchLambdaApplicationSignalsExecutionRolePolicy
    CloudWatchLambdaInsightsExecutionRolePolicy CloudWatchLogsCrossAccountSharingConfiguration
    CloudWatchLogsFullAccess CloudWatchLogsReadOnlyAccess CloudWatchNetworkFlowMonitorAgentPublishPolicy
    CloudWatchOpenSearchDashboardAccess CloudWatchOpenSearchDashboardsFullAccess CloudWatchReadOnlyAccess
    CloudWatchSyntheticsFullAccess CloudWatchSyntheticsReadOnlyAccess IAMAccessAdvisorReadOnly
    IAMAccessAnalyzerFullAccess IAMAccessAnalyzerReadOnlyAccess IAMFullAccess IAMReadOnlyAccess
    IAMSelfManageServiceSpecificCredentials IAMUserChangePassword IAMUserSSHKeys PowerUserAccess
    ReadOnlyAccess SecretsManagerReadWrite SecurityAudit
"""
_FOLDERS = ("aws-service-role", "job-function", "root-task", "service-role")
_AT_THE_ROOT = frozenset(_PATHLESS.split())
_WORDS = re.compile(
    r"(AWS|Amazon|Aws|AIOps|Administrator|Alexa|Amplify|App|Auto|Bedrock|Cloud|Comprehend|Compute|Config|Cost|DAX"
    r"|Database|DynamoDB|E[cC]2|ECR|ECS|EFS|EKS|Elastic|Elemental|Event|GameLift|Global|GroundTruth|IAM|IVS|KMS|Lambda"
    r"|Media|Multi|Neptune|Nova|OAM|Partner|PowerUser|Q|RDS|ROSA|ReadOnly|Redshift|Resource|Root|S3|SNS|SQS|SSM|SageMaker"
    r"|Secrets|Security|Server|Service|Simple|Sign|Support|System|Tag|Translate|VM|VPC|ViewOnly|Well|Work|XRay)"
    r"[A-Za-z0-9_.+=,@-]*"
)


def may_exist(arn: str) -> bool:
    """Return whether there may be an AWS managed policy with an ARN.

    Args:
        arn: The ARN, such as `arn:aws:iam::aws:policy/ReadOnlyAccess`.
    """
    path, _, name = arn.partition(":policy/")[2].rpartition("/")
    if name in _PATHS:
        return path == _PATHS[name]
    if path and name in _AT_THE_ROOT:
        return False
    return path in _FOLDERS or (not path and bool(_WORDS.fullmatch(name)))
