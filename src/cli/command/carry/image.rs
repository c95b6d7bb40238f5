//! What becomes of a custom image of Classic's kernels.

use super::draw::{Addition, Drawing, Drawn};
use super::look::{Found, Seen};
use super::row::{Row, Stands, What};
use super::target_name;
use crate::aws::OfferedImage;
use crate::playbook::CarryImages;

/// The user and group that images of the new Studio run as.
const STUDIO_UID_GID: (i32, i32) = (1000, 100);

impl Drawing<'_> {
    /// The configuration by which an image is run in the new Studio: Classic's own where that is made for both.
    pub(super) fn config_for(&self, classic: &str) -> Option<String> {
        let known = self.snapshot.image_configs.iter().find(|config| config.name == classic)?;
        let is_for_both = known.parts.iter().any(|part| part == self.app().as_str());
        let fits = known.classic_uid_gid.is_none_or(|identity| identity == STUDIO_UID_GID);
        match (is_for_both, fits) {
            (true, _) => Some(classic.to_owned()),
            (false, true) => Some(target_name(self.plan, classic)),
            (false, false) => None,
        }
    }

    /// Tells what becomes of an image where it is offered.
    pub(super) fn image(
        &self,
        one: &Seen,
        image: &OfferedImage,
        addition: &mut Addition,
        drawn: &mut Drawn,
    ) -> Row {
        let version =
            image.version.map(|version| format!(" version {version}")).unwrap_or_default();
        let row = Row::of(&one.place, What::Image, format!("{}{version}", image.image));
        let Some(target) = self.config_for(&image.config) else {
            return self.unfit(row, image);
        };
        let row = row.becomes(format!("{}{version} with {target}", image.image));
        let has_config = match self.configs.get(&target) {
            Some(Found::Wanted(_)) => true,
            Some(Found::Outdated | Found::Anothers) => {
                return row.stands(
                    Stands::NotCarried,
                    format!("there is a configuration {target}, which is not for {}", self.app()),
                );
            }
            Some(Found::Nothing) | None => false,
        };
        let row = row.by_hand(format!("start it once: it has to bring {} along", self.app()));
        let offered = OfferedImage { config: target.clone(), ..image.clone() };
        let standing = &one.offers.of(self.app()).images;
        if has_config && standing.contains(&offered) {
            return row.stands(Stands::Carried, "offered where a space is started");
        }
        if self.plan.playbook.carry.images == CarryImages::Leave {
            return row.stands(Stands::Left, "the playbook leaves images (carry.images)");
        }
        if standing.iter().any(|other| other.image == image.image && other.version == image.version)
        {
            return row.stands(Stands::Stays, "it is offered already, with another configuration");
        }
        if !has_config {
            drawn.configs.insert(target, image.config.clone());
        }
        addition.images.push(offered);
        row.stands(Stands::ToCarry, "its user is that of the new Studio")
    }

    /// An image that would not start in the new Studio.
    fn unfit(&self, row: Row, image: &OfferedImage) -> Row {
        let mut configs = self.snapshot.image_configs.iter();
        let known = configs.find(|config| config.name == image.config);
        match known.and_then(|config| config.classic_uid_gid) {
            Some((uid, gid)) => row
                .stands(Stands::NotCarried, format!("it runs as {uid}:{gid}, and the new Studio runs images as 1000:100"))
                .by_hand(format!("build it anew on SageMaker Distribution with NB_UID=1000 and NB_GID=100, and give it a configuration for {}", self.app())),
            None => row
                .stands(Stands::NotCarried, format!("the last inventory does not know its configuration {}", image.config))
                .by_hand("`studio-migrate inventory`, and look again"),
        }
    }
}
