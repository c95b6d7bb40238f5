//! A client of a simulated account, for what someone beside the tool does there.

use std::sync::Arc;

use studio_migrate::aws::{self, Access, Account, Call, Ledger, Outcome};
use tokio::runtime::Runtime;

use super::account::Served;

/// The execution role that everyone in the test worlds shares.
pub const EXECUTION_ROLE: &str =
    "arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole";

/// Someone who calls AWS without any journal.
pub struct Client {
    /// The account as they see it.
    pub account: Account,
    runtime: Runtime,
}

/// Keeps nothing: what others do is not the tool's doing.
#[derive(Debug)]
struct Unwritten;

impl Ledger for Unwritten {
    fn intend(&self, _call: &Call) -> Result<u64, String> {
        Ok(0)
    }

    fn outcome(&self, _id: u64, _outcome: &Outcome) {}
}

impl Client {
    /// The account's administrator.
    pub fn administrator(served: &Served) -> Self {
        Self::with(served, None)
    }

    /// A person with the execution role's credentials, as every app of theirs has them.
    pub fn person(served: &Served) -> Self {
        Self::with(served, Some(EXECUTION_ROLE.to_owned()))
    }

    fn with(served: &Served, assume_role: Option<String>) -> Self {
        let said = |name: &str| served.said[name].as_str().unwrap().to_owned();
        let access = Access {
            region: Some(said("region")),
            endpoint_url: Some(said("endpoint")),
            static_credentials: Some((said("access_key_id"), said("secret_access_key"))),
            assume_role,
            calls_per_second: 100.0,
            ..Access::default()
        };
        let runtime = Runtime::new().unwrap();
        let reader = runtime.block_on(aws::connect(&access)).unwrap();
        Self { account: reader.with_ledger(Arc::new(Unwritten)), runtime }
    }

    /// Waits for the answer to a call.
    pub fn wait<T>(&self, call: impl Future<Output = T>) -> T {
        self.runtime.block_on(call)
    }
}
