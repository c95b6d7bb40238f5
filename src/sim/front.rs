//! The front: from an HTTP request to the service that answers it, whatever the protocol.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, Uri, header};
use serde_json::Value;

use super::api::Api;
use super::bucket::Buckets;
use super::conditions::Context;
use super::model::check;
use super::object_call::ObjectCall;
use super::rates::Rates;
use super::signature::{self, Credential};
use super::state::Effect;
use super::wire::{Caller, Refusal};
use super::world::World;
use super::{authorize, datasync, efs, faults, iam, query, quotas, sts, studio, trail};

/// The body of a request or a reply: whole, or a stream.
pub type Body = s3s::Body;

/// The greatest body of a request that is not for S3.
const LIMIT: usize = 4 << 20;

/// The reply is lost: the connection breaks, and the caller cannot know whether the deed was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection was closed before a reply arrived")]
pub struct Lost;

/// Answers requests from a world. Clones share it.
#[derive(Clone)]
pub struct Simulator {
    world: World,
    buckets: Arc<Buckets>,
    requests: Arc<AtomicU64>,
    rates: Arc<Rates>,
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("world", &self.world.dir()).finish_non_exhaustive()
    }
}

/// What became of a call: its answer, and what a fault does to the reply.
struct Outcome {
    operation: String,
    answer: Result<Value, Refusal>,
    effect: Option<Effect>,
}

