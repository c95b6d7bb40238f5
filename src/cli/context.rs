//! What every command is given: the global options, the way to the account, the journal, and a voice.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::environment;
use super::progress::Progress;
use super::steering::Steered;
use super::{Exit, Failure, Ui};
use crate::aws::{self, Access, Account, Identity, Reader};
use crate::execute::Control;
use crate::journal::{self, CallLedger, Journal, Lease, NewOperation, OperationId};
use crate::names::PlanId;
use crate::plan::Plan;

/// Options that every command takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    /// Use this profile of the AWS configuration
    #[arg(long, global = true, env = "AWS_PROFILE", value_name = "NAME")]
    pub profile: Option<String>,
    /// Work in this Region
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Send every AWS call to this endpoint instead of AWS
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Assume this role before anything else
    #[arg(long, global = true, value_name = "ARN")]
    pub assume_role: Option<String>,
    /// Keep the journal here
    #[arg(
        long,
        global = true,
        env = "STUDIO_MIGRATE_STATE",
        default_value = "state/journal.db",
        value_name = "FILE"
    )]
    pub state: PathBuf,
    /// Append every AWS exchange to this file, a JSON line each
    #[arg(long, global = true, value_name = "FILE")]
    pub wire_log: Option<PathBuf>,
    /// Say only what is wrong
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more; twice for debugging
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// How diagnostics, and how it goes, are written to stderr
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// Credentials of a simulated account that this process serves itself.
    #[arg(skip)]
    pub simulated: Option<(String, String)>,
}

/// How diagnostics are written to stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// A JSON object a line
    Json,
}

/// How a command writes its data to stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// Stable and versioned
    Json,
}

/// What every command is given.
#[derive(Clone, Debug)]
pub struct Context {
    /// The options that every command takes.
    pub global: Global,
    /// The voice.
    pub ui: Ui,
    /// The command line as typed.
    pub typed: String,
}

/// A command that may change something: who does it, under which number, with the lease held.
pub struct Operation {
    /// The account, every change going to the journal first.
    pub account: Account,
    /// The journal.
    pub journal: Journal,
    /// The number of the operation.
    pub id: OperationId,
    /// The lease, held until the operation is dropped.
    pub lease: Lease,
    has_ended: bool,
}

impl Context {
    /// Reaches the account, at most so many calls a second to each operation.
    pub async fn reader(&self, calls_per_second: f64) -> Result<Reader, Failure> {
        self.connect(calls_per_second, 0, None).await
    }

    /// Reaches the account to ask it about everything. What is not answered is named and passed over, so it is not asked for
    /// minutes.
    pub async fn onlooker(&self, calls_per_second: f64) -> Result<Reader, Failure> {
        /// Some five seconds, backing off.
        const ATTEMPTS: u32 = 4;
        self.connect(calls_per_second, ATTEMPTS, None).await
    }

    /// Reaches the account as a caller who is known already.
    pub async fn reader_as(&self, identity: Identity) -> Result<Reader, Failure> {
        self.connect(0.0, 0, Some(identity)).await
    }

    async fn connect(
        &self,
        calls_per_second: f64,
        attempts: u32,
        identity: Option<Identity>,
    ) -> Result<Reader, Failure> {
        if let Some(name) = environment::empty_endpoint() {
            return Err(Failure::usage(format!("{name} is set, and empty"))
                .hinted("unset it, or let it hold the URL of an endpoint"));
        }
        if self.global.endpoint_url.as_deref().is_some_and(str::is_empty) {
            return Err(Failure::usage("--endpoint-url is empty"));
        }
        let access = Access {
            identity,
            profile: self.global.profile.clone(),
            region: self.global.region.clone(),
            endpoint_url: self.global.endpoint_url.clone(),
            assume_role: self.global.assume_role.clone(),
            wire_log: self.global.wire_log.clone(),
            http_client: None,
            static_credentials: self.global.simulated.clone(),
            attempts,
            calls_per_second,
            is_steady: false,
        };
        aws::connect(&access).await.map_err(|error| Failure::aws("reach the account", error))
    }

