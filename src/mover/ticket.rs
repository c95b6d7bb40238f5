//! What the hook hands to the mover in a space, and what comes back from it through S3.
//!
//! These are the only formats that cross from the person's space to the operator. All are JSON and versioned.

use serde::{Deserialize, Serialize};

use super::seal::ReportKey;

/// The order to move one home, written into the hook by the executor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// The version of this format; 1 today.
    pub schema: u32,
    /// The migration, `<domain>/<profile>`.
    pub migration: String,
    /// The only domain in which this ticket is good.
    pub domain: String,
    /// The only space in which this ticket is good.
    pub space: String,
    /// A folder under the space's home to copy into; empty means the home itself.
    pub folder: String,
    /// `refuse`, `keep-both`, `source-wins` or `newer-wins`.
    pub conflict: String,
    /// What is not copied: glob and reason. The first that matches wins.
    pub leave_out: Vec<(String, String)>,
    /// The staging bucket.
    pub bucket: String,
    /// The account that must own it.
    pub bucket_owner: String,
    /// The Region of the bucket.
    pub region: String,
    /// The prefix under which reports go; no trailing slash.
    pub reports: String,
    /// The key under which every report is sealed.
    pub key: ReportKey,
    /// The prefix of the packed home that is to be unpacked; none where the home is mounted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packed: Option<String>,
    /// Which attempt at the copy this is, counted from 1, or the number of a delivery beside a home; the last word repeats it.
    #[serde(default)]
    pub attempt: u32,
    /// BLAKE3 of the manifest of an earlier pass into the same space, where one ended well: files that nobody changed since are
    /// not read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<String>,
    /// Whether what an earlier pass left, and is at the source no more, goes, unless somebody changed it.
    #[serde(default)]
    pub deletes: bool,
    /// BLAKE3 of the manifest of an earlier delivery into the same place that was taken back, or ended badly: what it brought, and
    /// nobody changed since, counts as ours. It is looked for on the volume alone, so that another volume than the one that was
    /// filled then counts as one that never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brought: Option<String>,
    /// Whether something goes beside the home that was moved, so that nothing of that is known or kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_beside: bool,
    /// BLAKE3 of the manifest against which what is there is read again; nothing is copied then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rereads: Option<String>,
}

/// Names of what the mover leaves under [`Ticket::reports`], all but [`key::REFUSED`] sealed with the ticket's key.
pub mod key {
    /// Left by the hook, in plain text, when the mover could not even be started. Anyone may have written it, so it stops a
    /// copy and proves nothing.
    pub const REFUSED: &str = "refused.txt";
    /// The latest [`super::Progress`], overwritten every few seconds.
    pub const PROGRESS: &str = "progress.json";
    /// The manifest: JSON lines, zstd.
    pub const MANIFEST: &str = "manifest.jsonl.zst";
    /// The [`super::Done`] marker, written last and once.
    pub const DONE: &str = "done.json";
    /// Below this is the packed home, where it travels so. The machine that packs it writes it; the mover reads it.
    pub const PACKED: &str = "packed";
}

/// Where the copy is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Counting what there is.
    #[default]
    Scanning,
    /// Reading, hashing and writing.
    Copying,
    /// Reading back every byte from the destination.
    Verifying,
    /// Nothing more to do.
    Finished,
}

/// A sign of life with numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The version of this format; 1 today.
    pub schema: u32,
    /// When, RFC 3339.
    pub at: String,
    /// A number that grows with every report, so that a stall is told from a slow clock.
    pub beat: u64,
    /// What is being done.
    pub phase: Phase,
    /// Bytes done in this phase.
    pub bytes: u64,
    /// Bytes to do in this phase, once known.
    pub total_bytes: u64,
    /// Regular files done in this phase.
    pub files: u64,
    /// Regular files to do, once known.
    pub total_files: u64,
    /// Bytes a second in this phase.
    #[serde(default)]
    pub bytes_per_second: u64,
    /// Seconds until the end of this phase at that rate, once both are known.
    #[serde(default)]
    pub eta_seconds: Option<u64>,
    /// The path last worked on, escaped as in the manifest.
    pub path: String,
}

/// How much of each kind, and the digest that sums it up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Regular files, each name counted.
    pub files: u64,
    /// Directories.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Bytes of regular files, each name counted.
    pub bytes: u64,
    /// The root digest over every selected entry: kind, path, mode, mtime, size, content hash or link target.
    pub digest: String,
}

/// What tells an EBS volume from an EFS home, as the space itself says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The device that holds the destination, from `findmnt`: `/dev/nvme1n1`.
    pub device: String,
    /// Its file system type.
    pub fstype: String,
    /// What `df` prints of the destination.
    pub df: String,
    /// The source's device: `127.0.0.1:/` over TLS to EFS.
    pub source_device: String,
}

/// What reading a home again, against its manifest, came to. Its owner may have worked there meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reread {
    /// Entries that were looked for.
    pub entries: u64,
    /// Bytes of regular files that were read, each name counted.
    pub bytes: u64,
    /// Entries that are as they were copied.
    pub same: u64,
    /// Entries that somebody changed since.
    pub changed: u64,
    /// Entries that are there no more.
    pub missing: u64,
    /// Files of the size and time that they were given, with other content: nobody changed them, and they are not what they were.
    pub damaged: u64,
    /// Entries that could not be read.
    pub unreadable: u64,
    /// The first of those that are not the same: escaped path and what became of it, the damaged before all others.
    pub named: Vec<(String, String)>,
}

impl Reread {
    /// Tells whether nothing is amiss, whatever the owner did.
    pub fn is_sound(&self) -> bool {
        self.damaged + self.unreadable == 0
    }
}

/// The last word of the mover on one home.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The version of this format; 1 today.
    pub schema: u32,
    /// The migration that it is about.
    pub migration: String,
    /// The space that it was done in.
    pub space: String,
    /// The attempt that the ticket named; `None` from movers that knew of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Why it failed; `None` is success.
    pub error: Option<String>,
    /// When it failed because the destination is too small: the bytes that it has to have free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_bytes: Option<u64>,
    /// What was selected at the source, hashed as it was read.
    pub source: Totals,
    /// What was read back from the destination.
    pub destination: Totals,
    /// Entries not copied, by reason class: `excluded`, `special`, `unreadable`, `changed`, `unstorable`, `conflict`.
    pub not_copied: std::collections::BTreeMap<String, u64>,
    /// What reading again came to, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reread: Option<Reread>,
    /// Where the home now is.
    pub evidence: Evidence,
    /// BLAKE3 of the manifest object as stored.
    pub manifest_blake3: String,
    /// Bytes of the manifest object.
    pub manifest_bytes: u64,
    /// When the mover began, RFC 3339.
    pub started_at: String,
    /// When it ended, RFC 3339.
    pub ended_at: String,
    /// The version of the mover.
    pub version: String,
}
