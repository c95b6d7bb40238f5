//! The checksums of S3: computed while bytes pass, compared with what the client declared.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

/// Checksums in base64, as S3 writes them; those of a composite end in `-<parts>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Sums {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crc32: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crc32c: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crc64nvme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sha1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
}

impl Sums {
    fn pairs(&self) -> [(&'static str, &Option<String>); 5] {
        [
            ("CRC32", &self.crc32),
            ("CRC32C", &self.crc32c),
            ("CRC64NVME", &self.crc64nvme),
            ("SHA1", &self.sha1),
            ("SHA256", &self.sha256),
        ]
    }

    /// Returns the checksum of one algorithm.
    pub(super) fn get(&self, algorithm: &str) -> Option<&str> {
        let (_, sum) = self.pairs().into_iter().find(|(name, _)| *name == algorithm)?;
        sum.as_deref()
    }

    /// Sets the checksum of one algorithm; one that S3 does not know is left out.
    pub(super) fn set(&mut self, algorithm: &str, sum: String) {
        match algorithm {
            "CRC32" => self.crc32 = Some(sum),
            "CRC32C" => self.crc32c = Some(sum),
            "CRC64NVME" => self.crc64nvme = Some(sum),
            "SHA1" => self.sha1 = Some(sum),
            "SHA256" => self.sha256 = Some(sum),
            _ => {}
        }
    }

    /// Lists the algorithms that have a checksum here.
    pub(super) fn algorithms(&self) -> Vec<&'static str> {
        self.pairs().into_iter().filter(|(_, sum)| sum.is_some()).map(|(name, _)| name).collect()
    }

    /// Adds the checksums that came in the trailer of a body.
    pub(super) fn add_trailer(&mut self, trailer: &HeaderMap) {
        for (algorithm, name) in [
            ("CRC32", "x-amz-checksum-crc32"),
            ("CRC32C", "x-amz-checksum-crc32c"),
            ("CRC64NVME", "x-amz-checksum-crc64nvme"),
            ("SHA1", "x-amz-checksum-sha1"),
            ("SHA256", "x-amz-checksum-sha256"),
        ] {
            if let Some(sum) = trailer.get(name).and_then(|value| value.to_str().ok()) {
                self.set(algorithm, sum.trim().to_owned());
            }
        }
    }

    /// Compares what a client declared with what was computed.
    pub(super) fn check(&self, computed: &Self) -> S3Result<()> {
        for (algorithm, declared) in self.pairs() {
            let Some(declared) = declared else { continue };
            if computed.get(algorithm) != Some(declared) {
                return Err(s3_error!(
                    BadDigest,
                    "The {algorithm} you specified did not match the calculated checksum."
                ));
            }
        }
        Ok(())
    }
}

/// Computes the MD5 and the checksums that are asked for.
pub(super) struct Hasher {
    size: u64,
    md5: Md5,
    crc32: Option<Crc32>,
    crc32c: Option<Crc32c>,
    crc64nvme: Option<Crc64Nvme>,
    sha1: Option<Sha1>,
    sha256: Option<Sha256>,
}

/// What a [`Hasher`] found.
#[derive(Clone, Debug)]
pub(super) struct Digest {
    /// Bytes.
    pub(super) size: u64,
    /// The MD5.
    pub(super) md5: [u8; 16],
    /// The other checksums.
    pub(super) sums: Sums,
}

impl Digest {
    /// Returns the MD5 as an entity tag.
    pub(super) fn etag(&self) -> String {
        hex(&self.md5)
    }
}

impl Hasher {
    /// Makes a hasher of these algorithms; without any, S3 keeps a CRC-64/NVME.
    pub(super) fn of(algorithms: &[&str]) -> Self {
        let has = |name: &str| algorithms.contains(&name);
        Self {
            size: 0,
            md5: Md5::new(),
            crc32: has("CRC32").then(Crc32::new),
            crc32c: has("CRC32C").then(Crc32c::new),
            crc64nvme: (has("CRC64NVME") || algorithms.is_empty()).then(Crc64Nvme::new),
            sha1: has("SHA1").then(Sha1::new),
            sha256: has("SHA256").then(Sha256::new),
        }
    }

