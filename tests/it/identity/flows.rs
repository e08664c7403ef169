//! People before the dashboard of the real bus, who come by the provider.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use serde_json::Value;

use super::browser::{Browser, Page};
use super::node::{BASE, Node, SECRET};
use crate::bus::{DEADLINE, Process, falaj};
use crate::http_contract::deployment::Folder;

/// The key of an administrator, for what is not of people.
const KEY: &str = "test-key-of-the-administrator-1";
/// How often what nobody announces is asked.
const POLL: Duration = Duration::from_millis(50);
/// Who may do what.
const GROUPS: &str = "[[auth.groups]]\ngroup = \"/falaj/operators\"\nrole = \"operator\"\n\n\
                      [[auth.groups]]\ngroup = \"/moi/integration\"\nrole = \"agency\"\nagency = \"moi\"\n";

/// A bus with a provider.
struct Town {
    bus: Process,
    folder: Folder,
}

impl Town {
    async fn open(issuer: &str) -> Self {
        let folder = Folder::with_deployment();
        folder.write("oidc-secret", &format!("{SECRET}\n"));
        folder.write("falaj.toml", &settings(issuer, GROUPS));
        let mut command = falaj(["serve", "--config"]);
        command.arg(folder.path().join("falaj.toml")).env("FALAJ_LOG", "debug");
        command.env("FALAJ_TELEMETRY__LOG_FORMAT", "json");
        let bus = Process::start(command, &folder.path().join("log")).await;
        Self { bus, folder }
    }

    fn browser(&self) -> Browser {
        Browser::new(&self.bus.base)
    }

    fn log(&self) -> String {
        let file: PathBuf = self.folder.path().join("log");
        std::fs::read_to_string(file).unwrap()
    }

    /// The entries of the audit, the latest first.
    async fn audit(&self) -> Vec<Value> {
        let url = format!("{}/v1/audit", self.bus.base);
        let answer =
            reqwest::Client::new().get(url).header("authorization", format!("Bearer {KEY}")).send().await.unwrap();
        let page: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        page["entries"].as_array().unwrap().clone()
    }
}

fn settings(issuer: &str, groups: &str) -> String {
    let hash = digest::digest(&digest::SHA256, KEY.as_bytes());
    let hex = hash.as_ref().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    format!(
        "[http]\nlisten = \"127.0.0.1:0\"\n[store]\npath = \"data\"\n[oidc]\nissuer = \"{issuer}\"\nclient_id = \"falaj\"\n\
         client_secret_file = \"oidc-secret\"\nredirect_base = \"{BASE}\"\nscopes = [\"openid\", \"profile\", \"groups\"]\n\
         [[auth.keys]]\nname = \"administrator\"\nrole = \"admin\"\nsha256 = \"{hex}\"\n{groups}"
    )
}

/// Where the bus leads, without what stands before the path.
fn path(page: &Page) -> String {
    page.leads().map(|url| url.as_str().replacen(BASE, "", 1)).unwrap_or_default()
}

