//! `iam`: least-privilege policies, ready to paste.

mod flows;
mod notebooks;
mod orphans;
mod visibility;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::cli::{Context, Exit, Failure};
use crate::inventory::STUDIO_ACTIONS;
use crate::playbook::{CarryImages, CarryRest, Playbook, Throughput};

/// Arguments of `iam`.
#[derive(Args, Clone, Debug)]
pub struct Iam {
    /// Whose policy
    #[arg(value_enum, default_value_t)]
    of: Whose,
    /// The account
    #[arg(long, default_value = EXAMPLE)]
    account: String,
    /// The staging bucket; by default the one of the standard playbook
    #[arg(long)]
    bucket: Option<String>,
    /// The prefix in the staging bucket
    #[arg(long, default_value = "studio-migrate")]
    prefix: String,
    /// The playbook that is meant, by name or file: its groups for `visibility`, and for `operator` where it copies shared
    /// notebooks to
    #[arg(long, default_value = "standard")]
    playbook: String,
    /// A place where notebooks were shared, as `readiness` names it; for `operator`, may be given several times
    #[arg(long, value_name = "S3_URI")]
    shared: Vec<String>,
    /// For `operator`: also what `team people` needs
    #[arg(long)]
    teams: bool,
}

/// AWS's own number for examples.
const EXAMPLE: &str = "111122223333";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Whose {
    /// Whoever runs this tool
    #[default]
    Operator,
    /// The execution role of the people who move
    ExecutionRole,
    /// The role that DataSync assumes
    DatasyncRole,
    /// The staging bucket's policy
    Bucket,
    /// The groups of a playbook: what would deny them what they do not see
    Visibility,
}

