//! Figures as a person reads them: each beside its limit and its aim.

use super::figures::Figures;

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

/// One line: what, seen, limit, ratio, aim, whether it is reached.
pub type Line = [String; 6];

/// The header of the table, in both languages.
pub const HEADER: [&str; 6] = ["WHAT", "SEEN المقيس", "LIMIT حد الجهاز", "RATIO النسبة", "AIM الهدف", "REACHED تحقق"];

/// The table.
pub fn lines(figures: &Figures) -> Vec<Line> {
    let Figures { accept, deliver, flow, latency, sync, .. } = figures;
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

/// What the table is about, in both languages.
pub fn preface(figures: &Figures) -> String {
    let Figures { version, cores, envelope_bytes, fan_out, rounds, .. } = figures;
    format!(
        "Falaj {version} on {cores} processors, which the bus shares with the sender and the agencies.\n\
         Envelopes of {envelope_bytes} bytes, schema-checked, {fan_out} signed deliveries each; medians of {rounds} rounds.\n\
         Each limit was measured in the same run: accepts against the same server with the same checks but without storing,\n\
         deliveries against a plain reqwest loop, latency against one sync of the disk.\n\
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
    let whole = format!("{per_s:.0}");
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + "/s"
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