    /// Takes the next bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.md5.update(bytes);
        if let Some(hash) = &mut self.crc32 {
            hash.update(bytes);
        }
        if let Some(hash) = &mut self.crc32c {
            hash.update(bytes);
        }
        if let Some(hash) = &mut self.crc64nvme {
            hash.update(bytes);
        }
        if let Some(hash) = &mut self.sha1 {
            hash.update(bytes);
        }
        if let Some(hash) = &mut self.sha256 {
            hash.update(bytes);
        }
    }

    /// Returns what was found.
    pub(super) fn finish(self) -> Digest {
        let sums = Sums {
            crc32: self.crc32.map(|hash| STANDARD.encode(hash.finalize())),
            crc32c: self.crc32c.map(|hash| STANDARD.encode(hash.finalize())),
            crc64nvme: self.crc64nvme.map(|hash| STANDARD.encode(hash.finalize())),
            sha1: self.sha1.map(|hash| STANDARD.encode(hash.finalize())),
            sha256: self.sha256.map(|hash| STANDARD.encode(hash.finalize())),
        };
        let mut md5 = [0; 16];
        md5.copy_from_slice(self.md5.finalize().as_ref());
        Digest { size: self.size, md5, sums }
    }
}

/// Combines the checksums of parts into a composite: the checksum of their checksums, and their number.
pub(super) fn composite(algorithm: &str, parts: &[String]) -> Option<String> {
    let mut hasher = Hasher::of(&[algorithm]);
    for part in parts {
        hasher.update(&STANDARD.decode(part).ok()?);
    }
    let digest = hasher.finish();
    digest.sums.get(algorithm).map(|sum| format!("{sum}-{}", parts.len()))
}

/// Combines the MD5s of parts into the entity tag of the whole.
pub(super) fn composite_etag(parts: &[[u8; 16]]) -> String {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part);
    }
    format!("{}-{}", hex(hash.finalize().as_ref()), parts.len())
}

/// Checks a `Content-MD5` header.
pub(super) fn check_md5(declared: Option<&str>, computed: &Digest) -> S3Result<()> {
    if declared.is_some_and(|declared| declared != STANDARD.encode(computed.md5)) {
        return Err(s3_error!(
            BadDigest,
            "The Content-MD5 you specified did not match what we received."
        ));
    }
    Ok(())
}

/// Writes bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(algorithms: &[&str], bytes: &[u8]) -> Sums {
        let mut hasher = Hasher::of(algorithms);
        hasher.update(bytes);
        hasher.finish().sums
    }

    #[test]
    fn a_checksum_that_differs_is_refused_and_one_that_agrees_is_not() {
        let computed = sums(&["CRC32", "SHA256"], b"hello");
        let mut declared = Sums::default();
        declared.set("CRC32", "NhCmhg==".to_owned());
        declared.check(&computed).unwrap();
        declared.set("SHA256", "AAAA".to_owned());
        assert_eq!(declared.check(&computed).unwrap_err().code().as_str(), "BadDigest");
    }

    #[test]
    fn without_an_algorithm_a_crc64nvme_is_kept() {
        // The check value of CRC-64/NVME in the catalogue of parametrised CRC algorithms is ae8b14860a799888.
        let sum = STANDARD.encode(0xae8b_1486_0a79_9888_u64.to_be_bytes());
        assert_eq!(sums(&[], b"123456789").crc64nvme, Some(sum));
    }

    #[test]
    fn a_composite_names_its_parts() {
        let part = sums(&["SHA256"], b"hello").sha256.unwrap();
        assert!(composite("SHA256", &[part.clone(), part]).unwrap().ends_with("-2"));
        assert!(composite_etag(&[[0; 16], [1; 16]]).ends_with("-2"));
    }
}
