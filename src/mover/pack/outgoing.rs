//! An object that is written as it comes into being: one request while it fits into memory, parts side by side when it does
//! not.
//!
//! In memory are at most five parts: four on their way and one that is being filled, or all of an object that is not larger.
//! An object that is not finished has to be aborted, and then S3 keeps nothing of it.

use bytes::{Bytes, BytesMut};
use tokio::task::JoinSet;

use super::error::{TransferError, lost};
use crate::aws::{self, Account, Checksum, Part, Upload};

/// Bytes of a part; larger where an object would have more than 10,000 of them.
pub(super) const PART: u64 = 8 << 20;

/// Parts on their way at once, of one object.
const AT_ONCE: usize = 4;

/// Parts that an object may have, with some to spare of S3's 10,000.
const PARTS: u64 = 9_500;

/// An object under way.
#[derive(Debug)]
pub(super) struct Outgoing {
    account: Account,
    bucket: String,
    key: String,
    part: usize,
    filling: BytesMut,
    upload: Option<Upload>,
    number: i32,
    on_the_way: JoinSet<Result<(i32, Part), aws::Error>>,
    taken: Vec<(i32, Part)>,
    sum: Checksum,
    size: u64,
}

impl Outgoing {
    /// Begins an object that will have about so many bytes.
    pub(super) fn new(account: &Account, bucket: &str, key: &str, expected: u64) -> Self {
        let part = expected.div_ceil(PARTS).max(PART);
        Self {
            account: account.clone(),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            part: usize::try_from(part).unwrap_or(usize::MAX),
            filling: BytesMut::new(),
            upload: None,
            number: 0,
            on_the_way: JoinSet::new(),
            taken: Vec::new(),
            sum: Checksum::crc64nvme(),
            size: 0,
        }
    }

    /// Bytes so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Adds bytes.
    pub(super) async fn write(&mut self, mut bytes: &[u8]) -> Result<(), TransferError> {
        self.sum.update(bytes);
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            let most = if self.upload.is_some() { self.part } else { (AT_ONCE + 1) * self.part };
            // What is full goes only when more follows: the last part may be of any size.
            if self.filling.len() == most {
                while self.filling.len() >= self.part {
                    self.send(self.part).await?;
                }
                continue;
            }
            let some = bytes.len().min(most - self.filling.len());
            let (now, rest) = bytes.split_at(some);
            self.filling.extend_from_slice(now);
            bytes = rest;
        }
        Ok(())
    }

    async fn send(&mut self, bytes: usize) -> Result<(), TransferError> {
        let upload = match &self.upload {
            Some(upload) => upload.clone(),
            None => {
                let begun = self.account.begin_upload(&self.bucket, &self.key).await;
                self.upload.insert(begun.map_err(|error| self.refused(error))?).clone()
            }
        };
        while self.on_the_way.len() >= AT_ONCE {
            self.settle_one().await?;
        }
        self.number += 1;
        let (account, number) = (self.account.clone(), self.number);
        let part: Bytes = self.filling.split_to(bytes).freeze();
        self.on_the_way.spawn(async move {
            account.put_part(&upload, number, part).await.map(|part| (number, part))
        });
        Ok(())
    }

    async fn settle_one(&mut self) -> Result<(), TransferError> {
        match self.on_the_way.join_next().await {
            None => Ok(()),
            Some(Ok(Ok(part))) => {
                self.taken.push(part);
                Ok(())
            }
            Some(Ok(Err(error))) => Err(self.refused(error)),
            Some(Err(error)) => Err(lost(error)),
        }
    }

    /// Makes the object; returns its bytes. On an error it has to be aborted still.
    pub(super) async fn finish(&mut self) -> Result<u64, TransferError> {
        if self.upload.is_none() {
            let whole = self.filling.split().freeze();
            let put = self.account.put_checked(&self.bucket, &self.key, whole).await;
            return put.map(|()| self.size).map_err(|error| self.refused(error));
        }
        self.send(self.filling.len()).await?;
        while !self.on_the_way.is_empty() {
            self.settle_one().await?;
        }
        self.taken.sort_unstable_by_key(|(number, _)| *number);
        let parts = self.taken.drain(..).map(|(_, part)| part).collect();
        if let Some(upload) = &self.upload {
            let made = self.account.finish_upload(upload, parts, &self.sum, self.size).await;
            made.map_err(|error| self.refused(error))?;
        }
        self.upload = None;
        Ok(self.size)
    }

    /// Takes back what was begun, once nothing of it is on its way any more: a part that arrives late would stay for good.
    pub(super) async fn abort(mut self) {
        self.on_the_way.shutdown().await;
        if let Some(upload) = &self.upload
            && let Err(error) = self.account.abort_upload(upload).await
        {
            tracing::warn!(%error, key = self.key, "an upload could not be aborted and keeps its parts");
        }
    }

    fn refused(&self, source: aws::Error) -> TransferError {
        TransferError::aws(format!("write s3://{}/{}", self.bucket, self.key), source)
    }
}
