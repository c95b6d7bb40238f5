//! Rules about homes and their data: SM301 to SM310.

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::finding::{Severity, Subject};
use super::render::text::{bytes, counted};
use super::rule::{Hit, Rule, page};
use super::view::{View, listed};
use crate::inventory::Home;
use crate::playbook::Volume;

/// The largest volume that AWS allows where a domain sets no maximum, in GiB.
const MAXIMUM_UNSET_GB: i32 = 100;
/// The largest volume that AWS allows at all, in GiB.
const MAXIMUM_EVER_GB: i32 = 16_384;
const GIB: u64 = 1 << 30;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SM301",
        severity: Severity::Blocker,
        title: "The home does not fit on the largest volume allowed",
        cause: "A space's volume is sized when it is made; it can never shrink, and it grows once in six hours. The limit is the smallest of the playbook's, the domain's or profile's (100 GiB where none is set) and AWS's 16,384 GiB.",
        remedy: "Leave more out (`leave_out` in the playbook; rule SM307 names candidates), or raise both limits: `target.volume.maximum_gb` in the playbook, and `aws sagemaker update-user-profile --domain-id <domain> --user-profile-name <profile> --user-settings '{\"SpaceStorageSettings\":{\"DefaultEbsStorageSettings\":{\"DefaultEbsVolumeSizeInGb\":5,\"MaximumEbsVolumeSizeInGb\":<GiB>}}}' --region <region>`.",
        sources: &[page::JL_ADMIN, "https://github.com/aws/amazon-sagemaker-feedback/issues/207"],
        look: too_large,
    },
    Rule {
        code: "SM302",
        severity: Severity::Warning,
        title: "Homes were not measured",
        cause: "No AWS interface tells the size of one home. Volumes are then sized by guess, rule SM301 cannot judge, and batches cannot put small homes first.",
        remedy: "Mount the file system read-only on a host in the domain's network and measure it: `studio-migrate inventory --domain <domain> --mount /mnt/efs`.",
        sources: &[page::STORAGE],
        look: unmeasured,
    },
    Rule {
        code: "SM303",
        severity: Severity::Advice,
        title: "The home holds sockets, pipes or devices",
        cause: "They mean nothing outside the process that made them and are not copied. The report names each.",
        remedy: "Nothing, unless the person says that one of them matters.",
        sources: &["promise 8: what was not copied is listed by name and reason"],
        look: special,
    },
    Rule {
        code: "SM304",
        severity: Severity::Warning,
        title: "The home holds entries that cannot be read",
        cause: "The space mounts the home as the home's own user. What another user owns and keeps closed, such as files of a container that ran as root, cannot be copied; the report names each.",
        remedy: "On a mount of the whole file system, give them back to the owner, whose number is HomeEfsFileSystemUid: `sudo chown -R <uid> /mnt/efs/<uid>/<path>`. This changes the source, so ask the person first.",
        sources: &[page::AUTOMOUNT],
        look: unreadable,
    },
    Rule {
        code: "SM305",
        severity: Severity::Warning,
        title: "The home holds awkward paths",
        cause: "Names that are not UTF-8, or longer than the 1,024 bytes of an S3 key. The copy inside a space keeps them byte for byte, but tools that go through S3, and some extensions, do not.",
        remedy: "Tell the person; renaming is theirs. Paths below caches and environments are better left out in the playbook.",
        sources: &[page::DATASYNC_LIMITS],
        look: awkward,
    },
    Rule {
        code: "SM306",
        severity: Severity::Advice,
        title: "The home holds Data Wrangler flows",
        cause: "Data Wrangler is part of Canvas now. Canvas offers to import flows with one click once only, for the same profile on the same file system, and never again once its banner is closed.",
        remedy: "Have the person import their flows in Canvas before the profile or the file system is ever deleted; the execution role needs AmazonSageMakerCanvasDataPrepFullAccess. The `.flow` files themselves are copied with the home, and `studio-migrate flows` copies them to where Canvas imports from.",
        sources: &[page::MIGRATE_DATA],
        look: flows,
    },
    Rule {
        code: "SM307",
        severity: Severity::Advice,
        title: "The home holds caches and environments that would be copied",
        cause: "Environments and caches of Classic do not work in the new Studio, which has another distribution and another Python. Copying them costs time, and volume for good.",
        remedy: "Add them to `leave_out` in the playbook, each with a reason. Have people export what they need first: `conda env export -n <environment> --from-history > environment.yml`.",
        sources: &[page::MIGRATE_DATA, page::MIGRATE_LCC],
        look: candidates,
    },
    Rule {
        code: "SM308",
        severity: Severity::Advice,
        title: "A file system belongs to no domain that was seen",
        cause: "Deleting a domain keeps its home file system by default. It costs money every month and may hold the only copy of someone's work.",
        remedy: "Find out whose it was. `studio-migrate orphans archive` packs what is on it to a place that the playbook names, where it is mounted. Once nobody needs it: `aws efs delete-file-system --file-system-id <name> --region <region>`, after its mount targets.",
        sources: &[
            page::DELETE_DOMAIN,
            "https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1085",
        ],
        look: orphan_file_system,
    },
    Rule {
        code: "SM309",
        severity: Severity::Advice,
        title: "Home directories without an owner",
        cause: "Deleting a profile or a shared space leaves its directory on the file system, and a profile made anew under the same name gets a new, empty one. These files belong to nobody who would be migrated.",
        remedy: "Match the numbers with CloudTrail's CreateUserProfile events or old exports, and ask. `studio-migrate orphans archive` packs them to a place that the playbook names, and `orphans assign` delivers one to somebody who has moved; nothing is deleted.",
        sources: &[
            page::STORAGE,
            "https://github.com/aws-samples/sagemaker-studio-efs-recovery-serverless",
        ],
        look: orphan_homes,
    },
    Rule {
        code: "SM310",
        severity: Severity::Advice,
        title: "The home holds sparse files",
        cause: "Sparse files are longer than the blocks that they occupy. The volume is sized by their length, so it may turn out far larger than what the files need.",
        remedy: "Look at the largest files. Leave images of disks and databases out where they can be made anew.",
        sources: &["the inventory's own measure: bytes against allocated bytes"],
        look: sparse,
    },
];

