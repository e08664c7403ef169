//! What the provider says, and when it is believed: the client of it alone, with the time in the test's hand.

use std::time::{Duration, SystemTime};

use falaj::identity::{Base, Fault, Issuer, Password, Person, Provider, Settings};
use falaj::model::time::At;
use reqwest::Url;

use super::browser::Browser;
use super::node::{BASE, Node, SECRET};

fn settings(node: &Node, client: &str) -> Settings {
    Settings {
        issuer: Issuer::parse(&node.issuer).unwrap(),
        client_id: client.to_owned(),
        client_secret: Password::parse(SECRET).unwrap(),
        base: Base::parse(BASE).unwrap(),
        scopes: ["openid", "profile", "groups"].map(str::to_owned).to_vec(),
        groups_claim: "groups".to_owned(),
        ca: None,
    }
}

fn now() -> At {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    At(i64::try_from(since.as_millis()).unwrap())
}

/// Signs in; `change` may alter the way there.
async fn sign_in(provider: &Provider, who: &str, at: At, change: impl FnOnce(&str) -> String) -> Result<Person, Fault> {
    let asked = provider.ask("en", false, at).await?;
    let back = Browser::new("").at_provider(&change(&asked.url), who).await;
    let back = Url::parse(&back).unwrap();
    let field = |name: &str| back.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned());
    assert_eq!(field("state"), Some(asked.state));
    provider.answer(&asked.opening, &field("code").unwrap(), field("iss").as_deref(), at).await
}

fn plain(url: &str) -> String {
    url.to_owned()
}

/// One field of an address, written otherwise.
fn other(url: &str, name: &str, value: &str) -> String {
    let mut to = Url::parse(url).unwrap();
    let fields: Vec<(String, String)> = to.query_pairs().into_owned().collect();
    let changed = fields.into_iter().map(|(own, old)| if own == name { (own, value.to_owned()) } else { (own, old) });
    let changed: Vec<_> = changed.collect();
    to.query_pairs_mut().clear().extend_pairs(changed);
    to.into()
}

#[tokio::test]
async fn every_algorithm_of_the_list_is_believed_and_a_shared_secret_is_not() {
    let node = Node::start(false);
    for client in ["falaj", "falaj-ps", "falaj-es", "falaj-ed"] {
        let provider = Provider::new(settings(&node, client)).unwrap();
        let person =
            sign_in(&provider, "fatima", now(), plain).await.unwrap_or_else(|fault| panic!("{client}: {fault:?}"));
        assert_eq!(person.actor, "Fatima Al-Marri [oidc:fatima]", "{client}");
        assert_eq!(*person.groups, ["/falaj/operators", "/staff"].map(str::to_owned), "{client}");
    }
    let provider = Provider::new(settings(&node, "falaj-shared")).unwrap();
    let fault = sign_in(&provider, "fatima", now(), plain).await.unwrap_err();
    assert!(matches!(fault, Fault::Token(_)) && told(&fault).contains("not signed by RS256"), "{fault:?}");
}

#[tokio::test]
async fn what_a_thin_token_leaves_out_is_asked_for() {
    let node = Node::start(true);
    let provider = Provider::new(settings(&node, "falaj")).unwrap();
    let person = sign_in(&provider, "ali", now(), plain).await.unwrap();
    assert_eq!(person.actor, "علي الكواري [oidc:ali]");
    assert_eq!(*person.groups, ["/staff", "/moi/integration"].map(str::to_owned));
}

#[tokio::test]
async fn what_belongs_to_another_sign_in_another_client_or_another_time_is_not_believed() {
    let node = Node::start(false);
    let provider = Provider::new(settings(&node, "falaj")).unwrap();
    let nonce = sign_in(&provider, "fatima", now(), |url| other(url, "nonce", "of-another-sign-in")).await.unwrap_err();
    assert!(told(&nonce).contains("another sign-in (nonce)"), "{nonce:?}");
    // A code that somebody else's browser was sent for: its verifier is another.
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let code = sign_in(&provider, "fatima", now(), |url| other(url, "code_challenge", challenge)).await.unwrap_err();
    assert!(matches!(code, Fault::Code(_)) && told(&code).contains("invalid_grant"), "{code:?}");
    for (shift, word) in [(7200, "has expired"), (-7200, "not of this moment")] {
        let provider = Provider::new(settings(&node, "falaj")).unwrap();
        let at = At(now().0 + shift * 1000);
        let fault = sign_in(&provider, "fatima", at, plain).await.unwrap_err();
        assert!(told(&fault).contains(word), "{fault:?}");
    }
    let wrong = Settings { client_secret: Password::parse("not the secret").unwrap(), ..settings(&node, "falaj") };
    let fault = sign_in(&Provider::new(wrong).unwrap(), "fatima", now(), plain).await.unwrap_err();
    assert!(matches!(fault, Fault::Client(_)) && told(&fault).contains("oidc.client_secret"), "{fault:?}");
    let asked = provider.ask("en", false, now()).await.unwrap();
    for issuer in [None, Some("https://other.example")] {
        let fault = provider.answer(&asked.opening, "a-code", issuer, now()).await.unwrap_err();
        assert!(matches!(fault, Fault::Elsewhere), "it announces that it names itself: {fault:?}");
    }
    let slash = Settings { issuer: Issuer::parse(&format!("{}/", node.issuer)).unwrap(), ..settings(&node, "falaj") };
    let fault = Provider::new(slash).unwrap().ask("en", false, now()).await.unwrap_err();
    assert!(told(&fault).contains("exactly as the provider writes it"), "{fault:?}");
}

#[tokio::test]
async fn a_key_that_is_not_known_is_looked_for_but_not_again_and_again() {
    let mut node = Node::start(false);
    let provider = Provider::new(settings(&node, "falaj")).unwrap();
    let begun = now();
    sign_in(&provider, "fatima", begun, plain).await.unwrap();
    sign_in(&provider, "ali", begun, plain).await.unwrap();
    assert_eq!(node.asked(), 1, "keys are kept");
    node.rotate();
    for _ in 0..3 {
        let fault = sign_in(&provider, "fatima", begun, plain).await.unwrap_err();
        assert!(told(&fault).contains("not among the provider's"), "{fault:?}");
    }
    assert_eq!(node.asked(), 1, "they were fetched a moment ago");
    sign_in(&provider, "fatima", begun.plus(Duration::from_secs(31)), plain).await.unwrap();
    assert_eq!(node.asked(), 2);
}

/// A fault with its causes.
fn told(fault: &Fault) -> String {
    let mut told = fault.to_string();
    let mut cause = std::error::Error::source(fault);
    while let Some(error) = cause {
        told += &format!(": {error}");
        cause = error.source();
    }
    assert!(!told.contains("hidden"), "{told}");
    told
}
