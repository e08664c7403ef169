//! The provider's description of itself (OpenID Connect Discovery 1.0), as far as it is believed.

use reqwest::Url;
use serde::Deserialize;

use super::settings::{Issuer, is_loopback};

/// Where it stands, below the issuer.
const PLACE: &str = "/.well-known/openid-configuration";
/// Characters of an address in it.
const CHARS_MAX: usize = 2048;

/// Why the description is not believed. Names members, never values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryFault {
    /// It is about somebody else.
    #[error(
        "the provider's description names another issuer: oidc.issuer must be written exactly as the provider writes it"
    )]
    Issuer,
    /// An address that nobody may be sent to.
    #[error("the provider's description has no usable {0} (https, without user and fragment)")]
    Endpoint(&'static str),
    /// It refuses what protects the code.
    #[error("the provider does not take PKCE with S256: allow it for this client")]
    Pkce,
    /// It wants another proof of the client.
    #[error("the provider takes no client secret, by header or form: allow client_secret_basic or client_secret_post")]
    ClientProof,
    /// None of the algorithms.
    #[error("the provider signs ID tokens by none of RS256, PS256, ES256 and EdDSA: choose one for this client")]
    Algorithm,
}

/// The members that matter.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// How the client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// `client_secret_basic`.
    Header,
    /// `client_secret_post`.
    Form,
}

/// Where what is asked for.
#[derive(Debug, Clone)]
pub(super) struct Endpoints {
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) keys: Url,
    pub(super) person: Option<Url>,
    pub(super) end_session: Option<Url>,
    pub(super) proof: Proof,
    /// Whether who comes back says from whom (RFC 9207).
    pub(super) names_itself: bool,
}

/// Where the description of an issuer stands.
pub(super) fn place(issuer: &Issuer) -> Option<Url> {
    Url::parse(&format!("{}{PLACE}", issuer.as_str().trim_end_matches('/'))).ok()
}

impl Document {
    /// What is believed of it.
    pub(super) fn believe(self, issuer: &Issuer) -> Result<Endpoints, DiscoveryFault> {
        if self.issuer != issuer.as_str() {
            return Err(DiscoveryFault::Issuer);
        }
        let lacks = |list: &Option<Vec<String>>, wanted: &[&str]| {
            list.as_ref().is_some_and(|list| !list.iter().any(|item| wanted.contains(&item.as_str())))
        };
        // Some providers take S256 and do not say so; who says something must say that.
        if lacks(&self.code_challenge_methods_supported, &["S256"]) {
            return Err(DiscoveryFault::Pkce);
        }
        if lacks(&self.id_token_signing_alg_values_supported, &["RS256", "PS256", "ES256", "EdDSA"]) {
            return Err(DiscoveryFault::Algorithm);
        }
        let methods = &self.token_endpoint_auth_methods_supported;
        let proof = match (lacks(methods, &["client_secret_basic"]), lacks(methods, &["client_secret_post"])) {
            (false, _) => Proof::Header,
            (true, false) => Proof::Form,
            (true, true) => return Err(DiscoveryFault::ClientProof),
        };
        let plain = issuer.is_plain();
        let need = |name, text: &str| address(text, plain).ok_or(DiscoveryFault::Endpoint(name));
        let may = |name, text: Option<String>| text.map(|text| need(name, &text)).transpose();
        Ok(Endpoints {
            authorization: need("authorization_endpoint", &self.authorization_endpoint)?,
            token: need("token_endpoint", &self.token_endpoint)?,
            keys: need("jwks_uri", &self.jwks_uri)?,
            person: may("userinfo_endpoint", self.userinfo_endpoint)?,
            end_session: may("end_session_endpoint", self.end_session_endpoint)?,
            proof,
            names_itself: self.authorization_response_iss_parameter_supported,
        })
    }
}

/// An address that a provider names: https, or plain http where the provider itself is reached so, on this machine.
fn address(text: &str, plain: bool) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= CHARS_MAX)?;
    let safe = url.scheme() == "https" || (plain && url.scheme() == "http" && is_loopback(&url));
    let alone = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (safe && alone && url.has_host()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(issuer: &str, more: &str) -> Result<Endpoints, DiscoveryFault> {
        let text = format!(
            r#"{{"issuer": "https://id.example", "authorization_endpoint": "https://id.example/a", "token_endpoint": "https://id.example/t",
                 "jwks_uri": "https://id.example/k"{more}}}"#
        );
        serde_json::from_str::<Document>(&text).unwrap().believe(&Issuer::parse(issuer).unwrap())
    }

    #[test]
    fn a_provider_is_who_it_says_letter_by_letter() {
        assert!(read("https://id.example", "").is_ok());
        assert_eq!(read("https://id.example/", "").unwrap_err(), DiscoveryFault::Issuer);
        let place = place(&Issuer::parse("https://id.example/realms/gov/").unwrap()).unwrap();
        assert_eq!(place.as_str(), "https://id.example/realms/gov/.well-known/openid-configuration");
    }

    #[test]
    fn nobody_is_sent_to_an_unsafe_place() {
        for bad in ["http://id.example/u", "http://127.0.0.1/u", "https://u:p@id.example/u", "javascript:alert(1)", "x"]
        {
            let fault = read("https://id.example", &format!(r#", "end_session_endpoint": "{bad}""#)).unwrap_err();
            assert_eq!(fault, DiscoveryFault::Endpoint("end_session_endpoint"), "{bad}");
        }
    }

    #[test]
    fn what_is_announced_must_do() {
        let with = |more: &str| read("https://id.example", more).map(|endpoints| endpoints.proof);
        assert_eq!(with(r#", "token_endpoint_auth_methods_supported": ["client_secret_post"]"#), Ok(Proof::Form));
        let methods = r#", "token_endpoint_auth_methods_supported": ["private_key_jwt"]"#;
        assert_eq!(with(methods), Err(DiscoveryFault::ClientProof));
        assert_eq!(with(r#", "code_challenge_methods_supported": ["plain"]"#), Err(DiscoveryFault::Pkce));
        let algorithms = r#", "id_token_signing_alg_values_supported": ["HS256", "none"]"#;
        assert_eq!(with(algorithms), Err(DiscoveryFault::Algorithm));
        assert_eq!(with(r#", "code_challenge_methods_supported": ["plain", "S256"]"#), Ok(Proof::Header));
    }
}
