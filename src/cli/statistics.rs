//! `falaj statistics`: services in figures, month by month.

use std::process::ExitCode;

use super::client::{self, Answer, Bus, BusArgs};
use super::{NO, table};
use crate::model::calendar::Month;
use crate::model::text::{Bilingual, Language};
use crate::statistics::{Figures, MonthTable, OpenData, envelope};

/// Arguments of `falaj statistics`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  falaj statistics --month 2026-09\n  falaj statistics --month 2026-09 --csv > september.csv\n  \
                  falaj statistics --month 2026-09 --envelope > september.json && falaj send september.json"
)]
pub struct StatisticsArgs {
    /// Which month; without it the one that goes on, and for --envelope the last one that is over
    #[arg(long, value_name = "YYYY-MM", value_parser = month)]
    pub month: Option<Month>,
    #[command(flatten)]
    /// Where to ask.
    pub bus: BusArgs,
    /// Print JSON
    #[arg(long, conflicts_with_all = ["csv", "envelope"])]
    pub json: bool,
    /// Print CSV with headings in both languages
    #[arg(long, conflicts_with = "envelope")]
    pub csv: bool,
    /// Print an envelope of the type qa.gov.statistics.month-closed, ready to be posted; as open data do, it leaves out small counts
    #[arg(long)]
    pub envelope: bool,
    /// Who publishes the envelope
    #[arg(long, value_name = "URI", default_value = "urn:qa:gov:hukoomi", requires = "envelope")]
    pub source: String,
    /// The channel that the envelope is about
    #[arg(long, value_name = "NAME", default_value = "hukoomi", requires = "envelope")]
    pub portal: String,
}

/// Reads a month (for clap).
fn month(text: &str) -> Result<Month, String> {
    Month::parse(text).ok_or_else(|| "expected a month such as 2026-09".to_owned())
}

/// Runs `falaj statistics`.
pub async fn run(args: StatisticsArgs) -> anyhow::Result<ExitCode> {
    let bus = Bus::new(&args.bus)?;
    let month = args.month.map(|month| month.to_string());
    let query: Vec<(&str, &str)> = month.iter().map(|month| ("month", month.as_str())).collect();
    let what = match (args.csv, args.envelope) {
        (true, _) => "services.csv",
        (_, true) => "open-data.json",
        _ => "services",
    };
    let answer = bus.read(&["v1", "statistics", what], &query).await?;
    if !answer.is_ok() {
        eprintln!("falaj: {}", answer.problem());
        if args.envelope && answer.status == 404 {
            eprintln!("    an envelope is made of a month that is over");
        }
        return Ok(NO.into());
    }
    if args.envelope {
        return print_envelope(&answer, &args);
    }
    match (args.csv, args.json) {
        (true, _) => table::print(&String::from_utf8_lossy(&answer.body))?,
        (_, true) => table::line(&String::from_utf8_lossy(&answer.body))?,
        _ => show(&answer.read()?, client::language())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print_envelope(answer: &Answer, args: &StatisticsArgs) -> anyhow::Result<ExitCode> {
    let data: OpenData = answer.read()?;
    let envelope = envelope::month_closed(&data, &args.source, &args.portal);
    table::line(&serde_json::to_string_pretty(&envelope)?)?;
    Ok(ExitCode::SUCCESS)
}

fn show(found: &MonthTable, language: Language) -> anyhow::Result<()> {
    let rows: Vec<_> = found
        .services
        .iter()
        .map(|line| {
            let rank = line.rank.map_or_else(String::new, |rank| rank.to_string());
            let name = line.name.as_ref().map(|name| name.get(language).to_owned()).unwrap_or_default();
            let level = line.maturity.map_or_else(String::new, |level| level.to_string());
            let [transactions, change, success, time] = cells(&line.figures);
            [rank, moved(line.rank_change), line.ty.to_string(), name, level, transactions, change, success, time]
        })
        .collect();
    table::show(["RANK", "MOVED", "TYPE", "NAME", "LEVEL", "TRANSACTIONS", "CHANGE", "SUCCESS", "TIME"], &rows)?;
    let [transactions, change, success, time] = cells(&found.total);
    let goes_on = Bilingual::new(" (goes on)", " (لم ينته بعد)");
    let goes_on = if found.closed { "" } else { goes_on.get(language) };
    let previous = found.total.previous;
    let MonthTable { month, .. } = found;
    let before = month.previous();
    let sum = match language {
        Language::English => format!("{month}{goes_on}: {transactions} transactions, {before}: {previous}"),
        Language::Arabic => format!("{month}{goes_on}: عدد المعاملات {transactions}، {before}: {previous}"),
    };
    table::line(
        &[sum, change, success, time].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  "),
    )
}

fn cells(figures: &Figures) -> [String; 4] {
    let signed = |percent: f64| format!("{percent:+.1} %");
    [
        figures.transactions.to_string(),
        figures.change_percent.map_or_else(String::new, signed),
        figures.success_percent.map_or_else(String::new, |percent| format!("{percent:.1} %")),
        figures.mean_seconds.map_or_else(String::new, |seconds| format!("{seconds:.1} s")),
    ]
}

fn moved(places: Option<i64>) -> String {
    match places {
        Some(0) => "=".to_owned(),
        Some(places) => format!("{places:+}"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_with_their_signs() {
        let figures = Figures {
            transactions: 89_410,
            change_percent: Some(24.7),
            success_percent: Some(99.0),
            mean_seconds: Some(90.0),
            ..Figures::default()
        };
        assert_eq!(cells(&figures), ["89410", "+24.7 %", "99.0 %", "90.0 s"]);
        let fallen = Figures { change_percent: Some(-7.3), ..Figures::default() };
        assert_eq!(cells(&fallen), ["0", "-7.3 %", "", ""]);
        assert_eq!([moved(Some(2)), moved(Some(-1)), moved(Some(0)), moved(None)], ["+2", "-1", "=", ""]);
    }
}
