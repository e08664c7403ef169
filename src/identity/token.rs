//! The ID token, and when it counts (I2; OpenID Connect Core, section 3.1.3.7).

use std::time::Duration;

use aws_lc_rs::constant_time;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::settings::Issuer;
use crate::model::time::At;

/// By how much two clocks may differ.
const LEEWAY: Duration = Duration::from_secs(60);
/// How old a token may be that was made for a sign-in of this moment.
const AGE_MAX: Duration = Duration::from_secs(600);
/// Groups of a person that are read.
const GROUPS_MAX: usize = 500;
/// Bytes of a group's name.
const GROUP_BYTES_MAX: usize = 512;

/// What the provider says of a person.
pub(super) type Claims = Map<String, Value>;

/// Why a token does not count. Says which rule, never a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// No token at all.
    #[error("the provider's ID token cannot be read")]
    Shape,
    /// An algorithm that is not in the list.
    #[error("the ID token is not signed by RS256, PS256, ES256 or EdDSA")]
    Algorithm,
    /// A key that the provider does not have.
    #[error("the ID token is signed by a key that is not among the provider's")]
    Key,
    /// The signature is wrong.
    #[error("the signature of the ID token is wrong")]
    Signature,
    /// Somebody else made it.
    #[error("the ID token is from another issuer (iss)")]
    Issuer,
    /// It is for somebody else.
    #[error("the ID token is for another client (aud, azp)")]
    Audience,
    /// It is over.
    #[error("the ID token has expired (exp), or the clocks differ by more than a minute")]
    Expired,
    /// It is not of this moment.
    #[error("the ID token is not of this moment (iat, nbf): the clocks differ by more than a minute")]
    Moment,
    /// It is of another sign-in.
    #[error("the ID token is of another sign-in (nonce)")]
    Nonce,
    /// It is about nobody.
    #[error("the ID token names nobody who can be told apart (sub)")]
    Subject,
}

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a Issuer,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: At,
}

/// Which key a token names, and for which algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) kid: Option<String>,
    pub(super) algorithm: Algorithm,
}

/// Reads the head of a token. Nothing in it is believed but where to look: keys, and addresses of keys, that a token brings along
/// are not looked at.
pub(super) fn named(token: &str) -> Result<Named, TokenFault> {
    // `none`, and names that nobody knows, are no algorithm to the library and end here.
    let head = decode_header(token).map_err(|_| TokenFault::Algorithm)?;
    if !matches!(head.alg, Algorithm::RS256 | Algorithm::PS256 | Algorithm::ES256 | Algorithm::EdDSA) {
        return Err(TokenFault::Algorithm);
    }
    // What it says must be understood is not.
    if head.crit.is_some() || head.enc.is_some() || head.zip.is_some() {
        return Err(TokenFault::Shape);
    }
    Ok(Named { kid: head.kid, algorithm: head.alg })
}

/// The claims of a token that counts.
pub(super) fn verify(
    token: &str,
    key: &DecodingKey,
    algorithm: Algorithm,
    wanted: Expected<'_>,
) -> Result<Claims, TokenFault> {
    // The library checks the signature alone: it would read the clock for the rest.
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    let claims = decode::<Claims>(token, key, &validation).map_err(|_| TokenFault::Signature)?.claims;
    check(&claims, wanted)?;
    Ok(claims)
}

fn check(claims: &Claims, wanted: Expected<'_>) -> Result<(), TokenFault> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(wanted.issuer.as_str()) {
        return Err(TokenFault::Issuer);
    }
    let is_ours = |value: &Value| value.as_str() == Some(wanted.client_id);
    let (ours, alone) = match claims.get("aud") {
        Some(Value::Array(list)) => (list.iter().any(is_ours), list.len() == 1),
        Some(value) => (is_ours(value), true),
        None => (false, true),
    };
    // Who else may read it does not matter where it says that it was made for this client.
    let party = claims.get("azp");
    if !ours || party.map_or(!alone, |party| !is_ours(party)) {
        return Err(TokenFault::Audience);
    }
    let (earliest, latest) = (wanted.now.0.saturating_sub(millis(LEEWAY)), wanted.now.0.saturating_add(millis(LEEWAY)));
    if moment(claims, "exp").is_none_or(|expires| expires <= earliest) {
        return Err(TokenFault::Expired);
    }
    let oldest = earliest.saturating_sub(millis(AGE_MAX));
    let made = moment(claims, "iat").ok_or(TokenFault::Moment)?;
    let begins = claims.get("nbf").map_or(Some(i64::MIN), |_| moment(claims, "nbf")).ok_or(TokenFault::Moment)?;
    if made > latest || made < oldest || begins > latest {
        return Err(TokenFault::Moment);
    }
    let nonce = text("nonce").unwrap_or_default();
    if constant_time::verify_slices_are_equal(nonce.as_bytes(), wanted.nonce.as_bytes()).is_err() {
        return Err(TokenFault::Nonce);
    }
    text("sub").map(|_| ()).ok_or(TokenFault::Subject)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A NumericDate, in milliseconds.
fn moment(claims: &Claims, name: &str) -> Option<i64> {
    let seconds = claims.get(name)?.as_f64()?;
    // Beyond these it is no time, and a conversion would not be one.
    (seconds.is_finite() && seconds.abs() < 1e11).then_some((seconds * 1e3) as i64)
}

