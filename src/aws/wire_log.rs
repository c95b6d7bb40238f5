//! The wire log: every AWS exchange as one JSON line, retries included.
//!
//! Credentials are left out, and the bodies of S3 object transfers are replaced by their length.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// Headers whose values are secret, at least in part.
const SECRET: [&str; 2] =
    ["x-amz-security-token", "x-amz-copy-source-server-side-encryption-customer-key"];

/// Appends exchanges to a file.
#[derive(Clone, Debug)]
pub(super) struct WireLog {
    file: Arc<Mutex<File>>,
}

/// The request of the attempt that is under way.
#[derive(Clone, Debug)]
struct Sent {
    at: SystemTime,
    method: String,
    uri: String,
    headers: Map<String, Value>,
    body: Option<Vec<u8>>,
}

impl Storable for Sent {
    type Storer = StoreReplace<Self>;
}

impl WireLog {
    /// Opens the file to append to it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // For its owner alone: a lifecycle script in it carries the key of its migration's reports.
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        Ok(Self { file: Arc::new(Mutex::new(file)) })
    }

    fn append(&self, line: &Value) {
        let mut text = line.to_string();
        text.push('\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written must not stop a migration.
        if let Err(error) = file.write_all(text.as_bytes()) {
            tracing::error!(%error, "an exchange is missing from the wire log");
        }
    }
}

#[dyn_dispatch_hint]
impl Intercept for WireLog {
    fn name(&self) -> &'static str {
        "WireLog"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        bag.interceptor_state().store_put(Sent {
            at: SystemTime::now(),
            method: request.method().to_owned(),
            uri: request.uri().to_owned(),
            headers: headers(request.headers()),
            body: request.body().bytes().map(<[u8]>::to_vec),
        });
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // An attempt without an answer is no exchange.
        let (Some(sent), Some(response)) = (bag.load::<Sent>(), context.response()) else {
            return Ok(());
        };
        let metadata = bag.load::<Metadata>();
        let service = metadata.map(Metadata::service).unwrap_or_default();
        let operation = metadata.map(Metadata::name).unwrap_or_default();
        let is_transfer =
            service == "S3" && matches!(operation, "PutObject" | "GetObject" | "UploadPart");
        let response_headers = headers(response.headers());
        let request_id = ["x-amzn-requestid", "x-amz-request-id"]
            .iter()
            .find_map(|name| response_headers.get(*name).cloned());
        let mut line = json!({
            "at": jiff::Timestamp::try_from(sent.at).map(|at| at.to_string()).unwrap_or_default(),
            "service": service,
            "operation": operation,
            "method": sent.method,
            "target": target(&sent.uri),
            "x_amz_target": sent.headers.get("x-amz-target").cloned(),
            "request_headers": sent.headers,
            "status": response.status().as_u16(),
            "response_headers": response_headers,
            "duration_ms": sent.at.elapsed().unwrap_or_default().as_secs_f64() * 1000.0,
            "request_id": request_id,
        });
        put_body(&mut line, "request_body", sent.body.as_deref(), is_transfer, &sent.headers);
        let answered = response.body().bytes();
        put_body(&mut line, "response_body", answered, is_transfer, &response_headers);
        self.append(&line);
        Ok(())
    }
}

fn put_body(
    line: &mut Value,
    name: &str,
    body: Option<&[u8]>,
    is_transfer: bool,
    headers: &Map<String, Value>,
) {
    if is_transfer || body.is_none() {
        let length = headers.get("content-length").and_then(Value::as_str);
        let length = length.and_then(|length| length.parse::<u64>().ok());
        line[format!("{name}_bytes")] =
            json!(length.or_else(|| body.map(|body| body.len() as u64)));
        line[format!("{name}_base64")] = json!("");
    } else {
        line[format!("{name}_base64")] = json!(STANDARD.encode(body.unwrap_or_default()));
    }
}

/// The path and query of a URI, as they stand in the request line.
fn target(uri: &str) -> String {
    match uri.parse::<http::Uri>() {
        Ok(parsed) => parsed.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        Err(_) => uri.to_owned(),
    }
}

fn headers(headers: &Headers) -> Map<String, Value> {
    headers
        .iter()
        .map(|(name, value)| {
            let name = name.to_ascii_lowercase();
            let value = match name.as_str() {
                "authorization" => without_signature(value),
                name if SECRET.contains(&name) => "(left out)".to_owned(),
                _ => value.to_owned(),
            };
            (name, Value::String(value))
        })
        .collect()
}

/// Keeps the scope of an authorization, which names service and Region, and leaves the signature out.
fn without_signature(authorization: &str) -> String {
    match authorization.split_once("Signature=") {
        Some((scope, _)) => format!("{scope}Signature=(left out)"),
        None => "(left out)".to_owned(),
    }
}
