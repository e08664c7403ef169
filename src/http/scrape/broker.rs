//! The broker at this moment, and what went over it since the start. Where there is none, it has no series.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::super::state::App;
use crate::amqp::State;
use crate::telemetry::Word;

/// Label of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DirectionLabel {
    direction: Word,
}

/// Labels of its state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    direction: Word,
    state: Word,
}

/// Label of a published message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PublishedLabel {
    result: Word,
}

/// Labels of a consumed message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConsumedLabels {
    queue: Word,
    result: Word,
}

/// Reads both connections and registers what they say.
pub(super) fn register(app: &App, registry: &mut Registry) {
    let Some(broker) = &app.broker else { return };
    let connected = Family::<DirectionLabel, Gauge>::default();
    let states = Family::<StateLabels, Gauge>::default();
    for (role, up) in broker.connected() {
        connected.get_or_create(&DirectionLabel { direction: Word(role.as_str()) }).set(i64::from(up));
    }
    for (role, standing) in broker.standings() {
        for state in State::ALL {
            let labels = StateLabels { direction: Word(role.as_str()), state: Word(state.as_str()) };
            states.get_or_create(&labels).set(i64::from(state == standing.state));
        }
    }
    let published = Family::<PublishedLabel, Counter>::default();
    for (result, count) in broker.figures.all_published() {
        published.get_or_create(&PublishedLabel { result: Word(result) }).inc_by(count);
    }
    let consumed = Family::<ConsumedLabels, Counter>::default();
    for (queue, result, count) in broker.figures.all_consumed() {
        consumed.get_or_create(&ConsumedLabels { queue: Word(queue), result: Word(result) }).inc_by(count);
    }
    registry.register("falaj_amqp_connected", "Whether the connection to the broker stands", connected);
    registry.register("falaj_amqp_state", "1 for the state that the connection to the broker is in", states);
    registry.register("falaj_amqp_published", "Messages published to the broker, by how it ended", published);
    registry.register("falaj_amqp_consumed", "Messages consumed from the broker, by how it ended", consumed);
}