/// What a person is called, for the eye.
pub(super) fn name(claims: &Claims) -> &str {
    ["name", "preferred_username"].iter().find_map(|name| claims.get(*name)?.as_str()).unwrap_or_default()
}

/// The groups of a person: the claim of that name, or the one that its dots lead to. A single text is a single group. `None` where
/// there is no such claim.
pub(super) fn groups(claims: &Claims, name: &str) -> Option<Vec<String>> {
    let found = claims.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        rest.split('.').try_fold(claims.get(first)?, |value, part| value.get(part))
    })?;
    let all = match found {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let names = all.iter().filter_map(Value::as_str).filter(|name| name.len() <= GROUP_BYTES_MAX);
    Some(names.take(GROUPS_MAX).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;

    const NOW: At = At(1_800_000_000_000);

    fn good() -> Value {
        json!({
            "iss": "https://id.example", "sub": "s-1", "aud": "falaj", "nonce": "n",
            "exp": 1_800_000_300, "iat": 1_800_000_000,
        })
    }

    fn checked(claims: &Value) -> Result<(), TokenFault> {
        let issuer = Issuer::parse("https://id.example").unwrap();
        check(claims.as_object().unwrap(), Expected { issuer: &issuer, client_id: "falaj", nonce: "n", now: NOW })
    }

    #[test]
    fn a_token_counts_for_this_client_now_and_for_this_sign_in() {
        use TokenFault::{Audience, Expired, Issuer, Moment, Nonce, Subject};
        for (name, value, upshot) in [
            ("iss", json!("https://id.example"), Ok(())),
            ("iss", json!("https://id.example/"), Err(Issuer)),
            ("iss", json!(["https://id.example"]), Err(Issuer)),
            ("aud", json!(["falaj"]), Ok(())),
            ("aud", json!(["falaj", "other"]), Err(Audience)),
            ("aud", json!("other"), Err(Audience)),
            ("aud", json!([]), Err(Audience)),
            ("aud", Value::Null, Err(Audience)),
            ("azp", json!("falaj"), Ok(())),
            ("azp", json!("other"), Err(Audience)),
            ("azp", json!(7), Err(Audience)),
            ("exp", json!(1_799_999_941), Ok(())),
            ("exp", json!(1_799_999_940), Err(Expired)),
            ("exp", json!("1800000300"), Err(Expired)),
            ("exp", Value::Null, Err(Expired)),
            ("exp", json!(1e300), Err(Expired)),
            ("iat", json!(1_800_000_060), Ok(())),
            ("iat", json!(1_800_000_061), Err(Moment)),
            ("iat", json!(1_799_999_340), Ok(())),
            ("iat", json!(1_799_999_339), Err(Moment)),
            ("iat", Value::Null, Err(Moment)),
            ("nbf", json!(1_800_000_060.5), Err(Moment)),
            ("nbf", json!("soon"), Err(Moment)),
            ("nonce", json!("m"), Err(Nonce)),
            ("nonce", Value::Null, Err(Nonce)),
            ("sub", json!(1), Err(Subject)),
        ] {
            let mut claims = good();
            claims[name] = value.clone();
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            }
            assert_eq!(checked(&claims), upshot, "{name} {value}");
        }
        let mut two = good();
        two["aud"] = json!(["other", "falaj"]);
        two["azp"] = json!("falaj");
        assert_eq!(checked(&two), Ok(()));
    }

    #[test]
    fn no_token_chooses_its_own_way_to_be_believed() {
        let head = |head: &str| named(&format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(head)));
        assert!(head(r#"{"alg": "RS256", "kid": "k", "jku": "https://evil.example"}"#).is_ok());
        for bad in ["none", "None", "NONE", "HS256", "HS512", "RS384", "ES384", ""] {
            assert_eq!(head(&format!(r#"{{"alg": "{bad}"}}"#)), Err(TokenFault::Algorithm), "{bad}");
        }
        assert_eq!(head(r#"{"alg": "RS256", "crit": ["exp"]}"#), Err(TokenFault::Shape));
        assert!(named("").is_err() && named("a.b.c").is_err() && named(&".".repeat(9)).is_err());
    }

    #[test]
    fn groups_are_a_list_a_text_or_deep_inside() {
        let claims = json!({
            "groups": ["/a", 7, "b"], "role": "one", "realm_access": { "roles": ["x"] }, "https://x.example/groups": ["y"],
            "none": [],
        });
        let read = |name: &str| groups(claims.as_object().unwrap(), name);
        let list = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(read("groups"), list(&["/a", "b"]));
        assert_eq!(read("role"), list(&["one"]));
        assert_eq!(read("realm_access.roles"), list(&["x"]));
        assert_eq!(read("https://x.example/groups"), list(&["y"]), "a name with dots is a name first");
        assert_eq!(read("none"), list(&[]));
        assert_eq!((read("absent"), read("realm_access.other"), read("role.deeper")), (None, None, None));
        let many = json!({ "groups": vec!["g"; 2 * GROUPS_MAX] });
        assert_eq!(groups(many.as_object().unwrap(), "groups").unwrap().len(), GROUPS_MAX);
    }
}
