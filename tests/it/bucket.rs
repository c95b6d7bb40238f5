//! The simulated S3, called by the real client over loopback.

use std::convert::Infallible;
use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, CorsConfiguration, CorsRule,
    Delete, MetadataDirective, ObjectIdentifier,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use studio_migrate::sim::World;
use studio_migrate::sim::bucket::{Buckets, file_of, make_bucket, put};
use studio_migrate::sim::state::{Session, State};

const REGION: &str = "eu-west-1";

struct Served {
    folder: tempfile::TempDir,
    endpoint: String,
}

impl Served {
    /// Serves a new world with one bucket, `data`.
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State {
            region: REGION.to_owned(),
            access_key_id: "AKIAOPERATOR".to_owned(),
            secret_access_key: "secret".to_owned(),
            ..State::default()
        };
        let session = Session {
            secret_access_key: "session secret".to_owned(),
            session_token: "token".to_owned(),
            role: "arn:aws:iam::000000000000:role/execution".to_owned(),
            name: "SageMaker".to_owned(),
        };
        state.sessions.insert("ASIASESSION".to_owned(), session);
        let world = World::create(folder.path(), Path::new("/bin/true"), state).unwrap();
        make_bucket(folder.path(), "data").unwrap();
        let buckets = Buckets::new(world);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let buckets = buckets.clone();
                let service = hyper::service::service_fn(
                    move |request: http::Request<hyper::body::Incoming>| {
                        let buckets = buckets.clone();
                        async move {
                            Ok::<_, Infallible>(buckets.call(request.map(s3s::Body::from)).await)
                        }
                    },
                );
                tokio::spawn(async move {
                    let _ = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { folder, endpoint }
    }

    fn client_with(&self, credentials: Credentials, region: &str) -> Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(credentials)
            .endpoint_url(&self.endpoint)
            .force_path_style(true)
            .build();
        Client::from_conf(config)
    }

    fn client(&self) -> Client {
        self.client_with(Credentials::new("AKIAOPERATOR", "secret", None, None, "test"), REGION)
    }
}

/// Returns the code of a refusal, or its HTTP status when it has none.
fn refusal<T: std::fmt::Debug, E>(result: Result<T, SdkError<E>>) -> (u16, String)
where
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    let error = result.unwrap_err();
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    (status, error.code().unwrap_or_default().to_owned())
}

fn bytes(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(length as u64);
    (0..length).map(|_| random.u8(..)).collect()
}

async fn read(client: &Client, key: &str) -> Vec<u8> {
    let answer = client.get_object().bucket("data").key(key).send().await.unwrap();
    answer.body.collect().await.unwrap().to_vec()
}

#[tokio::test]
async fn an_object_comes_back_with_its_metadata_whatever_its_key() {
    let served = Served::start().await;
    let client = served.client();
    for key in ["naïve/ключ 1+2=3/☃.txt", "a//b/", "../up", "%2e%2e/x", "plain"] {
        client
            .put_object()
            .bucket("data")
            .key(key)
            .metadata("sha", "abc")
            .content_type("text/plain")
            .body(ByteStream::from(bytes(100_000)))
            .send()
            .await
            .unwrap();
        let head = client.head_object().bucket("data").key(key).send().await.unwrap();
        assert_eq!(head.content_length(), Some(100_000));
        assert_eq!(head.content_type(), Some("text/plain"));
        assert_eq!(head.metadata().unwrap()["sha"], "abc");
        assert_eq!(read(&client, key).await, bytes(100_000));
    }
    let listed = client.list_objects_v2().bucket("data").send().await.unwrap();
    let keys: Vec<&str> = listed.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(keys, ["%2e%2e/x", "../up", "a//b/", "naïve/ключ 1+2=3/☃.txt", "plain"]);
}

#[tokio::test]
async fn a_part_of_an_object_can_be_read_and_one_beyond_its_end_cannot() {
    let served = Served::start().await;
    let client = served.client();
    put(served.folder.path(), "data", "k", b"0123456789").unwrap();
    let get = |range: &str| client.get_object().bucket("data").key("k").range(range).send();
    let part = get("bytes=2-4").await.unwrap();
    assert_eq!(part.content_range(), Some("bytes 2-4/10"));
    assert_eq!(part.body.collect().await.unwrap().to_vec(), b"234");
    assert_eq!(get("bytes=-3").await.unwrap().body.collect().await.unwrap().to_vec(), b"789");
    assert_eq!(refusal(get("bytes=10-").await), (416, "InvalidRange".to_owned()));
    let etag = client.head_object().bucket("data").key("k").send().await.unwrap().e_tag.unwrap();
    let same = client.get_object().bucket("data").key("k").if_none_match(etag).send().await;
    assert_eq!(refusal(same).0, 304);
}