/// Returns the volume that a home of `bytes` needs in GiB, before the bounds of the playbook.
///
/// Bytes to copy, plus the headroom in percent, rounded up to whole GiB, plus the headroom in GiB.
pub fn volume_needed_gb(bytes: u64, volume: &Volume) -> u64 {
    let percent = u128::from(volume.headroom_percent) + 100;
    let with_headroom = (u128::from(bytes) * percent).div_ceil(100 * u128::from(GIB));
    let extra = u64::try_from(volume.headroom_gb).unwrap_or(0);
    u64::try_from(with_headroom).unwrap_or(u64::MAX).saturating_add(extra)
}

/// Returns the volume that a home of `bytes` gets in GiB: what it needs, within the bounds of the playbook.
pub(super) fn volume_made_gb(bytes: u64, volume: &Volume) -> u64 {
    let least = u64::try_from(volume.minimum_gb).unwrap_or_default();
    let most = u64::try_from(volume.maximum_gb).unwrap_or_default().max(least);
    volume_needed_gb(bytes, volume).clamp(least, most)
}

/// What the playbook leaves out, to tell which candidates are left out already.
fn left_out(view: &View<'_>) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for rule in &view.playbook.leave_out {
        if let Ok(glob) = Glob::new(&rule.pattern) {
            set.add(glob);
        }
    }
    set.build().unwrap_or_else(|_| GlobSet::empty())
}

/// A candidate is a name, or a pattern around one.
fn is_left_out(candidate: &str, patterns: &GlobSet, view: &View<'_>) -> bool {
    let name = candidate.trim_start_matches("**/").trim_end_matches("/**").trim_end_matches('/');
    patterns.is_match(name)
        || patterns.is_match(format!("{name}/x"))
        || view.playbook.leave_out.iter().any(|rule| rule.pattern == candidate)
}

/// Returns a function that tells the bytes of a home that are to be copied: all but what the playbook leaves out.
pub(super) fn to_copy<'v>(view: &'v View<'_>) -> impl Fn(&Home) -> u64 + 'v {
    let patterns = left_out(view);
    move |home| {
        let spared: u64 = home
            .candidates
            .iter()
            .filter(|(name, _)| is_left_out(name, &patterns, view))
            .map(|(_, (bytes, _))| *bytes)
            .sum();
        home.bytes.saturating_sub(spared)
    }
}

