//! Executions of DataSync, one for as many people as wait for one.
//!
//! A task has one execution at a time, and each takes minutes to begin with. So whoever of a batch comes to be staged joins
//! those who wait, and the first of them starts one execution for all. Its ARN is in the journal of each before anybody waits
//! for it: a run that goes on after a crash finds it there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::context::Context;
use super::failure::Failure;
use super::steps::datasync;
use crate::names::DomainId;

/// How long the first of those who wait gives the others to join, at most: so many looks, and so many seconds.
const LOOKS: u32 = 10;
const MOMENT: Duration = Duration::from_secs(30);

/// Who waits for an execution, by domain.
#[derive(Clone, Default)]
pub struct Transfers {
    domains: Arc<Mutex<BTreeMap<DomainId, Arc<OfDomain>>>>,
}

#[derive(Default)]
struct OfDomain {
    waiting: Mutex<Vec<Context>>,
    starting: tokio::sync::Mutex<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Transfers {
    /// Returns the ARN of an execution that takes this person's home along.
    pub(super) async fn join(&self, cx: &Context) -> Result<String, Failure> {
        let domain = lock(&self.domains).entry(cx.migration.domain.clone()).or_default().clone();
        lock(&domain.waiting).push(cx.clone());
        let _starting = domain.starting.lock().await;
        // Whoever was first may have taken this one along.
        if let Some(execution) = datasync::noted(cx)? {
            return Ok(execution);
        }
        tokio::time::sleep(MOMENT.min(cx.poll() * LOOKS)).await;
        // A task takes its time to be made; whoever comes meanwhile is taken along.
        let task = datasync::ready_task(cx).await?;
        let mut along: Vec<Context> = std::mem::take(&mut *lock(&domain.waiting));
        if !along.iter().any(|one| one.id() == cx.id()) {
            along.push(cx.clone());
        }
        along.retain(|one| one.id() == cx.id() || matches!(datasync::noted(one), Ok(None)));
        along.dedup_by(|one, other| one.id() == other.id());
        let execution = datasync::start(cx, &task, &along).await?;
        for one in &along {
            datasync::note(one, &execution)?;
        }
        Ok(execution)
    }
}

impl std::fmt::Debug for Transfers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transfers")
    }
}
