//! Signature Version 4: who signed a request, and whether they really did.
//!
//! S3 is verified by s3s and only looked up here. The rules are those of AWS's *Signature Version 4 signing process*.

use std::time::{Duration, SystemTime};

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use http::request::Parts;
use http::{HeaderMap, Uri, header};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::api::{ACCOUNT, Api};
use super::state::State;
use super::wire::{Caller, Refusal};

/// What RFC 3986 leaves as it is.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The same, and the slashes of a path.
const PATH: &AsciiSet = &STRICT.remove(b'/');
/// How far a request's date may be from ours.
const SKEW: Duration = Duration::from_secs(15 * 60);

/// What a request says of its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The access key id.
    pub access_key_id: String,
    /// The day, `20260131`.
    pub day: String,
    /// The Region.
    pub region: String,
    /// The service, as a scope names it.
    pub service: String,
    signed_headers: Vec<String>,
    signature: String,
}

impl Credential {
    /// Reads a request's `Authorization` header, or, for a presigned URL, its query. `None` when the request is not signed.
    pub fn of(uri: &Uri, headers: &HeaderMap) -> Option<Self> {
        let (credential, signed, signature) = match headers.get(header::AUTHORIZATION) {
            Some(value) => in_header(value.to_str().ok()?)?,
            None => in_query(uri.query()?)?,
        };
        let mut parts = credential.rsplitn(5, '/');
        let (end, service) = (parts.next()?, parts.next()?);
        let (region, day, key) = (parts.next()?, parts.next()?, parts.next()?);
        (end == "aws4_request").then(|| Self {
            access_key_id: key.to_owned(),
            day: day.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers: signed.split(';').map(str::to_owned).collect(),
            signature,
        })
    }
}

fn in_header(value: &str) -> Option<(String, String, String)> {
    let fields = value.strip_prefix("AWS4-HMAC-SHA256")?;
    let field = |name: &str| {
        let mut all = fields.split(',').filter_map(|field| field.trim().split_once('='));
        all.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
    };
    Some((field("Credential")?, field("SignedHeaders")?, field("Signature")?))
}

fn in_query(query: &str) -> Option<(String, String, String)> {
    let field = |name: &str| {
        let mut all = form_urlencoded::parse(query.as_bytes());
        all.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    Some((field("X-Amz-Credential")?, field("X-Amz-SignedHeaders")?, field("X-Amz-Signature")?))
}

/// A caller whom the world knows, and what proves a request to be theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The caller.
    pub caller: Caller,
    /// Their secret access key.
    pub secret: String,
    /// The session token that must come with it; `None` for the administrator.
    pub token: Option<String>,
}

/// Finds who an access key belongs to.
pub fn known(state: &State, access_key_id: &str) -> Option<Known> {
    if access_key_id == state.access_key_id {
        let arn = format!("arn:aws:iam::{ACCOUNT}:user/operator");
        let secret = state.secret_access_key.clone();
        return Some(Known { caller: Caller { arn, role: None }, secret, token: None });
    }
    let session = state.sessions.get(access_key_id)?;
    let role = session.role.rsplit('/').next().unwrap_or_default();
    let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{}", session.name);
    Some(Known {
        caller: Caller { arn, role: Some(session.role.clone()) },
        secret: session.secret_access_key.clone(),
        token: Some(session.session_token.clone()),
    })
}

