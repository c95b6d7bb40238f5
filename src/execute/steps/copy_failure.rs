//! What is said of a copy that ended badly: what it left, and the ways on.

use crate::execute::context::Context;
use crate::execute::failure::Failure;
use crate::mover::{DIFFERS, Done, NOT_MOUNTED, is_of_conflicts};
use crate::names::counted;
use crate::plan::Route;

/// Words a copy's own error with the ways on.
pub(super) fn of(cx: &Context, error: &str, done: &Done) -> Failure {
    let failure = Failure::of_files(format!("the copy failed: {error}"), "the copy failed");
    match done.needs_bytes {
        Some(_) => failure.hinted(format!(
            "the volume of space {} is too small, and the playbook pays for {} GiB (target.volume.maximum_gb): raise it and plan again, or leave more out",
            cx.migration.space, cx.plan.playbook.target.volume.maximum_gb
        )),
        None if error.contains(NOT_MOUNTED) => failure.hinted(unmounted(cx)),
        None if error.contains(DIFFERS) => failure.hinted(format!(
            "what is there has the size and the time of its file and other content: delete it in space {}, and try again with `studio-migrate run`, which copies what is missing",
            cx.migration.space
        )),
        None if is_of_conflicts(error) => failure.hinted(in_the_way(cx, done)),
        None if cx.migration.route != Route::InSpace => failure.hinted(
            "mend it and try again with `studio-migrate run`; if what was packed is at fault, roll this person back first, and it is packed anew",
        ),
        None => failure.hinted(
            "mend it and try again with `studio-migrate run`: only what differs is copied again",
        ),
    }
}

/// The ways on for somebody whose home AWS does not mount: what keeps the mount out is mended, or the home goes another way.
fn unmounted(cx: &Context) -> String {
    let (domain, profile) = (&cx.migration.domain, &cx.migration.profile);
    format!(
        "where a cut-over or `retire` turned auto-mount off, put that back first (`studio-migrate cutover --undo`, `studio-migrate retire --undo`); else mend what keeps the mount out (SM315 to SM319: policy, mount targets, security groups) and try again with `studio-migrate run`; or let this home go packed: `aws sagemaker update-user-profile --domain-id {domain} --user-profile-name {profile} --user-settings AutoMountHomeEFS=Disabled`, `routes.unmounted_homes: packed` in the playbook, then `inventory`, `plan`, `plan approve` and `run --user {profile} --mount EFS_ROOT`"
    )
}

/// Where something else is in the way: all else is there already, nobody was led anywhere, and somebody has to choose.
fn in_the_way(cx: &Context, done: &Done) -> String {
    let (migration, name) = (&cx.migration, cx.migration.name());
    let place = match cx.plan.folder(migration) {
        "" => "the home".to_owned(),
        folder => format!("`~/{folder}`"),
    };
    let copied = counted(done.source.files, "file", "files");
    let begin_anew = match migration.is_reused {
        true => format!(
            "; or take it back (`studio-migrate rollback --user {name}`), which leaves in the space, which is theirs, what was copied"
        ),
        false => format!(
            "; or begin with an empty space (`studio-migrate rollback --user {name} --delete-spaces`, which deletes what its owner did there, then `studio-migrate run --user {name}`)"
        ),
    };
    format!(
        "all else ({copied}) is in {place} of space {}, and stays there; nothing was flipped, and Classic is as it was. Have what is in the way moved or renamed in the space and try again with `studio-migrate run`, which copies only what differs; or say what wins (`placement.conflict` in the playbook), plan again and run{begin_anew}",
        migration.space
    )
}
