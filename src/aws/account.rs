//! Who is asked and who may change: a reader that has no changing verb, and an account that has.

use std::ops::Deref;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::error::{Error, ErrorKind};
use super::pace::Pace;
use crate::names::{AccountId, Region};

/// Every client, built once.
#[derive(Clone, Debug)]
pub(super) struct Clients {
    pub(super) cloudtrail: aws_sdk_cloudtrail::Client,
    pub(super) datasync: aws_sdk_datasync::Client,
    pub(super) efs: aws_sdk_efs::Client,
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) quotas: aws_sdk_servicequotas::Client,
    pub(super) s3: aws_sdk_s3::Client,
    pub(super) sagemaker: aws_sdk_sagemaker::Client,
    pub(super) sts: aws_sdk_sts::Client,
}

/// Who the caller is and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// The caller's ARN.
    pub arn: String,
    /// The Region.
    pub region: Region,
}

/// An account that can only be asked.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(super) clients: Clients,
    pub(super) pace: Pace,
    identity: Identity,
}

impl Reader {
    /// Asks who the caller is.
    pub(super) async fn identified(
        clients: Clients,
        pace: Pace,
        config: &SdkConfig,
    ) -> Result<Self, Error> {
        const OPERATION: &str = "GetCallerIdentity";
        let Some(region) = config.region() else {
            let why = "no Region is set: give --region, or set AWS_REGION";
            return Err(Error::unmade(ErrorKind::Invalid, "sts", OPERATION, why));
        };
        let answer = clients
            .sts
            .get_caller_identity()
            .send()
            .await
            .map_err(|error| Error::of("sts", OPERATION, &error))?;
        let identity = Identity {
            account: AccountId::new(answer.account.unwrap_or_default()),
            arn: answer.arn.unwrap_or_default(),
            region: Region::new(region.as_ref()),
        };
        Ok(Self { clients, pace, identity })
    }

    /// Takes the caller's identity as given.
    pub(super) fn known(clients: Clients, pace: Pace, identity: Identity) -> Self {
        Self { clients, pace, identity }
    }

    /// Asks anew which account the credentials are for.
    pub async fn caller(&self) -> Result<AccountId, Error> {
        let asked = self.clients.sts.get_caller_identity().send();
        let answer = self.ask("sts", "GetCallerIdentity", asked).await?;
        Ok(AccountId::new(answer.account.unwrap_or_default()))
    }

    /// Who the caller is and where.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Makes the account changeable, every change being written to the ledger first.
    pub fn with_ledger(self, ledger: Arc<dyn Ledger>) -> Account {
        Account { reader: self, ledger }
    }

    /// Makes one call that changes nothing, and makes it again while it is throttled: the pace has learned of it meanwhile.
    ///
    /// For what is asked thousands of times: an answer that is missing for want of patience would be missing in the report.
    pub(super) async fn ask_patiently<T, E, F>(
        &self,
        service: &'static str,
        operation: &'static str,
        call: impl Fn() -> F,
    ) -> Result<T, Error>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        const TIMES: usize = 10;
        for _ in 1..TIMES {
            match self.ask(service, operation, call()).await {
                Err(error) if error.kind == ErrorKind::Throttled => {}
                answer => return answer,
            }
        }
        self.ask(service, operation, call()).await
    }

    /// Makes one call that changes nothing, at the operation's pace.
    pub(super) async fn ask<T, E>(
        &self,
        service: &'static str,
        operation: &'static str,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Error>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.pace.turn(operation).await;
        let answer = call.await.map_err(|error| Error::of(service, operation, &error))?;
        self.pace.answered(operation);
        Ok(answer)
    }
}

/// An account that can be changed. Every change is in the ledger before it is made.
#[derive(Clone, Debug)]
pub struct Account {
    reader: Reader,
    ledger: Arc<dyn Ledger>,
}

impl Deref for Account {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl Account {
    /// Makes one call that changes something: its intent is written down first, its outcome after.
    pub(super) async fn change<T, E>(
        &self,
        service: &'static str,
        operation: &'static str,
        target: String,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Error>
    where
        T: RequestId,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let intent = Call { service: service.to_owned(), operation: operation.to_owned(), target };
        let id = self
            .ledger
            .intend(&intent)
            .map_err(|why| Error::unmade(ErrorKind::Ledger, service, operation, why))?;
        let answer = self.ask(service, operation, call).await;
        self.ledger.outcome(
            id,
            &match &answer {
                Ok(done) => Outcome {
                    ok: true,
                    code: None,
                    message: None,
                    request_id: done.request_id().map(str::to_owned),
                },
                Err(error) => Outcome {
                    ok: false,
                    code: error.code.clone(),
                    message: error.message.clone().or_else(|| Some(error.to_string())),
                    request_id: error.request_id.as_deref().map(str::to_owned),
                },
            },
        );
        answer
    }
}

/// Where changes are written down.
pub trait Ledger: Send + Sync + std::fmt::Debug {
    /// Writes down that a call is about to be made, and returns a number for its outcome. An error stops the call.
    fn intend(&self, call: &Call) -> Result<u64, String>;

    /// Writes down how the call ended.
    fn outcome(&self, id: u64, outcome: &Outcome);
}

/// A call that changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The service, as IAM writes it.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// What it changes, in words that find it again.
    pub target: String,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether AWS did it.
    pub ok: bool,
    /// AWS's error code.
    pub code: Option<String>,
    /// AWS's words, or ours when AWS did not answer.
    pub message: Option<String>,
    /// AWS's request id.
    pub request_id: Option<String>,
}
