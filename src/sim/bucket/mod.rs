//! The simulated S3: real bytes in the folders of a world, behind the real protocol.
//!
//! A bucket is a folder `s3/<bucket>/`. Its objects are files under `objects/`, named after a hash of their key because a key
//! may be longer than a file name and hold anything; what is known about an object stands beside its bytes in JSON. A write
//! goes beside, then into place, so an object is there as a whole or not at all.

mod access;
mod api;
mod body;
mod described;
mod direct;
mod known;
mod listing;
mod objects;
mod parts;
mod settings;
mod store;
mod sums;
mod uploads;

pub(in crate::sim) use direct::{Direct, Seen};

pub use described::{BucketSpec, CorsText, ObjectText};
pub use known::Kept;
pub use store::{file_of, make_bucket, put};

use std::sync::Arc;

use s3s::service::{S3Service, S3ServiceBuilder};

use self::store::Store;
use super::world::World;

/// The account that owns every bucket.
pub(super) const ACCOUNT: &str = "000000000000";

/// S3 for one world. Clones share it.
#[derive(Clone, Debug)]
pub struct Buckets {
    service: S3Service,
}

impl Buckets {
    /// Serves the buckets of a world, path style: `http://<host>/<bucket>/<key>`.
    pub fn new(world: World) -> Self {
        let mut builder =
            S3ServiceBuilder::new(Front { store: Arc::new(Store::new(world.clone())) });
        builder.set_auth(access::Keys::new(world.clone()));
        builder.set_access(access::Door::new(world));
        Self { service: builder.build() }
    }

    /// Answers one request. Signature, session token and Region are checked here; what a role's policies allow is not.
    pub async fn call(&self, request: http::Request<s3s::Body>) -> http::Response<s3s::Body> {
        match self.service.call(request).await {
            Ok(response) => response,
            Err(_) => {
                let mut response = http::Response::new(s3s::Body::empty());
                *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
                response
            }
        }
    }
}

/// What answers the operations.
#[derive(Clone, Debug)]
struct Front {
    store: Arc<Store>,
}