impl Simulator {
    /// Answers from a world.
    pub fn new(world: World) -> Self {
        let buckets = Arc::new(Buckets::new(world.clone()));
        Self { world, buckets, requests: Arc::default(), rates: Arc::default() }
    }

    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Answers one request. Its service is the one that its signature's scope names.
    ///
    /// # Errors
    ///
    /// [`Lost`] when a fault takes the reply away.
    pub async fn handle(&self, request: Request<Body>) -> Result<Response<Body>, Lost> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let id = format!("00000000-0000-4000-8000-{number:012x}");
        let request = in_origin_form(request);
        if let Some(model) = self.world.model() {
            tokio::time::sleep(model.latency()).await;
        }
        let Some(credential) = Credential::of(request.uri(), request.headers()) else {
            let api = if request.headers().contains_key("x-amz-target") {
                Api::SageMaker
            } else {
                Api::S3
            };
            return Ok(api.refusal(&signature::missing(api), &id).map(Body::from));
        };
        match Api::of_scope(&credential.service) {
            Some(Api::S3) => self.object(&credential, request, &id).await,
            Some(api) => self.control(api, &credential, request, &id).await,
            None => {
                let message = format!("The simulator does not serve {}.", credential.service);
                let refusal = Refusal::new("UnknownOperationException", message);
                Ok(Api::SageMaker.refusal(&refusal, &id).map(Body::from))
            }
        }
    }

    /// Answers a request of any service but S3.
    async fn control(
        &self,
        api: Api,
        credential: &Credential,
        request: Request<Body>,
        id: &str,
    ) -> Result<Response<Body>, Lost> {
        let (parts, mut body) = request.into_parts();
        let Ok(body) = body.store_all_limited(LIMIT).await else {
            let message = format!("The request's body cannot be read or exceeds {LIMIT} bytes.");
            let refusal = Refusal::new("RequestEntityTooLargeException", message).status(413);
            return Ok(api.refusal(&refusal, id).map(Body::from));
        };
        let outcome = match self.answer(api, credential, &parts, &body) {
            Ok(outcome) => outcome,
            Err(refusal) => return Ok(api.refusal(&refusal, id).map(Body::from)),
        };
        let response = match &outcome.answer {
            Ok(output) => api.reply(&outcome.operation, output, id),
            Err(refusal) => api.refusal(refusal, id),
        };
        suffer(outcome.effect).await?;
        Ok(response.map(Body::from))
    }

    /// Finds out who calls and what they want, and does it unless a fault or a rule forbids.
    fn answer(
        &self,
        api: Api,
        credential: &Credential,
        parts: &Parts,
        body: &Bytes,
    ) -> Result<Outcome, Refusal> {
        let caller =
            self.world.read(|state| signature::verify(state, api, credential, parts, body))?;
        let (operation, input) = read(api, parts, body)?;
        let action = format!("{}:{operation}", api.name());
        let effect = self.struck(&action)?;
        let answer = match refused_by(api, effect.as_ref(), &caller, &action) {
            Some(refusal) => Err(refusal),
            None => self.permitted(api, &caller, &operation, input, effect.as_ref()),
        };
        Ok(Outcome { operation, answer, effect })
    }

    /// What goes wrong with a call: a fault that the world's state plans, or that it came too soon.
    fn struck(&self, action: &str) -> Result<Option<Effect>, Refusal> {
        let effect = faults::strike(&self.world, action)?;
        let is_early = effect.is_none() && self.rates.is_too_fast(&self.world, action);
        let effect = effect.or_else(|| is_early.then_some(Effect::Throttled));
        if let Some(model) = self.world.model() {
            model.count(action, effect.as_ref());
        }
        Ok(effect)
    }

    /// The world that a look sees which comes too early to see the last change.
    fn past(&self, operation: &str, effect: Option<&Effect>) -> Option<World> {
        let is_look = operation.starts_with("Describe") || operation.starts_with("List");
        (is_look && effect == Some(&Effect::Stale)).then(|| self.world.past()).flatten()
    }

    fn permitted(
        &self,
        api: Api,
        caller: &Caller,
        operation: &str,
        input: Value,
        effect: Option<&Effect>,
    ) -> Result<Value, Refusal> {
        // Anyone may ask who they are.
        if operation != "GetCallerIdentity" {
            let action = format!("{}:{operation}", api.name());
            self.world.read(|state| {
                let resource = authorize::resource(state, api, operation, &input);
                let context = authorize::context(state, api, &input);
                authorize::permit(state, api, caller, &action, &resource, &context)
            })?;
        }
        if let Some(service) = api.model() {
            check::input(service, operation, &input).map_err(|refusal| api.malformed(refusal))?;
        }
        let past = self.past(operation, effect);
        let world = past.as_ref().unwrap_or(&self.world);
        let is_stuck = effect == Some(&Effect::Stuck);
        let output = match api {
            Api::SageMaker => studio::call(world, caller, operation, input, effect),
            Api::Efs => efs::call(world, operation, &input),
            Api::Sts => sts::call(world, caller, operation, &input),
            Api::Iam => iam::call(world, operation, &input),
            Api::ServiceQuotas => quotas::call(world, operation, &input),
            Api::CloudTrail => trail::call(world, operation, &input),
            Api::DataSync => datasync::call(world, operation, &input, is_stuck),
            Api::S3 => Err(api.unknown(operation)),
        }?;
        if let (true, Some(service)) = (cfg!(debug_assertions), api.model()) {
            check::output(service, operation, &output)?;
        }
        Ok(output)
    }

    /// Answers a request of S3, whose signature s3s verifies.
    async fn object(
        &self,
        credential: &Credential,
        request: Request<Body>,
        id: &str,
    ) -> Result<Response<Body>, Lost> {
        let call = ObjectCall::of(&request);
        let action = format!("s3:{}", call.operation);
        let is_head = request.method() == Method::HEAD;
        let known = self.world.read(|state| signature::known(state, &credential.access_key_id));
        let stranger = Caller { arn: "anonymous".to_owned(), role: None };
        let caller = known.as_ref().map_or(&stranger, |known| &known.caller);
        let (effect, refusal) = match self.struck(&action) {
            Err(refusal) => (None, Some(refusal)),
            Ok(effect) => {
                let refusal = refused_by(Api::S3, effect.as_ref(), caller, &action)
                    .or_else(|| self.object_refused(&call, known.as_ref(), &request));
                (effect, refusal)
            }
        };
        let mut response = match refusal {
            Some(refusal) => {
                drain(request).await;
                let response = Api::S3.refusal(&refusal, id);
                if is_head { response.map(|_| Body::empty()) } else { response.map(Body::from) }
            }
            None => match self.world.model() {
                Some(model) => model.object(&call, id),
                None => self.buckets.call(request).await,
            },
        };
        // Sessions of roles are what runs in spaces.
        if effect == Some(Effect::MoverDies) && caller.role.is_some() {
            super::runtime::kill(&self.world);
            return Err(Lost);
        }
        suffer(effect).await?;
        if let Ok(id) = HeaderValue::from_str(id) {
            response.headers_mut().entry(Api::S3.request_id_header()).or_insert(id);
        }
        Ok(response)
    }

    /// Says why a session may not do what it asks of S3. A key that nobody knows is left to s3s.
    fn object_refused(
        &self,
        call: &ObjectCall,
        known: Option<&signature::Known>,
        request: &Request<Body>,
    ) -> Option<Refusal> {
        let known = known?;
        if known.token.as_deref() != session_token(request).as_deref() {
            return Some(signature::stranger(Api::S3));
        }
        self.world.read(|state| {
            call.needs().iter().find_map(|(action, resource)| {
                let context = Context::default();
                authorize::permit(state, Api::S3, &known.caller, action, resource, &context).err()
            })
        })
    }
}

