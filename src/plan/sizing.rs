//! What a home weighs once the playbook's exclusions are taken off, and the volume that it needs.

use crate::inventory::Home;
use crate::playbook::{LeaveOutRules, Volume};

/// One GiB.
const GIB: u128 = 1 << 30;
/// What a home of unknown size gets at least, in GiB.
const UNKNOWN_GB: i32 = 10;
/// What AWS lets a space have where the domain says nothing, in GiB.
pub(super) const DEFAULT_MAXIMUM_GB: i32 = 100;

/// What is to be copied of a home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load {
    /// Bytes.
    pub(super) bytes: u64,
    /// Regular files.
    pub(super) files: u64,
    /// Bytes that the exclusions save.
    pub(super) spared: u64,
}

impl Load {
    /// Weighs a home. What the scan noticed counts as spared only where a rule surely leaves all of it out.
    pub(super) fn of(home: &Home, rules: &LeaveOutRules) -> Self {
        let mut spared = (0_u64, 0_u64);
        let mut counted: Vec<String> = Vec::new();
        for (name, (bytes, files)) in &home.candidates {
            let name = name.trim_start_matches("**/").trim_end_matches("/**").trim_matches('/');
            // What lies inside a folder that is spared already must not be spared twice.
            let is_inside = counted.iter().any(|above| name.starts_with(&format!("{above}/")));
            if !is_inside && rules.empties(name) {
                spared = (spared.0.saturating_add(*bytes), spared.1.saturating_add(*files));
                counted.push(name.to_owned());
            }
        }
        Self {
            bytes: home.bytes.saturating_sub(spared.0),
            files: home.files.saturating_sub(spared.1),
            spared: spared.0.min(home.bytes),
        }
    }
}

/// Chooses a volume in GiB, and says why in words; an error says why none will do.
///
/// `allowed` is the largest volume that the profile's and the domain's settings allow.
pub(super) fn volume(
    load: Option<Load>,
    policy: &Volume,
    allowed: Option<i32>,
) -> Result<(i32, String), String> {
    let ceiling = policy.maximum_gb.min(allowed.unwrap_or(DEFAULT_MAXIMUM_GB));
    let whose = || {
        let allowed = allowed.unwrap_or(DEFAULT_MAXIMUM_GB);
        if allowed < policy.maximum_gb {
            format!("the domain allows {allowed} GiB (MaximumEbsVolumeSizeInGb)")
        } else {
            format!("the playbook pays for {} GiB (target.volume.maximum_gb)", policy.maximum_gb)
        }
    };
    let Some(load) = load else {
        if policy.minimum_gb > ceiling {
            return Err(format!(
                "the smallest volume is {} GiB, and {}",
                policy.minimum_gb,
                whose()
            ));
        }
        let gb = policy.minimum_gb.max(UNKNOWN_GB).min(ceiling);
        return Ok((gb, format!("the home was not measured, so its volume is {gb} GiB unseen")));
    };
    let needed = needed_gb(load.bytes, policy);
    let gb = needed.max(i64::from(policy.minimum_gb));
    let made_of = format!(
        "{} to copy with {}% and {} GiB of headroom",
        size(load.bytes),
        policy.headroom_percent,
        policy.headroom_gb
    );
    match i32::try_from(gb) {
        Ok(gb) if gb <= ceiling => {
            let floor =
                if i64::from(gb) > needed { ", the smallest that the playbook gives" } else { "" };
            Ok((gb, format!("its volume is {gb} GiB for {made_of}{floor}")))
        }
        _ => Err(format!("it needs a volume of {gb} GiB ({made_of}), and {}", whose())),
    }
}

/// GiB that a copy of so many bytes needs, headroom included, before any bounds.
pub(super) fn needed_gb(bytes: u64, policy: &Volume) -> i64 {
    let with_share = u128::from(bytes) * (100 + u128::from(policy.headroom_percent));
    let gb = with_share.div_ceil(100 * GIB) + u128::from(policy.headroom_gb.max(0).unsigned_abs());
    i64::try_from(gb).unwrap_or(i64::MAX)
}