/// Verifies a request's signature and says who made it.
///
/// # Errors
///
/// As AWS answers an unknown key, a wrong token, a scope of another Region, a date more than 15 minutes off and a signature
/// that does not match, in the words of the service's protocol.
pub fn verify(
    state: &State,
    api: Api,
    credential: &Credential,
    parts: &Parts,
    body: &[u8],
) -> Result<Caller, Refusal> {
    let Some(known) = known(state, &credential.access_key_id) else { return Err(stranger(api)) };
    let token = parts.headers.get("x-amz-security-token").and_then(|value| value.to_str().ok());
    if known.token.as_deref() != token {
        return Err(stranger(api));
    }
    // IAM is global: it is signed for us-east-1, or, at an endpoint of one's own, for the client's Region.
    let is_global = api == Api::Iam && credential.region == "us-east-1";
    if credential.region != state.region && !is_global {
        return Err(mismatch(
            api,
            &format!("Credential should be scoped to a valid region, not '{}'.", credential.region),
        ));
    }
    let stamp = parts.headers.get("x-amz-date").and_then(|value| value.to_str().ok());
    let stamp = stamp.ok_or_else(|| incomplete("Authorization header requires 'X-Amz-Date'."))?;
    let date =
        moment(stamp).ok_or_else(|| incomplete("Date must be in ISO-8601 'basic format'."))?;
    fresh(api, stamp, date)?;
    if !stamp.starts_with(&credential.day) {
        let message = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP";
        return Err(mismatch(api, message));
    }
    if !credential.signed_headers.iter().any(|name| name == "host") {
        return Err(mismatch(api, "'Host' must be a 'SignedHeader' in the AWS Authorization."));
    }
    let Credential { day, region, service, .. } = credential;
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let canonical = canonical(credential, parts, body);
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let key = generate_signing_key(&known.secret, date, region, service);
    if calculate_signature(key, to_sign.as_bytes()) == credential.signature {
        Ok(known.caller)
    } else {
        let message = "The request signature we calculated does not match the signature you provided. Check your AWS \
                       Secret Access Key and signing method. Consult the service documentation for details.";
        Err(mismatch(api, message))
    }
}

/// Refuses a request without a signature.
pub fn missing(api: Api) -> Refusal {
    let message = "Missing Authentication Token";
    match api {
        Api::Sts | Api::Iam => Refusal::new("MissingAuthenticationToken", message).status(403),
        Api::S3 => Refusal::new("AccessDenied", "Access Denied").status(403),
        _ => Refusal::new("MissingAuthenticationTokenException", message).status(403),
    }
}

/// Refuses an access key that the world does not know, or a session token that is not its own.
pub fn stranger(api: Api) -> Refusal {
    let message = "The security token included in the request is invalid.";
    match api {
        Api::Sts | Api::Iam => Refusal::new("InvalidClientTokenId", message).status(403),
        Api::S3 => Refusal::new("InvalidToken", message),
        Api::Efs => Refusal::new("UnrecognizedClientException", message).status(403),
        _ => Refusal::new("UnrecognizedClientException", message),
    }
}

fn mismatch(api: Api, message: &str) -> Refusal {
    match api {
        Api::Sts | Api::Iam | Api::S3 => Refusal::new("SignatureDoesNotMatch", message).status(403),
        _ => Refusal::new("InvalidSignatureException", message).status(403),
    }
}

fn incomplete(message: &str) -> Refusal {
    Refusal::new("IncompleteSignature", message)
}

/// Reads `20260131T235959Z`.
fn moment(stamp: &str) -> Option<SystemTime> {
    let civil = DateTime::strptime("%Y%m%dT%H%M%SZ", stamp).ok()?;
    SystemTime::try_from(TimeZone::UTC.to_timestamp(civil).ok()?).ok()
}

fn fresh(api: Api, stamp: &str, date: SystemTime) -> Result<(), Refusal> {
    let now = SystemTime::now();
    let ours = Timestamp::try_from(now).unwrap_or_default().strftime("%Y%m%dT%H%M%SZ").to_string();
    if date + SKEW < now {
        let message = format!("Signature expired: {stamp} is now earlier than {ours} - 15 min.");
        return Err(mismatch(api, &message));
    }
    if now + SKEW < date {
        let message =
            format!("Signature not yet current: {stamp} is still later than {ours} + 15 min.");
        return Err(mismatch(api, &message));
    }
    Ok(())
}

