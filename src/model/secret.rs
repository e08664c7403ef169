//! Webhook secrets: `whsec_` + base64 of 24 to 64 bytes (Standard Webhooks).
//!
//! S1: a secret is never printed: `Debug` shows `***`, there is no `Display` and no `Serialize`. S2: a fault never repeats what
//! it refused. S3: two secrets are compared in constant time.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The prefix that marks a webhook secret.
pub const PREFIX: &str = "whsec_";
/// Fewest bytes a secret has.
pub const BYTES_MIN: usize = 24;
/// Most bytes a secret has.
pub const BYTES_MAX: usize = 64;

/// Secrets are copied by hand between people, and the padding gets lost on the way: both forms are read.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A signing secret of 24 to 64 bytes.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    // Keeps S1.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl PartialEq for Secret {
    // Keeps S3; the length is no secret.
    fn eq(&self, other: &Self) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for Secret {}

impl Secret {
    /// Parses `whsec_<base64>`, with or without padding; white space around it (the newline of a file) does not count.
    pub fn parse(text: &str) -> Result<Self, SecretFault> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(SecretFault)?;
        let secret = Self(BASE64.decode(encoded).map_err(|_| SecretFault)?);
        if (BYTES_MIN..=BYTES_MAX).contains(&secret.0.len()) { Ok(secret) } else { Err(SecretFault) }
    }

    /// The key bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Secret {
    // Keeps S4.
    fn drop(&mut self) {
        self.0.fill(0);
        // Keeps the compiler from dropping a write that nobody seems to read.
        std::hint::black_box(&self.0);
    }
}

/// Why a secret was refused; never repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret is whsec_ followed by the base64 of 24 to 64 bytes")]
pub struct SecretFault;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: usize) -> String {
        format!("{PREFIX}{}", BASE64.encode(vec![7; bytes]))
    }

    #[test]
    fn secrets_have_24_to_64_bytes() {
        for (bytes, good) in [(0, false), (23, false), (24, true), (25, true), (64, true), (65, false)] {
            assert_eq!(Secret::parse(&text(bytes)).is_ok(), good, "{bytes}");
        }
        assert_eq!(Secret::parse(&format!(" {}\n", text(32))).unwrap().bytes(), [7; 32]);
        assert!(Secret::parse(text(32).trim_end_matches('=')).is_ok());
        for bad in ["", "whsec_", "whsec_!!!!", &text(32)[PREFIX.len()..]] {
            assert_eq!(Secret::parse(bad), Err(SecretFault), "{bad}");
        }
    }

    #[test]
    fn nothing_shows_a_secret() {
        let secret = Secret::parse(&text(32)).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(***)");
        assert_eq!(secret, secret.clone());
        assert_ne!(secret, Secret::parse(&text(33)).unwrap());
    }
}
