//! What a bench found out, as it is printed. All rates are per second and medians over the rounds; times are milliseconds unless
//! the name says otherwise.

use serde::Serialize;

use super::backlog::Waiting;
use super::broker::Brokered;
use super::isolation::Isolation;
use super::lanes::Lanes;
use super::peer::Times;

/// Everything that was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Version of Falaj.
    pub version: &'static str,
    /// Processors this process may use.
    pub cores: usize,
    /// Bytes of an envelope.
    pub envelope_bytes: usize,
    /// Recipients of an envelope.
    pub fan_out: usize,
    /// How often each measurement was taken.
    pub rounds: usize,
    /// Beside the machine's limits.
    #[serde(flatten)]
    pub core: Option<Core>,
    /// Three agencies in trouble.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
    /// Blocked lanes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lanes: Option<Lanes>,
    /// A large backlog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backlog: Option<Waiting>,
    /// In and out over a broker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amqp: Option<Brokered>,
}

/// What the bus does beside what the machine could.
#[derive(Debug, Clone, Serialize)]
pub struct Core {
    /// Durable acceptance.
    pub accept: Accept,
    /// Deliveries out of a backlog.
    pub deliver: Deliver,
    /// Both at once.
    pub flow: Flow,
    /// From sending to arrival, at moderate load.
    pub latency: Latency,
    /// The disk.
    pub sync: Sync,
}

/// Durable acceptance, with nothing delivered meanwhile.
#[derive(Debug, Clone, Serialize)]
pub struct Accept {
    /// Envelopes made durable.
    pub per_s: f64,
    /// The same server with the same checks, answering 202 without storing.
    pub limit_per_s: f64,
    /// The same server, answering 202 without looking.
    pub bare_per_s: f64,
    /// `per_s / limit_per_s`.
    pub ratio: f64,
    /// Half the answers came sooner.
    pub p50_ms: f64,
    /// One answer in a hundred came later.
    pub p99_ms: f64,
    /// Processor time of the bus per envelope, in microseconds.
    pub cpu_us: Option<f64>,
}

/// Deliveries out of a backlog: claimed, cut, signed, posted, settled.
#[derive(Debug, Clone, Serialize)]
pub struct Deliver {
    /// Deliveries settled.
    pub per_s: f64,
    /// A plain reqwest loop posting the same bodies to the same agencies.
    pub limit_per_s: f64,
    /// `per_s / limit_per_s`.
    pub ratio: f64,
    /// Processor time of the bus per delivery, its share of acceptance included, in microseconds.
    pub cpu_us: Option<f64>,
    /// The same without the share of acceptance.
    pub cpu_alone_us: Option<f64>,
    /// Processor time of the plain loop per post, in microseconds.
    pub limit_cpu_us: Option<f64>,
}

/// Acceptance and delivery at once, from the first envelope posted to the last delivery settled.
#[derive(Debug, Clone, Serialize)]
pub struct Flow {
    /// Deliveries settled.
    pub per_s: f64,
    /// Envelopes accepted and delivered everywhere.
    pub envelopes_per_s: f64,
    /// Processor time of the bus per delivery, everything counted, in microseconds.
    pub cpu_us: Option<f64>,
}

/// From an envelope's first byte to its arrival at each agency.
#[derive(Debug, Clone, Serialize)]
pub struct Latency {
    /// Half the deliveries arrived sooner.
    pub p50_ms: f64,
    /// One delivery in a hundred arrived later.
    pub p99_ms: f64,
    /// Half the senders had their 202 sooner.
    pub accept_p50_ms: f64,
    /// One sender in a hundred had its 202 later.
    pub accept_p99_ms: f64,
    /// Envelopes sent per second meanwhile.
    pub at_per_s: u32,
    /// Deliveries timed.
    pub deliveries: usize,
}

/// What the disk can do with records of an envelope's size.
#[derive(Debug, Clone, Serialize)]
pub struct Sync {
    /// Half the syncs of one record took less.
    pub p50_ms: f64,
    /// One sync in a hundred took longer.
    pub p99_ms: f64,
    /// Records synced one by one.
    pub per_s: f64,
    /// Records synced in groups.
    pub grouped_per_s: f64,
    /// Records in a group.
    pub group: usize,
}

/// One round of everything that is measured against a limit.
#[derive(Debug, Clone, Default)]
pub struct Round {
    /// Answering 202 without looking, per second.
    pub bare_per_s: f64,
    /// Answering 202 after all checks, per second.
    pub checked_per_s: f64,
    /// Accepting, per second.
    pub accept_per_s: f64,
    /// How long senders waited.
    pub accept: Times,
    /// Processor time per envelope accepted, in microseconds.
    pub accept_cpu_us: Option<f64>,
    /// Plain posts per second.
    pub plain_per_s: f64,
    /// Processor time per plain post, in microseconds.
    pub plain_cpu_us: Option<f64>,
    /// Deliveries per second out of a backlog.
    pub deliver_per_s: f64,
    /// Processor time per delivery, in microseconds.
    pub deliver_cpu_us: Option<f64>,
    /// Deliveries per second, acceptance included.
    pub flow_per_s: f64,
    /// Processor time per delivery, acceptance included, in microseconds.
    pub flow_cpu_us: Option<f64>,
    /// Records synced one by one, per second.
    pub sync_per_s: f64,
    /// How long one took.
    pub sync: Times,
    /// Records synced in groups, per second.
    pub grouped_per_s: f64,
}

/// The middle of several figures; of an even number, the lower of the two.
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

/// The middle over those rounds that have the figure.
pub fn of(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> f64 {
    median(rounds.iter().map(figure))
}

/// The same for a figure that some machines do not give.
pub fn maybe(rounds: &[Round], figure: impl Fn(&Round) -> Option<f64>) -> Option<f64> {
    let known: Vec<f64> = rounds.iter().filter_map(figure).collect();
    (!known.is_empty()).then(|| median(known))
}

/// A ratio; zero where there is nothing to compare with.
pub fn ratio(figure: f64, limit: f64) -> f64 {
    if limit > 0.0 { figure / limit } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_one_of_them() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0]), 1.0);
        assert_eq!(median([]), 0.0);
        let rounds = [Round { flow_cpu_us: Some(5.0), ..Round::default() }, Round::default()];
        assert_eq!(maybe(&rounds, |round| round.flow_cpu_us), Some(5.0));
        assert_eq!(maybe(&rounds, |round| round.accept_cpu_us), None);
        assert_eq!(ratio(1.0, 0.0), 0.0);
    }
}
