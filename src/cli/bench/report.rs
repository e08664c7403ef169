//! Figures as a person reads them: each beside its limit and its aim.

use super::backlog::Waiting;
use super::broker::{Brokered, Pair};
use super::figures::{Core, Figures};
use super::isolation::Isolation;
use super::lanes::Lanes;

/// Of the limit without storing, and of the plain loop.
const RATIO_AIM: f64 = 0.6;
/// Microseconds per delivery, everything counted.
const CPU_AIM_US: f64 = 40.0;
/// Deliveries a second, with sender and agencies on the same processors, of which two were meant.
const FLOW_AIM_PER_S: f64 = 30_000.0;
/// Milliseconds above one sync.
const LATENCY_AIM_MS: f64 = 2.0;
/// Of the median.
const TAIL_AIM: f64 = 5.0;
/// Of the rate with nobody in trouble, or no lane blocked.
const UNDISTURBED_AIM: f64 = 0.95;
/// Of the latest arrivals with nobody in trouble.
const LATE_AIM: f64 = 1.5;
/// Of the rate with nothing waiting.
const WAITING_AIM: f64 = 0.8;
/// Resident memory with everything waiting, in MiB.
const MEMORY_AIM_MIB: f64 = 512.0;
/// From a start to the first delivery, in milliseconds.
const FIRST_AIM_MS: f64 = 5_000.0;
/// Of the configured rate, from and to.
const DRAIN_AIM: [f64; 2] = [0.9, 1.1];

/// One line: what, seen, limit, ratio, aim, whether it is reached.
pub type Line = [String; 6];

/// The header of the table, in both languages.
pub const HEADER: [&str; 6] = ["WHAT", "SEEN المقيس", "LIMIT حد الجهاز", "RATIO النسبة", "AIM الهدف", "REACHED تحقق"];

/// The table.
pub fn lines(figures: &Figures) -> Vec<Line> {
    let mut lines = figures.core.as_ref().map(of_core).unwrap_or_default();
    lines.extend(figures.isolation.iter().flat_map(of_isolation));
    lines.extend(figures.lanes.iter().map(of_lanes));
    lines.extend(figures.backlog.iter().flat_map(of_backlog));
    lines.extend(figures.amqp.iter().flat_map(of_broker));
    lines
}

fn of_core(core: &Core) -> Vec<Line> {
    let Core { accept, deliver, flow, latency, sync } = core;
    let latency_aim = sync.p50_ms + LATENCY_AIM_MS;
    vec![
        line("durable accepts", rate(accept.per_s), rate(accept.limit_per_s), share(accept.ratio))
            .aim(format!("ratio >= {RATIO_AIM}"), accept.ratio >= RATIO_AIM),
        line("  the sender's wait, p50 / p99", times(accept.p50_ms, accept.p99_ms), String::new(), String::new())
            .plain(),
        line("  answering 202 without looking", rate(accept.bare_per_s), String::new(), String::new()).plain(),
        line("deliveries from a backlog", rate(deliver.per_s), rate(deliver.limit_per_s), share(deliver.ratio))
            .aim(format!("ratio >= {RATIO_AIM}"), deliver.ratio >= RATIO_AIM),
        line("  processor time per delivery", micros(deliver.cpu_us), micros(deliver.limit_cpu_us), String::new())
            .aim(format!("<= {CPU_AIM_US} us"), deliver.cpu_us.is_some_and(|us| us <= CPU_AIM_US)),
        line("deliveries, accepting at once", rate(flow.per_s), String::new(), String::new())
            .aim(format!(">= {}", rate(FLOW_AIM_PER_S)), flow.per_s >= FLOW_AIM_PER_S),
        line("  processor time per delivery", micros(flow.cpu_us), String::new(), String::new())
            .aim(format!("<= {CPU_AIM_US} us"), flow.cpu_us.is_some_and(|us| us <= CPU_AIM_US)),
        line("sending to arrival, p50", millis(latency.p50_ms), millis(sync.p50_ms), String::new())
            .aim(format!("<= {}", millis(latency_aim)), latency.p50_ms <= latency_aim),
        line("sending to arrival, p99", millis(latency.p99_ms), millis(sync.p99_ms), String::new())
            .aim(format!("<= {}", millis(TAIL_AIM * latency.p50_ms)), latency.p99_ms <= TAIL_AIM * latency.p50_ms),
        line("syncs of the disk, one by one", rate(sync.per_s), String::new(), String::new()).plain(),
        line("  records, in groups", rate(sync.grouped_per_s), String::new(), String::new()).plain(),
    ]
}

fn of_isolation(seen: &Isolation) -> Vec<Line> {
    let what = format!("deliveries to {} of {} agencies, three in trouble", seen.healthy, seen.agencies);
    let missing = if seen.missing > 0 { format!(" ({} never)", seen.missing) } else { String::new() };
    vec![
        line(&what, rate(seen.per_s), rate(seen.clean_per_s), share(seen.ratio))
            .aim(format!("ratio >= {UNDISTURBED_AIM}"), seen.ratio >= UNDISTURBED_AIM),
        line("  sending to arrival there, p50", millis(seen.p50_ms), millis(seen.clean_p50_ms), String::new()).plain(),
        line("  and p99", millis(seen.p99_ms) + &missing, millis(seen.clean_p99_ms), share(seen.p99_ratio))
            .aim(format!("ratio <= {LATE_AIM}"), seen.p99_ratio <= LATE_AIM && seen.missing == 0),
    ]
}

