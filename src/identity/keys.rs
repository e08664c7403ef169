//! The provider's keys (JSON Web Key Set).

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// Keys that are looked at; more are passed over.
const KEYS_MAX: usize = 100;

/// As it comes. What is no key, or of a kind that is not known, takes no other key with it.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    keys: Vec<Value>,
}

/// The keys that may sign.
#[derive(Debug, Clone, Default)]
pub(super) struct KeySet(Vec<Jwk>);

impl From<Document> for KeySet {
    fn from(document: Document) -> Self {
        let keys = document.keys.into_iter().take(KEYS_MAX).filter_map(|key| serde_json::from_value(key).ok());
        Self(keys.filter(signs).collect())
    }
}

impl KeySet {
    /// The key that a token names; of a token that names none, the only one that fits. `None` where there is no such key.
    pub(super) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        let mut fitting = self
            .0
            .iter()
            .filter(|key| fits(key, algorithm) && kid.is_none_or(|kid| key.common.key_id.as_deref() == Some(kid)));
        let key = fitting.next()?;
        if kid.is_none() && fitting.next().is_some() {
            return None;
        }
        DecodingKey::from_jwk(key).ok()
    }
}

/// Whether a key is for signatures at all.
fn signs(key: &Jwk) -> bool {
    matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature))
}

/// Whether a key goes with an algorithm: its kind, and what it says of itself.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let (kind, name) = match (algorithm, &key.algorithm) {
        (Algorithm::RS256, AlgorithmParameters::RSA(_)) => (true, KeyAlgorithm::RS256),
        (Algorithm::PS256, AlgorithmParameters::RSA(_)) => (true, KeyAlgorithm::PS256),
        (Algorithm::ES256, AlgorithmParameters::EllipticCurve(own)) => {
            (own.curve == EllipticCurve::P256, KeyAlgorithm::ES256)
        }
        (Algorithm::EdDSA, AlgorithmParameters::OctetKeyPair(own)) => {
            (own.curve == EllipticCurve::Ed25519, KeyAlgorithm::EdDSA)
        }
        _ => return false,
    };
    kind && key.common.key_algorithm.is_none_or(|own| own == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSA: &str = r#""kty": "RSA", "n": "sXchTw", "e": "AQAB""#;

    fn set(keys: &[String]) -> KeySet {
        serde_json::from_str::<Document>(&format!(r#"{{"keys": [{}]}}"#, keys.join(","))).unwrap().into()
    }

    #[test]
    fn a_key_is_found_by_its_name_and_goes_with_one_algorithm() {
        let keys = set(&[
            r#""a string""#.to_owned(),
            r#"{"kty": "MLDSA", "pub": "x", "kid": "future"}"#.to_owned(),
            format!(r#"{{{RSA}, "kid": "one", "alg": "RS256", "use": "sig"}}"#),
            format!(r#"{{{RSA}, "kid": "crypt", "use": "enc"}}"#),
            r#"{"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}"#.to_owned(),
            r#"{"kty": "EC", "crv": "P-384", "x": "eA", "y": "eQ", "kid": "wide"}"#.to_owned(),
        ]);
        assert!(keys.find(Some("one"), Algorithm::RS256).is_some());
        assert!(keys.find(None, Algorithm::RS256).is_some(), "it is the only one");
        assert!(keys.find(Some("one"), Algorithm::PS256).is_none(), "it says RS256");
        for (kid, algorithm) in [
            ("two", Algorithm::RS256),
            ("crypt", Algorithm::RS256),
            ("one", Algorithm::ES256),
            ("shared", Algorithm::HS256),
            ("wide", Algorithm::ES256),
        ] {
            assert!(keys.find(Some(kid), algorithm).is_none(), "{kid}");
        }
        let two = set(&[format!(r#"{{{RSA}, "kid": "a"}}"#), format!(r#"{{{RSA}, "kid": "b"}}"#)]);
        assert!(two.find(None, Algorithm::RS256).is_none(), "which of them?");
    }
}
