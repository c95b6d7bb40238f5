//! Provision: the person has a private space with a volume that their home fits on; a shared space has a new shared one.
//!
//! - Changes: creates the space that the plan names, tagged as ours, with idle shutdown held off while the copy runs.
//! - Receipt: the space's ARN, its volume and whether an earlier try had made it.
//! - Twice: a space of that name that carries our tag is adopted, whatever state the reply was lost in. One without it is
//!   someone else's, and the step fails leaving nothing behind.
//!   Where the plan reuses a space that the person had before, that space is not made, not tagged and never deleted: its idle
//!   shutdown is held off, noted first, and everything else stays as it is.
//! - Undo: the space is deleted with its volume, unless its owner may have worked in it: then it is kept and named. A
//!   space that is not there, or not ours, is left alone. A reused space gets its idle shutdown back and keeps what was copied.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::entered::may_be_worked_in;
use super::orphan;
use crate::aws::{App, Error, ErrorKind, NewSpace, Owner, Space};
use crate::execute::context::Context;
use crate::execute::failure::{Failure, Stuck};
use crate::execute::step::Step;
use crate::execute::stranded::stranded;

/// What to do where the account may have no more spaces. The code is that of Service Quotas' list, as rule SM603 has it.
const MORE_SPACES: &str = "the quota of Studio spaces is used up (Service Quotas, Amazon SageMaker, L-8E5333B4): `aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code L-8E5333B4 --desired-value <spaces> --region <region>`, or delete spaces that nobody needs; then run again";

/// Idle shutdown while the copy runs, because a copy is no activity that Jupyter sees: a year but for a minute, one less than
/// AWS's longest, so that it is told from what an owner chose.
const IDLE_MINUTES_WHILE_COPYING: i32 = 525_599;

/// What provision did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The space's ARN.
    pub arn: String,
    /// The size of its volume in GiB.
    pub volume_gb: Option<i32>,
    /// Whether an earlier try had made it.
    pub was_adopted: bool,
}

/// Creates the space, or adopts the one that an earlier try made, and waits until it is in service.
pub async fn perform(cx: &Context) -> Result<Receipt, Failure> {
    let was_adopted = open_or_adopt(cx).await?;
    if !was_adopted {
        cx.short_pause().await?;
    }
    let space = settled_space(cx).await?;
    Ok(Receipt { arn: space.arn, volume_gb: space.volume_gb, was_adopted })
}

