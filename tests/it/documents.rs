//! The documents from outside: held against the community's own tools, and against what agencies really get.
//!
//! The tools are installed by `tests/run` below `target/tools`, in the versions of `tests/tools`; without them these tests fail.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest;
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::any;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::bus::{Bus, DEADLINE, Folder, Thing, falaj, falaj_in, until};

/// The type that the test's publisher sends.
pub const TYPE: &str = "qa.test.thing.changed";

/// The folder that the tools are installed in.
fn tools() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (kept, installed) = (root.join("tests/tools/package-lock.json"), root.join("target/tools/package-lock.json"));
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    assert!(
        read(&installed).is_some() && read(&installed) == read(&kept),
        "the tools are not installed: tests/run --tools"
    );
    root.join("target/tools")
}

/// Runs a tool of Node in its folder, off the async threads.
async fn node(args: Vec<String>) -> Output {
    let mut command = Command::new("node");
    command.args(args).current_dir(tools());
    command.envs([("REDOCLY_TELEMETRY", "off"), ("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true"), ("NO_COLOR", "1")]);
    tokio::task::spawn_blocking(move || command.output().expect("node runs")).await.expect("it ends")
}

async fn lint_openapi(file: &Path) -> Output {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/redocly.yaml");
    let args = ["node_modules/@redocly/cli/bin/cli.js", "lint", "--config"].map(str::to_owned);
    let files = [&config, file].map(|path| path.display().to_string());
    node(args.into_iter().chain(files).collect()).await
}

pub async fn lint_asyncapi(file: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/asyncapi.mjs");
    node([&script, file].map(|path| path.display().to_string()).into()).await
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What the binary prints, as a file in a folder.
async fn printed<const N: usize>(folder: &Folder, name: &str, args: [&str; N]) -> PathBuf {
    let output = falaj_in(Path::new(env!("CARGO_MANIFEST_DIR")), args).await;
    assert!(output.status.success(), "{}", said(&output));
    folder.write(name, std::str::from_utf8(&output.stdout).unwrap());
    folder.path().join(name)
}

#[tokio::test]
async fn the_openapi_document_is_as_its_community_asks() {
    let folder = Folder::new("openapi");
    let file = printed(&folder, "openapi.json", ["openapi"]).await;
    let linted = lint_openapi(&file).await;
    assert!(linted.status.success(), "{}", said(&linted));
    // The tool is there and looks: it finds what is broken on purpose.
    let mut broken: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    broken["paths"]["/v1/services"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] =
        json!({ "$ref": "#/components/schemas/Nothing" });
    folder.write("broken.json", &broken.to_string());
    let linted = lint_openapi(&folder.path().join("broken.json")).await;
    assert!(!linted.status.success() && said(&linted).contains("no-unresolved-refs"), "{}", said(&linted));
}

#[tokio::test]
async fn the_asyncapi_document_is_as_its_community_asks() {
    let folder = Folder::new("asyncapi");
    let all = printed(&folder, "all.json", ["asyncapi"]).await;
    let linted = lint_asyncapi(&all).await;
    assert!(linted.status.success(), "{}", said(&linted));
    let own = printed(&folder, "own.json", ["asyncapi", "--agency", "moi"]).await;
    let linted = lint_asyncapi(&own).await;
    assert!(linted.status.success() && said(&linted).starts_with("2 channels, 1 operations"), "{}", said(&linted));

    let mut broken: Value = serde_json::from_str(&std::fs::read_to_string(&own).unwrap()).unwrap();
    broken["operations"]["send-moi"]["channel"]["$ref"] = json!("#/channels/nobody");
    folder.write("broken.json", &broken.to_string());
    let linted = lint_asyncapi(&folder.path().join("broken.json")).await;
    assert!(!linted.status.success() && said(&linted).contains("nobody"), "{}", said(&linted));

    let unknown = falaj_in(Path::new(env!("CARGO_MANIFEST_DIR")), ["asyncapi", "--agency", "moj1"]).await;
    assert_eq!(unknown.status.code(), Some(2));
    assert!(said(&unknown).contains("Did you mean"), "{}", said(&unknown));
}

/// A key of an agency, put into force beside the others.
fn give_key(bus: &Bus, agency: &str) -> String {
    let key = format!("test-key-of-the-agency-{agency}");
    let hash = digest::digest(&digest::SHA256, key.as_bytes());
    let hex: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let config = std::fs::read_to_string(bus.deployment.config()).unwrap();
    let entry =
        format!("[[auth.keys]]\nname = \"{agency}\"\nrole = \"agency\"\nagency = \"{agency}\"\nsha256 = \"{hex}\"\n");
    bus.deployment.write("falaj.toml", &(config + &entry));
    key
}

/// Where an agency's webhook ends.
const END: &str = "/told-to-nobody";

fn agency(uri: &axum::http::Uri) -> String {
    uri.path().trim_start_matches('/').trim_end_matches(END).to_owned()
}

/// What came to the agencies: the path says which.
type Arrived = Arc<Mutex<Vec<(String, HeaderMap, Bytes)>>>;

async fn receive(arrived: Arrived) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let take = move |uri: axum::http::Uri, headers: HeaderMap, body: Bytes| {
        let arrived = Arc::clone(&arrived);
        async move { arrived.lock().unwrap().push((agency(&uri), headers, body)) }
    };
    let router = Router::new().fallback(any(take));
    tokio::spawn(falaj::http::Server::default().start(listener, router, Default::default()));
    format!("http://{address}")
}