#[tokio::test]
async fn a_conditional_put_is_refused_when_the_object_is_there() {
    let served = Served::start().await;
    let client = served.client();
    let put = || {
        client
            .put_object()
            .bucket("data")
            .key("k")
            .body(ByteStream::from_static(b"x"))
            .if_none_match("*")
            .send()
    };
    let etag = put().await.unwrap().e_tag.unwrap();
    assert_eq!(refusal(put().await), (412, "PreconditionFailed".to_owned()));
    let replace = |etag: &str| client.put_object().bucket("data").key("k").if_match(etag).send();
    replace(&etag).await.unwrap();
    assert_eq!(refusal(replace(&etag).await), (412, "PreconditionFailed".to_owned()));
    let absent = client.put_object().bucket("data").key("other").if_match(etag).send().await;
    assert_eq!(refusal(absent), (404, "NoSuchKey".to_owned()));
}

#[tokio::test]
async fn every_checksum_is_verified_kept_and_told() {
    let served = Served::start().await;
    let client = served.client();
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha256,
    ] {
        let put = client.put_object().bucket("data").key("k").checksum_algorithm(algorithm.clone());
        put.body(ByteStream::from(bytes(70_000))).send().await.unwrap();
        // The client verifies what it reads against the checksum that is told.
        assert_eq!(read(&client, "k").await, bytes(70_000), "{algorithm}");
        let path = file_of(served.folder.path(), "data", "k").unwrap();
        std::fs::write(path, bytes(70_000).iter().map(|byte| byte ^ 1).collect::<Vec<_>>())
            .unwrap();
        let spoilt = client.get_object().bucket("data").key("k").send().await.unwrap();
        assert!(spoilt.body.collect().await.is_err(), "{algorithm}");
    }
    let wrong =
        client.put_object().bucket("data").key("wrong").checksum_sha256("A".repeat(43) + "=");
    let wrong = wrong.body(ByteStream::from_static(b"x")).send().await;
    assert_eq!(refusal(wrong), (400, "BadDigest".to_owned()));
    let head = client.head_object().bucket("data").key("wrong").send().await;
    assert_eq!(refusal(head).0, 404);
}

#[tokio::test]
async fn two_and_a_half_thousand_keys_are_listed_in_three_pages() {
    let served = Served::start().await;
    for number in 0..2500 {
        put(served.folder.path(), "data", &format!("p/{:05}", number * 7919 % 2500), b"").unwrap();
    }
    put(served.folder.path(), "data", "q/1", b"").unwrap();
    let client = served.client();
    let mut sizes = Vec::new();
    let mut keys = Vec::new();
    let mut token = None;
    loop {
        let list =
            client.list_objects_v2().bucket("data").prefix("p/").set_continuation_token(token);
        let page = list.send().await.unwrap();
        sizes.push(page.contents().len());
        keys.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
        token = page.next_continuation_token().map(str::to_owned);
        assert_eq!(token.is_some(), page.is_truncated().unwrap());
        if token.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [1000, 1000, 500]);
    assert_eq!(keys, (0..2500).map(|number| format!("p/{number:05}")).collect::<Vec<_>>());
    let folded = client.list_objects_v2().bucket("data").delimiter("/").send().await.unwrap();
    let prefixes: Vec<&str> =
        folded.common_prefixes().iter().filter_map(|one| one.prefix()).collect();
    assert_eq!(prefixes, ["p/", "q/"]);
}

#[tokio::test]
async fn an_upload_in_parts_becomes_one_object() {
    let served = Served::start().await;
    let client = served.client();
    let big = bytes(5 * 1024 * 1024);
    let create = client.create_multipart_upload().bucket("data").key("big").metadata("a", "b");
    let id = create.send().await.unwrap().upload_id.unwrap();
    let mut parts = Vec::new();
    for (number, body) in [(1, big.clone()), (2, b"tail".to_vec())] {
        let part =
            client.upload_part().bucket("data").key("big").upload_id(&id).part_number(number);
        let part = part.body(ByteStream::from(body)).send().await.unwrap();
        parts.push(CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).build());
    }
    let listed = client.list_parts().bucket("data").key("big").upload_id(&id).send().await.unwrap();
    assert_eq!(listed.parts().len(), 2);
    let uploads = client.list_multipart_uploads().bucket("data").send().await.unwrap();
    assert_eq!(uploads.uploads().len(), 1);
    let complete = |parts: Vec<CompletedPart>| {
        let upload = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        client
            .complete_multipart_upload()
            .bucket("data")
            .key("big")
            .upload_id(&id)
            .multipart_upload(upload)
            .send()
    };
    let reversed = complete(parts.iter().rev().cloned().collect()).await;
    assert_eq!(refusal(reversed), (400, "InvalidPartOrder".to_owned()));
    let done = complete(parts.clone()).await.unwrap();
    assert!(done.e_tag().unwrap().ends_with("-2\""));
    let mut whole = big;
    whole.extend_from_slice(b"tail");
    assert!(read(&client, "big").await == whole);
    let head = client.head_object().bucket("data").key("big").send().await.unwrap();
    assert_eq!(head.metadata().unwrap()["a"], "b");
    assert_eq!(refusal(complete(parts).await), (404, "NoSuchUpload".to_owned()));
}

