//! Standard Webhooks, read from its specification and from nothing of ours: an error shared with the sender would prove nothing.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Seconds that a timestamp may be away from now.
const TOLERANCE_S: u64 = 300;

/// Says what is wrong with a signed request, if anything is. `secret` is `whsec_` and base64.
pub fn fault(secret: &str, id: &str, timestamp: &str, signatures: &str, body: &[u8]) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base64");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let Ok(sent) = timestamp.parse::<u64>() else {
        return Some(format!("webhook-timestamp is no number of seconds: {timestamp:?}"));
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    if now.abs_diff(sent) > TOLERANCE_S {
        return Some(format!("webhook-timestamp {sent} is far from now, {now}"));
    }
    let mut signed = format!("{id}.{timestamp}.").into_bytes();
    signed.extend_from_slice(body);
    let holds = signatures.split(' ').filter_map(|one| one.strip_prefix("v1,")).any(|one| {
        let Ok(tag) = STANDARD.decode(one) else { return false };
        hmac::verify(&key, &signed, &tag).is_ok()
    });
    (!holds).then(|| format!("no signature of {id} holds: {signatures:?}"))
}

/// The example of the Standard Webhooks specification's reference libraries.
#[test]
fn the_reference_example_holds() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#);
    let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    // The example is of 2021: only its age is wrong.
    let stale = fault(secret, id, "1614265330", signature, body).expect("an old timestamp is refused");
    assert!(stale.contains("far from now"), "{stale}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(&secret[6..]).unwrap());
    let signed = [b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.".as_slice(), body].concat();
    assert_eq!(STANDARD.encode(hmac::sign(&key, &signed)), &signature[3..]);

    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
    let tag = STANDARD.encode(hmac::sign(&key, format!("a.{now}.x").as_bytes()));
    assert_eq!(fault(secret, "a", &now, &format!("v1,AAAA v1,{tag}"), b"x"), None);
    assert!(fault(secret, "a", &now, &format!("v1,{tag}"), b"y").is_some());
    assert!(fault(secret, "b", &now, &format!("v1,{tag}"), b"x").is_some());
}
