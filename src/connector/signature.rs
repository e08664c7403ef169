//! Standard Webhooks signatures, version 1: HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`.
//!
//! While a secret rotates all of an agency's secrets sign, newest first, and any of them verifies. Comparing takes the same
//! time wherever two signatures differ.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::secret::Secret;
use crate::model::time::At;

/// How far a timestamp may be from the receiver's clock; Standard Webhooks recommends five minutes.
pub const TOLERANCE: Duration = Duration::from_secs(300);
/// Signatures of one header that are looked at; more are ignored.
pub const SIGNATURES_MAX: usize = 16;

const VERSION: &str = "v1,";
/// `v1,` and the base64 of 32 bytes.
const ONE_LEN: usize = 3 + 44;

/// Signs for one agency, and verifies what was signed. The keys are prepared once.
#[derive(Debug, Clone)]
pub struct Signer(Vec<hmac::Key>);

/// What a request said of itself: the headers as they came and the exact body.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`, seconds since the Unix epoch.
    pub timestamp: &'a str,
    /// `webhook-signature`.
    pub signature: &'a str,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// The timestamp is not a number of seconds.
    #[error("webhook-timestamp is not a number of seconds")]
    Timestamp,
    /// The timestamp is too old or too far ahead.
    #[error("webhook-timestamp is more than the tolerance away from now")]
    Stale,
    /// No signature fits any secret.
    #[error("no webhook-signature fits")]
    Mismatch,
}

impl Signer {
    /// Prepares the keys, in the order given (newest first).
    pub fn new(secrets: &[Secret]) -> Self {
        Self(secrets.iter().map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret.bytes())).collect())
    }

    /// Whether there is a secret to sign with.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of `webhook-signature`; `None` where there is no secret. `timestamp` is in seconds since the Unix epoch.
    pub fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> Option<String> {
        let mut header = String::with_capacity(self.0.len() * (ONE_LEN + 1));
        for key in &self.0 {
            if !header.is_empty() {
                header.push(' ');
            }
            header.push_str(VERSION);
            STANDARD.encode_string(tag(key, id, timestamp, body), &mut header);
        }
        (!header.is_empty()).then_some(header)
    }

    /// Verifies a request that arrived at `now`. Without a secret nothing verifies.
    pub fn verify(&self, signed: &Signed<'_>, now: At, tolerance: Duration) -> Result<(), SignatureFault> {
        let seconds: i64 = signed.timestamp.parse().map_err(|_| SignatureFault::Timestamp)?;
        let at = At(seconds.checked_mul(1000).ok_or(SignatureFault::Timestamp)?);
        if now.since(at) > tolerance || at.since(now) > tolerance {
            return Err(SignatureFault::Stale);
        }
        let given = || signed.signature.split(' ').filter_map(|part| part.strip_prefix(VERSION)).take(SIGNATURES_MAX);
        for key in &self.0 {
            let mut expected = String::with_capacity(ONE_LEN);
            STANDARD.encode_string(tag(key, signed.id, signed.timestamp, signed.body), &mut expected);
            if given().any(|one| verify_slices_are_equal(one.as_bytes(), expected.as_bytes()).is_ok()) {
                return Ok(());
            }
        }
        Err(SignatureFault::Mismatch)
    }
}

/// Signs in pieces, so that the body is never copied.
fn tag(key: &hmac::Key, id: &str, timestamp: &str, body: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(id.as_bytes());
    context.update(b".");
    context.update(timestamp.as_bytes());
    context.update(b".");
    context.update(body);
    context.sign()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of the Standard Webhooks libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: &str = "1614265330";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const NOW: At = At(1_614_265_330_000);

    fn signer(secrets: &[&str]) -> Signer {
        Signer::new(&secrets.iter().map(|text| Secret::parse(text).unwrap()).collect::<Vec<_>>())
    }

    fn signed(signature: &str) -> Signed<'_> {
        Signed { id: ID, timestamp: TIMESTAMP, signature, body: BODY }
    }

    #[test]
    fn the_published_example_is_signed_and_verified() {
        let signer = signer(&[SECRET]);
        assert_eq!(signer.sign(ID, TIMESTAMP, BODY).unwrap(), SIGNATURE);
        assert_eq!(signer.verify(&signed(SIGNATURE), NOW, TOLERANCE), Ok(()));
    }

    #[test]
    fn every_secret_signs_and_any_verifies() {
        let other = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBk=";
        let both = signer(&[other, SECRET]).sign(ID, TIMESTAMP, BODY).unwrap();
        let parts: Vec<&str> = both.split(' ').collect();
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[1], SIGNATURE, "the older secret signs last");
        for secret in [other, SECRET] {
            assert_eq!(signer(&[secret]).verify(&signed(&both), NOW, TOLERANCE), Ok(()));
        }
        assert_eq!(signer(&[other]).verify(&signed(SIGNATURE), NOW, TOLERANCE), Err(SignatureFault::Mismatch));
    }

    #[test]
    fn nothing_signs_and_nothing_verifies_without_a_secret() {
        let none = signer(&[]);
        assert_eq!(none.sign(ID, TIMESTAMP, BODY), None);
        assert_eq!(none.verify(&signed(SIGNATURE), NOW, TOLERANCE), Err(SignatureFault::Mismatch));
    }

    #[test]
    fn any_change_breaks_the_signature() {
        let signer = signer(&[SECRET]);
        let verify = |signed: Signed<'_>| signer.verify(&signed, NOW, TOLERANCE);
        let good = signed(SIGNATURE);
        assert_eq!(verify(Signed { id: "msg_other", ..good }), Err(SignatureFault::Mismatch));
        assert_eq!(verify(Signed { body: b"{}", ..good }), Err(SignatureFault::Mismatch));
        assert_eq!(verify(Signed { timestamp: "1614265331", ..good }), Err(SignatureFault::Mismatch));
        assert_eq!(verify(Signed { timestamp: "soon", ..good }), Err(SignatureFault::Timestamp));
        assert_eq!(verify(Signed { timestamp: "9223372036854775807", ..good }), Err(SignatureFault::Timestamp));
        for signature in ["", "v1,", "v1", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", &SIGNATURE[3..]] {
            assert_eq!(verify(Signed { signature, ..good }), Err(SignatureFault::Mismatch), "{signature}");
        }
    }

    #[test]
    fn old_and_future_timestamps_are_stale() {
        let signer = signer(&[SECRET]);
        for (shift, expected) in [(300_000, Ok(())), (-300_000, Ok(())), (300_001, Err(SignatureFault::Stale))] {
            assert_eq!(signer.verify(&signed(SIGNATURE), At(NOW.0 + shift), TOLERANCE), expected, "{shift}");
        }
        assert_eq!(signer.verify(&signed(SIGNATURE), At(NOW.0 - 300_001), TOLERANCE), Err(SignatureFault::Stale));
    }
}