fn too_large(view: &View<'_>) -> Vec<Hit> {
    let bytes_to_copy = to_copy(view);
    let volume = &view.playbook.target.volume;
    let mut hits = Vec::new();
    for (domain, profile, home) in view.homes() {
        let to_copy = bytes_to_copy(home);
        // A volume is never smaller than the playbook's smallest, however little it has to hold.
        let least = u64::try_from(volume.minimum_gb).unwrap_or_default();
        let needed = volume_needed_gb(to_copy, volume).max(least);
        let set = profile.effective.maximum_volume_gb;
        let allowed = volume.maximum_gb.min(set.unwrap_or(MAXIMUM_UNSET_GB)).min(MAXIMUM_EVER_GB);
        if i64::try_from(needed).unwrap_or(i64::MAX) <= i64::from(allowed) {
            continue;
        }
        let largest: Vec<_> = home
            .largest
            .iter()
            .take(3)
            .map(|(path, size)| format!("{path} ({})", bytes(*size)))
            .collect();
        hits.push(Hit::new(
            Subject::profile(&domain.id, &profile.name),
            format!(
                "{} to copy need {needed} GiB; allowed are {allowed} GiB (playbook {}, domain or profile {}); largest: {}",
                bytes(to_copy),
                volume.maximum_gb,
                set.map_or_else(|| "not set, so 100".to_owned(), |set| set.to_string()),
                if largest.is_empty() { "unknown".to_owned() } else { largest.join(", ") }
            ),
        ));
    }
    hits
}

fn unmeasured(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for scope in &view.domains {
        let names: Vec<_> = scope
            .people
            .iter()
            .filter(|profile| profile.home.is_none() && profile.home_uid.is_some())
            .map(|profile| profile.name.as_str())
            .collect();
        if !names.is_empty() {
            hits.push(Hit::new(
                Subject::domain(&scope.domain.id),
                format!("{} of {} homes: {}", names.len(), scope.people.len(), listed(&names)),
            ));
        }
    }
    hits
}

fn special(view: &View<'_>) -> Vec<Hit> {
    view.homes()
        .filter(|(_, _, home)| home.special > 0)
        .map(|(domain, profile, home)| {
            Hit::new(
                Subject::profile(&domain.id, &profile.name),
                format!("{} not copied", counted(home.special, "special entry", "special entries")),
            )
        })
        .collect()
}

fn unreadable(view: &View<'_>) -> Vec<Hit> {
    view.homes()
        .filter(|(_, _, home)| home.unreadable > 0)
        .map(|(domain, profile, home)| {
            let uid = profile.home_uid.as_ref().map_or("unknown", |uid| uid.as_str());
            Hit::new(
                Subject::profile(&domain.id, &profile.name),
                format!("{} under /{uid}", counted(home.unreadable, "entry", "entries")),
            )
        })
        .collect()
}

fn awkward(view: &View<'_>) -> Vec<Hit> {
    view.homes()
        .filter(|(_, _, home)| !home.awkward_paths.is_empty())
        .map(|(domain, profile, home)| {
            Hit::new(
                Subject::profile(&domain.id, &profile.name),
                listed(&home.awkward_paths.iter().map(|path| shortened(path)).collect::<Vec<_>>()),
            )
        })
        .collect()
}

/// Keeps the head of a path of a thousand bytes.
fn shortened(path: &str) -> String {
    const SHOWN: usize = 120;
    if path.chars().count() <= SHOWN {
        return path.to_owned();
    }
    let head: String = path.chars().take(SHOWN).collect();
    format!("{head}… ({} bytes)", path.len())
}

fn flows(view: &View<'_>) -> Vec<Hit> {
    view.homes()
        .filter(|(_, _, home)| home.flows > 0)
        .map(|(domain, profile, home)| {
            Hit::new(
                Subject::profile(&domain.id, &profile.name),
                counted(home.flows, "flow", "flows"),
            )
        })
        .collect()
}

fn candidates(view: &View<'_>) -> Vec<Hit> {
    let patterns = left_out(view);
    let mut hits = Vec::new();
    for (domain, profile, home) in view.homes() {
        let mut copied: Vec<_> = home
            .candidates
            .iter()
            .filter(|(name, (size, _))| *size > 0 && !is_left_out(name, &patterns, view))
            .collect();
        if copied.is_empty() {
            continue;
        }
        copied.sort_by(|(name, a), (other, b)| b.0.cmp(&a.0).then_with(|| name.cmp(other)));
        let total: u64 = copied.iter().map(|(_, (size, _))| *size).sum();
        let names: Vec<_> = copied
            .iter()
            .map(|(name, (size, files))| {
                format!("{name} {} in {}", bytes(*size), counted(*files, "file", "files"))
            })
            .collect();
        hits.push(Hit::new(
            Subject::profile(&domain.id, &profile.name),
            format!("{} of {}: {}", bytes(total), bytes(home.bytes), listed(&names)),
        ));
    }
    hits
}

