//! One flow, from its bytes to its copy: what decides is what lies at the destination, and nothing that an earlier run remembers.
//! So going on after a crash is the same code as beginning.

use bytes::Bytes;

use crate::aws::{self, Account, Checksum, ErrorKind, Reader, Seen};

/// What became of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was copied by this run; in a dry run, it would be.
    Copied,
    /// Its copy is there already.
    There,
    /// It was not copied, for this reason.
    Left(String),
}

/// Copies one flow if its copy is not there; without an account, as in a dry run, it only looks.
///
/// # Errors
/// Only what ends the whole command: the caller's credentials, and a journal that does not take what is about to be done.
pub(super) async fn copy(
    reader: &Reader,
    account: Option<&Account>,
    to: (&str, &str),
    bytes: Bytes,
) -> Result<Fate, aws::Error> {
    match tried(reader, account, to, bytes).await {
        Err(error) if !matches!(error.kind, ErrorKind::Credentials | ErrorKind::Ledger) => {
            Ok(Fate::Left(error.to_string()))
        }
        fate => fate,
    }
}

async fn tried(
    reader: &Reader,
    account: Option<&Account>,
    (bucket, key): (&str, &str),
    bytes: Bytes,
) -> Result<Fate, aws::Error> {
    let mut sum = Checksum::crc64nvme();
    sum.update(&bytes);
    let ours =
        Seen { size: bytes.len() as u64, sums: vec![("CRC64NVME", sum.text())], ..Seen::default() };
    if let Some(there) = reader.look_at(bucket, key).await? {
        return judged(reader, (bucket, key), &ours, &there).await;
    }
    let Some(account) = account else { return Ok(Fate::Copied) };
    let put = account.put_new(bucket, key, bytes).await;
    if let Err(error) = &put
        && matches!(error.kind, ErrorKind::Credentials | ErrorKind::Ledger)
    {
        return put.map(|()| Fate::Copied);
    }
    // Whatever the answer was: it may have been lost, and what counts is what is there.
    match (reader.look_at(bucket, key).await?, put) {
        (Some(there), _) => Ok(match judged(reader, (bucket, key), &ours, &there).await? {
            Fate::There => Fate::Copied,
            other => other,
        }),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Ok(Fate::Left(
            "S3 said that it took it, and it is not there; run the command again".to_owned(),
        )),
    }
}

/// Judges what is there already: the copy, or something else. Where S3 tells no checksum it is read.
async fn judged(
    reader: &Reader,
    (bucket, key): (&str, &str),
    ours: &Seen,
    there: &Seen,
) -> Result<Fate, aws::Error> {
    let is_same = match ours.is_same(there) {
        Some(is_same) => is_same,
        None => {
            let mut object = reader.fetch(bucket, key, None, None).await?;
            let mut sum = Checksum::crc64nvme();
            while let Some(bytes) = object.next().await? {
                sum.update(&bytes);
            }
            ours.sums.first().is_some_and(|(_, ours)| *ours == sum.text())
        }
    };
    Ok(if is_same {
        Fate::There
    } else {
        Fate::Left(format!(
            "s3://{bucket}/{key} is there already with another content, and is not overwritten; look at both, and move or delete that one"
        ))
    })
}
