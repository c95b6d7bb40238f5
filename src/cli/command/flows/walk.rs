//! One home after the other: every flow in it is found, read, and copied if its copy is not there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::OfOwner;
use super::copying::{Fate, copy};
use super::owners::Owner;
use crate::aws::{Account, Reader};
use crate::cli::{Exit, Failure, Ui};
use crate::execute::{Inventories, mounted};
use crate::mover::{self, Entry, Kind, escape, read_small};
use crate::report::Flow;

/// What the name of a flow ends in.
pub(super) const ENDING: &[u8] = b".flow";

/// The largest flow that is read, in bytes: they are recipes, and have some hundred kilobytes at most.
const LARGEST: u64 = 64 << 20;

/// The longest key that S3 takes, in bytes.
const LONGEST_KEY: usize = 1024;

/// How homes are walked.
pub(super) struct Walk<'a> {
    pub(super) reader: &'a Reader,
    /// What copies; `None` where nothing is written.
    pub(super) account: Option<&'a Account>,
    pub(super) ui: Ui,
    pub(super) mount: &'a Path,
    /// What inventories know of the homes.
    pub(super) inventories: &'a Inventories,
    /// The bucket and the prefix of the copies.
    pub(super) to: (&'a str, &'a str),
}

/// What was found, and what became of it.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) flows: Vec<Flow>,
    pub(super) not_copied: Vec<Flow>,
    /// Homes that could not be looked at: whose, and why.
    pub(super) not_looked_at: Vec<(String, String)>,
    /// Homes that were looked at.
    pub(super) looked_at: BTreeSet<String>,
}

impl Found {
    /// Tells whether anything is not at the destination.
    pub(super) fn has_gaps(&self) -> bool {
        !self.not_copied.is_empty() || !self.not_looked_at.is_empty()
    }
}

impl Walk<'_> {
    /// Copies the flows of one owner, and says what became of them.
    ///
    /// # Errors
    /// What ends the whole command: credentials, and a journal that does not take what is about to be done.
    pub(super) async fn owner(&self, owner: &Owner, found: &mut Found) -> Result<OfOwner, Failure> {
        let mut of = OfOwner { to: owner.folder(), ..OfOwner::default() };
        let (home, entries) = match self.look(owner).await {
            Ok(seen) => seen,
            Err(why) => {
                self.ui.warning(format_args!("{}: flows were not looked for: {why}", owner.id));
                found.not_looked_at.push((owner.id.to_string(), why));
                return Ok(of);
            }
        };
        found.looked_at.insert(owner.id.to_string());
        for entry in entries {
            let (flow, fate) = self.flow(owner, &home, &entry).await?;
            match fate {
                Fate::Copied => {
                    of.now += 1;
                    found.flows.push(flow);
                }
                Fate::There => {
                    of.there += 1;
                    found.flows.push(flow);
                }
                Fate::Left(why) => {
                    self.ui
                        .warning(format_args!("{}: {} is not copied: {why}", owner.id, flow.path));
                    of.left.push((flow.path.clone(), why.clone()));
                    found.not_copied.push(Flow { reason: Some(why), ..flow });
                }
            }
        }
        if of.has_any() {
            let verb = if self.account.is_some() { "copied" } else { "would be copied" };
            self.ui.data(format_args!(
                "{}: {} {verb}, {} there already, {} not copied",
                owner.id,
                of.now,
                of.there,
                of.left.len()
            ));
        }
        Ok(of)
    }

    /// Finds the flows of a home, in byte order of paths.
    async fn look(&self, owner: &Owner) -> Result<(PathBuf, Vec<Entry>), String> {
        let Some(file_system) = &owner.file_system else {
            return Err("its domain has no file system".to_owned());
        };
        let root = mounted(self.mount, file_system).map_err(|failure| failure.to_string())?;
        let home = root.folder(&owner.uid).map_err(|failure| failure.to_string())?;
        let walked = home.clone();
        let walk = move || {
            let mut flows = Vec::new();
            let mut keep = |entry: Entry| {
                if entry.path.ends_with(ENDING) && entry.kind != Kind::Directory {
                    flows.push(entry);
                }
                Ok(())
            };
            let seen = mover::scan_listing(&walked, &mut keep, &|_| (), &AtomicBool::new(false))?;
            Ok::<_, mover::Error>((flows, seen))
        };
        let walked = tokio::task::spawn_blocking(walk).await.map_err(|error| error.to_string())?;
        let (flows, seen) = walked.map_err(|error| crate::execute::chain(&error))?;
        // A wrong mount has homes of the same numbers, and their flows are other people's.
        let known = self.inventories.home(&owner.domain, &owner.uid);
        let odd = known.judge(&home, &seen).map_err(|failure| match &failure.hint {
            Some(hint) => format!("{failure}; {hint}"),
            None => failure.to_string(),
        })?;
        for odd in odd {
            self.ui.warning(format_args!("{}: {odd}", owner.id));
        }
        Ok((home, flows))
    }

    async fn flow(
        &self,
        owner: &Owner,
        home: &Path,
        entry: &Entry,
    ) -> Result<(Flow, Fate), Failure> {
        let (bucket, prefix) = self.to;
        let path = escape(&entry.path);
        let key = format!("{prefix}/{}/{path}", owner.folder());
        let mut flow = Flow {
            owner: owner.name.clone(),
            domain: owner.domain.to_string(),
            path,
            bytes: entry.size,
            to: format!("s3://{bucket}/{key}"),
            ..Flow::default()
        };
        if let Some(skip) = &entry.skip {
            return Ok((flow, Fate::Left(skip.why.clone())));
        }
        if key.len() > LONGEST_KEY {
            let why = format!("its key would have {} bytes, and S3 takes {LONGEST_KEY}", key.len());
            return Ok((flow, Fate::Left(why)));
        }
        let bytes = match read_small(home, &entry.path, LARGEST) {
            Ok(bytes) => bytes,
            Err(error) => return Ok((flow, Fate::Left(format!("it cannot be read: {error}")))),
        };
        flow.bytes = bytes.len() as u64;
        flow.blake3 = Some(blake3::hash(&bytes).to_hex().to_string());
        let fate = copy(self.reader, self.account, (bucket, &key), bytes.into()).await;
        let fate = fate.map_err(|error| match error.kind {
            crate::aws::ErrorKind::Ledger => Failure::of(Exit::Unexpected, "copy flows", error),
            _ => Failure::aws("copy flows", error),
        })?;
        Ok((flow, fate))
    }
}
