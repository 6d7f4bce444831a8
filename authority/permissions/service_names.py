"""What people call the services whose prefixes stand in policies: those that are used by habit.

A prefix that is not here is a service all the same, and is called by its prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "acm": "AWS Certificate Manager",
        "apigateway": "Amazon API Gateway",
        "athena": "Amazon Athena",
        "authority": "Authority",
        "autoscaling": "Amazon EC2 Auto Scaling",
        "backup": "AWS Backup",
        "batch": "AWS Batch",
        "bedrock": "Amazon Bedrock",
        "cloudformation": "AWS CloudFormation",
        "cloudfront": "Amazon CloudFront",
        "cloudtrail": "AWS CloudTrail",
        "cloudwatch": "Amazon CloudWatch",
        "codebuild": "AWS CodeBuild",
        "codecommit": "AWS CodeCommit",
        "codepipeline": "AWS CodePipeline",
        "cognito-idp": "Amazon Cognito User Pools",
        "config": "AWS Config",
        "dynamodb": "Amazon DynamoDB",
        "ec2": "Amazon EC2",
        "ecr": "Amazon Elastic Container Registry",
        "ecs": "Amazon Elastic Container Service",
        "eks": "Amazon Elastic Kubernetes Service",
        "elasticache": "Amazon ElastiCache",
        "elasticfilesystem": "Amazon Elastic File System",
        "elasticloadbalancing": "Elastic Load Balancing",
        "es": "Amazon OpenSearch Service",
        "events": "Amazon EventBridge",
        "firehose": "Amazon Data Firehose",
        "glacier": "Amazon S3 Glacier",
        "glue": "AWS Glue",
        "guardduty": "Amazon GuardDuty",
        "iam": "AWS Identity and Access Management",
        "kafka": "Amazon Managed Streaming for Apache Kafka",
        "kinesis": "Amazon Kinesis Data Streams",
        "kms": "AWS Key Management Service",
        "lambda": "AWS Lambda",
        "logs": "Amazon CloudWatch Logs",
        "organizations": "AWS Organizations",
        "rds": "Amazon RDS",
        "redshift": "Amazon Redshift",
        "route53": "Amazon Route 53",
        "s3": "Amazon S3",
        "sagemaker": "Amazon SageMaker",
        "secretsmanager": "AWS Secrets Manager",
        "securityhub": "AWS Security Hub",
        "ses": "Amazon SES",
        "sns": "Amazon SNS",
        "sqs": "Amazon SQS",
        "ssm": "AWS Systems Manager",
        "states": "AWS Step Functions",
        "sts": "AWS Security Token Service",
        "tag": "AWS Resource Groups Tagging",
        "waf": "AWS WAF",
        "xray": "AWS X-Ray",
    }
)