    /// Opens the journal.
    pub fn journal(&self) -> Result<Journal, Failure> {
        let journal = Journal::open(&self.global.state)
            .map_err(|error| Failure::journal("open the journal", error))?;
        Ok(journal.crashing_at(environment::crash_point()))
    }

    /// Opens the journal, which must be there already.
    pub fn existing_journal(&self) -> Result<Journal, Failure> {
        if !self.global.state.exists() {
            return Err(Failure::usage(format!(
                "there is no journal at {}",
                self.global.state.display()
            ))
            .hinted("begin with `studio-migrate inventory`, or name another file with --state"));
        }
        self.journal()
    }

    /// Opens the journal for the caller's account and says which that is. A journal belongs to the accounts and Regions that it
    /// was begun with.
    pub fn journal_of(&self, reader: &Reader) -> Result<Journal, Failure> {
        let (journal, owner) = self.journal_for(reader)?;
        journal.belong_to(&owner).map_err(|error| Failure::journal("use this journal", error))?;
        Ok(journal)
    }

    /// Opens the journal for one of several targets that a playbook names: it comes to belong to each of them.
    pub fn journal_with(&self, reader: &Reader) -> Result<Journal, Failure> {
        let (journal, owner) = self.journal_for(reader)?;
        journal
            .belong_also_to(&owner)
            .map_err(|error| Failure::journal("use this journal", error))?;
        Ok(journal)
    }

    fn journal_for(&self, reader: &Reader) -> Result<(Journal, String), Failure> {
        let identity = reader.identity();
        let owner = format!("{} {}", identity.account, identity.region);
        let kind = if identity.account.is_simulated() { " (simulated)" } else { "" };
        self.ui.status(format_args!(
            "Account {}{kind}, Region {}, as {}",
            identity.account, identity.region, identity.arn
        ));
        Ok((self.journal()?, owner))
    }

    /// Begins an operation that changes something: lease taken, written down, ready to go.
    pub async fn begin(&self, calls_per_second: f64) -> Result<Operation, Failure> {
        let reader = self.reader(calls_per_second).await?;
        let journal = self.journal_of(&reader)?;
        let caller = reader.identity().arn.clone();
        let os_user = environment::user();
        let lease = journal
            .take_lease(&format!("{caller} ({os_user})"))
            .map_err(|error| Failure::journal("begin", error))?;
        let begun = NewOperation { command: &self.typed, caller: &caller, os_user: &os_user };
        let id = journal.begin(&begun).map_err(|error| Failure::journal("begin", error))?;
        let account = reader.with_ledger(Arc::new(CallLedger::new(journal.clone(), id)));
        Ok(Operation { account, journal, id, lease, has_ended: false })
    }
}

impl Operation {
    /// Returns the operation as one that can be steered from another shell.
    pub fn steered(&self, control: &Control, progress: &Progress) -> Steered {
        Steered {
            journal: self.journal.clone(),
            operation: self.id,
            control: control.clone(),
            progress: progress.clone(),
        }
    }

    /// Writes down how the operation ended, and passes the exit code on.
    pub fn end(mut self, exit: Exit) -> Result<Exit, Failure> {
        self.has_ended = true;
        self.journal
            .end(self.id, exit as u8)
            .map_err(|error| Failure::journal("write down the end", error))?;
        Ok(exit)
    }
}

impl Drop for Operation {
    /// An operation that is left early failed; one without any end was killed.
    fn drop(&mut self) {
        if !self.has_ended {
            // The failure that led here is what the person gets to read.
            let _ = self.journal.end(self.id, Exit::Unexpected as u8);
        }
    }
}

