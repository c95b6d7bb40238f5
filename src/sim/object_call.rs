//! What an S3 request is about: its operation, bucket and key, and the IAM actions that it needs.
//!
//! s3s routes the request itself; this reading serves faults and permissions, which come before it.

use http::Request;
use percent_encoding::percent_decode_str;

/// One S3 request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectCall {
    /// The operation's name: `PutObject`, ….
    pub operation: &'static str,
    /// The bucket; empty for `ListBuckets`.
    pub bucket: String,
    /// The key; empty for an operation on a bucket.
    pub key: String,
    /// `bucket/key` of a copy's source.
    pub source: Option<String>,
}

impl ObjectCall {
    /// Reads a request by its method, path, query and headers.
    pub fn of<B>(request: &Request<B>) -> Self {
        let (path, host) = (request.uri().path(), request.headers().get("host"));
        let path = path.trim_start_matches('/');
        let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
        // With a host of its own a bucket is not in the path: bucket.s3.eu-west-1.amazonaws.com.
        let (bucket, key) = match host.split_once(".s3.") {
            Some((bucket, _)) => (bucket, path),
            None => path.split_once('/').unwrap_or((path, "")),
        };
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let source = request.headers().get("x-amz-copy-source");
        let source = source.and_then(|source| source.to_str().ok()).map(|source| {
            let source = source.split('?').next().unwrap_or_default();
            decoded(source.trim_start_matches('/'))
        });
        let query = request.uri().query().unwrap_or_default();
        let has = |name: &str| {
            form_urlencoded::parse(query.as_bytes()).any(|(parameter, _)| parameter == name)
        };
        let method = request.method().as_str();
        let operation = if bucket.is_empty() {
            "ListBuckets"
        } else if key.is_empty() {
            of_bucket(method, &has)
        } else {
            of_object(method, &has, source.is_some())
        };
        Self { operation, bucket: bucket.to_owned(), key: decoded(key), source }
    }

    /// Returns the IAM actions that the request needs, each with its resource.
    pub fn needs(&self) -> Vec<(String, String)> {
        let action = match self.operation {
            "HeadObject" => "GetObject",
            "CopyObject"
            | "CreateMultipartUpload"
            | "UploadPart"
            | "UploadPartCopy"
            | "CompleteMultipartUpload" => "PutObject",
            "HeadBucket" | "ListObjects" | "ListObjectsV2" => "ListBucket",
            "ListMultipartUploads" => "ListBucketMultipartUploads",
            "ListParts" => "ListMultipartUploadParts",
            "ListBuckets" => "ListAllMyBuckets",
            "DeleteObjects" => "DeleteObject",
            "GetBucketEncryption" => "GetEncryptionConfiguration",
            "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
            other => other,
        };
        let resource = match (self.bucket.as_str(), self.key.as_str()) {
            ("", _) => "*".to_owned(),
            // The keys to delete are in the body; whoever may delete everything in the bucket may delete those.
            (bucket, _) if self.operation == "DeleteObjects" => format!("arn:aws:s3:::{bucket}/*"),
            (bucket, "") => format!("arn:aws:s3:::{bucket}"),
            (bucket, key) => format!("arn:aws:s3:::{bucket}/{key}"),
        };
        let mut needs = vec![(format!("s3:{action}"), resource)];
        if let Some(source) = &self.source {
            needs.push(("s3:GetObject".to_owned(), format!("arn:aws:s3:::{source}")));
        }
        needs
    }
}

fn of_bucket(method: &str, has: &impl Fn(&str) -> bool) -> &'static str {
    match method {
        "GET" if has("uploads") => "ListMultipartUploads",
        "GET" if has("location") => "GetBucketLocation",
        "GET" if has("versioning") => "GetBucketVersioning",
        "GET" if has("policy") => "GetBucketPolicy",
        "GET" if has("encryption") => "GetBucketEncryption",
        "GET" if has("tagging") => "GetBucketTagging",
        "GET" if has("cors") => "GetBucketCors",
        "GET" if has("publicAccessBlock") => "GetPublicAccessBlock",
        "PUT" if has("policy") => "PutBucketPolicy",
        "PUT" if has("cors") => "PutBucketCors",
        "DELETE" if has("policy") => "DeleteBucketPolicy",
        "DELETE" if has("cors") => "DeleteBucketCors",
        "GET" if has("list-type") => "ListObjectsV2",
        "GET" => "ListObjects",
        "HEAD" => "HeadBucket",
        "POST" if has("delete") => "DeleteObjects",
        "PUT" => "CreateBucket",
        "DELETE" => "DeleteBucket",
        _ => "UnknownOperation",
    }
}

