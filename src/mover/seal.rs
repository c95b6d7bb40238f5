//! Sealing what crosses the staging bucket, so that another person of the same execution role can neither read nor forge it.
//!
//! A shared execution role may read and write the whole prefix: IAM cannot tell its people apart. So every report is
//! encrypted and authenticated (XChaCha20-Poly1305) under a key that belongs to one migration and travels in its lifecycle
//! script, with the report's name as associated data. Whoever may describe lifecycle scripts can read that key; the policy
//! that `iam execution-role` prints does not allow it.

use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Bytes of the nonce that stands before the sealed text.
const NONCE: usize = 24;

/// The key of one migration's reports, in hexadecimal where it is written down.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReportKey([u8; 32]);

/// A report that was not sealed with this key, or was changed since.
#[derive(Debug, Error)]
#[error("{name} was not sealed by this migration's mover, or was changed since")]
pub struct Broken {
    name: String,
}

impl ReportKey {
    /// Derives the key of one migration from the journal's secret.
    pub fn derive(secret: &[u8], migration: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("studio-migrate 1 reports of a migration");
        hasher.update(secret);
        hasher.update(migration.as_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    /// Returns what tells this key from others and gives nothing of it away: 12 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let hash = blake3::derive_key("studio-migrate 1 fingerprint of a key", &self.0);
        blake3::Hash::from_bytes(hash).to_hex()[..12].to_owned()
    }

    /// Seals a report under its name.
    pub fn seal(&self, name: &str, report: &[u8]) -> Vec<u8> {
        let nonce = XNonce::generate();
        let payload = Payload { msg: report, aad: name.as_bytes() };
        // Encryption fails only for reports of 256 GiB and more; an empty one is then refused by whoever opens it.
        let sealed = self.cipher().encrypt(&nonce, payload).unwrap_or_default();
        let mut out = nonce.to_vec();
        out.extend(sealed);
        out
    }

    /// Opens a report, or says that it is not what this migration's mover wrote.
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, Broken> {
        let broken = || Broken { name: name.to_owned() };
        let (nonce, text) = sealed.split_at_checked(NONCE).ok_or_else(broken)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| broken())?;
        let payload = Payload { msg: text, aad: name.as_bytes() };
        self.cipher().decrypt(&nonce, payload).map_err(|_| broken())
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(self.0))
    }
}

impl std::fmt::Debug for ReportKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReportKey(…)")
    }
}

impl From<ReportKey> for String {
    fn from(key: ReportKey) -> Self {
        blake3::Hash::from_bytes(key.0).to_hex().to_string()
    }
}

impl TryFrom<String> for ReportKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        blake3::Hash::from_hex(&text)
            .map(|hash| Self(*hash.as_bytes()))
            .map_err(|_| "a key has 64 hexadecimal digits".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_opens_under_its_own_key_and_name_only() {
        let alice = ReportKey::derive(b"secret", "d-sim1/alice");
        let sealed = alice.seal("done.json", b"all there");
        assert_eq!(alice.open("done.json", &sealed).unwrap(), b"all there");
        assert!(alice.open("progress.json", &sealed).is_err());
        assert!(ReportKey::derive(b"secret", "d-sim1/bob").open("done.json", &sealed).is_err());
        let mut changed = sealed.clone();
        changed[30] ^= 1;
        assert!(alice.open("done.json", &changed).is_err());
        assert!(alice.open("done.json", b"short").is_err());
        assert!(!sealed.windows(9).any(|window| window == b"all there"));
    }

    #[test]
    fn a_key_survives_being_written_down() {
        let key = ReportKey::derive(b"secret", "d-sim1/alice");
        let text = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<ReportKey>(&text).unwrap(), key);
    }
}
