# Everything of IAM that Terraform can make here, and what it can read; `stage` is what changes between two plans.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region                  = "us-east-1"
  skip_metadata_api_check = true
  default_tags {
    tags = { Managed = "terraform" }
  }
}

variable "stage" {
  type = string
}

variable "metadata" {
  type = string
}

locals {
  first = var.stage == "first"
  tags  = local.first ? { Stage = "first", Gone = "x y" } : { Stage = "second", "new/key" = "a=b" }
  all   = { Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }] }
}

data "aws_caller_identity" "me" {}

data "aws_iam_session_context" "me" {
  arn = data.aws_caller_identity.me.arn
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.me.account_id}:root"]
    }
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = ["b", "a"]
    }
  }
  statement {
    actions = local.first ? ["sts:AssumeRole"] : ["sts:AssumeRole", "sts:TagSession"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com", "ec2.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "read" {
  policy_id = "reading"
  statement {
    sid       = "Read"
    actions   = local.first ? ["s3:List*", "s3:Get*"] : ["s3:List*"]
    resources = ["arn:aws:s3:::home/$${aws:username}/*", "arn:aws:s3:::home"]
  }
  statement {
    effect        = "Deny"
    not_actions   = ["iam:*"]
    not_resources = ["arn:aws:iam::*:role/x"]
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_iam_policy" "read" {
  name        = "read"
  path        = "/p/"
  description = "reads things"
  policy      = data.aws_iam_policy_document.read.json
  tags        = local.tags
}

resource "aws_iam_policy" "limit" {
  name_prefix = "limit"
  policy      = jsonencode(local.all)
}

resource "aws_iam_policy" "literals" {
  name = "literals"
  policy = jsonencode({ Version = "2012-10-17", Statement = { Effect = "Deny", Action = "*", Resource = "*", Condition = {
    Bool = { "aws:MultiFactorAuthPresent" = false }, NumericGreaterThan = { "aws:MultiFactorAuthAge" = 3600 }
  } } })
}

resource "aws_iam_policy" "held" {
  name   = "held"
  policy = jsonencode(local.all)
}

resource "aws_iam_role" "app" {
  name                  = "app"
  path                  = "/app/"
  description           = "runs it ${var.stage}"
  max_session_duration  = local.first ? 7200 : 3600
  assume_role_policy    = data.aws_iam_policy_document.trust.json
  permissions_boundary  = local.first ? aws_iam_policy.limit.arn : aws_iam_policy.held.arn
  force_detach_policies = true
  tags                  = local.tags
}

resource "aws_iam_role" "inline" {
  name_prefix         = "inline-"
  assume_role_policy  = data.aws_iam_policy_document.trust.json
  managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess", aws_iam_policy.read.arn]
  inline_policy {
    name   = "one"
    policy = data.aws_iam_policy_document.read.json
  }
}

resource "aws_iam_role" "trusting" {
  name = "trusting"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole",
  Principal = { AWS = [aws_iam_user.ann.arn, aws_iam_role.app.arn] } }] })
}

resource "aws_iam_role" "federated" {
  name = "federated"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = "sts:AssumeRoleWithWebIdentity", Principal = { Federated = aws_iam_openid_connect_provider.idp.arn },
    Condition = { StringLike = { "idp.example.com/realm:sub" = "repo:*" } } },
    { Effect = "Allow", Action = "sts:AssumeRoleWithSAML", Principal = { Federated = aws_iam_saml_provider.corp.arn },
    Condition = { StringEquals = { "SAML:aud" = "https://signin.aws.amazon.com/saml" } } },
  ] })
}

resource "aws_iam_role_policy" "own" {
  name   = "own"
  role   = aws_iam_role.app.id
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_role_policy_attachment" "app" {
  for_each   = { audit = "arn:aws:iam::aws:policy/SecurityAudit", read = aws_iam_policy.read.arn }
  role       = aws_iam_role.app.name
  policy_arn = each.value
}

resource "aws_iam_role_policies_exclusive" "app" {
  role_name    = aws_iam_role.app.name
  policy_names = [aws_iam_role_policy.own.name]
}

resource "aws_iam_role_policy_attachments_exclusive" "app" {
  role_name   = aws_iam_role.app.name
  policy_arns = [for one in aws_iam_role_policy_attachment.app : one.policy_arn]
}

resource "aws_iam_policy_attachment" "literals" {
  name       = "literals"
  users      = [aws_iam_user.ann.name]
  roles      = [aws_iam_role.trusting.name]
  groups     = local.first ? [aws_iam_group.dev.name] : []
  policy_arn = aws_iam_policy.literals.arn
}

resource "aws_iam_user" "ann" {
  name                 = "ann"
  path                 = "/people/"
  force_destroy        = true
  permissions_boundary = local.first ? aws_iam_policy.limit.arn : null
  tags                 = local.tags
}

resource "aws_iam_user" "bob" {
  name = "bob"
}

resource "aws_iam_user" "renamed" {
  name = "user-${var.stage}"
  path = "/${var.stage}/"
}

