//! What is paid before, after, once, and on another road.

use super::prices::Asked;
use super::{Cost, Estimate, GIB, Range, as_f64};
use crate::inventory::FileSystem;
use crate::readiness::home::volume_made_gb;
use crate::readiness::render::text::counted;
use crate::readiness::view::View;

/// Hours in a month, as AWS bills.
const MONTH: f64 = 730.0;
/// How often a byte of a home is read: once for the copy, and again where a second pass or a verification looks at it.
const READS: Range = Range { low: 1.0, high: 2.0 };
/// Bytes of a manifest for one file, compressed: a path, a digest and what a file system knows of it.
const MANIFEST: Range = Range { low: 60.0, high: 250.0 };
/// Requests of S3 for one person on the way inside the space: the mover, its order, its reports.
const REQUESTS: Range = Range { low: 10.0, high: 60.0 };

/// Reckons every cost.
pub(super) fn all(
    view: &View<'_>,
    homes: &[(Range, Range)],
    prices: &Asked<'_>,
    estimate: &mut Estimate,
) {
    let mut reckoned = Reckoned { prices, estimate };
    let total = homes.iter().fold((Range::default(), Range::default()), |sum, (bytes, files)| {
        (sum.0.plus(*bytes), sum.1.plus(*files))
    });
    reckoned.file_systems(view);
    reckoned.volumes(view, homes);
    reckoned.classic_apps(view);
    reckoned.copying(view);
    reckoned.reading(view, total.0);
    reckoned.staging(homes.len(), total.1);
    reckoned.datasync(total);
    reckoned.estimate.without_price.sort();
    reckoned.estimate.without_price.dedup();
}

/// The costs so far, and what things cost.
struct Reckoned<'a> {
    prices: &'a Asked<'a>,
    estimate: &'a mut Estimate,
}

