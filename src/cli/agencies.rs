//! `falaj agencies`: who takes part, and how their queues stand.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;

use super::client::{self, Bus, BusArgs};
use super::{NO, table};
use crate::model::text::Language;

/// The figures of a queue, in the order in which they are shown.
const FIGURES: [&str; 5] = ["pending", "retry", "behind", "parked", "dead"];

/// Arguments of `falaj agencies`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  falaj agencies\n  falaj agencies moi --json")]
pub struct AgenciesArgs {
    /// Only this one
    pub agency: Option<String>,
    #[command(flatten)]
    /// Where to ask.
    pub bus: BusArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `falaj agencies`.
pub async fn run(args: AgenciesArgs) -> anyhow::Result<ExitCode> {
    let bus = Bus::new(&args.bus)?;
    let answer = bus.agencies(args.agency.as_deref()).await?;
    if !answer.is_ok() {
        eprintln!("falaj: {}", answer.problem());
        return Ok(NO.into());
    }
    if args.json {
        table::line(&String::from_utf8_lossy(&answer.body))?;
        return Ok(ExitCode::SUCCESS);
    }
    let found: Value = answer.read()?;
    let one = args.agency.is_some();
    let agencies = if one { std::slice::from_ref(&found) } else { rows(&found) };
    let rows: Vec<_> = agencies.iter().map(|agency| row(agency, client::language())).collect();
    table::show(
        ["AGENCY", "NAME", "STATE", "OLDEST", "PENDING", "RETRY", "BEHIND", "PARKED", "DEAD", "DELIVERED"],
        &rows,
    )?;
    let events: Vec<_> = found["events"].as_array().into_iter().flatten().map(event).collect();
    if one && !events.is_empty() {
        table::line("")?;
        table::show(["WHEN", "WHAT HAPPENED", "BY", "WHY"], &events)?;
    }
    // Those who speak AMQP wait for it together, and none of their rows says so.
    let ready: Value = bus.read(&["readyz"], &[]).await?.read()?;
    if let Some(broker) = broker(&ready) {
        table::line("")?;
        table::line(&table::plain(&broker))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// How the broker stands; `None` where there is none.
fn broker(ready: &Value) -> Option<String> {
    let lines = ready["amqp"].as_object()?.iter().map(|(role, line)| {
        let text = |name: &str| line[name].as_str().unwrap_or_default();
        let detail = line["detail"].as_str().map_or_else(String::new, |detail| format!(" ({detail})"));
        format!("{role} {}{detail} since {}", text("state"), text("since"))
    });
    Some(format!("Broker: {}", lines.collect::<Vec<_>>().join(", ")))
}

/// The rows of a list: the list itself, or the one member of an object that is a list (beside its cursor).
pub(super) fn rows(list: &Value) -> &[Value] {
    let found = match list {
        Value::Array(rows) => Some(rows),
        Value::Object(members) => members.values().find_map(Value::as_array),
        _ => None,
    };
    found.map_or(&[], Vec::as_slice)
}

fn row(agency: &Value, language: Language) -> [String; 10] {
    let figure = |name: &str| figure(agency, name).map_or_else(String::new, |n| n.to_string());
    let name = agency["name"][language.tag()].as_str().or(agency["name"].as_str()).unwrap_or_default();
    let [pending, retry, behind, parked, dead] = FIGURES.map(figure);
    let oldest = self::figure(agency, "oldest_age_seconds").map(|s| table::length(Duration::from_secs(s)));
    let oldest = oldest.unwrap_or_default();
    let left = agency["draining"]["left"].as_u64().filter(|left| *left > 0);
    let left = left.map_or_else(String::new, |left| format!(", {left} left"));
    let id = agency["id"].as_str().or(agency["agency"].as_str()).unwrap_or_default();
    [
        id.to_owned(),
        name.to_owned(),
        format!("{}{left}", agency["state"].as_str().unwrap_or_default()),
        oldest,
        pending,
        retry,
        behind,
        parked,
        dead,
        figure("delivered"),
    ]
}

/// What happened to an agency, with what failed or the reason that was given.
fn event(event: &Value) -> [String; 4] {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let why = match (event["class"].as_str(), event["note"].as_str()) {
        (Some(class), Some(note)) => format!("{class}: {note}"),
        _ => text("reason"),
    };
    [text("at"), text("kind"), text("by"), why]
}

/// A figure of the agency itself or of an object within it (its queue).
fn figure(agency: &Value, name: &str) -> Option<u64> {
    let members = agency.as_object()?;
    let inner = || members.values().filter_map(Value::as_object).find_map(|inner| inner.get(name)?.as_u64());
    members.get(name).and_then(Value::as_u64).or_else(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_figures_are_found() {
        let text = r#"{"agencies":[{"id":"moi","name":{"en":"Interior","ar":"الداخلية"},"state":"open","oldest_age_seconds":3700,
            "queue":{"pending":3,"retry":1,"parked":0,"behind":2,"delivered":9,"dead":4}}],"next":null}"#;
        let list: Value = serde_json::from_str(text).unwrap();
        assert_eq!(rows(&list).len(), 1);
        let expected = ["moi", "Interior", "open", "1h01m", "3", "1", "2", "0", "4", "9"].map(str::to_owned);
        assert_eq!(row(&rows(&list)[0], Language::English), expected);
        assert_eq!(row(&rows(&list)[0], Language::Arabic)[1], "الداخلية");
        assert!(rows(&Value::Null).is_empty());
        let draining: Value = serde_json::from_str(r#"{"id":"moi","state":"draining","draining":{"left":7}}"#).unwrap();
        assert_eq!(row(&draining, Language::English)[2], "draining, 7 left");
    }

    #[test]
    fn the_broker_is_said_where_there_is_one() {
        let ready = serde_json::json!({ "ready": true, "amqp": {
            "consume": { "state": "connected", "since": "t1" },
            "publish": { "state": "missing", "since": "t2", "detail": "falaj.out.moi" },
        } });
        let line = "Broker: consume connected since t1, publish missing (falaj.out.moi) since t2";
        assert_eq!(broker(&ready).as_deref(), Some(line));
        assert_eq!(broker(&serde_json::json!({ "ready": true })), None);
    }

    #[test]
    fn what_happened_says_who_or_what() {
        let opened = serde_json::json!({ "n": 2, "at": "t", "kind": "opened", "class": "endpoint_fault", "note": "connect: refused" });
        assert_eq!(event(&opened), ["t", "opened", "", "endpoint_fault: connect: refused"].map(str::to_owned));
        let paused = serde_json::json!({ "at": "t", "kind": "paused", "by": "night shift", "reason": "صيانة" });
        assert_eq!(event(&paused), ["t", "paused", "night shift", "صيانة"].map(str::to_owned));
    }
}
