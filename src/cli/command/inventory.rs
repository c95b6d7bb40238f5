//! `inventory`: phase 1, a snapshot into the journal. It changes nothing in the account.

use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Format;
use crate::cli::{Context, Exit, Failure};
use crate::inventory::{Request, Snapshot, collect};
use crate::names::DomainId;

/// Calls a second to each service while a snapshot is taken.
const PACE: f64 = 15.0;

/// Arguments of `inventory`.
#[derive(Args, Clone, Debug)]
pub struct Inventory {
    /// Look at this domain only; may be given several times
    #[arg(long = "domain", value_name = "ID", conflicts_with = "all_domains")]
    domains: Vec<DomainId>,
    /// Look at every domain, which is the default
    #[arg(long)]
    all_domains: bool,
    /// Measure homes under this mounted EFS root, or take them from what `mover scan --per-home --format json` wrote elsewhere
    #[arg(long, value_name = "EFS_ROOT|FILE")]
    mount: Option<PathBuf>,
    /// Also write the snapshot to this file, as JSON
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How the summary is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Inventory {
    /// Takes the snapshot and keeps it.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        if let Some(mount) = &self.mount
            && !mount.exists()
        {
            return Err(Failure::usage(format!("{} is not there", mount.display())).hinted(
                "--mount takes the root of the domain's EFS, mounted on this machine, or a scan of it",
            ));
        }
        let reader = context.reader(PACE).await?;
        let journal = context.journal_of(&reader)?;
        let ui = context.ui;
        let request = Request {
            domains: self.domains.clone(),
            mount: self.mount.as_deref(),
            tell: &|line| ui.status(format_args!("  {line}")),
        };
        let mut snapshot = collect(&reader, &request).await;
        if let Some(missing) =
            self.domains.iter().find(|id| !snapshot.domains.iter().any(|seen| seen.id == **id))
        {
            let why = snapshot.unseen.iter().find(|unseen| unseen.subject == missing.as_str());
            let why = why.map(|unseen| format!(": {}", unseen.why)).unwrap_or_default();
            return Err(Failure::usage(format!("domain {missing} could not be seen{why}"))
                .hinted("`aws sagemaker list-domains` lists what there is; no snapshot was kept"));
        }
        let id = journal
            .keep_snapshot(&snapshot)
            .map_err(|error| Failure::journal("keep the snapshot", error))?;
        snapshot.id = Some(id);
        if let Some(out) = &self.out {
            let text = serde_json::to_string_pretty(&snapshot)
                .map_err(|error| Failure::of(Exit::Unexpected, "write the snapshot", error))?;
            super::write_file(out, &text)?;
        }
        self.show(context, &snapshot);
        Ok(Exit::Done)
    }

    fn show(&self, context: &Context, snapshot: &Snapshot) {
        let id = snapshot.id.as_ref().map(ToString::to_string).unwrap_or_default();
        let profiles: usize = snapshot.domains.iter().map(|domain| domain.profiles.len()).sum();
        let homes = || {
            let profiles = snapshot.domains.iter().flat_map(|domain| &domain.profiles);
            profiles.filter_map(|profile| profile.home.as_ref())
        };
        let bytes: u64 = homes().map(|home| home.bytes).sum();
        if self.format == Format::Json {
            context.ui.data(serde_json::json!({
                "schema": 1,
                "snapshot": id,
                "taken_at": snapshot.taken_at,
                "domains": snapshot.domains.len(),
                "profiles": profiles,
                "homes_measured": homes().count(),
                "home_bytes": bytes,
                "shared_notebook_locations": snapshot.shared_notebooks.len(),
                "unseen": snapshot.unseen,
            }));
        } else {
            context.ui.data(format_args!(
                "Snapshot {id}: {}, {}, {} measured ({}), {}",
                super::count(snapshot.domains.len(), "domain"),
                super::count(profiles, "profile"),
                super::count(homes().count(), "home"),
                super::bytes(bytes),
                super::count(snapshot.shared_notebooks.len(), "shared-notebook location"),
            ));
        }
        for unseen in &snapshot.unseen {
            context.ui.warning(format_args!(
                "not seen: {} of {}: {}",
                unseen.what, unseen.subject, unseen.why
            ));
        }
    }
}