impl Reckoned<'_> {
    fn add(&mut self, when: &str, what: &str, usd: Range, how: String) {
        let (when, what) = (when.to_owned(), what.to_owned());
        self.estimate.costs.push(Cost { when, what, usd, how });
    }

    fn file_systems(&mut self, view: &View<'_>) {
        let (mut stored, mut gib) = (Range::default(), 0.0);
        let (mut throughput, mut mibps) = (Range::default(), 0.0);
        for one in in_scope(view) {
            let classes = [
                ("efs-standard", one.bytes.standard),
                ("efs-infrequent", one.bytes.infrequent),
                ("efs-archive", one.bytes.archive),
            ];
            // A file system that does not tell its classes is billed as Standard.
            let told: u64 = classes.iter().map(|(_, bytes)| bytes).sum();
            let rest = ("efs-standard", one.bytes.total.saturating_sub(told));
            for (class, bytes) in classes.into_iter().chain([rest]) {
                let of_class = as_f64(bytes) / GIB;
                stored = stored.plus(self.prices.of_known(class).times(of_class));
                gib += of_class;
            }
            let provisioned = one.provisioned_mibps.unwrap_or_default();
            throughput =
                throughput.plus(self.prices.of_known("efs-provisioned").times(provisioned));
            mibps += provisioned;
        }
        // What stays on EFS is the customer's choice: from nothing but an empty file system to all of it.
        let until_deleted = |month: Range| Range { low: 0.0, high: month.high };
        if gib > 0.0 {
            let how = format!("{gib:.0} GiB by storage class");
            self.add("before", "Classic homes on EFS", stored, how.clone());
            self.add(
                "after",
                "Classic homes on EFS, until they are deleted",
                until_deleted(stored),
                format!("{how}; the file system itself stays while the domain lives"),
            );
        }
        if mibps > 0.0 {
            let how = format!("{mibps:.0} MiB a second, provisioned");
            self.add("before", "Throughput of EFS", throughput, how.clone());
            let what = "Throughput of EFS, until its mode is changed";
            self.add("after", what, until_deleted(throughput), how);
        }
    }

    fn volumes(&mut self, view: &View<'_>, homes: &[(Range, Range)]) {
        let volume = &view.playbook.target.volume;
        let gib = |bytes: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes")]
            as_f64(volume_made_gb(bytes.clamp(0.0, 1e18) as u64, volume))
        };
        let sum = homes.iter().fold(Range::default(), |sum, (bytes, _)| {
            sum.plus(Range { low: gib(bytes.low), high: gib(bytes.high) })
        });
        let usd = sum.by(self.prices.of_known("studio-volume"));
        let how = format!("{} GiB as the playbook sizes them", told(sum));
        self.add("after", "Volumes of the new spaces", usd, how);
    }

    fn classic_apps(&mut self, view: &View<'_>) {
        let (mut month, mut running) = (Range::default(), 0_usize);
        for scope in &view.domains {
            for app in scope.domain.apps.iter().filter(|app| app.is_classic()) {
                // The server of Classic runs on an instance of AWS's that is not billed.
                let Some(on) = app.instance_type.as_deref().filter(|on| *on != "system") else {
                    continue;
                };
                running += 1;
                match self.prices.get(on) {
                    Some(price) => month = month.plus(price.times(MONTH)),
                    None => self.estimate.without_price.push(on.to_owned()),
                }
            }
        }
        if running > 0 {
            let how = format!("{}, if they run all month", counted(running as u64, "app", "apps"));
            self.add("before", "Classic apps that run", month, how);
        }
    }

    fn copying(&mut self, view: &View<'_>) {
        let on = &view.playbook.target.instance_type;
        let people = as_f64((self.estimate.measured + self.estimate.unmeasured) as u64);
        match self.prices.get(on) {
            Some(price) => {
                let hours = self.estimate.minutes_a_person.times(people / 60.0);
                let how = format!("{on}, one a person, while their home is copied");
                self.add("once", "Instances that copy", hours.by(price), how);
            }
            None => self.estimate.without_price.push(on.clone()),
        }
    }

    /// Reading costs where throughput is elastic, and where files lie in Infrequent Access.
    fn reading(&mut self, view: &View<'_>, bytes: Range) {
        let (mut elastic, mut infrequent, mut total) = (0_u64, 0_u64, 0_u64);
        let mut is_mode_known = true;
        for one in in_scope(view) {
            total = total.saturating_add(one.bytes.total);
            infrequent = infrequent.saturating_add(one.bytes.infrequent);
            match one.throughput_mode.as_deref() {
                Some("elastic") => elastic = elastic.saturating_add(one.bytes.total),
                Some(_) => {}
                None => is_mode_known = false,
            }
        }
        if total == 0 {
            return;
        }
        let share = |part: u64| as_f64(part) / as_f64(total);
        let gib = bytes.times(1.0 / GIB).by(READS);
        let mut usd = gib.times(share(elastic)).by(self.prices.of_known("efs-elastic-read"));
        if !is_mode_known {
            usd.high = usd.high.max(gib.high * self.prices.of_known("efs-elastic-read").high);
        }
        let cold = gib.times(share(infrequent)).by(self.prices.of_known("efs-infrequent-read"));
        usd = usd.plus(cold);
        if usd.high > 0.0 {
            let how = format!(
                "{} GiB; {:.0} % in elastic mode, {:.0} % in Infrequent Access",
                told(gib),
                share(elastic) * 100.0,
                share(infrequent) * 100.0
            );
            self.add("once", "Reading the homes from EFS", usd, how);
        }
    }

    /// Only the mover and its reports pass the bucket; homes do not.
    fn staging(&mut self, people: usize, files: Range) {
        let kept = files.by(MANIFEST).times(1.0 / GIB).by(self.prices.of_known("s3-standard"));
        let asked = REQUESTS.times(as_f64(people as u64) / 1000.0);
        let usd = kept.plus(asked.by(self.prices.of_known("s3-put-1000")));
        let how = "manifests for a month, and requests; no home passes it".to_owned();
        self.add("once", "Staging bucket", usd, how);
    }

    /// What the same homes would cost by DataSync to S3, an object a file, and from there into the spaces.
    fn datasync(&mut self, (bytes, files): (Range, Range)) {
        let gib = bytes.times(1.0 / GIB);
        let thousands = files.times(1.0 / 1000.0);
        let usd = [
            gib.by(self.prices.of_known("datasync")),
            gib.by(self.prices.of_known("s3-standard")),
            thousands.by(self.prices.of_known("s3-put-1000")),
            thousands.by(self.prices.of_known("s3-get-1000")),
        ];
        let usd = usd.into_iter().fold(Range::default(), Range::plus);
        let how =
            format!("{} GiB in {} thousand objects, kept a month", told(gib), told(thousands));
        self.add("instead", "DataSync and S3, were homes to go that way", usd, how);
    }
}

/// Writes a range in whole numbers, once where its ends are the same.
fn told(range: Range) -> String {
    let (low, high) = (format!("{:.0}", range.low), format!("{:.0}", range.high));
    if low == high { low } else { format!("{low} to {high}") }
}

fn in_scope<'a>(view: &View<'a>) -> impl Iterator<Item = &'a FileSystem> {
    let ids: std::collections::BTreeSet<_> =
        view.domains.iter().filter_map(|scope| scope.domain.file_system.as_ref()).collect();
    view.snapshot.file_systems.iter().filter(move |one| ids.contains(&one.id))
}