#[tokio::test]
async fn people_come_in_as_their_groups_say_and_go_out_again() {
    let node = Node::start(false);
    let town = Town::open(&node.issuer).await;
    let mut secrets = vec![SECRET.to_owned()];

    // An operator, who wanted to see something.
    let mut fatima = town.browser();
    let there = fatima.begin("/dashboard/agencies/moi/pause").await;
    let field =
        |url: &reqwest::Url, name: &str| url.query_pairs().find(|(own, _)| own == name).map(|(_, v)| v.into_owned());
    assert_eq!(field(&there, "code_challenge_method").as_deref(), Some("S256"));
    let back = fatima.at_provider(there.as_str(), "fatima").await;
    let to = reqwest::Url::parse(&back).unwrap();
    secrets.extend([field(&there, "state"), field(&there, "nonce"), field(&to, "code")].into_iter().flatten());
    let under_way = fatima.cookie("__Host-falaj_sign_in").expect("it is bound to this browser").to_owned();
    let answer = fatima.get(&back).await;
    assert_eq!((answer.status, path(&answer).as_str()), (303, "/dashboard/agencies/moi/pause"));
    let cookies: Vec<&str> = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let session = cookies.iter().find(|cookie| cookie.starts_with("__Host-falaj_session=")).expect("a session");
    assert!(session.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{session}");
    assert_eq!(fatima.cookie("__Host-falaj_sign_in"), None, "it is over");
    let stolen = fatima.cookie("__Host-falaj_session").unwrap().to_owned();
    secrets.extend([under_way.clone(), stolen.clone()]);

    let page = fatima.open("/dashboard/agencies/moi/pause").await;
    assert!(page.text.contains("Fatima Al-Marri") && !page.text.contains("oidc:fatima"), "{}", page.text);
    let done = fatima.fill(&page, "name=\"reason\"", &[("reason", "the gateway is moved")]).await;
    assert_eq!(done.status, 303, "{}", done.text);
    let entry = town.audit().await.remove(0);
    let told = ["actor", "means", "action", "reason"].map(|name| entry[name].as_str().unwrap().to_owned());
    assert_eq!(told, ["Fatima Al-Marri [oidc:fatima]", "oidc", "pause", "the gateway is moved"]);
    // An answer counts once, even in its own browser.
    let mut again = town.browser();
    again.put("__Host-falaj_sign_in", &under_way);
    assert_eq!(path(&again.get(&back).await), "/dashboard/sign-in?trouble=lost");
    assert_eq!(again.cookie("__Host-falaj_session"), None);

    // Somebody of an agency sees that agency and no other.
    let mut ali = town.browser();
    assert_eq!(path(&ali.sign_in("ali", "").await), "/dashboard");
    let page = ali.open("/dashboard").await;
    assert!(page.text.contains("علي الكواري") && page.text.contains("Ministry of Interior"), "{}", page.text);
    assert!(!page.text.contains("Municipality") && !page.text.contains("/pause"), "{}", page.text);
    assert_eq!(ali.open("/dashboard/agencies/moi/pause").await.status, 403);

    // Somebody whom nobody gave a role is told so, and has no session.
    let mut guest = town.browser();
    let answer = guest.sign_in("guest", "/dashboard/find").await;
    assert_eq!(path(&answer), "/dashboard/sign-in?next=/dashboard/find&trouble=no-role");
    assert_eq!(guest.cookie("__Host-falaj_session"), None);
    let page = guest.open("/dashboard/sign-in?trouble=no-role&lang=en").await;
    assert!(
        page.status == 403
            && page.text.contains("You have no role here")
            && page.text.contains("Sign in as somebody else")
    );
    let page = guest.open("/dashboard/sign-in?trouble=no-role&lang=ar").await;
    assert!(page.text.contains("ليس لك دور في هذا النظام"), "{}", page.text);
    assert_eq!(path(&guest.open("/dashboard").await), "/dashboard/sign-in");
    // As somebody else, the provider asks again although it knows the browser.
    let page = guest.open("/dashboard/sign-in?trouble=no-role").await;
    let there = guest.fill(&page, "sign-in/provider", &[("anew", "1")]).await.leads().unwrap();
    let back = guest.at_provider(there.as_str(), "fatima").await;
    assert_eq!(path(&guest.get(&back).await), "/dashboard");

    // Out: here first, then at the provider, which leads back.
    let page = fatima.open("/dashboard").await;
    let leave = fatima.fill(&page, "sign-out", &[]).await;
    assert_eq!((leave.status, fatima.cookie("__Host-falaj_session")), (200, None));
    assert!(leave.text.contains("You are signed out of Falaj") && !leave.text.contains("Fatima"), "{}", leave.text);
    let end = leave.leads().unwrap();
    assert!(!end.as_str().contains("id_token_hint"), "no claim stands in an address: {end}");
    let asked = fatima.get(end.as_str()).await;
    let confirmed = fatima.fill(&asked, "xsrf", &[("logout", "yes")]).await;
    let page = fatima.follow(confirmed, "").await;
    assert!(
        page.url.as_str().ends_with("/dashboard/sign-in?out=1") && page.text.contains("You are signed out"),
        "{}",
        page.url
    );
    let mut thief = town.browser();
    thief.put("__Host-falaj_session", &stolen);
    assert_eq!(path(&thief.open("/dashboard").await), "/dashboard/sign-in?over=1");

    // Another mapping ends what it touches, and nothing else.
    let others = GROUPS.replace("agency = \"moi\"", "agency = \"municipality\"");
    town.folder.write("falaj.toml", &settings(&node.issuer, &others));
    let begun = Instant::now();
    while path(&ali.open("/dashboard").await) != "/dashboard/sign-in?over=1" {
        assert!(begun.elapsed() < DEADLINE, "the session of the old mapping goes on");
        tokio::time::sleep(POLL).await;
    }
    assert_eq!(guest.open("/dashboard").await.status, 200, "an operator's mapping is as it was");

    let log = town.log();
    assert!(log.contains("\"name\":\"oidc:"), "who came in is told, by a hash: {log}");
    for personal in ["Fatima", "fatima", "علي", "/falaj/operators"] {
        assert!(!log.contains(personal), "{personal} stands in the log");
    }
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} stands in the log");
    }
}

