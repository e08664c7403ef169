//! `falaj dead-letters`: what has failed and waits for a person.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::client::{Answer, Bus, BusArgs, CallFault};
use super::{NO, table};

/// Lines that are asked for at once.
const PAGE: usize = 100;

/// Arguments of `falaj dead-letters`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A parked delivery still holds its subject's later ones; a dead one has let them go on.\n\nExamples:\n  \
                        falaj dead-letters --groups\n  falaj dead-letters --agency moi --group 5f0c2a9be1d47733\n  \
                        falaj dead-letters --agency moi --json | jq -r '.dead_letters[].id'"
)]
pub struct DeadLettersArgs {
    /// Only this agency's
    #[arg(long)]
    pub agency: Option<String>,
    /// Only of this type
    #[arg(long = "type", value_name = "TYPE", conflicts_with = "groups")]
    pub ty: Option<String>,
    /// Only of this error group
    #[arg(long, conflicts_with = "groups")]
    pub group: Option<String>,
    /// Only accepted at or after this time, RFC 3339
    #[arg(long, value_name = "TIME", conflicts_with = "groups")]
    pub from: Option<String>,
    /// Only accepted before this time, RFC 3339
    #[arg(long, value_name = "TIME", conflicts_with = "groups")]
    pub to: Option<String>,
    /// Show what the errors have in common, with figures
    #[arg(long)]
    pub groups: bool,
    /// Show at most so many, the oldest
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub max: usize,
    #[command(flatten)]
    /// Where to ask.
    pub bus: BusArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `falaj dead-letters`.
pub async fn run(args: DeadLettersArgs) -> anyhow::Result<ExitCode> {
    let bus = Bus::new(&args.bus)?;
    let given =
        [("agency", &args.agency), ("type", &args.ty), ("group", &args.group), ("from", &args.from), ("to", &args.to)];
    let mut query: Vec<(&str, &str)> =
        given.iter().filter_map(|(name, text)| Some((*name, text.as_deref()?))).collect();
    if args.groups {
        query.push(("groups", "true"));
        let answer = bus.read(&["v1", "dead-letters"], &query).await?;
        return super::repair::shown(&answer, args.json, |found: &Value| {
            let rows: Vec<_> = super::agencies::rows(found).iter().map(group).collect();
            table::show(["GROUP", "AGENCY", "DEAD", "PARKED", "OLDEST", "ERROR"], &rows)
        });
    }
    let gathered = gather(&bus, &["v1", "dead-letters"], &query, "dead_letters", args.max).await?;
    let (letters, more) = match gathered {
        Gathered::All { rows, more } => (rows, more),
        Gathered::Refused(answer) => {
            eprintln!("falaj: {}", answer.problem());
            return Ok(NO.into());
        }
    };
    if args.json {
        table::line(&json!({ "dead_letters": letters }).to_string())?;
    } else if letters.is_empty() {
        table::line("nothing has failed")?;
    } else {
        let rows: Vec<_> = letters.iter().map(row).collect();
        table::show(["DELIVERY", "AGENCY", "STATE", "TYPE", "ACCEPTED", "GROUP", "ERROR"], &rows)?;
    }
    if more {
        eprintln!("falaj: there are more; ask for them with --max, or narrow the question");
    }
    Ok(ExitCode::SUCCESS)
}

/// What a list that comes in pages gave.
pub(super) enum Gathered {
    /// Its rows, and whether there are more than were asked for.
    All { rows: Vec<Value>, more: bool },
    /// The bus said no.
    Refused(Answer),
}

/// Reads a list page by page, at most `max` rows of it.
pub(super) async fn gather(
    bus: &Bus,
    path: &[&str],
    query: &[(&str, &str)],
    member: &str,
    max: usize,
) -> Result<Gathered, anyhow::Error> {
    let (mut rows, mut cursor): (Vec<Value>, Option<String>) = (Vec::new(), None);
    loop {
        let limit = PAGE.min(max.saturating_sub(rows.len())).max(1).to_string();
        let mut query = query.to_vec();
        query.push(("limit", &limit));
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let answer: Result<Answer, CallFault> = bus.read(path, &query).await;
        let answer = answer?;
        if !answer.is_ok() {
            return Ok(Gathered::Refused(answer));
        }
        let mut page: Value = answer.read()?;
        if let Some(found) = page[member].as_array_mut() {
            rows.append(found);
        }
        cursor = page["cursor"].as_str().map(str::to_owned);
        if cursor.is_none() || rows.len() >= max {
            return Ok(Gathered::All { rows, more: cursor.is_some() });
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// An error in a few words: its status, and its note where that says more.
fn error(error: &Value) -> String {
    let (status, note) = (text(&error["status"]), text(&error["note"]));
    let says_more = !note.is_empty() && note != format!("status {status}");
    let first = if status.is_empty() { text(&error["class"]) } else { status };
    if says_more { format!("{first}: {note}") } else { first }
}

fn row(letter: &Value) -> [String; 7] {
    let overtaken = letter["overtaken"] == true;
    let state = if letter["waiting"]["reason"] == "parked" { "parked".to_owned() } else { text(&letter["state"]) };
    [
        text(&letter["id"]),
        text(&letter["agency"]),
        if overtaken { format!("{state}, overtaken") } else { state },
        text(&letter["type"]),
        text(&letter["accepted_at"]),
        text(&letter["group"]),
        error(&letter["error"]),
    ]
}

fn group(group: &Value) -> [String; 6] {
    let [name, agency, dead, parked, oldest] =
        ["group", "agency", "dead", "parked", "oldest_accepted_at"].map(|name| text(&group[name]));
    [name, agency, dead, parked, oldest, error(group)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_says_where_it_stands_and_what_failed() {
        let parked = json!({ "id": "d", "agency": "moi", "state": "waiting", "waiting": { "reason": "parked" }, "type": "a.b",
            "accepted_at": "t", "group": "g", "overtaken": false, "error": { "class": "message_fault", "status": 400, "note": "status 400" } });
        assert_eq!(row(&parked), ["d", "moi", "parked", "a.b", "t", "g", "400"].map(str::to_owned));
        let dead =
            json!({ "state": "dead", "overtaken": true, "error": { "class": "endpoint_fault", "note": "timeout" } });
        assert_eq!(
            (&row(&dead)[2], &row(&dead)[6]),
            (&"dead, overtaken".to_owned(), &"endpoint_fault: timeout".to_owned())
        );
    }

    #[test]
    fn a_group_is_shown_with_its_figures() {
        let found = json!({ "group": "g", "agency": "moi", "note": "status 422", "status": 422, "class": "message_fault",
            "dead": 3, "parked": 1, "oldest_accepted_at": "t" });
        assert_eq!(group(&found), ["g", "moi", "3", "1", "t", "422"].map(str::to_owned));
    }
}
