//! Cookies: the session's, and what a reader wants remembered.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

/// The session's id.
pub(super) const SESSION: &str = "falaj_session";
/// `ar` or `en`.
pub(super) const LANGUAGE: &str = "falaj_lang";
/// `light`, `dark` or `auto`.
pub(super) const THEME: &str = "falaj_theme";
/// Seconds for which a reader's wishes are remembered.
const REMEMBERED_S: u32 = 365 * 86_400;

/// The value of a cookie.
pub(super) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs =
        headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok()).flat_map(|text| text.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(own, _)| *own == name).map(|(_, value)| value)
}

/// A session's cookie. Scripts cannot read it, and other sites' forms and pictures do not bring it along; it ends with the browser.
pub(super) fn session(id: &str, secure: bool) -> HeaderValue {
    written(&format!("{SESSION}={id}; Path=/dashboard; HttpOnly; SameSite=Lax"), secure)
}

/// Takes a session's cookie away.
pub(super) fn no_session(secure: bool) -> HeaderValue {
    written(&format!("{SESSION}=; Path=/dashboard; HttpOnly; SameSite=Lax; Max-Age=0"), secure)
}

/// A wish that is remembered; `value` is one of a few words.
pub(super) fn wish(name: &str, value: &'static str, secure: bool) -> HeaderValue {
    written(&format!("{name}={value}; Path=/dashboard; SameSite=Lax; Max-Age={REMEMBERED_S}"), secure)
}

fn written(text: &str, secure: bool) -> HeaderValue {
    let text = if secure { format!("{text}; Secure") } else { text.to_owned() };
    HeaderValue::from_str(&text).expect("an id in base64 and words of ours are a legal header value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; falaj_session=x=y"));
        headers.append(COOKIE, HeaderValue::from_static("falaj_lang=ar"));
        assert_eq!(
            (read(&headers, SESSION), read(&headers, LANGUAGE), read(&headers, "b")),
            (Some("x=y"), Some("ar"), None)
        );
    }
}
