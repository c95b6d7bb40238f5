//! Having a space's app start with the hook.
//!
//! An app of a private space runs the built-in script of its owner's profile. A shared space has no profile behind it: its app
//! runs a script that it is started with, and that the domain lists for shared spaces. Lists are changed one after the other,
//! because AWS replaces a list as a whole.

use super::hydrate::is_hook;
use crate::aws::{Error, ErrorKind};
use crate::execute::context::Context;
use crate::execute::failure::Failure;

/// Lists the hook for the domain's shared spaces.
pub(super) async fn list(cx: &Context, arn: &str) -> Result<(), Failure> {
    change(cx, |mut scripts| {
        if scripts.iter().any(|listed| listed == arn) {
            return None;
        }
        scripts.push(arn.to_owned());
        Some(scripts)
    })
    .await
}

/// Takes the hook off that list. Others' scripts stay.
pub(super) async fn unlist(cx: &Context) -> Result<(), Failure> {
    change(cx, |mut scripts| {
        let before = scripts.len();
        scripts.retain(|arn| !is_hook(cx, Some(arn)));
        (scripts.len() < before).then_some(scripts)
    })
    .await
}

async fn change(
    cx: &Context,
    next: impl Fn(Vec<String>) -> Option<Vec<String>>,
) -> Result<(), Failure> {
    let _one_at_a_time = cx.domains.lock().await;
    let domain = &cx.migration.domain;
    settled(cx).await?;
    let Some(scripts) = next(cx.account.shared_space_scripts(domain).await?) else {
        return Ok(());
    };
    let set = async || cx.account.set_shared_space_scripts(domain, &scripts).await;
    cx.settled(async || settled(cx).await, set).await
}

/// Waits until the domain is in service: AWS refuses to change one that is changing.
async fn settled(cx: &Context) -> Result<(), Failure> {
    cx.until("the domain to be in service", async || {
        let domain = cx.account.domain(&cx.migration.domain).await?;
        Ok((domain.status == "InService").then_some(()))
    })
    .await
}

/// The hook's ARN, for an app that has to be started with it.
pub(super) async fn script(cx: &Context) -> Result<Option<String>, Error> {
    if cx.migration.shared.is_none() {
        return Ok(None);
    }
    match cx.account.script(&cx.migration.hook).await {
        Ok(script) => Ok(Some(script.arn)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
