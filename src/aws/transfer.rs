//! DataSync: from a file system into a bucket. Locations and tasks are found again by their tags and names, executions by their
//! ARN.

use std::collections::BTreeMap;

use aws_sdk_datasync::types::{
    Atime, Ec2Config, EfsInTransitEncryption, FilterRule, FilterType, Gid, Mtime, Options,
    OverwriteMode, PosixPermissions, PreserveDeletedFiles, PreserveDevices, ReportDestination,
    ReportDestinationS3, ReportLevel, ReportOutputType, S3Config, TagListEntry, TaskMode,
    TaskQueueing, TaskReportConfig, TransferMode, Uid, VerifyMode,
};

use super::account::{Account, Reader};
use super::error::{Error, ErrorKind};

const DATASYNC: &str = "datasync";

/// The entries of a page, as many as AWS gives.
const PAGE: i32 = 100;

/// Where a task reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EfsLocation {
    /// The file system's ARN.
    pub file_system: String,
    /// The ARN of a subnet with a mount target.
    pub subnet: String,
    /// ARNs of one to five security groups that the mount target lets in.
    pub security_groups: Vec<String>,
}

/// Where a task writes, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Location {
    /// The bucket.
    pub bucket: String,
    /// The prefix; no slash at either end.
    pub prefix: String,
    /// The ARN of the role that DataSync assumes.
    pub role: String,
}

/// How an execution stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Execution {
    /// `QUEUED`, `LAUNCHING`, `PREPARING`, `TRANSFERRING`, `VERIFYING`, `SUCCESS`, `ERROR`, ….
    pub status: String,
    /// Files that are to be moved, as far as is known.
    pub expected_files: u64,
    /// Bytes that are to be moved, as far as is known.
    pub expected_bytes: u64,
    /// Files moved.
    pub files: u64,
    /// Bytes moved.
    pub bytes: u64,
    /// Why it failed.
    pub error: Option<String>,
}

impl Execution {
    /// Tells whether it has ended, one way or the other.
    pub fn has_ended(&self) -> bool {
        matches!(self.status.as_str(), "SUCCESS" | "ERROR")
    }
}

impl Reader {
    /// The ARN of a bucket in the caller's partition.
    pub fn bucket_arn(&self, bucket: &str) -> String {
        format!("arn:{}:s3:::{bucket}", self.partition())
    }

    /// The ARN of something that the account has in this Region.
    pub fn regional_arn(&self, service: &str, resource: &str) -> String {
        let identity = self.identity();
        let partition = self.partition();
        format!("arn:{partition}:{service}:{}:{}:{resource}", identity.region, identity.account)
    }

    /// `aws`, `aws-cn`, ….
    fn partition(&self) -> &str {
        self.identity().arn.split(':').nth(1).filter(|part| !part.is_empty()).unwrap_or("aws")
    }

    /// Tells whether a task or location carries a tag.
    pub async fn has_transfer_tag(&self, arn: &str, key: &str) -> Result<bool, Error> {
        let request = self.clients.datasync.list_tags_for_resource().resource_arn(arn);
        let page = self.ask(DATASYNC, "ListTagsForResource", request.send()).await?;
        Ok(page.tags.unwrap_or_default().iter().any(|tag| tag.key == key))
    }

    /// Returns the ARN of a task of this name, if there is one.
    pub async fn transfer_task(&self, name: &str) -> Result<Option<String>, Error> {
        Ok(self.transfer_tasks(name).await?.into_iter().next())
    }