fn canonical(credential: &Credential, parts: &Parts, body: &[u8]) -> String {
    // The path arrives encoded once; every service but S3 signs it encoded twice.
    let path = utf8_percent_encode(parts.uri.path(), PATH);
    let strict = |text: &str| utf8_percent_encode(text, STRICT).to_string();
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let mut pairs: Vec<(String, String)> = form_urlencoded::parse(query)
        .map(|(name, value)| (strict(&name), strict(&value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut lines = String::new();
    for name in &credential.signed_headers {
        let values = parts.headers.get_all(name).iter();
        let values: Vec<String> = values
            .map(|value| {
                let text = String::from_utf8_lossy(value.as_bytes());
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            })
            .collect();
        lines.push_str(&format!("{name}:{}\n", values.join(",")));
    }
    format!(
        "{}\n{path}\n{}\n{lines}\n{}\n{}",
        parts.method,
        pairs.join("&"),
        credential.signed_headers.join(";"),
        hex(&Sha256::digest(body))
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::sim::state::Session;

    const DATE: &str = "%Y%m%dT%H%M%SZ";

    fn state() -> State {
        let mut state = State {
            region: "eu-west-1".into(),
            access_key_id: "AKIASIM".into(),
            secret_access_key: "secret".into(),
            ..State::default()
        };
        let session = Session {
            secret_access_key: "inner".into(),
            session_token: "token".into(),
            role: "arn:aws:iam::000000000000:role/service-role/worker".into(),
            name: "alice".into(),
        };
        state.sessions.insert("ASIASIM".into(), session);
        state
    }

    /// Signs by AWS's own crate, as the SDK does.
    fn signed(
        key: &str,
        secret: &str,
        token: Option<&str>,
        region: &str,
        at: SystemTime,
    ) -> Request<()> {
        use aws_credential_types::Credentials;
        use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
        use aws_sigv4::sign::v4::SigningParams;
        let uri = "https://elasticfilesystem.eu-west-1.amazonaws.com/2015-02-01/resource-tags/arn%3Aaws?b=x%20y&a=1";
        let host = "elasticfilesystem.eu-west-1.amazonaws.com";
        let identity = Credentials::new(key, secret, token.map(str::to_owned), None, "test").into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("elasticfilesystem")
            .time(at)
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let headers = [("host", host)].into_iter();
        let signable =
            SignableRequest::new("GET", uri, headers, SignableBody::Bytes(b"body")).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        let mut request = Request::get(uri).header("host", host).body(()).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        request
    }

    fn verified(request: Request<()>, body: &[u8]) -> Result<Caller, Refusal> {
        let (parts, ()) = request.into_parts();
        let credential = Credential::of(&parts.uri, &parts.headers).unwrap();
        verify(&state(), Api::Efs, &credential, &parts, body)
    }

    #[test]
    fn what_the_sdk_signs_is_verified() {
        let request = signed("AKIASIM", "secret", None, "eu-west-1", SystemTime::now());
        let caller = verified(request, b"body").unwrap();
        assert_eq!(caller.arn, "arn:aws:iam::000000000000:user/operator");
        assert_eq!(caller.role, None);
    }

    #[test]
    fn a_session_needs_its_token() {
        let now = SystemTime::now();
        let request = signed("ASIASIM", "inner", Some("token"), "eu-west-1", now);
        let caller = verified(request, b"body").unwrap();
        assert_eq!(caller.arn, "arn:aws:sts::000000000000:assumed-role/worker/alice");
        let request = signed("ASIASIM", "inner", None, "eu-west-1", now);
        assert_eq!(verified(request, b"body").unwrap_err().code, "UnrecognizedClientException");
    }

    #[test]
    fn a_wrong_secret_another_body_and_another_region_are_refused() {
        let now = SystemTime::now();
        let request = signed("AKIASIM", "guess", None, "eu-west-1", now);
        assert_eq!(verified(request, b"body").unwrap_err().code, "InvalidSignatureException");
        let request = signed("AKIASIM", "secret", None, "eu-west-1", now);
        assert_eq!(verified(request, b"other").unwrap_err().code, "InvalidSignatureException");
        let request = signed("AKIASIM", "secret", None, "us-west-2", now);
        assert!(verified(request, b"body").unwrap_err().message.contains("valid region"));
        let request = signed("AKIAOTHER", "secret", None, "eu-west-1", now);
        assert_eq!(verified(request, b"body").unwrap_err().code, "UnrecognizedClientException");
    }

    #[test]
    fn an_old_signature_and_one_from_the_future_are_refused() {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        let now = SystemTime::now();
        let request = signed("AKIASIM", "secret", None, "eu-west-1", now - minutes(16));
        assert!(verified(request, b"body").unwrap_err().message.starts_with("Signature expired"));
        let request = signed("AKIASIM", "secret", None, "eu-west-1", now + minutes(16));
        assert!(verified(request, b"body").unwrap_err().message.starts_with("Signature not yet"));
        let request = signed("AKIASIM", "secret", None, "eu-west-1", now - minutes(14));
        assert!(verified(request, b"body").is_ok());
    }

    #[test]
    fn a_date_is_read_back_as_it_was_written() {
        let time = Timestamp::from_second(1_700_000_000).unwrap();
        assert_eq!(moment(&time.strftime(DATE).to_string()), SystemTime::try_from(time).ok());
        assert_eq!(moment("yesterday"), None);
    }
}