#[tokio::test]
async fn nobody_comes_in_by_an_answer_that_is_not_theirs() {
    let node = Node::start(false);
    let town = Town::open(&node.issuer).await;
    let lost = "/dashboard/sign-in?trouble=lost";

    // Somebody is sent the answer of somebody else, to act in a session that is not theirs.
    let (mut attacker, mut victim) = (town.browser(), town.browser());
    let there = attacker.begin("").await;
    let back = attacker.at_provider(there.as_str(), "fatima").await;
    assert_eq!(path(&victim.get(&back).await), lost, "without a cookie");
    victim.begin("").await;
    assert_eq!(path(&victim.get(&back).await), lost, "with the cookie of another sign-in");
    assert_eq!(victim.cookie("__Host-falaj_session"), None);
    victim.put("falaj_sign_in", attacker.cookie("__Host-falaj_sign_in").unwrap());
    assert_eq!(path(&victim.get(&back).await), lost, "a cookie that another host could have put there");
    assert_eq!(path(&attacker.get(&back).await), "/dashboard", "nobody else's try took it away");

    // A nonce that is not this sign-in's; the reason stands in the log and not on the page.
    let mut browser = town.browser();
    let there = browser.begin("").await;
    let nonce = there.query_pairs().find(|(name, _)| name == "nonce").unwrap().1.into_owned();
    let changed = there.as_str().replace(&nonce, "of-another-sign-in");
    let back = browser.at_provider(&changed, "fatima").await;
    assert_eq!(path(&browser.get(&back).await), "/dashboard/sign-in?trouble=wrong");
    assert_eq!(browser.cookie("__Host-falaj_session"), None);
    assert!(town.log().contains("another sign-in (nonce)"), "{}", town.log());

    // Whoever cancels there is told so here; where to go on to is not forgotten, and is nowhere else.
    let mut browser = town.browser();
    for (next, kept) in [("/dashboard/blocked", "next=/dashboard/blocked&"), ("https://evil.example/dashboard", "")] {
        let there = browser.begin(next).await;
        let page = browser.get(there.as_str()).await;
        let page = browser.follow(page, "").await;
        let back = browser.get(&format!("{}/abort", page.url)).await;
        let page = browser.follow(back, &format!("{BASE}/dashboard/sign-in?")).await;
        assert_eq!(path(&page), format!("/dashboard/sign-in?{kept}trouble=denied"));
    }
    let page = browser.open("/dashboard/sign-in?trouble=denied").await;
    assert!(page.status == 403 && page.text.contains("You were not signed in"), "{}", page.text);

    // The way there is not begun by somebody else's page.
    let url = reqwest::Url::parse(&format!("{BASE}/dashboard/sign-in/provider")).unwrap();
    let forged = reqwest::Client::new().post(url.as_str().replacen(BASE, &town.bus.base, 1));
    let forged = forged.header("host", "bus.example").header("origin", "https://evil.example").body("");
    assert_eq!(forged.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn while_the_provider_is_away_keys_open_as_ever() {
    let node = Node::start(false);
    let (issuer, port) = (node.issuer.clone(), node.port());
    drop(node);
    let town = Town::open(&issuer).await;
    let mut browser = town.browser();
    let page = browser.open("/dashboard/sign-in").await;
    let page = browser.fill(&page, "sign-in/provider", &[]).await;
    assert_eq!((page.status, path(&page).as_str()), (303, "/dashboard/sign-in?trouble=down"));
    let page = browser.open("/dashboard/sign-in?trouble=down").await;
    assert!(page.status == 503 && page.text.contains("sign-in page cannot be reached"), "{}", page.text);
    let page = browser.fill(&page, "name=\"key\"", &[("key", KEY)]).await;
    assert_eq!(path(&page), "/dashboard");
    assert!(browser.open("/dashboard").await.text.contains("administrator"));

    // It comes back, and so do its people.
    let _node = Node::at(port, false);
    let mut fatima = town.browser();
    let begun = Instant::now();
    loop {
        let page = fatima.open("/dashboard/sign-in").await;
        if fatima.fill(&page, "sign-in/provider", &[]).await.status == 200 {
            break;
        }
        assert!(begun.elapsed() < DEADLINE, "the provider is not asked again");
        tokio::time::sleep(POLL).await;
    }
    assert_eq!(path(&fatima.sign_in("fatima", "").await), "/dashboard");
}