#[tokio::test]
async fn a_part_that_is_too_small_or_unknown_is_refused() {
    let served = Served::start().await;
    let client = served.client();
    let create = client.create_multipart_upload().bucket("data").key("k");
    let create = create.checksum_algorithm(ChecksumAlgorithm::Sha256);
    let id = create.send().await.unwrap().upload_id.unwrap();
    let mut parts = Vec::new();
    for number in 1..3 {
        let part = client.upload_part().bucket("data").key("k").upload_id(&id).part_number(number);
        let part = part.checksum_algorithm(ChecksumAlgorithm::Sha256);
        let part = part.body(ByteStream::from_static(b"small")).send().await.unwrap();
        assert!(part.checksum_sha256().is_some());
        let done = CompletedPart::builder().part_number(number).set_e_tag(part.e_tag);
        parts.push(done.set_checksum_sha256(part.checksum_sha256).build());
    }
    let complete = |id: String, parts: Vec<CompletedPart>| {
        let upload = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        client
            .complete_multipart_upload()
            .bucket("data")
            .key("k")
            .upload_id(id)
            .multipart_upload(upload)
            .send()
    };
    let small = complete(id.clone(), parts.clone()).await;
    assert_eq!(refusal(small), (400, "EntityTooSmall".to_owned()));
    let unknown = vec![CompletedPart::builder().part_number(9).e_tag("x").build()];
    assert_eq!(refusal(complete(id.clone(), unknown).await), (400, "InvalidPart".to_owned()));
    let done = complete(id.clone(), vec![parts[0].clone()]).await.unwrap();
    assert!(done.checksum_sha256().unwrap().ends_with("-1"));
    assert_eq!(read(&client, "k").await, b"small");

    let create = client.create_multipart_upload().bucket("data").key("k").send().await.unwrap();
    let id = create.upload_id.unwrap();
    let abort =
        |id: String| client.abort_multipart_upload().bucket("data").key("k").upload_id(id).send();
    abort(id.clone()).await.unwrap();
    assert_eq!(refusal(abort(id).await), (404, "NoSuchUpload".to_owned()));
}

#[tokio::test]
async fn a_key_of_more_than_1024_bytes_is_refused() {
    let served = Served::start().await;
    let client = served.client();
    let put = |key: String| {
        client.put_object().bucket("data").key(key).body(ByteStream::from_static(b"x")).send()
    };
    put("é".repeat(512)).await.unwrap();
    assert_eq!(refusal(put("a".repeat(1025)).await), (400, "KeyTooLongError".to_owned()));
}

#[tokio::test]
async fn only_the_keys_of_the_world_open_the_door() {
    let served = Served::start().await;
    let list = |credentials: Credentials, region: &'static str| {
        served.client_with(credentials, region).list_objects_v2().bucket("data").send()
    };
    let session = |token: &str| {
        Credentials::new("ASIASESSION", "session secret", Some(token.to_owned()), None, "test")
    };
    let wrong = Credentials::new("AKIAOPERATOR", "wrong", None, None, "test");
    assert_eq!(refusal(list(wrong, REGION).await), (403, "SignatureDoesNotMatch".to_owned()));
    let stranger = Credentials::new("AKIASTRANGER", "secret", None, None, "test");
    assert_eq!(refusal(list(stranger, REGION).await), (403, "InvalidAccessKeyId".to_owned()));
    list(session("token"), REGION).await.unwrap();
    assert_eq!(refusal(list(session("other"), REGION).await), (400, "InvalidToken".to_owned()));
    let elsewhere = list(session("token"), "us-east-2").await;
    assert_eq!(refusal(elsewhere), (400, "AuthorizationHeaderMalformed".to_owned()));
}

#[tokio::test]
async fn a_bucket_of_somebody_else_or_none_at_all_is_refused() {
    let served = Served::start().await;
    let client = served.client();
    let head =
        |owner: &str| client.head_bucket().bucket("data").expected_bucket_owner(owner).send();
    head("000000000000").await.unwrap();
    assert_eq!(refusal(head("111122223333").await).0, 403);
    let put = client.put_object().bucket("data").key("k").expected_bucket_owner("111122223333");
    assert_eq!(refusal(put.send().await), (403, "AccessDenied".to_owned()));
    let unknown = client.list_objects_v2().bucket("nowhere").send().await;
    assert_eq!(refusal(unknown), (404, "NoSuchBucket".to_owned()));
    let unknown = client.get_object().bucket("data").key("nothing").send().await;
    assert_eq!(refusal(unknown), (404, "NoSuchKey".to_owned()));
}

