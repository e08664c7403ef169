//! What is shipped for Prometheus and Grafana, held against promtool, a real Prometheus and a real bus: a rule or a panel that asks for
//! what nobody tells is an error here, and not on the day it is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::collector::Collector;
use super::{samples, scraped};
use crate::bus::{ADMIN_KEY, Bus, DEADLINE, Folder, Thing, until_async};

fn shipped(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy").join(path)
}

fn promtool(args: &[&str]) -> String {
    let output = Command::new("promtool")
        .args(args)
        .current_dir(shipped("prometheus"))
        .output()
        .expect("promtool is installed; tests/run sees to it");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "promtool {args:?}: {said}");
    said
}

#[test]
fn the_rules_are_right_and_fire_when_they_should() {
    promtool(&["check", "rules", "falaj.rules.yml", "falaj.alerts.yml"]);
    promtool(&["test", "rules", "falaj.test.yml"]);
    // Each alert is tried both ways: there is a time at which it fires, and one at which it does not.
    let tests = fs::read_to_string(shipped("prometheus/falaj.test.yml")).unwrap();
    let alerts = fs::read_to_string(shipped("prometheus/falaj.alerts.yml")).unwrap();
    for name in alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(tests.contains(&format!("{{alertname: {name}, ")), "{name} is never silent in falaj.test.yml");
        assert!(tests.contains(&format!("- alertname: {name}\n")), "{name} never fires in falaj.test.yml");
    }
}

/// A real Prometheus over the shipped configuration, with another target. Dropping it ends it.
struct Prometheus {
    child: Child,
    base: String,
    _folder: Folder,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _it_may_have_ended = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Prometheus {
    async fn start(target: &str) -> Self {
        let folder = Folder::new("prometheus");
        let (root, log) = (folder.path().to_owned(), folder.path().join("log"));
        folder.write("falaj.key", ADMIN_KEY);
        for rules in ["falaj.rules.yml", "falaj.alerts.yml"] {
            folder.write(rules, &fs::read_to_string(shipped("prometheus").join(rules)).unwrap());
        }
        let config = fs::read_to_string(shipped("prometheus/prometheus.yml")).unwrap();
        let config = config
            .replace("/etc/prometheus/falaj.key", root.join("falaj.key").to_str().unwrap())
            .replace("127.0.0.1:8080", target)
            .replace("15s", "1s");
        folder.write("prometheus.yml", &config);
        let config = root.join("prometheus.yml");
        promtool(&["check", "config", config.to_str().unwrap()]);
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", root.join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .expect("prometheus is installed; tests/run sees to it");
        let base = until_async("prometheus listens", DEADLINE, || async {
            let text = fs::read_to_string(&log).unwrap();
            let line = text.lines().find(|line| line.contains("msg=\"Listening on\""))?;
            let address = line.split("address=").nth(1)?.split_whitespace().next()?;
            Some(format!("http://{}", address.trim_matches('"')))
        })
        .await;
        Self { child, base, _folder: folder }
    }

    async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let mut url = reqwest::Url::parse(&format!("{}{path}", self.base)).unwrap();
        url.query_pairs_mut().extend_pairs(query);
        let answer = reqwest::get(url).await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer}"));
        assert_eq!(answer["status"], "success", "{query:?}: {answer}");
        answer["data"].clone()
    }
}

/// Names and labels that a query asks for.
#[derive(Debug, Default)]
struct Asked {
    names: BTreeSet<String>,
    labels: BTreeSet<String>,
}

const KEYWORDS: [&str; 32] = [
    "sum",
    "min",
    "max",
    "avg",
    "count",
    "topk",
    "bottomk",
    "rate",
    "increase",
    "irate",
    "delta",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "and",
    "or",
    "unless",
    "absent",
    "histogram_quantile",
    "predict_linear",
    "label_values",
    "bool",
    "offset",
    "clamp_min",
    "max_over_time",
    "time",
    "vector",
    "sort_desc",
    "inf",
];