resource "aws_iam_user_policy" "own" {
  name   = "own"
  user   = aws_iam_user.ann.name
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_user_policy_attachment" "bob" {
  user       = aws_iam_user.bob.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
}

resource "aws_iam_access_key" "ann" {
  user   = aws_iam_user.ann.name
  status = local.first ? "Active" : "Inactive"
}

resource "aws_iam_user_login_profile" "ann" {
  user                    = aws_iam_user.ann.name
  password_length         = 24
  password_reset_required = true
}

resource "aws_iam_virtual_mfa_device" "phone" {
  virtual_mfa_device_name = "phone"
  path                    = "/a/"
  tags                    = local.tags
}

resource "aws_iam_group" "dev" {
  name = "dev"
  path = "/g/"
}

resource "aws_iam_group_policy" "own" {
  name   = "own"
  group  = aws_iam_group.dev.name
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_group_policy_attachment" "dev" {
  group      = aws_iam_group.dev.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_group_membership" "dev" {
  name  = "dev"
  group = aws_iam_group.dev.name
  users = local.first ? [aws_iam_user.ann.name, aws_iam_user.bob.name] : [aws_iam_user.ann.name]
}

resource "aws_iam_group" "ops" {
  name = "ops"
}

resource "aws_iam_group" "renamed" {
  name = "group-${var.stage}"
  path = "/${var.stage}/"
}

resource "aws_iam_user_group_membership" "bob" {
  user   = aws_iam_user.bob.name
  groups = [aws_iam_group.ops.name]
}

resource "aws_iam_instance_profile" "web" {
  name = "web"
  path = "/w/"
  role = local.first ? aws_iam_role.trusting.name : aws_iam_role.app.name
  tags = local.tags
}

resource "aws_iam_openid_connect_provider" "idp" {
  url             = "https://idp.example.com/realm"
  client_id_list  = local.first ? ["one", "two"] : ["two", "three"]
  thumbprint_list = [local.first ? "cf23df2207d99a74fbe169e3eba035e633b65d94" : "9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]
  tags            = local.tags
}

resource "aws_iam_saml_provider" "corp" {
  name                   = "corp"
  saml_metadata_document = file(var.metadata)
  tags                   = local.tags
}

resource "aws_iam_service_linked_role" "scaling" {
  aws_service_name = "autoscaling.amazonaws.com"
  custom_suffix    = "plan"
  description      = var.stage
  tags             = local.tags
}

resource "aws_iam_account_alias" "name" {
  account_alias = "${var.stage}-${data.aws_caller_identity.me.account_id}"
}

resource "aws_iam_account_password_policy" "rules" {
  minimum_password_length        = local.first ? 12 : 16
  require_lowercase_characters   = true
  require_numbers                = local.first
  require_uppercase_characters   = true
  require_symbols                = true
  allow_users_to_change_password = true
  max_password_age               = 90
  password_reuse_prevention      = 3
}

resource "aws_iam_security_token_service_preferences" "tokens" {
  global_endpoint_token_version = "v2Token"
}

data "aws_iam_policy" "by_name" {
  name       = "read"
  depends_on = [aws_iam_policy.read]
}

data "aws_iam_policy" "catalogue" {
  name = "PowerUserAccess"
}

data "aws_iam_role" "app" {
  name = aws_iam_role.app.name
}

data "aws_iam_roles" "apps" {
  path_prefix = "/app/"
  name_regex  = "^a"
  depends_on  = [aws_iam_role.app]
}

data "aws_iam_user" "ann" {
  user_name = aws_iam_user.ann.name
}

data "aws_iam_group" "dev" {
  group_name = aws_iam_group.dev.name
  depends_on = [aws_iam_group_membership.dev]
}

data "aws_iam_instance_profiles" "all" {
  role_name  = aws_iam_instance_profile.web.role
  depends_on = [aws_iam_instance_profile.web]
}

data "aws_iam_openid_connect_provider" "by_url" {
  url        = "https://idp.example.com/realm"
  depends_on = [aws_iam_openid_connect_provider.idp]
}

data "aws_iam_saml_provider" "corp" {
  arn = aws_iam_saml_provider.corp.arn
}

data "aws_iam_access_keys" "ann" {
  user       = aws_iam_user.ann.name
  depends_on = [aws_iam_access_key.ann]
}

data "aws_iam_principal_policy_simulation" "app" {
  action_names      = ["s3:ListBucket", "iam:CreateUser"]
  resource_arns     = ["arn:aws:s3:::home"]
  policy_source_arn = aws_iam_role.app.arn
  depends_on        = [aws_iam_role_policies_exclusive.app]
  context {
    key    = "aws:SecureTransport"
    type   = "boolean"
    values = ["true"]
  }
}

output "read" {
  value = {
    members  = sort(data.aws_iam_group.dev.users[*].user_name)
    roles    = data.aws_iam_roles.apps.names
    issuer   = data.aws_iam_session_context.me.arn
    may      = { for one in data.aws_iam_principal_policy_simulation.app.results : one.action_name => one.allowed }
  }
}
