//! Everything below one place, page by page: what was found, and what became of it.

use futures::StreamExt;

use super::copying::{Fate, Pair, copy};
use super::owners::Owners;
use super::places::{Destination, Place, is_of_inner};
use crate::aws::{self, Account, ErrorKind, Listed, Reader};
use crate::cli::command::bytes;
use crate::cli::{Failure, Ui};
use crate::mover::{Sorter, escape};
use crate::names::counted;
use crate::report::{SharedNotebook, SharedPlace};

/// Objects that are looked at or copied at the same time.
const AT_ONCE: usize = 16;

/// What is known of a walk: the rows of the index, in files where they are many, and the counts.
pub(super) struct Findings {
    pub(super) copied: Sorter<SharedNotebook>,
    pub(super) left: Sorter<SharedNotebook>,
    /// Notebooks that are at the destination, and their bytes.
    pub(super) there: (u64, u64),
    /// Notebooks that are not.
    pub(super) not_copied: u64,
    pub(super) places: Vec<SharedPlace>,
    /// Whether every place was listed to its end, or refused to be listed.
    pub(super) is_whole: bool,
}

impl Findings {
    pub(super) fn new() -> Self {
        Self {
            copied: Sorter::new(SharedNotebook::order),
            left: Sorter::new(SharedNotebook::order),
            there: (0, 0),
            not_copied: 0,
            places: Vec::new(),
            is_whole: true,
        }
    }

    /// Tells whether anything is not at the destination.
    pub(super) fn has_gaps(&self) -> bool {
        self.not_copied > 0 || self.places.iter().any(|place| place.not_listed.is_some())
    }
}

/// How every place is walked.
pub(super) struct Walk<'a> {
    pub(super) reader: &'a Reader,
    /// What copies; `None` in a dry run.
    pub(super) account: Option<&'a Account>,
    pub(super) ui: Ui,
    pub(super) to: &'a Destination,
    pub(super) places: &'a [Place],
}

/// What a walk below one place counts.
#[derive(Default)]
struct Counts {
    copied: u64,
    there: u64,
    left: u64,
}

impl Walk<'_> {
    /// Copies what is below one place, and says what became of it.
    ///
    /// # Errors
    /// What ends the whole command: credentials, the journal, a temporary file. A place that cannot be listed is a finding.
    pub(super) async fn place(
        &self,
        place: &Place,
        owners: &Owners<'_>,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        let mut seen = SharedPlace {
            location: place.location(),
            set_by: place.set_by.clone(),
            ..SharedPlace::default()
        };
        let mut counts = Counts::default();
        let mut token = None;
        loop {
            let asked = self.reader.object_page(&place.bucket, &place.under(), token).await;
            let page = match asked {
                Ok(page) => page,
                Err(error) if error.kind == ErrorKind::Credentials => {
                    return Err(Failure::aws("list shared notebooks", error));
                }
                Err(error) => {
                    // A refusal is an answer; anything else may be another one next time.
                    let is_answer = matches!(error.kind, ErrorKind::Denied | ErrorKind::NotFound);
                    findings.is_whole &= is_answer && seen.objects == 0;
                    self.ui.warning(format_args!("{} cannot be listed: {error}", seen.location));
                    seen.not_listed = Some(error.to_string());
                    break;
                }
            };
            let objects = page.objects.iter().filter(|object| {
                is_notebook(object) && !is_of_inner(self.places, place, &object.key)
            });
            let mut asked = futures::stream::iter(objects)
                .map(|object| self.object(place, owners, object))
                .buffer_unordered(AT_ONCE);
            while let Some(done) = asked.next().await {
                let (row, fate) =
                    done.map_err(|error| Failure::aws("copy shared notebooks", error))?;
                seen.objects += 1;
                seen.bytes += row.bytes;
                self.count(row, fate, &mut counts, findings)?;
            }
            drop(asked);
            token = page.next;
            if token.is_none() {
                break;
            }
            self.ui.status(format_args!(
                "{}: {} so far",
                seen.location,
                counted(seen.objects, "object", "objects")
            ));
        }
        self.tell(&seen, &counts);
        findings.places.push(seen);
        Ok(())
    }

    /// Says how much is below a place. What could not be listed is not nothing: it is not known.
    fn tell(&self, seen: &SharedPlace, counts: &Counts) {
        let location = escape(seen.location.as_bytes());
        let least = match &seen.not_listed {
            Some(why) if seen.objects == 0 => {
                self.ui.data(format_args!("{location}: what is in it is not known: {why}"));
                return;
            }
            Some(_) => "not known to its end, at least ",
            None => "",
        };
        let verb = if self.account.is_none() { "would be copied" } else { "copied" };
        self.ui.data(format_args!(
            "{location}: {least}{}, {}: {} {verb}, {} there already, {} not copied",
            counted(seen.objects, "object", "objects"),
            bytes(seen.bytes),
            counts.copied,
            counts.there,
            counts.left,
        ));
    }

    async fn object(
        &self,
        place: &Place,
        owners: &Owners<'_>,
        object: &Listed,
    ) -> Result<(SharedNotebook, Fate), aws::Error> {
        let key = self.to.key_of(&place.bucket, &object.key);
        let pair = Pair { from: (&place.bucket, &object.key), to: (&self.to.bucket, &key) };
        let fate = copy(self.reader, self.account, &pair, object).await?;
        let (folder, name) = place.folder_and_name(&object.key);
        let (owner, owner_kind) = owners.owner(folder);
        let row = SharedNotebook {
            owner,
            owner_kind,
            folder: folder.to_owned(),
            name: name.to_owned(),
            bytes: object.size,
            shared_at: object.modified.clone(),
            from: format!("s3://{}/{}", place.bucket, object.key),
            to: format!("s3://{}/{key}", self.to.bucket),
            ..SharedNotebook::default()
        };
        Ok((row, fate))
    }

    fn count(
        &self,
        mut row: SharedNotebook,
        fate: Fate,
        counts: &mut Counts,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        let seen = match fate {
            Fate::Left(reason) => {
                counts.left += 1;
                findings.not_copied += 1;
                let from = escape(row.from.as_bytes());
                self.ui
                    .warning(format_args!("{from} is not copied: {}", escape(reason.as_bytes())));
                row.reason = Some(reason);
                return kept(findings.left.add([row]));
            }
            Fate::Copied(seen) => {
                counts.copied += 1;
                seen
            }
            Fate::There(seen) => {
                counts.there += 1;
                Some(seen)
            }
        };
        findings.there.0 += 1;
        findings.there.1 += row.bytes;
        if let Some(seen) = seen {
            row.checksum =
                seen.sums.first().map(|(algorithm, sum)| ((*algorithm).to_owned(), sum.clone()));
            row.etag = Some(seen.etag);
        }
        kept(findings.copied.add([row]))
    }
}

fn kept(result: Result<(), crate::mover::Error>) -> Result<(), Failure> {
    result.map_err(|error| {
        Failure::of(crate::cli::Exit::Unexpected, "keep the list of notebooks", error)
    })
}

/// A key that ends in a slash and has no bytes is how S3's console shows an empty folder.
fn is_notebook(object: &Listed) -> bool {
    !(object.size == 0 && object.key.ends_with('/'))
}
