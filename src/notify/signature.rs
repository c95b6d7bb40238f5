//! The signature of a post: who knows the secret can tell that a notice is ours, unchanged, and not an old one sent again.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The header that carries it: `t=<seconds since 1970>,v1=<HMAC-SHA256 in lower-case hexadecimal>`.
pub const SIGNATURE: &str = "studio-migrate-signature";

/// Returns the value of the header for a body that is sent at a time, in seconds since 1970.
///
/// What is signed is the time in decimal digits, a dot, and the bytes of the body as they are sent.
pub fn sign(secret: &str, at: i64, body: &str) -> String {
    // An HMAC takes a key of any length, so there is always one; without it nothing would be signed, and nothing believed.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return format!("t={at}");
    };
    mac.update(format!("{at}.{body}").as_bytes());
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at},v1={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_other_programs() {
        // printf '1767225600.{"schema":1}' | openssl dgst -sha256 -hmac 'correct horse battery staple'
        assert_eq!(
            sign("correct horse battery staple", 1_767_225_600, r#"{"schema":1}"#),
            "t=1767225600,v1=8bbc264a993347c25683afc094ce99d11a3d974d8cb39db2ba424b716a6cc995"
        );
    }

    #[test]
    fn a_secret_longer_than_a_block_is_hashed_first() {
        // python3 -c 'import hmac; print(hmac.new(b"*" * 131, b"0.", "sha256").hexdigest())'
        let long = "*".repeat(131);
        assert_eq!(
            sign(&long, 0, ""),
            "t=0,v1=13250e98998b86a01523a2e2151de3560722a0b3874233c575f64bee3c820ff9"
        );
    }

    #[test]
    fn time_body_and_secret_all_count() {
        let signed = sign("a", 1, "b");
        assert_ne!(signed, sign("A", 1, "b"));
        assert_ne!(signed, sign("a", 1, "B"));
        assert_ne!(signed[4..], sign("a", 2, "b")[4..]);
    }
}