impl Asked {
    /// Reads a query in PromQL, or a `label_values` of Grafana.
    fn read(&mut self, query: &str) {
        let mut rest = query;
        // Inside braces, and inside the parentheses after `by` and the like, words are labels.
        let (mut braces, mut list, mut before) = (false, None::<usize>, String::new());
        let mut depth = 0_usize;
        while let Some(c) = rest.chars().next() {
            let mut taken = c.len_utf8();
            match c {
                '"' => taken = 2 + rest[1..].find('"').expect("a closed text"),
                // A range.
                '[' => taken = 1 + rest.find(']').expect("a closed range"),
                '{' => braces = true,
                '}' => braces = false,
                '(' => {
                    depth += 1;
                    let opens_list =
                        ["by", "without", "on", "ignoring", "group_left", "group_right"].contains(&before.as_str());
                    list = list.or(opens_list.then_some(depth));
                }
                ')' => {
                    if list == Some(depth) {
                        list = None;
                    }
                    depth -= 1;
                }
                c if c.is_ascii_alphabetic() || c == '_' => {
                    let end =
                        rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_:".contains(c))).unwrap_or(rest.len());
                    taken = end;
                    let word = &rest[..end];
                    if braces || list.is_some() || query.starts_with("label_values(") && rest[end..].trim() == ")" {
                        self.labels.insert(word.to_owned());
                    } else if !KEYWORDS.contains(&word) {
                        self.names.insert(word.to_owned());
                    }
                    before = word.to_owned();
                }
                c if c.is_ascii_digit() => {
                    taken = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(rest.len());
                }
                _ => {}
            }
            if !(c.is_ascii_alphabetic() || c == '_' || c.is_whitespace()) {
                before.clear();
            }
            rest = &rest[taken..];
        }
    }
}

#[test]
fn a_query_is_read_for_what_it_asks() {
    let mut asked = Asked::default();
    asked.read(
        r#"sum by (agency, le) (rate(falaj_a_bucket{job=~"x{y", state!="dead"}[5m])) / 1e3 > 14.4 * falaj:b:rate5m"#,
    );
    asked.read("up == 1 unless on (instance) falaj_held offset 5m");
    asked.read("label_values(falaj_build_info{job=~\"$job\"}, instance)");
    let names: Vec<&str> = asked.names.iter().map(String::as_str).collect();
    assert_eq!(names, ["falaj:b:rate5m", "falaj_a_bucket", "falaj_build_info", "falaj_held", "up"]);
    let labels: Vec<&str> = asked.labels.iter().map(String::as_str).collect();
    assert_eq!(labels, ["agency", "instance", "job", "le", "state"]);
}

/// The queries of the dashboard, each with the place it stands in.
fn queries(dashboard: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().map(Vec::as_slice).unwrap_or_default() {
            assert_eq!(target["datasource"], json!({ "type": "prometheus", "uid": "${datasource}" }), "{title}");
            found.push((title.to_owned(), target["expr"].as_str().unwrap().to_owned()));
        }
    }
    found
}

fn dashboard() -> Value {
    serde_json::from_str(&fs::read_to_string(shipped("grafana/falaj.json")).unwrap()).unwrap()
}

#[test]
fn the_dashboard_is_whole() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<i64> = panels.iter().map(|panel| panel["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "an id is given once");
    let mut taken = BTreeMap::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        let at = |name: &str| panel["gridPos"][name].as_i64().unwrap();
        assert!(at("x") >= 0 && at("x") + at("w") <= 24, "{title}");
        for (x, y) in (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y))) {
            assert_eq!(taken.insert((x, y), title), None, "{title} lies over another panel");
        }
        if panel["type"] != "row" {
            assert!(!panel["targets"].as_array().unwrap().is_empty(), "{title}");
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
            let description = panel["description"].as_str().unwrap();
            assert!(description.chars().any(|c| ('ا'..='ي').contains(&c)), "{title} speaks Arabic too");
        }
    }
    let variables: Vec<&str> =
        dashboard["templating"]["list"].as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap()).collect();
    assert_eq!(variables, ["datasource", "job", "instance", "agency"]);
    assert!(panels.iter().any(|panel| panel["repeat"] == "agency"), "panels per agency");
}

/// A bus that tells everything it can: a held agency, an open circuit, a job, an alarm, traces, a refusal.
async fn talkative(collector: &Collector) -> Bus {
    let bus = Bus::builder()
        .env("FALAJ_TELEMETRY__OTLP", &collector.url)
        .env("FALAJ_TELEMETRY__SAMPLING", "1.0")
        .env("FALAJ_ALARMS__EVERY", "1s")
        .agency("well")
        .agency("held")
        .holds()
        .agency("away")
        .reacts(|_| crate::bus::Reaction::Status(404))
        .build()
        .await;
    for n in 1..=3 {
        bus.post(&Thing::new(&format!("s{n}"), 1)).await;
    }
    super::post(&bus, &json!({}), &[]).await;
    bus.receiver("held").arrival(1).await;
    let replay = json!({ "agency": "held", "from": "2020-01-01T00:00:00Z", "reason": "a test" });
    let answer = bus.admin.post_json("/v1/replays", &replay).await;
    assert!(matches!(answer.status, 200..300), "{}", answer.text);
    bus
}