fn manifest(id: &str, delivery: &str, form: &str) -> String {
    format!(
        "[agency]\nid = \"{id}\"\nname = {{ en = \"{id}\", ar = \"جهة\" }}\n\n[delivery]\n{delivery}\n\
         secret = \"whsec_dGVzdC1zZWNyZXQtb2YtdGhlLWZhbGFqLXByb29mcw==\"\n\n[[subscription]]\ntype = \"{TYPE}\"\n\
         fields = [\"/n\"]\npurpose = {{ en = \"Proofs\", ar = \"إثباتات\" }}\nlegal_basis = \"Law 1/2001\"\n{form}\n"
    )
}

/// A payload's check.
pub fn payload(message: &Value) -> Validator {
    jsonschema::draft7::options().should_validate_formats(true).build(&message["payload"]).unwrap()
}

pub fn assert_fits(schema: &Validator, value: &Value, what: &str) {
    let faults: Vec<String> = schema.iter_errors(value).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{what}: {faults:?}\n{value:#}");
}

/// Everything an agency gets is what the document says that it gets, in each form and by each transport that is served.
#[tokio::test]
async fn what_agencies_get_is_what_they_were_told() {
    let mut bus = Bus::builder().build_stopped().await;
    let arrived = Arrived::default();
    let base = receive(Arc::clone(&arrived)).await;
    let webhook = |id: &str, mode: &str| {
        format!("transport = \"webhook\"\nurl = \"{base}/{id}{END}?token=hidden\"\nmode = \"{mode}\"")
    };
    let forms = [
        ("structured", webhook("structured", "structured"), ""),
        ("binary", webhook("binary", "binary"), "subject = \"pseudonym\""),
        ("mapped", webhook("mapped", "structured"), "map = { number = \"data.n\", who = \"subject\" }"),
        ("texted", webhook("texted", "template"), "subject = \"omit\"\ntemplate = \"thing.txt.j2\""),
        ("fetching", "transport = \"pull\"".to_owned(), ""),
    ];
    for (id, delivery, form) in &forms {
        let text = match *id {
            "fetching" => manifest(id, delivery, form).replace("secret =", "# secret ="),
            _ => manifest(id, delivery, form),
        };
        bus.deployment.write(&format!("connectors/{id}/connector.toml"), &text);
    }
    bus.deployment.write("connectors/texted/thing.txt.j2", "thing {{ data.n }}\n");
    let key = give_key(&bus, "fetching");
    bus.start().await;

    let document = bus.admin.get("/asyncapi.json").await;
    assert_eq!(document.status, 200, "{}", document.text);
    assert!(!document.text.contains("hidden") && !document.text.contains(END), "an address is told");
    let document = document.body;
    let folder = Folder::new("asyncapi-of-forms");
    folder.write("all.json", &document.to_string());
    let linted = lint_asyncapi(&folder.path().join("all.json")).await;
    assert!(linted.status.success(), "{}", said(&linted));

    bus.post(&Thing::new("citizen-1", 1).noted("not for everybody")).await;
    until("all four got it", DEADLINE, || (arrived.lock().unwrap().len() >= 4).then_some(())).await;
    let arrived = arrived.lock().unwrap().clone();
    for (id, headers, body) in &arrived {
        let message = &document["channels"][id]["messages"][TYPE];
        let text = std::str::from_utf8(body).unwrap();
        assert!(!text.contains("not for everybody"), "{id}: a field that is not listed was sent");
        let is_json = message["payload"]["type"] != "string";
        let value = if is_json { serde_json::from_str(text).unwrap() } else { json!(text) };
        assert_fits(&payload(message), &value, id);
        let sent = headers["content-type"].to_str().unwrap();
        assert_eq!(sent, message["contentType"].as_str().unwrap(), "{id}");
        let schema = jsonschema::draft7::options().should_validate_formats(true).build(&message["headers"]).unwrap();
        let described = message["headers"]["properties"].as_object().unwrap();
        let given = headers.iter().filter(|(name, _)| described.contains_key(name.as_str()));
        let given: Map<String, Value> =
            given.map(|(name, value)| (name.to_string(), typed(described, name.as_str(), value))).collect();
        assert_fits(&schema, &Value::Object(given), id);
        for (name, _) in headers {
            let name = name.as_str();
            let ours = name.starts_with("falaj-") || name.starts_with("webhook-") || name.starts_with("ce-");
            assert!(!ours || described.contains_key(name), "{id}: {name} is not described");
        }
    }

    let own = bus.publisher.with_key(&key);
    let told = own.get("/asyncapi.json").await.body;
    assert_eq!(told["channels"].as_object().unwrap().keys().collect::<Vec<_>>(), ["fetching"], "its own and no other");
    assert_eq!(own.get("/asyncapi.json?agency=binary").await.status, 404);
    let fetched = own.get("/v1/agencies/fetching/deliveries?wait=20s").await.body;
    let message = &told["channels"]["fetching"]["messages"][TYPE];
    assert_fits(&payload(message), &fetched["deliveries"][0], "fetching");
}

fn typed(described: &Map<String, Value>, name: &str, value: &axum::http::HeaderValue) -> Value {
    let text = value.to_str().unwrap();
    match described[name]["type"].as_str() {
        Some("integer") => serde_json::from_str(text).unwrap(),
        _ => json!(text),
    }
}

/// The same documents come from a bus and from the command line, and are asked for again only when they change.
#[tokio::test]
async fn a_bus_hands_its_documents_out_and_knows_who_has_them() {
    let bus = Bus::builder().agency("a").build().await;
    let printed: Value = serde_json::from_slice(&falaj(["openapi"]).output().unwrap().stdout).unwrap();
    assert_eq!(bus.admin.get("/openapi.json").await.body, printed);
    let base = bus.admin.up().await;
    let http = reqwest::Client::new();
    for path in ["/openapi.json", "/docs", "/docs?lang=ar", "/docs/problems/clash?lang=ar"] {
        let first = http.get(format!("{base}{path}")).send().await.unwrap();
        assert_eq!(first.status(), 200, "{path} is for everybody");
        assert_eq!(first.headers()["cache-control"], "public, max-age=300");
        let tag = first.headers()["etag"].clone();
        let text = first.text().await.unwrap();
        assert!(text.len() < 400_000, "{path} has {} bytes", text.len());
        let again = http.get(format!("{base}{path}")).header("if-none-match", tag).send().await.unwrap();
        assert_eq!((again.status().as_u16(), again.text().await.unwrap().len()), (304, 0), "{path}");
        // A page loads nothing from anywhere and runs nothing.
        for foreign in ["<script", "src=", "@import", "url(", "http://cdn", "style=\""] {
            assert!(!path.starts_with("/docs") || !text.contains(foreign), "{path} has {foreign}");
        }
    }
    let own = bus.deployment.path();
    let before = bus.admin.get("/asyncapi.json").await.body;
    assert!(before["channels"]["a"].is_object());
    let from_folder = falaj_in(&own, ["asyncapi", "--agency", "a"]).await;
    let from_folder: Value = serde_json::from_slice(&from_folder.stdout).unwrap();
    assert_eq!(from_folder["channels"]["a"]["messages"], before["channels"]["a"]["messages"]);
    assert_eq!(from_folder["channels"]["a"]["address"], "/falaj", "whoever has the folder knows the path");
}
