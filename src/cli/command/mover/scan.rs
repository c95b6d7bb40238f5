//! `mover scan`: what is in a home, or in all homes of a file system.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::bar::Bar;
use super::manifest::{Draft, outside};
use crate::cli::command::{bytes, json, table};
use crate::cli::context::Format;
use crate::cli::{Context, Exit, Failure};
use crate::journal::Journal;
use crate::mover::{self, Counts, Entry, Homes, Progress, Row};
use crate::names::{counted, to_the_second};

/// Arguments of `mover scan`.
#[derive(Args, Clone, Debug)]
pub(super) struct Scan {
    /// The directory
    dir: PathBuf,
    /// The directory is the root of a Studio file system: a row a home, which are the folders named by digits
    #[arg(long)]
    per_home: bool,
    /// The directory is the home of this HomeEfsFileSystemUid, seen from within a space or a Classic app: write its row, for
    /// `inventory --mount`
    #[arg(long, value_name = "UID", conflicts_with = "per_home", value_parser = uid)]
    as_home: Option<String>,
    /// Also write every entry to this file, as a manifest has them but for what is in the files
    #[arg(long, value_name = "FILE", conflicts_with_all = ["per_home", "as_home"])]
    manifest: Option<PathBuf>,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn uid(text: &str) -> Result<String, String> {
    let is_uid = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_uid.then(|| text.to_owned()).ok_or_else(|| {
        "a HomeEfsFileSystemUid has digits only: `aws sagemaker describe-user-profile` tells it"
            .to_owned()
    })
}

impl Scan {
    /// Scans, and says what there is.
    pub(super) fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let bar = Bar::new(context.ui);
        let tell = |progress: &Progress| bar.show(progress);
        let never = AtomicBool::new(false);
        let failed =
            |error| Failure::of(Exit::Usage, format!("scan {}", self.dir.display()), error);
        if self.per_home {
            let homes = mover::scan_homes(&self.dir, &tell, &never);
            bar.finish();
            return self.show_homes(context, homes.map_err(failed)?);
        }
        if let Some(home) = &self.as_home {
            let scan = mover::scan(&self.dir, &tell, &never);
            bar.finish();
            let row = Row { home: home.clone(), is_orphan: None, scan: scan.map_err(failed)? };
            let homes = Homes { schema: Homes::SCHEMA, homes: vec![row], ..Homes::default() };
            return self.show_homes(context, homes);
        }
        outside(self.manifest.as_deref(), &self.dir)?;
        let mut draft = self.manifest.as_deref().map(Draft::begin).transpose()?;
        let scan = match &mut draft {
            None => mover::scan(&self.dir, &tell, &never),
            Some(draft) => {
                let mut keep = |entry: Entry| draft.add(&entry);
                mover::scan_listing(&self.dir, &mut keep, &tell, &never)
            }
        };
        bar.finish();
        let scan = scan.map_err(failed)?;
        draft.map(Draft::end).transpose()?;
        match self.format {
            Format::Json => context.ui.data(json(&scan)?),
            Format::Table => show(context, &scan),
        }
        Ok(Exit::Done)
    }

    fn show_homes(&self, context: &Context, mut homes: Homes) -> Result<Exit, Failure> {
        let owned = owned(context);
        for row in &mut homes.homes {
            row.is_orphan = owned.as_ref().map(|owned| !owned.contains(&row.home));
        }
        if self.format == Format::Json {
            context.ui.data(json(&homes)?);
            return Ok(Exit::Done);
        }
        let mut rows =
            table(["home", "bytes", "files", "folders", "newest", "left out usually", "owner"]);
        for Row { home, is_orphan, scan } in &homes.homes {
            let candidates: u64 = scan.candidates.values().map(|(bytes, _)| bytes).sum();
            rows.add_row([
                home.clone(),
                bytes(scan.bytes),
                scan.files.to_string(),
                scan.directories.to_string(),
                scan.newest.as_deref().map(day).unwrap_or_default(),
                bytes(candidates),
                match is_orphan {
                    Some(true) => "ORPHAN: no profile or space has it".to_owned(),
                    Some(false) => "known".to_owned(),
                    None => "not checked".to_owned(),
                },
            ]);
        }
        context.ui.data(rows);
        let elsewhere = &homes.elsewhere;
        context.ui.data(format_args!(
            "{}; beside them {}, {}",
            counted(homes.homes.len() as u64, "home", "homes"),
            counted(elsewhere.files, "file", "files"),
            bytes(elsewhere.bytes)
        ));
        if owned.is_none() {
            context.ui.status(
                "Nothing is known of who owns which home: take an inventory first, and orphans are named.",
            );
        }
        Ok(Exit::Done)
    }
}

/// Homes that a profile or a space of the last snapshot has; none when there is no snapshot.
fn owned(context: &Context) -> Option<BTreeSet<String>> {
    let path = &context.global.state;
    let journal = path.is_file().then(|| Journal::open(path).ok()).flatten()?;
    let snapshot = journal.latest_snapshot().ok().flatten()?;
    let mut owned = BTreeSet::new();
    for domain in &snapshot.domains {
        let profiles = domain.profiles.iter().filter_map(|profile| profile.home_uid.as_ref());
        let spaces = domain.spaces.iter().filter_map(|space| space.home_uid.as_ref());
        owned.extend(profiles.chain(spaces).map(ToString::to_string));
    }
    Some(owned)
}

/// The date of an RFC 3339 time.
fn day(time: &str) -> String {
    time.split('T').next().unwrap_or(time).to_owned()
}

fn show(context: &Context, scan: &mover::Scan) {
    let mut rows = table(["", "bytes", "files"]);
    rows.add_row(["everything".to_owned(), bytes(scan.bytes), scan.files.to_string()]);
    rows.add_row(["as allocated".to_owned(), bytes(scan.allocated_bytes), String::new()]);
    let (holes, sparse) = scan.sparse;
    rows.add_row(["holes in sparse files".to_owned(), bytes(holes), sparse.to_string()]);
    for (label, counts) in
        [("days old", &scan.ages), ("left out usually:", &scan.candidates), ("kind", &scan.kinds)]
    {
        add(&mut rows, label, counts);
    }
    for (path, size) in &scan.largest {
        rows.add_row([format!("largest: {path}"), bytes(*size), String::new()]);
    }
    context.ui.data(rows);
    context.ui.data(format_args!(
        "{} folders, {} symbolic links, {} further names of files, {} special, {} unreadable; newest {}",
        scan.directories,
        scan.symlinks,
        scan.hard_links,
        scan.special,
        scan.unreadable,
        scan.newest.as_deref().map_or("-".to_owned(), to_the_second)
    ));
    for (owner, entries) in &scan.other_owners {
        context.ui.data(format_args!(
            "{entries} entries belong to user {owner}, not to the home's owner"
        ));
    }
    for path in &scan.awkward_paths {
        context.ui.data(format_args!("not UTF-8, or too long for S3: {path}"));
    }
    for author in &scan.git_authors {
        context.ui.data(format_args!("git author: {author}"));
    }
}

fn add(rows: &mut comfy_table::Table, label: &str, counts: &Counts) {
    for (name, (sum, files)) in counts {
        let name = if name.is_empty() { "(none)" } else { name };
        rows.add_row([format!("{label} {name}"), bytes(*sum), files.to_string()]);
    }
}