#[tokio::test]
async fn every_rule_and_panel_asks_for_what_a_bus_tells() {
    let collector = Collector::start().await;
    let bus = talkative(&collector).await;
    scraped(&bus, "falaj_next_probe_timestamp_seconds").await;
    scraped(&bus, "falaj_job_deliveries").await;
    let text = scraped(&bus, "falaj_alarm").await;
    let prometheus = Prometheus::start(&bus.address()).await;

    let told = samples(&text);
    let mut names: BTreeSet<String> = told.iter().map(|sample| sample.name.clone()).collect();
    let mut labels: BTreeSet<String> =
        told.iter().flat_map(|sample| sample.labels.iter().map(|(name, _)| name.clone())).collect();
    // What Prometheus itself adds.
    names.insert("up".into());
    labels.extend(["job", "instance"].map(str::to_owned));

    let groups = prometheus.ask("/api/v1/rules", &[]).await;
    let rules: Vec<&Value> =
        groups["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    assert!(rules.len() > 25, "{rules:#?}");
    names.extend(
        rules.iter().filter(|rule| rule["type"] == "recording").map(|rule| rule["name"].as_str().unwrap().to_owned()),
    );
    let mut asked: Vec<(String, String)> = rules
        .iter()
        .map(|rule| (rule["name"].as_str().unwrap().to_owned(), rule["query"].as_str().unwrap().to_owned()))
        .collect();
    for rule in rules.iter().filter(|rule| rule["type"] == "alerting") {
        let name = rule["name"].as_str().unwrap();
        for (annotation, arabic) in
            [("summary", false), ("description", false), ("summary_ar", true), ("description_ar", true)]
        {
            let text = rule["annotations"][annotation].as_str().unwrap_or_default();
            assert_eq!(text.chars().any(|c| ('ا'..='ي').contains(&c)), arabic, "{annotation} of {name}: {text}");
        }
    }
    let dashboard = dashboard();
    asked.extend(queries(&dashboard));
    for variable in dashboard["templating"]["list"].as_array().unwrap().iter().skip(1) {
        asked.push((
            variable["name"].as_str().unwrap().to_owned(),
            variable["query"]["query"].as_str().unwrap().to_owned(),
        ));
    }
    assert!(asked.len() > 80, "{}", asked.len());
    let mut wrong = Vec::new();
    for (place, query) in &asked {
        let mut found = Asked::default();
        found.read(query);
        assert!(!found.names.is_empty(), "{place}: {query}");
        wrong.extend(found.names.difference(&names).map(|name| format!("{place}: nobody tells {name}: {query}")));
        wrong.extend(
            found.labels.difference(&labels).map(|label| format!("{place}: nobody has a label {label}: {query}")),
        );
    }
    assert!(wrong.is_empty(), "{}\nin\n{text}", wrong.join("\n"));

    // And Prometheus understands each of them, over what it has scraped.
    until_async("prometheus has scraped the bus", DEADLINE, || async {
        let up = prometheus.ask("/api/v1/query", &[("query", "up{job=\"falaj\"} == 1")]).await;
        (!up["result"].as_array().unwrap().is_empty()).then_some(())
    })
    .await;
    for (place, query) in asked.iter().filter(|(_, query)| !query.starts_with("label_values(")) {
        let query = query.replace("$__rate_interval", "1m");
        let query = query.replace("$job", ".*").replace("$instance", ".*").replace("$agency", ".*");
        let answer = prometheus.ask("/api/v1/query", &[("query", &query)]).await;
        assert!(answer["result"].is_array(), "{place}: {query}");
    }
    // The rules are at work: a waiting delivery is recorded as one.
    until_async("a recorded rule", DEADLINE, || async {
        let query = [("query", "falaj:deliveries_waiting{agency=\"held\"} > 0")];
        (!prometheus.ask("/api/v1/query", &query).await["result"].as_array().unwrap().is_empty()).then_some(())
    })
    .await;
    let rules = prometheus.ask("/api/v1/rules", &[]).await;
    assert!(!rules.to_string().contains("\"health\":\"err\""), "{rules:#}");
}