    /// Returns the ARNs of all tasks of this name: DataSync does not mind two of one name, and a lost reply may have left one.
    pub async fn transfer_tasks(&self, name: &str) -> Result<Vec<String>, Error> {
        let (mut found, mut token) = (Vec::new(), None);
        loop {
            let request =
                self.clients.datasync.list_tasks().max_results(PAGE).set_next_token(token);
            let page = self.ask(DATASYNC, "ListTasks", request.send()).await?;
            let tasks = page.tasks.unwrap_or_default().into_iter();
            let named = tasks.filter(|task| task.name.as_deref() == Some(name));
            found.extend(named.filter_map(|task| task.task_arn));
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// Returns a task's status: `CREATING`, `AVAILABLE`, `RUNNING`, `QUEUED` or `UNAVAILABLE`, and why it is the last.
    pub async fn transfer_task_status(
        &self,
        task: &str,
    ) -> Result<(String, Option<String>), Error> {
        let request = self.clients.datasync.describe_task().task_arn(task);
        let task = self.ask(DATASYNC, "DescribeTask", request.send()).await?;
        let status = task.status.map(|status| status.to_string()).unwrap_or_default();
        Ok((status, task.error_detail.or(task.error_code)))
    }

    /// Returns the ARNs of the locations that a task reads and writes.
    pub async fn transfer_locations(&self, task: &str) -> Result<Vec<String>, Error> {
        let request = self.clients.datasync.describe_task().task_arn(task);
        let task = self.ask(DATASYNC, "DescribeTask", request.send()).await?;
        Ok(task.source_location_arn.into_iter().chain(task.destination_location_arn).collect())
    }

    /// Returns the ARNs of the locations with this URI.
    pub async fn locations_at(&self, uri: &str) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let request =
                self.clients.datasync.list_locations().max_results(PAGE).set_next_token(token);
            let page = self.ask(DATASYNC, "ListLocations", request.send()).await?;
            let all = page.locations.unwrap_or_default().into_iter();
            found.extend(
                all.filter(|one| one.location_uri.as_deref() == Some(uri))
                    .filter_map(|one| one.location_arn),
            );
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// Returns the ARNs of the locations with this URI that carry a tag of this key.
    pub async fn tagged_locations_at(&self, uri: &str, key: &str) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        for location in self.locations_at(uri).await? {
            if self.has_transfer_tag(&location, key).await? {
                found.push(location);
            }
        }
        Ok(found)
    }

    /// Returns how an execution stands.
    pub async fn transfer(&self, execution: &str) -> Result<Execution, Error> {
        let request = self.clients.datasync.describe_task_execution().task_execution_arn(execution);
        let told = self
            .ask_patiently(DATASYNC, "DescribeTaskExecution", || request.clone().send())
            .await?;
        let count = |number: i64| number.unsigned_abs();
        Ok(Execution {
            status: told.status.map(|status| status.to_string()).unwrap_or_default(),
            expected_files: count(told.estimated_files_to_transfer),
            expected_bytes: count(told.estimated_bytes_to_transfer),
            files: count(told.files_transferred),
            bytes: count(told.bytes_transferred),
            error: told.result.and_then(|result| result.error_detail.or(result.error_code)),
        })
    }
}

impl Account {
    /// Makes a location of a file system, from its root.
    pub async fn create_efs_location(
        &self,
        location: &EfsLocation,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, Error> {
        let network = Ec2Config::builder()
            .subnet_arn(&location.subnet)
            .set_security_group_arns(Some(location.security_groups.clone()))
            .build()
            .map_err(|error| unbuilt("CreateLocationEfs", &error))?;
        let request = self
            .clients
            .datasync
            .create_location_efs()
            .efs_filesystem_arn(&location.file_system)
            .subdirectory("/")
            .ec2_config(network)
            .in_transit_encryption(EfsInTransitEncryption::Tls12)
            .set_tags(Some(sdk_tags(tags)?));
        let target = format!("location of {}", location.file_system);
        let made = self.change(DATASYNC, "CreateLocationEfs", target, request.send()).await?;
        Ok(made.location_arn.unwrap_or_default())
    }

    /// Makes a location of a prefix in a bucket.
    pub async fn create_s3_location(
        &self,
        location: &S3Location,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, Error> {
        let role = S3Config::builder()
            .bucket_access_role_arn(&location.role)
            .build()
            .map_err(|error| unbuilt("CreateLocationS3", &error))?;
        let request = self
            .clients
            .datasync
            .create_location_s3()
            .s3_bucket_arn(self.bucket_arn(&location.bucket))
            .subdirectory(format!("{}/", location.prefix))
            .s3_config(role)
            .set_tags(Some(sdk_tags(tags)?));
        let target = format!("location of s3://{}/{}/", location.bucket, location.prefix);
        let made = self.change(DATASYNC, "CreateLocationS3", target, request.send()).await?;
        Ok(made.location_arn.unwrap_or_default())
    }

    /// Makes a task that copies everything that POSIX knows of files, and takes away what is no longer at its source.
    pub async fn create_transfer_task(
        &self,
        name: &str,
        (source, destination): (&str, &str),
        is_enhanced: bool,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, Error> {
        let options = Options::builder()
            .verify_mode(VerifyMode::OnlyFilesTransferred)
            .overwrite_mode(OverwriteMode::Always)
            .atime(Atime::BestEffort)
            .mtime(Mtime::Preserve)
            .uid(Uid::IntValue)
            .gid(Gid::IntValue)
            .posix_permissions(PosixPermissions::Preserve)
            .preserve_deleted_files(PreserveDeletedFiles::Remove)
            .preserve_devices(PreserveDevices::None)
            .transfer_mode(TransferMode::Changed)
            .task_queueing(TaskQueueing::Enabled)
            .build();
        let request = self
            .clients
            .datasync
            .create_task()
            .name(name)
            .source_location_arn(source)
            .destination_location_arn(destination)
            .options(options)
            .task_mode(if is_enhanced { TaskMode::Enhanced } else { TaskMode::Basic })
            .set_tags(Some(sdk_tags(tags)?));
        let target = format!("task {name}");
        let made = self.change(DATASYNC, "CreateTask", target, request.send()).await?;
        Ok(made.task_arn.unwrap_or_default())
    }

    /// Starts an execution for these folders of the source, with a report of every file at a place in the bucket.
    pub async fn start_transfer(
        &self,
        task: &str,
        folders: &[String],
        bytes_per_second: Option<i64>,
        report: &S3Location,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, Error> {
        const OPERATION: &str = "StartTaskExecution";
        let includes = FilterRule::builder()
            .filter_type(FilterType::SimplePattern)
            .value(folders.join("|"))
            .build();
        let place = ReportDestinationS3::builder()
            .subdirectory(format!("{}/", report.prefix))
            .s3_bucket_arn(self.bucket_arn(&report.bucket))
            .bucket_access_role_arn(&report.role)
            .build()
            .map_err(|error| unbuilt(OPERATION, &error))?;
        let report = TaskReportConfig::builder()
            .destination(ReportDestination::builder().s3(place).build())
            .output_type(ReportOutputType::Standard)
            .report_level(ReportLevel::SuccessesAndErrors)
            .build();
        let throttle =
            bytes_per_second.map(|bytes| Options::builder().bytes_per_second(bytes).build());
        let request = self
            .clients
            .datasync
            .start_task_execution()
            .task_arn(task)
            .includes(includes)
            .set_override_options(throttle)
            .task_report_config(report)
            .set_tags(Some(sdk_tags(tags)?));
        let target = format!("execution of {task} for {}", folders.join(", "));
        let made = self.change(DATASYNC, OPERATION, target, request.send()).await?;
        Ok(made.task_execution_arn.unwrap_or_default())
    }

    /// Deletes a task; its executions are forgotten with it.
    pub async fn delete_transfer_task(&self, task: &str) -> Result<(), Error> {
        let request = self.clients.datasync.delete_task().task_arn(task);
        self.change(DATASYNC, "DeleteTask", task.to_owned(), request.send()).await.map(drop)
    }

    /// Deletes a location.
    pub async fn delete_location(&self, location: &str) -> Result<(), Error> {
        let request = self.clients.datasync.delete_location().location_arn(location);
        self.change(DATASYNC, "DeleteLocation", location.to_owned(), request.send()).await.map(drop)
    }
}

/// The error of a request that lacks something; what is given here never does.
fn unbuilt(operation: &'static str, error: &dyn std::error::Error) -> Error {
    Error::unmade(ErrorKind::Invalid, DATASYNC, operation, error.to_string())
}

fn sdk_tags(tags: &BTreeMap<String, String>) -> Result<Vec<TagListEntry>, Error> {
    tags.iter()
        .map(|(key, value)| {
            TagListEntry::builder()
                .key(key)
                .value(value)
                .build()
                .map_err(|error| unbuilt("TagResource", &error))
        })
        .collect()
}