fn of_object(method: &str, has: &impl Fn(&str) -> bool, is_copy: bool) -> &'static str {
    match method {
        "GET" if has("uploadId") => "ListParts",
        "GET" if has("tagging") => "GetObjectTagging",
        "GET" if has("attributes") => "GetObjectAttributes",
        "GET" => "GetObject",
        "HEAD" => "HeadObject",
        "PUT" if has("partNumber") && is_copy => "UploadPartCopy",
        "PUT" if has("partNumber") => "UploadPart",
        "PUT" if has("tagging") => "PutObjectTagging",
        "PUT" if is_copy => "CopyObject",
        "PUT" => "PutObject",
        "POST" if has("uploads") => "CreateMultipartUpload",
        "POST" if has("uploadId") => "CompleteMultipartUpload",
        "DELETE" if has("uploadId") => "AbortMultipartUpload",
        "DELETE" if has("tagging") => "DeleteObjectTagging",
        "DELETE" => "DeleteObject",
        _ => "UnknownOperation",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str, uri: &str, headers: &[(&str, &str)]) -> ObjectCall {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        ObjectCall::of(&request.body(()).unwrap())
    }

    #[test]
    fn operations_are_told_by_method_path_and_query() {
        for (method, uri, operation) in [
            ("GET", "/", "ListBuckets"),
            ("GET", "/b?list-type=2&prefix=a%2F", "ListObjectsV2"),
            ("GET", "/b/", "ListObjects"),
            ("HEAD", "/b", "HeadBucket"),
            ("POST", "/b/?delete", "DeleteObjects"),
            ("PUT", "/b/k", "PutObject"),
            ("PUT", "/b/k?x-id=PutObject", "PutObject"),
            ("PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart"),
            ("POST", "/b/k?uploads", "CreateMultipartUpload"),
            ("POST", "/b/k?uploadId=u", "CompleteMultipartUpload"),
            ("DELETE", "/b/k?uploadId=u", "AbortMultipartUpload"),
            ("DELETE", "/b/k", "DeleteObject"),
            ("GET", "/b/?cors", "GetBucketCors"),
            ("GET", "/b/?publicAccessBlock", "GetPublicAccessBlock"),
            ("PUT", "/b/?policy", "PutBucketPolicy"),
            ("DELETE", "/b/?cors", "DeleteBucketCors"),
            ("HEAD", "/b/k/l", "HeadObject"),
        ] {
            assert_eq!(call(method, uri, &[]).operation, operation, "{method} {uri}");
        }
    }

    #[test]
    fn a_bucket_may_be_in_the_path_or_in_the_host() {
        let in_path = call("GET", "/b/a/b%20c", &[("host", "127.0.0.1:4580")]);
        assert_eq!((in_path.bucket.as_str(), in_path.key.as_str()), ("b", "a/b c"));
        let in_host = call("GET", "/a/b%20c", &[("host", "b.s3.eu-west-1.amazonaws.com")]);
        assert_eq!(in_path, in_host);
    }

    #[test]
    fn a_copy_needs_to_read_its_source() {
        let copy = call("PUT", "/b/k", &[("x-amz-copy-source", "/c/a%20b?versionId=1")]);
        assert_eq!(copy.operation, "CopyObject");
        let needs = copy.needs();
        assert_eq!(needs[0], ("s3:PutObject".into(), "arn:aws:s3:::b/k".into()));
        assert_eq!(needs[1], ("s3:GetObject".into(), "arn:aws:s3:::c/a b".into()));
    }
}
