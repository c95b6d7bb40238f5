//! Packing a home that no space mounts: from the file system, mounted on this machine, into the staging bucket.
//!
//! Everything is sealed under the migration's key, file names too: a space's execution role is shared, and whoever has it may
//! read the bucket. The home itself is only read.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::sharing_out;
use crate::execute::context::Context;
use crate::execute::failure::Failure;
use crate::execute::inventories::{Inventories, Known};
use crate::execute::mounted::mounted;
use crate::execute::notice::Notice;
use crate::mover::{self, Class, Headway, PushOrder, Totals, key};
use crate::names::counted;

/// How often whoever watches hears how far it is.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// Pushes a home, and returns what it consists of and how many entries could not be read.
pub(super) async fn push(cx: &Context, source: PathBuf) -> Result<(Totals, u64), Failure> {
    let rules = sharing_out::rules(cx, &source).await?;
    let order = PushOrder {
        source,
        bucket: cx.plan.staging_bucket(),
        prefix: prefix(cx),
        rules,
        shard_bytes: None,
        seal: Some(cx.key()?),
    };
    let (headway, stop) = (Arc::<Headway>::default(), Arc::<AtomicBool>::default());
    let mut give = |_: &mover::Entry| {};
    let mut pushing = std::pin::pin!(mover::push(&cx.account, &order, &mut give, &headway, &stop));
    let mut often = tokio::time::interval(TELL_EVERY);
    let telling = async {
        loop {
            tokio::select! {
                pushed = &mut pushing => break pushed,
                _ = often.tick() => cx.tell(Notice::Copying {
                    migration: cx.id().clone(),
                    progress: headway.progress(),
                }),
            }
        }
    };
    // What is under way is taken back then, and the next push goes on behind what is finished.
    let (pushed, was_asked) = cx.halt.stopping(&stop, telling).await;
    match pushed {
        Ok(pushed) => {
            let unreadable = pushed.not_copied.get(Class::Unreadable.word()).copied();
            Ok((pushed.totals, unreadable.unwrap_or_default()))
        }
        Err(_) if was_asked => Err(Failure::halted()),
        Err(error) => Err(Failure::of_transfer(
            "the home could not be packed",
            error,
            "mend it and run again: what is packed already is not packed again",
        )),
    }
}

/// The prefix of the packed home in the staging bucket.
pub(super) fn prefix(cx: &Context) -> String {
    format!("{}/{}", cx.migration.reports, key::PACKED)
}

/// Deletes what was packed.
pub(super) async fn take_away(cx: &Context) -> Result<(), Failure> {
    delete_below(cx, &cx.plan.staging_bucket(), &prefix(cx)).await
}

/// Deletes every object below a prefix, which has no slash at its end.
pub(super) async fn delete_below(cx: &Context, bucket: &str, prefix: &str) -> Result<(), Failure> {
    for (key, _) in cx.account.objects(bucket, &format!("{prefix}/")).await? {
        cx.account.delete_object(bucket, &key).await?;
    }
    Ok(())
}

/// Finds the home under the mount, in a folder of its file system's id, and makes sure that it is the one that the inventory saw:
/// directories are numbered anew in every file system, so another mount could hold somebody else's home of the same number.
pub(super) async fn home(cx: &Context) -> Result<PathBuf, Failure> {
    let Some(mount) = &cx.mount else {
        return Err(Failure::new("the home travels packed, and no file system is mounted here")
            .hinted("run where it is mounted, and give its root with --mount"));
    };
    let domain = cx.account.domain(&cx.migration.domain).await?;
    let Some(file_system) = domain.file_system else {
        return Err(Failure::new("the domain has no file system"));
    };
    let home = mounted(mount, &file_system)?.folder(&cx.migration.home_uid)?;
    let is_empty = home.read_dir().is_ok_and(|mut entries| entries.next().is_none());
    if let Some(files) = cx.migration.files.filter(|files| is_empty && *files > 0) {
        let message = format!(
            "{} is empty, and the plan knows of {}",
            home.display(),
            counted(files, "file", "files")
        );
        return Err(Failure::new(message).hinted("look whether the file system is mounted there"));
    }
    let stop = Arc::<AtomicBool>::default();
    let looking = known(cx)?.look(home.clone(), Arc::clone(&stop));
    let (looked, was_asked) = cx.halt.stopping(&stop, looking).await;
    match looked {
        Ok(odd) => odd.into_iter().for_each(|odd| cx.remark(odd)),
        Err(_) if was_asked => return Err(Failure::halted()),
        Err(failure) => return Err(failure),
    }
    Ok(home)
}

/// What inventories know of the home.
fn known(cx: &Context) -> Result<Known, Failure> {
    let home = |known: &Inventories| known.home(&cx.migration.domain, &cx.migration.home_uid);
    // An inventory is large: it is read for the first home of a run, and not for each.
    if let Some(known) = cx.inventories.get() {
        return Ok(home(known));
    }
    let known = Inventories::of_plan(&cx.journal, &cx.plan)?;
    Ok(home(cx.inventories.get_or_init(|| known)))
}
