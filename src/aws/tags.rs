//! Changing the tags of what SageMaker has.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::types::Tag;

use super::account::Account;
use super::error::Error;
use super::studio::SAGEMAKER;

/// Writes tags as the SDK wants them.
pub(super) fn sdk_tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

impl Account {
    /// Puts tags on a SageMaker resource; one that has the key already gets the new value.
    pub async fn add_tags(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), Error> {
        let request =
            self.clients.sagemaker.add_tags().resource_arn(arn).set_tags(Some(sdk_tags(tags)));
        let target = format!("{arn}: tags {tags:?}");
        self.change(SAGEMAKER, "AddTags", target, request.send()).await.map(drop)
    }

    /// Takes tags off a SageMaker resource, by their keys.
    pub async fn remove_tags(&self, arn: &str, keys: &[String]) -> Result<(), Error> {
        let request = self
            .clients
            .sagemaker
            .delete_tags()
            .resource_arn(arn)
            .set_tag_keys(Some(keys.to_vec()));
        let target = format!("{arn}: without tags {keys:?}");
        self.change(SAGEMAKER, "DeleteTags", target, request.send()).await.map(drop)
    }
}
