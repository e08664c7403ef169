//! One request to the provider, bounded in time and size. Nothing is followed, kept, or told of what was sent.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, ClientBuilder, Method, Request, Url};
use serde::de::DeserializeOwned;

use super::settings::Authorities;
use crate::connector::tls;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the whole exchange may take; a person waits for it.
const TIMEOUT: Duration = Duration::from_secs(8);
/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Characters of an error's name that are told.
const ERROR_CHARS_MAX: usize = 64;

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchFault {
    /// No connection, or it broke.
    #[error("the provider cannot be reached")]
    Unreachable(#[source] Arc<reqwest::Error>),
    /// It took too long.
    #[error("the provider did not answer within {TIMEOUT:?}")]
    Timeout,
    /// It says no.
    #[error("the provider answered {status}{}", .error.as_ref().map(|error| format!(" ({error})")).unwrap_or_default())]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The name of its error, where it gave one (RFC 6749, section 5.2).
        error: Option<String>,
    },
    /// More than is read.
    #[error("the provider answered more than {ANSWER_BYTES_MAX} bytes")]
    TooLarge,
    /// Not what was asked for.
    #[error("the provider's answer is not the JSON it should be")]
    Shape,
}

/// How the provider is asked.
#[derive(Debug, Clone)]
pub(super) struct Fetch(Client);

/// What a refusal says of itself.
#[derive(Debug, serde::Deserialize)]
struct Refusal {
    error: String,
}

impl Fetch {
    pub(super) fn new(ca: Option<&Authorities>) -> Result<Self, reqwest::Error> {
        let builder = || {
            let builder = ClientBuilder::new()
                .user_agent(concat!("Falaj/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .no_proxy()
                .retry(reqwest::retry::never())
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(TIMEOUT)
                .pool_max_idle_per_host(1);
            match ca {
                Some(ca) => builder.tls_certs_only(ca.certificates()),
                None => builder,
            }
        };
        tls::client(builder).map(Self)
    }

    /// Asks for a document.
    pub(super) async fn get<T: DeserializeOwned>(&self, url: &Url) -> Result<T, FetchFault> {
        self.send(Request::new(Method::GET, url.clone())).await
    }

    /// Asks for what a bearer token gives.
    pub(super) async fn get_as<T: DeserializeOwned>(&self, url: &Url, token: &str) -> Result<T, FetchFault> {
        let mut request = Request::new(Method::GET, url.clone());
        request.headers_mut().insert(AUTHORIZATION, hidden(&format!("Bearer {token}"))?);
        self.send(request).await
    }

    /// Posts a form, with an `Authorization` where one is given.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        form: String,
        authorization: Option<&str>,
    ) -> Result<T, FetchFault> {
        let mut request = Request::new(Method::POST, url.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        if let Some(text) = authorization {
            request.headers_mut().insert(AUTHORIZATION, hidden(text)?);
        }
        *request.body_mut() = Some(form.into());
        self.send(request).await
    }

    async fn send<T: DeserializeOwned>(&self, mut request: Request) -> Result<T, FetchFault> {
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let mut response = self.0.execute(request).await.map_err(broken)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(FetchFault::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(FetchFault::Refused { status: status.as_u16(), error: error_name(&body) });
        }
        serde_json::from_slice(&body).map_err(|_| FetchFault::Shape)
    }
}

/// The name of an error, which is one of a few words; its description could repeat what was sent.
fn error_name(body: &[u8]) -> Option<String> {
    let name = serde_json::from_slice::<Refusal>(body).ok()?.error;
    let plain = !name.is_empty() && name.len() <= ERROR_CHARS_MAX;
    (plain && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')).then_some(name)
}

fn hidden(text: &str) -> Result<HeaderValue, FetchFault> {
    let mut value = HeaderValue::from_str(text).map_err(|_| FetchFault::Shape)?;
    value.set_sensitive(true);
    Ok(value)
}

fn broken(error: reqwest::Error) -> FetchFault {
    if error.is_timeout() { FetchFault::Timeout } else { FetchFault::Unreachable(Arc::new(error.without_url())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_an_error_is_told() {
        let name = |body: &str| error_name(body.as_bytes());
        assert_eq!(
            name(r#"{"error": "invalid_grant", "error_description": "code abc"}"#).as_deref(),
            Some("invalid_grant")
        );
        for silent in [r#"{"error": "code SplxlOBeZQQYbYS6WxSbIA"}"#, r#"{"error": ""}"#, "<html>", "{}"] {
            assert_eq!(name(silent), None, "{silent}");
        }
        let told = FetchFault::Refused { status: 401, error: Some("invalid_client".into()) };
        assert_eq!(told.to_string(), "the provider answered 401 (invalid_client)");
    }
}