/// The session token, in a header or, for a presigned URL, in the query.
fn session_token(request: &Request<Body>) -> Option<String> {
    if let Some(value) = request.headers().get("x-amz-security-token") {
        return value.to_str().ok().map(str::to_owned);
    }
    let mut query = form_urlencoded::parse(request.uri().query()?.as_bytes());
    let token = query.find(|(name, _)| name == "X-Amz-Security-Token");
    token.map(|(_, value)| value.into_owned())
}

/// Reads a request in its service's protocol: the operation and its input.
fn read(api: Api, parts: &Parts, body: &Bytes) -> Result<(String, Value), Refusal> {
    match api.target_prefix() {
        Some(prefix) => {
            let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
            let target = target.unwrap_or_default();
            // Botocore sends the whole of CloudTrail's long prefix, the Rust SDK only its last part; AWS takes both.
            let last = prefix.rsplit('.').next().unwrap_or(prefix);
            let operation = target
                .rsplit_once('.')
                .filter(|(head, _)| *head == prefix || *head == last)
                .map(|(_, operation)| operation);
            let operation = operation.ok_or_else(|| api.unknown(target))?;
            let input = match body.as_ref() {
                [] => Ok(Value::Object(serde_json::Map::new())),
                text => serde_json::from_slice(text),
            };
            let input = input.map_err(|error| {
                Refusal::new("SerializationException", format!("The body is not JSON: {error}"))
            })?;
            Ok((operation.to_owned(), input))
        }
        None if api == Api::Efs => {
            let query = parts.uri.query().unwrap_or_default();
            efs::read(&parts.method, parts.uri.path(), query, body)
        }
        None => query::read(body),
    }
}

/// The refusal that a fault makes of a call before anything happens.
fn refused_by(api: Api, effect: Option<&Effect>, caller: &Caller, action: &str) -> Option<Refusal> {
    match effect? {
        Effect::Denied => Some(api.denied(format!(
            "User: {} is not authorized to perform: {action} with an explicit deny in a service control policy",
            caller.arn
        ))),
        Effect::Expired => Some(api.expired()),
        Effect::Throttled => Some(api.throttled()),
        Effect::ServerError => Some(api.failed()),
        Effect::Unseen => api.unseen(action.split_once(':').map_or(action, |(_, name)| name)),
        Effect::ReplyLost
        | Effect::Stuck
        | Effect::Slow(_)
        | Effect::Dies
        | Effect::Stale
        | Effect::Fails
        | Effect::MountFails
        | Effect::MoverDies => None,
    }
}

/// What a fault does once the deed is done and before the reply leaves.
async fn suffer(effect: Option<Effect>) -> Result<(), Lost> {
    match effect {
        Some(Effect::ReplyLost) => Err(Lost),
        Some(Effect::Dies) => std::process::abort(),
        Some(Effect::Slow(seconds)) => {
            let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            tokio::time::sleep(time).await;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Makes an in-process request look like one that came over a connection: a path in the request line, a `Host` header.
fn in_origin_form(mut request: Request<Body>) -> Request<Body> {
    if let Some(authority) = request.uri().authority().cloned() {
        let is_default = matches!(
            (request.uri().scheme_str(), authority.port_u16()),
            (Some("https"), Some(443)) | (Some("http"), Some(80))
        );
        let host = if is_default { authority.host() } else { authority.as_str() };
        if let Ok(host) = HeaderValue::from_str(host) {
            request.headers_mut().entry(header::HOST).or_insert(host);
        }
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        if let Ok(uri) = path.parse::<Uri>() {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// Reads the body of a refused request to its end, so that the sender comes to read the refusal. One who waits for
/// `100 Continue` has sent nothing yet.
async fn drain(request: Request<Body>) {
    if request.headers().contains_key(header::EXPECT) {
        return;
    }
    let mut body = request.into_body();
    while let Some(Ok(_)) = futures::StreamExt::next(&mut body).await {}
}
