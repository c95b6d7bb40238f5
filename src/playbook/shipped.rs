//! The playbooks that come with the tool.

use super::error::Error;
use super::parse::nearest;
use super::policy::Playbook;

/// A playbook that comes with the tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// The name to ask for it by.
    pub name: &'static str,
    /// The YAML, with a comment at every key.
    pub text: &'static str,
}

/// Every playbook that comes with the tool.
pub const SHIPPED: [Shipped; 6] = [
    Shipped { name: "standard", text: include_str!("../../playbooks/standard.yaml") },
    Shipped { name: "pilot", text: include_str!("../../playbooks/pilot.yaml") },
    Shipped { name: "careful", text: include_str!("../../playbooks/careful.yaml") },
    Shipped { name: "weekend", text: include_str!("../../playbooks/weekend.yaml") },
    Shipped { name: "shared-spaces", text: include_str!("../../playbooks/shared-spaces.yaml") },
    Shipped { name: "demo", text: include_str!("../../playbooks/demo.yaml") },
];

impl Playbook {
    /// Returns the playbook of this name that comes with the tool.
    ///
    /// # Errors
    ///
    /// There is none of this name.
    pub fn shipped(name: &str) -> Result<Self, Error> {
        let names = SHIPPED.map(|shipped| shipped.name);
        let shipped = SHIPPED.iter().find(|shipped| shipped.name == name).ok_or_else(|| {
            Error::NotShipped {
                name: name.to_owned(),
                nearest: nearest(name, &names).map(str::to_owned),
                expected: names.iter().map(|&name| name.to_owned()).collect(),
            }
        })?;
        Self::parse_checked(shipped.text, &format!("playbooks/{}.yaml", shipped.name))
    }

    /// Returns the playbook that holds when nobody names one: `playbooks/standard.yaml`.
    ///
    /// # Errors
    ///
    /// The file that was built in is wrong, which a test rules out.
    pub fn standard() -> Result<Self, Error> {
        Self::shipped("standard")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_playbook_is_sound_and_bears_its_name() {
        for shipped in SHIPPED {
            assert_eq!(Playbook::shipped(shipped.name).unwrap().name, shipped.name);
        }
        assert_eq!(Playbook::standard().unwrap().name, "standard");
    }

    #[test]
    fn a_playbook_that_is_not_shipped_is_answered_with_one_that_is() {
        let said = Playbook::shipped("standart").unwrap_err().to_string();
        assert_eq!(said, "no shipped playbook is called `standart`, did you mean `standard`?");
    }
}
