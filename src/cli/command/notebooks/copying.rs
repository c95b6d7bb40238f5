//! One object after the other: looked at on both sides, copied where it is missing, looked at again.
//!
//! What decides is what lies at the destination, and nothing that an earlier run remembers. So going on after a crash is the
//! same code as beginning, and a second run finds everything done.

use crate::aws::{self, Account, Checksum, ErrorKind, LARGEST_COPY, Listed, Reader, Seen};
use crate::report::quoted;

/// The longest key that S3 takes, in bytes.
const LONGEST_KEY: usize = 1024;

/// What became of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was copied by this run; in a dry run, it would be.
    Copied(Option<Seen>),
    /// Its copy is there already.
    There(Seen),
    /// It was not copied, for this reason.
    Left(String),
}

/// One object and where its copy goes.
pub(super) struct Pair<'a> {
    pub(super) from: (&'a str, &'a str),
    pub(super) to: (&'a str, &'a str),
}

impl Pair<'_> {
    fn fetch_and_put(&self) -> String {
        let at = |(bucket, key): (&str, &str)| quoted(&format!("s3://{bucket}/{key}"));
        format!("aws s3 cp {} {}", at(self.from), at(self.to))
    }
}

/// Copies one object if its copy is not there; without an account, as in a dry run, it only looks.
///
/// # Errors
/// Only what ends the whole command: the caller's credentials, and a journal that does not take what is about to be done.
pub(super) async fn copy(
    reader: &Reader,
    account: Option<&Account>,
    pair: &Pair<'_>,
    listed: &Listed,
) -> Result<Fate, aws::Error> {
    if pair.to.1.len() > LONGEST_KEY {
        return Ok(Fate::Left(format!(
            "the key of its copy would have {} bytes, and S3 takes {LONGEST_KEY}",
            pair.to.1.len()
        )));
    }
    match tried(reader, account, pair, listed).await {
        Ok(fate) => Ok(fate),
        Err(error) if matches!(error.kind, ErrorKind::Credentials | ErrorKind::Ledger) => {
            Err(error)
        }
        Err(error) => Ok(Fate::Left(error.to_string())),
    }
}

async fn tried(
    reader: &Reader,
    account: Option<&Account>,
    pair: &Pair<'_>,
    listed: &Listed,
) -> Result<Fate, aws::Error> {
    if let Some(there) = reader.look_at(pair.to.0, pair.to.1).await? {
        return judged(reader, pair, &there).await;
    }
    if listed.size > LARGEST_COPY {
        return Ok(Fate::Left(format!(
            "it is larger than the 5 GiB that S3 copies in one call; the AWS command line copies it in parts: {}",
            pair.fetch_and_put()
        )));
    }
    let Some(source) = reader.look_at(pair.from.0, pair.from.1).await? else {
        return Ok(Fate::Left("it was deleted after it had been listed".to_owned()));
    };
    let Some(account) = account else { return Ok(Fate::Copied(None)) };
    let copied = account.copy_object(pair.from, &source, pair.to).await;
    if let Err(error) = &copied
        && matches!(error.kind, ErrorKind::Credentials | ErrorKind::Ledger)
    {
        return copied.map(|()| Fate::Copied(None));
    }
    // Whatever the answer was: it may have been lost, and what counts is what is there.
    match (reader.look_at(pair.to.0, pair.to.1).await?, copied) {
        (Some(there), Ok(())) => Ok(match source.is_same(&there) {
            // S3 made the checksum from the bytes that it copied; the source may have none to compare it with.
            Some(true) => Fate::Copied(Some(there)),
            None if !there.sums.is_empty() => Fate::Copied(Some(there)),
            _ => Fate::Left(differs(pair, &source, &there)),
        }),
        (None, Ok(())) => Ok(Fate::Left(
            "S3 said that it copied it, and the copy is not there; run the command again"
                .to_owned(),
        )),
        (Some(there), Err(_)) => match judged(reader, pair, &there).await? {
            Fate::There(there) => Ok(Fate::Copied(Some(there))),
            other => Ok(other),
        },
        (None, Err(error)) => Err(error),
    }
}

/// Judges what is there already: the copy, or something else.
///
/// Where S3 tells nothing that could be compared, both are read. That costs what they weigh, which is little for notebooks.
async fn judged(reader: &Reader, pair: &Pair<'_>, there: &Seen) -> Result<Fate, aws::Error> {
    let Some(source) = reader.look_at(pair.from.0, pair.from.1).await? else {
        return Ok(Fate::Left(
            "it was deleted after it had been listed; what is at the destination was left as it is"
                .to_owned(),
        ));
    };
    let is_same = match source.is_same(there) {
        Some(is_same) => is_same,
        None => read(reader, pair.from).await? == read(reader, pair.to).await?,
    };
    Ok(if is_same { Fate::There(there.clone()) } else { Fate::Left(differs(pair, &source, there)) })
}

/// Returns the CRC64NVME of an object's bytes, read to the end.
async fn read(reader: &Reader, (bucket, key): (&str, &str)) -> Result<String, aws::Error> {
    let mut object = reader.fetch(bucket, key, None, None).await?;
    let mut sum = Checksum::crc64nvme();
    while let Some(bytes) = object.next().await? {
        sum.update(&bytes);
    }
    Ok(sum.text())
}

fn differs(pair: &Pair<'_>, source: &Seen, there: &Seen) -> String {
    let what = if source.size == there.size {
        "another content".to_owned()
    } else {
        format!("{} bytes, not {}", there.size, source.size)
    };
    format!(
        "s3://{}/{} is there already with {what}, and is not overwritten; look at both, and move or delete that one",
        pair.to.0, pair.to.1
    )
}
