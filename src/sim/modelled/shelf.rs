//! The objects of a modelled world: what the mover leaves and whoever runs a migration reads, from memory.
//!
//! Only what a run asks for is answered. Whoever calls is this very process, so that S3's signatures are not verified again.

use bytes::Bytes;
use http::{HeaderValue, Response, header};

use super::Model;
use crate::sim::api::Api;
use crate::sim::front::Body;
use crate::sim::object_call::ObjectCall;
use crate::sim::wire::Refusal;

impl Model {
    /// Puts an object into a bucket.
    pub fn put(&self, bucket: &str, key: &str, body: Vec<u8>) {
        self.lock().objects.insert((bucket.to_owned(), key.to_owned()), body);
    }

    /// The keys of every object of a bucket, in the order of their bytes.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let inner = self.lock();
        let all = inner.objects.keys().filter(|(of, _)| of == bucket);
        all.map(|(_, key)| key.clone()).collect()
    }

    /// Answers a request of S3.
    pub(in crate::sim) fn object(&self, call: &ObjectCall, id: &str) -> Response<Body> {
        let place = (call.bucket.clone(), call.key.clone());
        let refused = |refusal: Refusal| Api::S3.refusal(&refusal, id).map(Body::from);
        let missing = || Refusal::new("NoSuchKey", "The specified key does not exist.").status(404);
        match call.operation {
            "GetObject" => match self.lock().objects.get(&place) {
                Some(body) => found(body.len(), Body::from(Bytes::from(body.clone()))),
                None => refused(missing()),
            },
            "HeadObject" => match self.lock().objects.get(&place) {
                Some(body) => found(body.len(), Body::empty()),
                None => refused(missing()).map(|_| Body::empty()),
            },
            "DeleteObject" => {
                self.lock().objects.remove(&place);
                let mut response = Response::new(Body::empty());
                *response.status_mut() = http::StatusCode::NO_CONTENT;
                response
            }
            other => {
                let why = format!("a modelled world does not serve {other}");
                refused(Refusal::new("NotImplemented", why).status(501))
            }
        }
    }
}

fn found(length: usize, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}
