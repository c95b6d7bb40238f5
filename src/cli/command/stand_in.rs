//! A small stand-in for the `aws` command, inside a simulated space on a machine without the real one.
//!
//! It knows what our own lifecycle script calls: `aws s3 cp` of one object in either direction. It reads its credentials,
//! Region and endpoint from the environment, as the real one does.

use std::path::Path;
use std::sync::Arc;

use clap::Args;

use crate::aws::{Account, Call, Ledger, Outcome};
use crate::cli::{Context, Exit, Failure};

/// Arguments of the stand-in, as the real command takes them.
#[derive(Args, Clone, Debug)]
pub struct Aws {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// Writes nothing down: what happens inside a space is not the operator's doing.
#[derive(Debug)]
pub(super) struct Unwritten;

impl Ledger for Unwritten {
    fn intend(&self, _call: &Call) -> Result<u64, String> {
        Ok(0)
    }

    fn outcome(&self, _id: u64, _outcome: &Outcome) {}
}

impl Aws {
    /// Does what the real command would.
    pub async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let mut places = Vec::new();
        let mut words = self.words.iter();
        if (words.next().map(String::as_str), words.next().map(String::as_str))
            != (Some("s3"), Some("cp"))
        {
            return Err(Failure::usage(format!(
                "this stand-in for the aws command knows `s3 cp` only, not {}",
                self.words.join(" ")
            )));
        }
        let mut inner = context.clone();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--region" => inner.global.region = words.next().cloned(),
                option if option.starts_with("--") => {}
                place => places.push(place.to_owned()),
            }
        }
        let [from, to] = places.as_slice() else {
            return Err(Failure::usage("s3 cp takes a source and a destination"));
        };
        let account = inner.reader(0.0).await?.with_ledger(Arc::new(Unwritten));
        copy(&account, from, to).await?;
        Ok(Exit::Done)
    }
}

async fn copy(account: &Account, from: &str, to: &str) -> Result<(), Failure> {
    match (place(from), place(to)) {
        (Some((bucket, key)), None) => account
            .get_file(bucket, key, Path::new(to))
            .await
            .map_err(|error| Failure::aws("download", error)),
        (None, Some((bucket, key))) => account
            .put_file(bucket, key, Path::new(from))
            .await
            .map_err(|error| Failure::aws("upload", error)),
        _ => Err(Failure::usage("one side must be s3://bucket/key and the other a file")),
    }
}

fn place(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("s3://")?.split_once('/')
}