#[tokio::test]
async fn objects_are_copied_and_deleted() {
    let served = Served::start().await;
    let client = served.client();
    let put = client.put_object().bucket("data").key("a é").metadata("m", "1");
    put.body(ByteStream::from(bytes(1000))).send().await.unwrap();
    let copy =
        |key: &str| client.copy_object().copy_source("data/a%20%C3%A9").bucket("data").key(key);
    copy("b").send().await.unwrap();
    let head = client.head_object().bucket("data").key("b").send().await.unwrap();
    assert_eq!(head.metadata().unwrap()["m"], "1");
    assert_eq!(read(&client, "b").await, bytes(1000));
    assert_eq!(refusal(copy("a é").send().await), (400, "InvalidRequest".to_owned()));
    let replace = copy("a é").metadata_directive(MetadataDirective::Replace).metadata("m", "2");
    replace.send().await.unwrap();
    let head = client.head_object().bucket("data").key("a é").send().await.unwrap();
    assert_eq!(head.metadata().unwrap()["m"], "2");

    assert_eq!(refusal(client.delete_bucket().bucket("data").send().await).1, "BucketNotEmpty");
    client.delete_object().bucket("data").key("b").send().await.unwrap();
    client.delete_object().bucket("data").key("b").send().await.unwrap();
    let keys =
        ["a é", "never there"].map(|key| ObjectIdentifier::builder().key(key).build().unwrap());
    let delete = Delete::builder().set_objects(Some(keys.to_vec())).build().unwrap();
    let answer = client.delete_objects().bucket("data").delete(delete).send().await.unwrap();
    assert_eq!(answer.deleted().len(), 2);
    assert_eq!(client.list_objects_v2().bucket("data").send().await.unwrap().key_count(), Some(0));
    client.delete_bucket().bucket("data").send().await.unwrap();
}

#[tokio::test]
async fn what_is_set_on_a_bucket_is_what_it_says() {
    let served = Served::start().await;
    let client = served.client();
    let location = client.get_bucket_location().bucket("data").send().await.unwrap();
    assert_eq!(location.location_constraint().unwrap().as_str(), REGION);
    let versioning = client.get_bucket_versioning().bucket("data").send().await.unwrap();
    assert!(versioning.status().is_none());
    let encryption = client.get_bucket_encryption().bucket("data").send().await.unwrap();
    let rules = encryption.server_side_encryption_configuration().unwrap().rules();
    let rule = rules[0].apply_server_side_encryption_by_default().unwrap();
    assert_eq!(rule.sse_algorithm().as_str(), "AES256");
    let block = client.get_public_access_block().bucket("data").send().await.unwrap();
    assert_eq!(
        block.public_access_block_configuration().unwrap().block_public_policy(),
        Some(true)
    );
    let policy = client.get_bucket_policy().bucket("data").send().await;
    assert_eq!(refusal(policy), (404, "NoSuchBucketPolicy".to_owned()));
    client.put_bucket_policy().bucket("data").policy("{\"Statement\":[]}").send().await.unwrap();
    let policy = client.get_bucket_policy().bucket("data").send().await.unwrap();
    assert_eq!(policy.policy(), Some("{\"Statement\":[]}"));

    let cors = client.get_bucket_cors().bucket("data").send().await;
    assert_eq!(refusal(cors), (404, "NoSuchCORSConfiguration".to_owned()));
    let rule =
        CorsRule::builder().allowed_methods("PUT").allowed_origins("https://*.sagemaker.aws");
    let rules = CorsConfiguration::builder().cors_rules(rule.build().unwrap()).build().unwrap();
    client.put_bucket_cors().bucket("data").cors_configuration(rules).send().await.unwrap();
    let cors = client.get_bucket_cors().bucket("data").send().await.unwrap();
    assert_eq!(cors.cors_rules()[0].allowed_origins(), ["https://*.sagemaker.aws"]);

    let create = client.create_bucket().bucket("other");
    assert_eq!(refusal(create.clone().send().await).1, "IllegalLocationConstraintException");
    let here =
        aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(REGION.into());
    let create = create.create_bucket_configuration(here.build());
    create.clone().send().await.unwrap();
    assert_eq!(refusal(create.send().await), (409, "BucketAlreadyOwnedByYou".to_owned()));
    let names = client.list_buckets().send().await.unwrap();
    let names: Vec<&str> = names.buckets().iter().filter_map(|bucket| bucket.name()).collect();
    assert_eq!(names, ["data", "other"]);
}
