//! What can end a transfer to or from S3. What concerns one entry alone never does: it is listed in the manifest.

use super::super::error::Error;
use crate::aws;

/// Why a push or a pull ended early.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The local side: the same as for a copy.
    #[error(transparent)]
    Local(#[from] Error),
    /// S3 refused something without which there is no going on.
    #[error("cannot {what}")]
    Aws {
        /// What was being done: `list s3://bucket/prefix`.
        what: String,
        /// What S3 says.
        source: Box<aws::Error>,
    },
    /// An object of a packed home is torn, of another kind, or contradicts the others.
    #[error("the packed home is not sound: {key}: {why}")]
    Unsound {
        /// The object's key.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// What was asked for is not in the packed home.
    #[error("the packed home has no `{0}`")]
    Absent(String),
    /// The prefix holds nothing.
    #[error("there is nothing below s3://{bucket}/{prefix}")]
    Nothing {
        /// The bucket.
        bucket: String,
        /// The prefix.
        prefix: String,
    },
}

impl TransferError {
    pub(in super::super) fn aws(what: impl Into<String>, source: aws::Error) -> Self {
        Self::Aws { what: what.into(), source: source.into() }
    }

    pub(in super::super) fn unsound(key: &str, why: impl std::fmt::Display) -> Self {
        Self::Unsound { key: key.to_owned(), why: why.to_string() }
    }
}

/// Runs work that waits for the disk or for the processor where it holds up no request.
pub(in super::super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, TransferError> {
    tokio::task::spawn_blocking(work).await.map_err(lost)
}

/// A thread of ours that ended before its work did, which only a defect or the end of the process can bring about.
pub(in super::super) fn lost(error: tokio::task::JoinError) -> TransferError {
    Error::io("lost the thread that worked on", b"", std::io::Error::other(error)).into()
}