/// Returns the plan that a command without a plan's id means: the last approved one.
pub fn approved_plan(journal: &Journal) -> Result<Plan, Failure> {
    let approved =
        journal.latest_approved_plan().map_err(|error| Failure::journal("read the plan", error))?;
    match approved {
        Some(plan) => Ok(plan),
        None => match journal.latest_plan() {
            Ok(Some(plan)) => {
                let callers = plan.playbook.approvals.callers;
                let wants = if callers > 1 {
                    format!("; its playbook wants {callers} different callers to approve")
                } else {
                    String::new()
                };
                Err(Failure::new(
                    Exit::ApprovalNeeded,
                    format!("plan {} is not approved{wants}", plan.id),
                )
                .hinted(format!("approve it with `studio-migrate plan approve {}`", plan.id)))
            }
            Ok(None) => Err(Failure::usage("there is no plan yet")
                .hinted("draw one up with `studio-migrate plan`")),
            Err(error) => Err(Failure::journal("read the plan", error)),
        },
    }
}

impl Context {
    /// The same, and says which plan that is where a newer one waits for its approval.
    ///
    /// # Errors
    /// There is none; or the journal cannot be read.
    pub fn plan_in_force(&self, journal: &Journal) -> Result<Plan, Failure> {
        let plan = approved_plan(journal)?;
        self.name_newer(journal, &plan.id)?;
        Ok(plan)
    }

    /// Says which plan a command goes by where a newer one waits for its approval.
    pub(super) fn name_newer(&self, journal: &Journal, plan: &PlanId) -> Result<(), Failure> {
        let latest = journal
            .latest_plan_id()
            .map_err(|error| Failure::journal("read which plan is the last", error))?;
        if let Some(newer) = latest.filter(|latest| latest != plan) {
            self.ui.warning(format_args!(
                "this goes by plan {plan}; plan {newer} was drawn up last and is not approved: `studio-migrate plan approve {newer}`"
            ));
        }
        Ok(())
    }
}

impl Failure {
    /// Makes a failure of an AWS call, with the exit code that its kind asks for.
    pub fn aws(what: &str, error: aws::Error) -> Self {
        match error.kind {
            aws::ErrorKind::Credentials => Self::of(Exit::Credentials, what, error).hinted(
                "give credentials that the AWS CLI would use too: `aws sts get-caller-identity` must answer",
            ),
            aws::ErrorKind::Denied => Self::of(Exit::Credentials, what, error)
                .hinted("`studio-migrate iam operator` prints the policy that allows it"),
            aws::ErrorKind::Unavailable => Self::of(Exit::Unexpected, what, error)
                .hinted("check the network, the Region and --endpoint-url, then run the same command again"),
            // A request that was not even made was asked for in the wrong way.
            aws::ErrorKind::Invalid if error.code.is_none() => Self::of(Exit::Usage, what, error),
            _ => Self::of(Exit::Unexpected, what, error),
        }
    }

    /// Makes a failure of the journal, with the exit code that its kind asks for.
    pub fn journal(what: &str, error: journal::Error) -> Self {
        match error {
            journal::Error::LeaseHeld(_) | journal::Error::LeaseLost(_) => {
                Self::of(Exit::LeaseHeld, what, error).hinted(
                    "wait until they are done; a lease without a heartbeat expires by itself after 90 seconds",
                )
            }
            journal::Error::OtherAccount { .. } => Self::of(Exit::Usage, what, error)
                .hinted("use the right credentials, or another journal with --state"),
            journal::Error::Full(_) => Self::of(Exit::Unexpected, what, error)
                .hinted("make room there and run it again: nothing that is in the journal is lost"),
            journal::Error::NetworkFileSystem(_) => Self::of(Exit::Usage, what, error)
                .hinted("name a file on a local disk with --state"),
            journal::Error::Open { .. } | journal::Error::Missing(_) => {
                Self::of(Exit::Usage, what, error)
            }
            _ => Self::of(Exit::Unexpected, what, error),
        }
    }
}