/// Writes bytes for people: `1.2 GiB`, `0 B`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut unit = 0;
    let mut tenths = u128::from(bytes) * 10;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths = tenths.div_ceil(1_024);
        unit += 1;
    }
    if unit == 0 {
        format!("{bytes} B")
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::Playbook;
    use proptest::prelude::*;

    const G: u64 = 1 << 30;

    fn load(bytes: u64) -> Option<Load> {
        Some(Load { bytes, files: 1, spared: 0 })
    }

    #[test]
    fn a_volume_is_the_home_plus_headroom_between_the_bounds() {
        let policy = Volume::default();
        assert_eq!(volume(load(0), &policy, None).unwrap().0, 5);
        assert_eq!(volume(load(10 * G), &policy, None).unwrap().0, 15);
        assert_eq!(volume(load(10 * G + 1), &policy, None).unwrap().0, 16);
    }

    #[test]
    fn a_home_that_needs_more_than_is_allowed_is_refused_with_the_numbers() {
        let policy = Volume { maximum_gb: 500, ..Volume::default() };
        let said = volume(load(100 * G), &policy, None).unwrap_err();
        assert_eq!(
            said,
            "it needs a volume of 132 GiB (100.0 GiB to copy with 30% and 2 GiB of headroom), and the domain allows 100 GiB \
             (MaximumEbsVolumeSizeInGb)"
        );
        assert_eq!(volume(load(100 * G), &policy, Some(200)).unwrap().0, 132);
        let said = volume(load(400 * G), &policy, Some(16_384)).unwrap_err();
        assert!(said.contains("the playbook pays for 500 GiB"), "{said}");
    }

    #[test]
    fn a_home_that_was_not_measured_gets_ten_and_it_is_said() {
        let (gb, said) = volume(None, &Volume::default(), None).unwrap();
        assert_eq!(gb, 10);
        assert!(said.contains("not measured"), "{said}");
        let large = Volume { minimum_gb: 20, ..Volume::default() };
        assert_eq!(volume(None, &large, None).unwrap().0, 20);
        assert_eq!(volume(None, &Volume::default(), Some(8)).unwrap().0, 8);
        assert!(volume(None, &large, Some(8)).is_err());
    }

    #[test]
    fn what_the_rules_leave_out_is_taken_off_once() {
        let rules = LeaveOutRules::of(&Playbook::standard().unwrap()).unwrap();
        let mut home = Home { bytes: 100, files: 10, ..Home::default() };
        for (name, bytes) in
            [(".cache", 30), (".cache/pip", 20), ("projects", 5), ("node_modules", 10)]
        {
            home.candidates.insert(name.to_owned(), (bytes, 1));
        }
        assert_eq!(Load::of(&home, &rules), Load { bytes: 60, files: 8, spared: 40 });
    }

    #[test]
    fn bytes_are_written_for_people() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1_023), "1023 B");
        assert_eq!(size(1_024), "1.0 KiB");
        assert_eq!(size(1_288_490_188), "1.2 GiB");
        assert_eq!(size(u64::MAX), "16.0 EiB");
    }

    proptest! {
        #[test]
        fn a_volume_always_holds_its_home(bytes in 0..20_000 * G, percent in 0_u32..200, gb in 0_i32..50) {
            let policy = Volume { headroom_percent: percent, headroom_gb: gb, maximum_gb: 16_384, ..Volume::default() };
            if let Ok((chosen, _)) = volume(load(bytes), &policy, Some(16_384)) {
                prop_assert!(u128::from(chosen.unsigned_abs()) * GIB >= u128::from(bytes));
                prop_assert!((5..=16_384).contains(&chosen));
            }
        }
    }
}
