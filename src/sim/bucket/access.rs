//! Who may knock: the administrator's access key and those of role sessions.

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

use crate::sim::world::World;

/// The access keys of a world.
pub(super) struct Keys {
    world: World,
}

impl Keys {
    pub(super) fn new(world: World) -> Self {
        Self { world }
    }
}

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let secret = self.world.read(|state| {
            if !access_key.is_empty() && access_key == state.access_key_id {
                return Some(state.secret_access_key.clone());
            }
            state.sessions.get(access_key).map(|session| session.secret_access_key.clone())
        });
        secret.map(SecretKey::from).ok_or_else(|| {
            s3_error!(
                InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records."
            )
        })
    }
}

/// The checks after the signature.
pub(super) struct Door {
    world: World,
}

impl Door {
    pub(super) fn new(world: World) -> Self {
        Self { world }
    }
}

#[async_trait::async_trait]
impl S3Access for Door {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(credentials) = context.credentials() else {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        };
        let header = |name: &str| context.headers().get(name).and_then(|value| value.to_str().ok());
        let token = header("x-amz-security-token");
        let (known, region) = self.world.read(|state| {
            let session = state.sessions.get(&credentials.access_key);
            (session.map(|session| session.session_token.clone()), state.region.clone())
        });
        if token.is_some_and(|token| Some(token) != known.as_deref()) {
            return Err(s3_error!(
                InvalidToken,
                "The provided token is malformed or otherwise invalid."
            ));
        }
        let scope = header("authorization").and_then(signed_region);
        if scope.is_some_and(|scope| scope != region) {
            return Err(s3_error!(
                AuthorizationHeaderMalformed,
                "The authorization header is malformed; the region '{}' is wrong; expecting '{region}'",
                scope.unwrap_or_default()
            ));
        }
        Ok(())
    }
}

/// Finds the Region in `AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/s3/aws4_request, …`.
fn signed_region(authorization: &str) -> Option<&str> {
    authorization.split_once("Credential=")?.1.split('/').nth(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_taken_from_the_scope_of_the_signature() {
        let header = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host";
        assert_eq!(signed_region(header), Some("eu-west-1"));
        assert_eq!(signed_region("AWS AKIA:abc"), None);
    }
}
