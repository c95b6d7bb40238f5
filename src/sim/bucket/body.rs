//! Bytes on their way in and out: never more than a piece of them in memory.

use std::fs::File;
use std::io::{self, Read, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use http::StatusCode;
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Result, StdError, TrailingHeaders, s3_error};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufWriter};

use super::Front;
use super::objects::size;
use super::store::broken;
use super::sums::{Digest, Hasher, Sums, check_md5};

/// Bytes read from the disk at once.
const PIECE: usize = 256 * 1024;

/// Bytes that arrived, not yet in place.
pub(super) struct Arrived {
    pub(super) path: PathBuf,
    pub(super) digest: Digest,
    pub(super) declared: Sums,
}

/// What a client declares about a body before it sends it.
pub(super) struct Declared<'a> {
    pub(super) sums: Sums,
    pub(super) algorithm: Option<&'a str>,
    pub(super) md5: Option<&'a str>,
    pub(super) length: Option<i64>,
    pub(super) trailer: Option<TrailingHeaders>,
    /// The `x-amz-trailer` header: which checksum will come after the body.
    pub(super) announced: Option<&'a str>,
}

impl Declared<'_> {
    fn algorithms(&self) -> Vec<String> {
        let mut algorithms: Vec<String> =
            self.sums.algorithms().into_iter().map(str::to_owned).collect();
        let announced = self.announced.and_then(|name| name.trim().strip_prefix("x-amz-checksum-"));
        algorithms.extend(announced.map(str::to_uppercase));
        algorithms.extend(self.algorithm.map(str::to_owned));
        algorithms
    }
}

impl Front {
    /// Takes a body to the disk and checks it against what was declared.
    pub(super) async fn receive(
        &self,
        bucket: &str,
        body: Option<StreamingBlob>,
        declared: Declared<'_>,
    ) -> S3Result<Arrived> {
        let (path, file) = self.store.beside(bucket).map_err(broken)?;
        let result = Self::take(file, body, declared).await;
        match result {
            Ok((digest, declared)) => Ok(Arrived { path, digest, declared }),
            Err(error) => {
                let _ = std::fs::remove_file(path);
                Err(error)
            }
        }
    }

    async fn take(
        file: File,
        body: Option<StreamingBlob>,
        declared: Declared<'_>,
    ) -> S3Result<(Digest, Sums)> {
        let algorithms = declared.algorithms();
        let names: Vec<&str> = algorithms.iter().map(String::as_str).collect();
        let mut hasher = Hasher::of(&names);
        let mut file = BufWriter::with_capacity(PIECE, tokio::fs::File::from_std(file));
        let mut body = body;
        if let Some(body) = &mut body {
            while let Some(piece) = body.next().await {
                let piece = piece.map_err(refused_body)?;
                hasher.update(&piece);
                file.write_all(&piece).await.map_err(broken)?;
            }
        }
        file.flush().await.map_err(broken)?;
        let digest = hasher.finish();
        if declared.length.is_some_and(|length| length != size(digest.size)) {
            return Err(s3_error!(
                IncompleteBody,
                "You did not provide the number of bytes specified by the Content-Length HTTP header"
            ));
        }
        let mut sums = declared.sums;
        if let Some(trailer) = &declared.trailer {
            trailer.read(|trailer| sums.add_trailer(trailer));
        }
        sums.check(&digest.sums)?;
        check_md5(declared.md5, &digest)?;
        Ok((digest, sums))
    }
}

/// Runs work that waits for the disk where it holds up nobody.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> S3Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| broken(io::Error::other(error)))?
        .map_err(broken)
}

/// Copies bytes and hashes them on the way.
pub(super) fn copy_bytes(
    mut source: impl Read,
    mut target: impl io::Write,
    algorithms: &[String],
) -> io::Result<Digest> {
    let names: Vec<&str> = algorithms.iter().map(String::as_str).collect();
    let mut hasher = Hasher::of(&names);
    let mut piece = vec![0; PIECE];
    loop {
        let length = source.read(&mut piece)?;
        if length == 0 {
            break;
        }
        let bytes = piece.get(..length).unwrap_or_default();
        hasher.update(bytes);
        target.write_all(bytes)?;
    }
    Ok(hasher.finish())
}

/// Turns the failure of a body into S3's words for it.
fn refused_body(error: StdError) -> S3Error {
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        let mut error = S3Error::with_message(
            S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()),
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        );
        error.set_status_code(StatusCode::BAD_REQUEST);
        return error;
    }
    if text.contains("SignatureMismatch") {
        return s3_error!(
            SignatureDoesNotMatch,
            "The request signature we calculated does not match the signature you provided."
        );
    }
    s3_error!(IncompleteBody, "the body broke off: {text}")
}

/// Reads `length` bytes from an offset, piece by piece.
pub(super) async fn pieces(
    file: File,
    offset: u64,
    length: u64,
) -> io::Result<impl Stream<Item = io::Result<Bytes>> + Send + Sync + 'static> {
    let mut file = tokio::fs::File::from_std(file);
    if offset > 0 {
        file.seek(SeekFrom::Start(offset)).await?;
    }
    Ok(stream::try_unfold((file, length), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let mut piece = vec![0; PIECE.min(usize::try_from(left).unwrap_or(PIECE))];
        let length = file.read(&mut piece).await?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        piece.truncate(length);
        Ok(Some((Bytes::from(piece), (file, left - length as u64))))
    }))
}

/// Removes files and says nothing when they are gone.
pub(super) fn discard(path: &Path) {
    let _ = std::fs::remove_file(path);
}