fn orphan_file_system(view: &View<'_>) -> Vec<Hit> {
    let is_seen = |id: &crate::names::DomainId| view.snapshot.domains.iter().any(|d| d.id == *id);
    let is_used = |id| view.snapshot.domains.iter().any(|d| d.file_system.as_ref() == Some(id));
    // What belongs to a domain that was not looked at is no orphan.
    let all = view.snapshot.file_systems.iter().filter(|_| view.snapshot.is_whole());
    all.filter(|fs| !fs.domain.as_ref().is_some_and(is_seen) && !is_used(&fs.id))
        .map(|fs| {
            let domain = fs.domain.as_ref().map_or("no domain", |domain| domain.as_str());
            Hit::new(
                Subject::thing(fs.id.as_str()),
                format!(
                    "{}, tagged for {domain}, {}",
                    bytes(fs.bytes.total),
                    counted(u64::from(fs.mount_target_count), "mount target", "mount targets")
                ),
            )
        })
        .collect()
}

fn orphan_homes(view: &View<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for fs in view.snapshot.file_systems.iter().filter(|fs| !fs.orphan_homes.is_empty()) {
        let total: u64 = fs.orphan_homes.iter().map(|orphan| orphan.home.bytes).sum();
        let names: Vec<_> = fs
            .orphan_homes
            .iter()
            .map(|orphan| {
                let newest = orphan.home.newest.as_deref().unwrap_or("unknown");
                format!("/{} {}, newest {newest}", orphan.uid, bytes(orphan.home.bytes))
            })
            .collect();
        hits.push(Hit::new(
            Subject::thing(fs.id.as_str()),
            format!("{} in {}: {}", bytes(total), names.len(), listed(&names)),
        ));
    }
    hits
}

fn sparse(view: &View<'_>) -> Vec<Hit> {
    view.homes()
        .filter(|(_, _, home)| home.bytes >= GIB && home.allocated_bytes < home.bytes / 2)
        .map(|(domain, profile, home)| {
            Hit::new(
                Subject::profile(&domain.id, &profile.name),
                format!("{} long, {} allocated", bytes(home.bytes), bytes(home.allocated_bytes)),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_that_may_not_be_as_large_as_the_playbook_s_smallest_is_too_small() {
        let (mut snapshot, mut playbook) = (cases::clean(), cases::playbook());
        playbook.target.volume.minimum_gb = 20;
        snapshot.domains[0].profiles[0].effective.maximum_volume_gb = Some(8);
        let findings = crate::readiness::assess(&snapshot, &playbook);
        let codes: Vec<_> = findings.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, ["SM301"]);
    }
    use crate::playbook::LeaveOut;
    use crate::readiness::cases;

    #[test]
    fn headroom_is_a_share_and_a_room_on_top() {
        let volume = Volume::default();
        assert_eq!(volume_needed_gb(0, &volume), 2);
        assert_eq!(volume_needed_gb(10 * GIB, &volume), 15);
        assert_eq!(volume_needed_gb(10 * GIB + 1, &volume), 16);
        assert!(volume_needed_gb(u64::MAX, &volume) > 1 << 33);
    }

    #[test]
    fn what_the_playbook_leaves_out_is_not_counted_against_the_volume() {
        let (mut snapshot, mut playbook) = (cases::clean(), cases::playbook());
        let home = snapshot.domains[0].profiles[0].home.as_mut().unwrap();
        home.bytes = 90 * GIB;
        home.allocated_bytes = home.bytes;
        home.candidates.insert("node_modules".to_owned(), (60 * GIB, 9));
        let codes = |snapshot: &_, playbook: &_| {
            let findings = crate::readiness::assess(snapshot, playbook);
            findings.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
        };
        assert_eq!(codes(&snapshot, &playbook), ["SM301", "SM307", "SM311"]);
        playbook.leave_out = vec![LeaveOut {
            pattern: "**/node_modules/**".to_owned(),
            reason: "made anew by npm".to_owned(),
        }];
        assert_eq!(codes(&snapshot, &playbook), ["SM311"]);
    }

    #[test]
    fn a_domain_without_a_maximum_allows_a_hundred_gib() {
        let (mut snapshot, mut playbook) = (cases::clean(), cases::playbook());
        playbook.target.volume.maximum_gb = 1000;
        let profile = &mut snapshot.domains[0].profiles[0];
        profile.effective.maximum_volume_gb = None;
        let home = profile.home.as_mut().unwrap();
        home.bytes = 200 * GIB;
        home.allocated_bytes = home.bytes;
        let findings = crate::readiness::assess(&snapshot, &playbook);
        assert_eq!(findings[0].code, "SM301");
        assert!(findings[0].evidence.contains("not set, so 100"), "{}", findings[0].evidence);
        snapshot.domains[0].profiles[0].effective.maximum_volume_gb = Some(500);
        let findings = crate::readiness::assess(&snapshot, &playbook);
        assert!(findings.iter().all(|finding| finding.code != "SM301"), "{findings:?}");
    }
}