fn of_lanes(seen: &Lanes) -> Line {
    let what = format!("deliveries of other keys, {} of {} blocked", seen.poisoned, seen.keys);
    line(&what, rate(seen.per_s), rate(seen.clean_per_s), share(seen.ratio))
        .aim(format!("ratio >= {UNDISTURBED_AIM}"), seen.ratio >= UNDISTURBED_AIM)
}

fn of_backlog(seen: &Waiting) -> Vec<Line> {
    let none = String::new;
    let [low, high] = DRAIN_AIM;
    vec![
        line(
            &format!("accepts while {} wait", count(seen.deliveries as f64)),
            rate(seen.accept_per_s),
            rate(seen.empty_per_s),
            share(seen.ratio),
        )
        .aim(format!("ratio >= {WAITING_AIM}"), seen.ratio >= WAITING_AIM),
        line("  resident memory, at most", mib(seen.peak_mib), none(), none())
            .aim(format!("<= {MEMORY_AIM_MIB} MiB"), seen.peak_mib.is_some_and(|peak| peak <= MEMORY_AIM_MIB)),
        line("  filled in, deliveries", rate(seen.filled_per_s), none(), none()).plain(),
        line("  first delivery after a crash", millis(seen.first_ms), none(), none())
            .aim(format!("<= {}", millis(FIRST_AIM_MS)), seen.first_ms <= FIRST_AIM_MS),
        line("  listening after a crash", millis(seen.ready_ms), none(), none()).plain(),
        line(
            "  to an agency that is back",
            rate(seen.drain_per_s),
            rate(f64::from(seen.rate_per_s)),
            share(seen.drain_ratio),
        )
        .aim(format!("ratio {low} to {high}"), (low..=high).contains(&seen.drain_ratio)),
    ]
}

fn of_broker(seen: &Brokered) -> Vec<Line> {
    let row = |what: &str, pair: &Pair| {
        line(what, rate(pair.per_s), rate(pair.limit_per_s), share(pair.ratio))
            .aim(format!("ratio >= {RATIO_AIM}"), pair.ratio >= RATIO_AIM)
    };
    vec![
        row("durable accepts over AMQP", &seen.way_in),
        row("deliveries over AMQP from a backlog", &seen.way_out),
        row("deliveries over AMQP, accepting at once", &seen.flow),
    ]
}

/// What the table is about, in both languages.
pub fn preface(figures: &Figures) -> String {
    let Figures { version, cores, envelope_bytes, fan_out, rounds, .. } = figures;
    format!(
        "Falaj {version} on {cores} processors, which the bus shares with the sender and the agencies.\n\
         Envelopes of {envelope_bytes} bytes, schema-checked, {fan_out} signed deliveries each; medians of {rounds} rounds.\n\
         Each limit was measured in the same run: accepts against the same server with the same checks but without storing,\n\
         deliveries against a plain reqwest loop, latency against one sync of the disk; what is disturbed against the same undisturbed,\n\
         what goes over a broker against plain calls of the same client at the same broker.\n\
         قيس كل حد في الجولة نفسها على الجهاز نفسه، فالنسبة صالحة للمقارنة بين الأجهزة.\n"
    )
}

struct Row([String; 4]);

fn line(what: &str, seen: String, limit: String, ratio: String) -> Row {
    Row([what.to_owned(), seen, limit, ratio])
}

impl Row {
    fn plain(self) -> Line {
        self.with(String::new(), String::new())
    }

    fn aim(self, aim: String, reached: bool) -> Line {
        self.with(aim, if reached { "yes نعم" } else { "no لا" }.to_owned())
    }

    fn with(self, aim: String, reached: String) -> Line {
        let [what, seen, limit, ratio] = self.0;
        [what, seen, limit, ratio, aim, reached]
    }
}

fn rate(per_s: f64) -> String {
    count(per_s) + "/s"
}

fn count(number: f64) -> String {
    let whole = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn share(ratio: f64) -> String {
    format!("{ratio:.2}")
}

fn millis(ms: f64) -> String {
    format!("{ms:.2} ms")
}

fn times(p50: f64, p99: f64) -> String {
    format!("{p50:.1} / {p99:.1} ms")
}

fn mib(mib: Option<f64>) -> String {
    mib.map_or_else(|| "not known here".to_owned(), |mib| format!("{mib:.0} MiB"))
}

fn micros(us: Option<f64>) -> String {
    us.map_or_else(|| "not known here".to_owned(), |us| format!("{us:.1} us"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(rate(1_234_567.4), "1,234,567/s");
        assert_eq!(rate(999.0), "999/s");
        assert_eq!(rate(30_000.0), "30,000/s");
    }
}