/// Tells whether an earlier try had made the space.
async fn open_or_adopt(cx: &Context) -> Result<bool, Failure> {
    if cx.migration.is_reused {
        return reuse(cx).await.map(|()| false);
    }
    if let Some(space) = found(cx).await? {
        return adopt(cx, &space).await;
    }
    let new = NewSpace {
        domain: cx.migration.domain.clone(),
        name: cx.migration.space.clone(),
        owner: cx.migration.profile.clone(),
        is_shared: cx.migration.shared.is_some(),
        app: cx.migration.app,
        volume_gb: cx.migration.volume_gb,
        idle_minutes: IDLE_MINUTES_WHILE_COPYING,
        instance_type: cx.plan.playbook.target.instance_type.clone(),
        tags: cx.space_tags(),
    };
    match cx.account.create_space(&new).await {
        Ok(_) => Ok(false),
        // The reply to an earlier attempt may have been lost although the space was made.
        Err(error) if matches!(error.kind, ErrorKind::InUse | ErrorKind::Invalid) => {
            match found(cx).await? {
                Some(space) => adopt(cx, &space).await,
                None => Err(error.into()),
            }
        }
        Err(error) if error.kind == ErrorKind::LimitExceeded => {
            Err(Failure::from(error).hinted(MORE_SPACES))
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes a space that its owner had before ready for the copy: only its idle shutdown changes, and what it was is noted.
async fn reuse(cx: &Context) -> Result<(), Failure> {
    let migration = &cx.migration;
    let space = settled_space(cx).await.map_err(|failure| {
        failure
            .hinted("the plan reuses this space; if it is gone or broken, draw up the plan again")
    })?;
    if space.owner.as_ref() != Some(&migration.profile)
        || space.app_type.as_deref() != Some(migration.app.as_str())
    {
        return Err(Failure::new(format!(
            "space {} is no {} space of {}",
            migration.space, migration.app, migration.profile
        ))
        .hinted("draw up the plan again"));
    }
    cx.before(Step::Provision, "idle_minutes", json!(space.idle_minutes))?;
    set_idle(cx, IDLE_MINUTES_WHILE_COPYING).await
}

/// The idle shutdown that a reused space had, in minutes; `None` where the space is our own, or had none.
pub(super) fn idle_before(cx: &Context) -> Result<Option<i32>, Failure> {
    let standing = cx.standing()?;
    let noted = standing.noted(Step::Provision, "idle_minutes").and_then(Value::as_i64);
    Ok(noted.and_then(|minutes| i32::try_from(minutes).ok()))
}

/// Holds idle shutdown off once more, for a copy that is made after confirm had set it.
pub(super) async fn hold_idle_off(cx: &Context) -> Result<(), Failure> {
    let space = cx.account.space(&cx.migration.domain, &cx.migration.space).await?;
    if space.idle_minutes == Some(IDLE_MINUTES_WHILE_COPYING) {
        return Ok(());
    }
    set_idle(cx, IDLE_MINUTES_WHILE_COPYING).await
}

/// Tells whether idle shutdown is held off, as it is while something is copied.
pub(super) fn is_held_off(space: &Space) -> bool {
    space.idle_minutes == Some(IDLE_MINUTES_WHILE_COPYING)
}

/// Sets the idle shutdown of the space.
pub(super) async fn set_idle(cx: &Context, minutes: i32) -> Result<(), Failure> {
    let (domain, space, app) = (&cx.migration.domain, &cx.migration.space, cx.migration.app);
    change_space(cx, async || cx.account.set_up_space(domain, space, app, minutes, None).await)
        .await
}

/// Gives a reused space its idle shutdown back, and says what stays in it.
async fn give_back(cx: &Context) -> Result<Vec<String>, Failure> {
    let migration = &cx.migration;
    let Some(space) = found(cx).await? else { return Ok(Vec::new()) };
    stop_app(cx).await?;
    let (before, afterwards) = (idle_before(cx)?, cx.plan.playbook.target.idle_shutdown_minutes);
    if space.idle_minutes == Some(IDLE_MINUTES_WHILE_COPYING) {
        set_idle(cx, before.unwrap_or(afterwards)).await?;
    }
    let idle = match before {
        Some(_) => String::new(),
        None => format!(
            "; it had no idle shutdown of its own, which AWS cannot unset, and has {afterwards} minutes now"
        ),
    };
    let folder = match cx.plan.folder(migration) {
        "" => "its home".to_owned(),
        folder => format!("`{folder}`"),
    };
    Ok(vec![format!(
        "space {} was {}'s before and is kept: what was copied stays in {folder}, and a volume that was grown stays so{idle}",
        migration.space, migration.profile
    )])
}

async fn adopt(cx: &Context, space: &Space) -> Result<bool, Failure> {
    let is_ours = cx.is_ours(&cx.account.tags(&space.arn).await?);
    let is_theirs = is_whose_it_should_be(cx, space);
    if is_ours && is_theirs {
        Ok(true)
    } else if is_ours && space.owner.as_ref() != Some(&cx.migration.profile) {
        Err(of_another_owner(cx, space))
    } else {
        Err(Failure::new(format!("a space called {} is already there", cx.migration.space))
            .hinted("change `target.space_name` in the playbook and draw up the plan again"))
    }
}

/// Where an earlier plan had made the space for somebody else, and it was kept: whoever it is shared with works in it.
fn of_another_owner(cx: &Context, space: &Space) -> Failure {
    let (migration, nobody) = (&cx.migration, "nobody".into());
    let owner = space.owner.as_ref().unwrap_or(&nobody);
    Failure::new(format!(
        "space {} was made for this by an earlier plan and belongs to {owner}; now {} is to own it",
        migration.space, migration.profile
    ))
    .hinted(format!(
        "AWS gives no space to another owner. Make {owner} its owner again (of a team whoever is named first in its table, of a shared space its owner in Classic or `routes.shared_space_owner`), and plan anew; or plan another name (`target.space_name`), and leave the space to {owner}; or, once nobody needs what is in it, delete it: `aws sagemaker delete-space --domain-id {} --space-name {}`",
        migration.domain, migration.space
    ))
}

/// Tells whether a space has the owner that the plan says, and is shared only if it is to be.
pub(super) fn is_whose_it_should_be(cx: &Context, space: &Space) -> bool {
    space.owner.as_ref() == Some(&cx.migration.profile)
        && (space.sharing.as_deref() == Some("Shared")) == cx.migration.shared.is_some()
}

/// Deletes the space and its volume, or keeps it when work may be in it.
pub async fn undo(cx: &Context, receipt: Option<&Receipt>) -> Result<Vec<String>, Stuck> {
    let look_at = format!("space {} in domain {}", cx.migration.space, cx.migration.domain);
    let undone = if cx.migration.is_reused {
        give_back(cx).await
    } else {
        take_away(cx, receipt.is_some()).await
    };
    let undone = undone.and_then(|mut remarks| {
        remarks.extend(stranded(&cx.journal, &cx.plan, &cx.migration, false)?);
        Ok(remarks)
    });
    undone.map_err(|failure| Stuck::over(failure, look_at))
}

async fn take_away(cx: &Context, was_provided: bool) -> Result<Vec<String>, Failure> {
    let (domain, name) = (&cx.migration.domain, &cx.migration.space);
    let Some(space) = cx.if_there(async || cx.account.space(domain, name).await).await? else {
        return Ok(Vec::new());
    };
    if !cx.is_ours(&cx.account.tags(&space.arn).await?) {
        return Ok(Vec::new());
    }
    if !cx.may_delete_used_spaces && may_be_worked_in(cx, &space, was_provided).await? {
        if space.idle_minutes == Some(IDLE_MINUTES_WHILE_COPYING) {
            stop_app(cx).await?;
            set_idle(cx, orphan::idle_before(cx)?).await?;
        }
        return Ok(vec![format!(
            "space {} is kept with its volume, because somebody may have worked in it; to delete both: `aws sagemaker delete-space --domain-id {} --space-name {}`, or roll back with --delete-spaces in the first place",
            cx.migration.space, cx.migration.domain, cx.migration.space
        )]);
    }
    stop_app(cx).await?;
    if !others_apps(cx).await?.is_empty() {
        return Ok(vec![format!(
            "space {} is kept with its volume, because an app that was not started by this migration runs in it",
            cx.migration.space
        )]);
    }
    match cx.account.delete_space(&cx.migration.domain, &cx.migration.space).await {
        Ok(()) => {}
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    }
    cx.until("the space to be deleted", async || {
        match cx.account.space(&cx.migration.domain, &cx.migration.space).await {
            Ok(_) => Ok(None),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(Some(())),
            Err(error) => Err(error),
        }
    })
    .await?;
    Ok(Vec::new())
}

/// Tells whether a space is there that was made for this migration.
pub(in crate::execute) async fn is_left(cx: &Context) -> Result<bool, Failure> {
    if cx.migration.is_reused {
        return Ok(false);
    }
    Ok(match found(cx).await? {
        Some(space) => cx.is_ours(&cx.account.tags(&space.arn).await?),
        None => false,
    })
}

/// The apps of the space, in one look.
#[derive(Debug, Default)]
pub(super) struct Apps {
    /// Those that this migration started, and those that are on their way.
    pub(super) ours: Vec<App>,
    /// Those that it did not: they are their owner's, and are let be.
    pub(super) others: Vec<App>,
}

/// Looks whose the apps of the space are.
pub(super) async fn apps(cx: &Context) -> Result<Apps, Error> {
    let owner = Owner::Space(cx.migration.space.clone());
    let mut apps = Apps::default();
    for app in cx.account.apps(&cx.migration.domain, &owner).await? {
        let is_ours = app.status == "Deleting" || is_our_app(cx, &app).await?;
        if is_ours { apps.ours.push(app) } else { apps.others.push(app) }
    }
    Ok(apps)
}

/// Returns the apps of the space that this migration did not start.
pub(in crate::execute) async fn others_apps(cx: &Context) -> Result<Vec<App>, Error> {
    Ok(apps(cx).await?.others)
}

async fn is_our_app(cx: &Context, app: &App) -> Result<bool, Error> {
    let migration = &cx.migration;
    let detail =
        cx.account.app_detail(&migration.domain, &migration.space, &app.app_type, &app.name).await;
    match detail {
        Ok(detail) => Ok(cx.is_ours(&cx.account.tags(&detail.arn).await?)),
        // Gone meanwhile.
        Err(error) if error.kind == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Stops the space's app, if this migration started one, and waits until it is gone.
pub(super) async fn stop_app(cx: &Context) -> Result<(), Failure> {
    let owner = Owner::Space(cx.migration.space.clone());
    let domain = &cx.migration.domain;
    let Apps { ours, others } = apps(cx).await?;
    if ours.is_empty() {
        return Ok(());
    }
    let is_one_of = |all: &[App], app: &App| all.iter().any(|one| one.created_at == app.created_at);
    let stop = async |app: &App| match cx
        .account
        .delete_app(domain, &owner, &app.app_type, &app.name)
        .await
    {
        // Gone; or on its way, or still starting, which AWS does not let anybody stop: then it is stopped later.
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::InUse) => Ok(()),
        stopped => stopped,
    };
    for app in &ours {
        stop(app).await?;
    }
    cx.short_pause().await?;
    cx.until("the space's app to stop", async || {
        let mut left = cx.account.apps(domain, &owner).await?;
        left.retain(|app| !is_one_of(&others, app));
        for app in left.iter().filter(|app| app.status == "InService" && is_one_of(&ours, app)) {
            stop(app).await?;
        }
        Ok(left.is_empty().then_some(()))
    })
    .await
}

/// Changes the space, waiting while it is busy, and until it is in service again.
pub(super) async fn change_space(
    cx: &Context,
    change: impl AsyncFn() -> Result<(), Error>,
) -> Result<(), Failure> {
    cx.settled(async || settled_space(cx).await.map(drop), change).await
}

/// Waits until the space is in service.
async fn settled_space(cx: &Context) -> Result<Space, Failure> {
    let space = cx
        .until("the space to be in service", async || {
            let space = cx.account.space(&cx.migration.domain, &cx.migration.space).await?;
            Ok(has_settled(&space.status).then_some(space))
        })
        .await?;
    if space.status == "InService" {
        return Ok(space);
    }
    let why = space.failure.unwrap_or_else(|| "AWS gives no reason".to_owned());
    Err(Failure::new(format!("the space is {}: {why}", space.status))
        .leaving(format!("space {}", cx.migration.space)))
}

async fn found(cx: &Context) -> Result<Option<Space>, Error> {
    match cx.account.space(&cx.migration.domain, &cx.migration.space).await {
        Ok(space) => Ok(Some(space)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn has_settled(status: &str) -> bool {
    !matches!(status, "Pending" | "Updating")
}