impl Iam {
    /// Prints the policy as JSON.
    pub fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let region = context.global.region.as_deref().unwrap_or("eu-west-1");
        if self.account == EXAMPLE {
            context.ui.warning(format_args!(
                "{EXAMPLE} stands for your account here: give --account, and --region"
            ));
        }
        let bucket =
            self.bucket.clone().unwrap_or_else(|| format!("sagemaker-{region}-{}", self.account));
        let policy = match self.of {
            Whose::Operator => {
                let playbook = super::playbook(&self.playbook)?;
                if !self.shared.is_empty() && playbook.shared_notebooks.copy_to.is_none() {
                    return Err(Failure::usage(format!(
                        "playbook {} copies shared notebooks nowhere",
                        self.playbook
                    ))
                    .hinted("give --playbook with one that has `shared_notebooks.copy_to`"));
                }
                self.operator(region, &bucket, &playbook)
            }
            Whose::ExecutionRole => self.execution_role(&bucket),
            Whose::DatasyncRole => self.datasync_role(
                &self
                    .bucket
                    .clone()
                    .unwrap_or_else(|| format!("studio-migrate-{region}-{}", self.account)),
            ),
            Whose::Bucket => only_over_tls(&bucket),
            Whose::Visibility => {
                let playbook = super::playbook(&self.playbook)?;
                let playbook = super::checked(playbook, "the playbook cannot be used")?;
                visibility::policies(&playbook, region, &self.account)
            }
        };
        context.ui.data(super::json(&policy)?);
        Ok(Exit::Done)
    }

    fn operator(&self, region: &str, bucket: &str, playbook: &Playbook) -> Value {
        let account = &self.account;
        let studio = |kind: &str| format!("arn:aws:sagemaker:{region}:{account}:{kind}/*");
        let mut statements = vec![
            statement(
                "Look",
                &[
                    "sagemaker:Describe*",
                    "sagemaker:List*",
                    "elasticfilesystem:Describe*",
                    "iam:GetRole",
                    "iam:SimulatePrincipalPolicy",
                    "servicequotas:ListServiceQuotas",
                    "cloudtrail:LookupEvents",
                    "sts:GetCallerIdentity",
                ],
                &["*".to_owned()],
            ),
            statement(
                "MakeSpaces",
                &[
                    "sagemaker:CreateSpace",
                    "sagemaker:UpdateSpace",
                    "sagemaker:DeleteSpace",
                    "sagemaker:AddTags",
                ],
                &[studio("space")],
            ),
            statement(
                "StartAndStopApps",
                &["sagemaker:CreateApp", "sagemaker:DeleteApp", "sagemaker:AddTags"],
                &[studio("app")],
            ),
            statement(
                "SetHooks",
                &[
                    "sagemaker:CreateStudioLifecycleConfig",
                    "sagemaker:DeleteStudioLifecycleConfig",
                    "sagemaker:AddTags",
                ],
                &[studio("studio-lifecycle-config")],
            ),
            statement("FlipPeople", &["sagemaker:UpdateUserProfile"], &[studio("user-profile")]),
            statement("FlipDomains", &["sagemaker:UpdateDomain"], &[studio("domain")]),
            statement(
                "Stage",
                &["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                &[format!("arn:aws:s3:::{bucket}/{}/*", self.prefix)],
            ),
            statement(
                "SeeTheBucket",
                &["s3:ListBucket", "s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock"],
                &[format!("arn:aws:s3:::{bucket}")],
            ),
            // For homes that travel with DataSync, and no others.
            statement(
                "Transfer",
                &[
                    "datasync:CreateLocationEfs",
                    "datasync:CreateLocationS3",
                    "datasync:CreateTask",
                    "datasync:DeleteLocation",
                    "datasync:DeleteTask",
                    "datasync:Describe*",
                    "datasync:List*",
                    "datasync:StartTaskExecution",
                    "datasync:TagResource",
                    "ec2:CreateNetworkInterface",
                    "ec2:CreateNetworkInterfacePermission",
                    "ec2:DeleteNetworkInterface",
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSubnets",
                    "iam:PassRole",
                ],
                &["*".to_owned()],
            ),
            statement(
                "SealWhatDataSyncWrites",
                &["s3:DeleteObject", "s3:GetObject", "s3:ListBucket"],
                &[
                    format!("arn:aws:s3:::studio-migrate-{region}-{account}"),
                    format!(
                        "arn:aws:s3:::studio-migrate-{region}-{account}/{}/datasync/*",
                        self.prefix
                    ),
                ],
            ),
            // The buckets that notebooks were shared in may have any name; only names and settings are read of them.
            statement(
                "SeeWhatWasShared",
                &[
                    "s3:ListBucket",
                    "s3:GetBucketCORS",
                    "s3:GetBucketPolicy",
                    "s3:GetBucketPublicAccessBlock",
                    "s3:GetBucketVersioning",
                    "s3:GetEncryptionConfiguration",
                ],
                &["arn:aws:s3:::*".to_owned()],
            ),
        ];
        if playbook.retire.infrequent_access_days.is_some()
            || playbook.retire.throughput == Throughput::Elastic
        {
            statements.push(statement(
                "MakeTheFileSystemCheap",
                &[
                    "elasticfilesystem:PutLifecycleConfiguration",
                    "elasticfilesystem:UpdateFileSystem",
                ],
                &[format!("arn:aws:elasticfilesystem:{region}:{account}:file-system/*")],
            ));
        }
        if playbook.carry.images == CarryImages::Configure {
            statements.push(statement(
                "ConfigureImages",
                &[
                    "sagemaker:AddTags",
                    "sagemaker:CreateAppImageConfig",
                    "sagemaker:DeleteAppImageConfig",
                ],
                &[studio("app-image-config")],
            ));
        }
        if playbook.carry.tags == CarryRest::Carry {
            statements.push(statement(
                "CarryTags",
                &["sagemaker:AddTags", "sagemaker:DeleteTags"],
                &[studio("space")],
            ));
        }
        if self.teams {
            statements.extend(teams(region, account));
        }
        statements.extend(notebooks::statements(playbook, &self.shared, region, account));
        statements.extend(flows::statements(playbook, region, account));
        statements.extend(orphans::statements(playbook, region, account));
        policy(&statements)
    }

    /// What the mover needs in a space, beside what the new Studio needs of every execution role. It may not describe
    /// lifecycle scripts: they carry the keys of the reports.
    fn execution_role(&self, bucket: &str) -> Value {
        policy(&[
            statement(
                "FetchTheMover",
                &["s3:GetObject"],
                &[format!("arn:aws:s3:::{bucket}/{}/tools/*", self.prefix)],
            ),
            statement(
                "LeaveReports",
                &["s3:PutObject"],
                &[format!("arn:aws:s3:::{bucket}/{}/reports/*", self.prefix)],
            ),
            statement(
                "FetchTheListOfAnEarlierPass",
                &["s3:GetObject"],
                &[format!("arn:aws:s3:::{bucket}/{}/reports/*/manifest.jsonl.zst", self.prefix)],
            ),
            // Whatever is there is sealed: a role that many people share opens nobody's home.
            statement(
                "FetchPackedHomes",
                &["s3:GetObject"],
                &[format!("arn:aws:s3:::{bucket}/{}/reports/*/packed/*", self.prefix)],
            ),
            statement("UseTheNewStudio", &STUDIO_ACTIONS, &["*".to_owned()]),
        ])
    }

    fn datasync_role(&self, bucket: &str) -> Value {
        policy(&[
            statement(
                "SeeTheBucket",
                &["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                &[format!("arn:aws:s3:::{bucket}")],
            ),
            statement(
                "WriteWhatIsStaged",
                &[
                    "s3:AbortMultipartUpload",
                    "s3:DeleteObject",
                    "s3:GetObject",
                    "s3:GetObjectTagging",
                    "s3:ListMultipartUploadParts",
                    "s3:PutObject",
                    "s3:PutObjectTagging",
                ],
                &[format!("arn:aws:s3:::{bucket}/{}/datasync/*", self.prefix)],
            ),
        ])
    }
}

/// Making profiles for the people of a team, each with the execution role that the table gives them.
fn teams(region: &str, account: &str) -> [Value; 2] {
    let profiles = format!("arn:aws:sagemaker:{region}:{account}:user-profile/*");
    let mut pass = statement(
        "GivePeopleTheirRoles",
        &["iam:PassRole"],
        &[format!("arn:aws:iam::{account}:role/*")],
    );
    pass["Condition"] =
        json!({ "StringEquals": { "iam:PassedToService": "sagemaker.amazonaws.com" } });
    [
        statement(
            "MakePeople",
            &["sagemaker:AddTags", "sagemaker:CreateUserProfile", "sagemaker:DeleteUserProfile"],
            &[profiles],
        ),
        pass,
    ]
}

/// The policy of a bucket that refuses whatever does not come over TLS.
pub(super) fn only_over_tls(bucket: &str) -> Value {
    let mut deny = statement(
        "OnlyEncryptedInTransit",
        &["s3:*"],
        &[format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
    );
    deny["Effect"] = json!("Deny");
    deny["Principal"] = json!("*");
    deny["Condition"] = json!({ "Bool": { "aws:SecureTransport": "false" } });
    policy(&[deny])
}

fn policy(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn statement(sid: &str, actions: &[&str], resources: &[String]) -> Value {
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources })
}
