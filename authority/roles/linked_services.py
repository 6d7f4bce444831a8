"""The services that may have a role of their own in an account, and what that role is called.

IAM User Guide, AWS services that work with IAM, and each service's page on its service-linked role.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec


class LinkedService(msgspec.Struct, frozen=True):
    """A service principal, and the name of its role; *suffixed* ones may have several, told apart by a suffix."""

    principal: str
    role_name: str
    suffixed: bool = False


_NAMES: Final = (
    ("access-analyzer", "AccessAnalyzer"),
    ("acm", "CertificateManager"),
    ("backup", "Backup"),
    ("batch", "Batch"),
    ("cks.kms", "KeyManagementServiceCustomKeyStores"),
    ("cloudtrail", "CloudTrail"),
    ("config", "Config"),
    ("config-conforms", "ConfigConforms"),
    ("config-multiaccountsetup", "ConfigMultiAccountSetup"),
    ("custom-resource.application-autoscaling", "ApplicationAutoScaling_CustomResource"),
    ("dax", "DAX"),
    ("dynamodb.application-autoscaling", "ApplicationAutoScaling_DynamoDBTable"),
    ("ec2.application-autoscaling", "ApplicationAutoScaling_EC2SpotFleetRequest"),
    ("ec2fleet", "EC2Fleet"),
    ("ecs", "ECS"),
    ("ecs.application-autoscaling", "ApplicationAutoScaling_ECSService"),
    ("eks", "AmazonEKS"),
    ("eks-fargate", "AmazonEKSForFargate"),
    ("eks-nodegroup", "AmazonEKSNodegroup"),
    ("elasticache", "ElastiCache"),
    ("elasticbeanstalk", "ElasticBeanstalk"),
    ("elasticfilesystem", "AmazonElasticFileSystem"),
    ("elasticloadbalancing", "ElasticLoadBalancing"),
    ("es", "AmazonElasticsearchService"),
    ("events", "CloudWatchEvents"),
    ("globalaccelerator", "GlobalAccelerator"),
    ("guardduty", "AmazonGuardDuty"),
    ("inspector2", "AmazonInspector2"),
    ("kafka", "Kafka"),
    ("lambda.application-autoscaling", "ApplicationAutoScaling_LambdaConcurrency"),
    ("lex", "LexBots"),
    ("macie", "AmazonMacie"),
    ("maintenance.elasticbeanstalk", "ElasticBeanstalkMaintenance"),
    ("managedupdates.elasticbeanstalk", "ElasticBeanstalkManagedUpdates"),
    ("opensearchservice", "AmazonOpenSearchService"),
    ("ops.apigateway", "APIGateway"),
    ("organizations", "Organizations"),
    ("ram", "ResourceAccessManager"),
    ("rds", "RDS"),
    ("rds.application-autoscaling", "ApplicationAutoScaling_RDSCluster"),
    ("redshift", "Redshift"),
    ("replicator.lambda", "LambdaReplicator"),
    ("securityhub", "SecurityHub"),
    ("spot", "EC2Spot"),
    ("spotfleet", "EC2SpotFleet"),
    ("ssm", "AmazonSSM"),
    ("sso", "SSO"),
    ("support", "Support"),
    ("transitgateway", "VPCTransitGateway"),
    ("trustedadvisor", "TrustedAdvisor"),
    ("wafv2", "WAFV2Logging"),
)
_SUFFIXED: Final = (
    ("autoscaling", "AutoScaling"),
    ("connect", "AmazonConnect"),
    ("lexv2", "LexV2Bots"),
)

SERVICES: Final[Mapping[str, LinkedService]] = MappingProxyType(
    {
        f"{service}.amazonaws.com": LinkedService(
            f"{service}.amazonaws.com", f"AWSServiceRoleFor{name}", suffixed=table is _SUFFIXED
        )
        for table in (_NAMES, _SUFFIXED)
        for service, name in table
    }
)
"""`autoscaling.amazonaws.com` leads to its role's name."""
