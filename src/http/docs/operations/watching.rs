//! Probes and metrics.

use super::super::operation::{Chapter, Operation};
use super::super::schema::{Schema, list, object, only, text, whole, word};
use super::super::shapes::scalar::instant;
use super::super::words::words;
use crate::amqp::Role;
use crate::amqp::state::State;
use crate::telemetry::exposition::Format;

/// `GET /healthz`
pub fn healthz() -> Operation {
    let alive = object().has("alive", only(true), words("It lives.", "النظام يعمل."));
    Operation::new("isAlive", Chapter::Watching, words("Does the process live", "هل يعمل النظام")).answers(
        200,
        words("It lives; nothing else is said.", "يعمل، ولا يعني الرد أكثر من ذلك."),
        alive,
    )
}

/// `GET /readyz`
pub fn readyz() -> Operation {
    let connection = || {
        object()
            .has("state", word(State::ALL.map(State::as_str)), words("How it stands.", "حالته."))
            .has("since", instant(), words("Since when.", "منذ متى."))
            .may("detail", text(), words("What about.", "التفصيل."))
    };
    let broker = Role::ALL.into_iter().fold(object(), |broker, role| {
        broker.has(role.as_str(), connection(), words("One of its two connections.", "أحد اتصاليه."))
    });
    let state = |ready: bool| -> Schema {
        object()
            .has("ready", only(ready), words("Whether it accepts envelopes now.", "هل يقبل المظاريف الآن."))
            .has("because", list(text()), words("Why not.", "سبب عدم القبول."))
            .has("catalogue", text(), words("Which deployment is in force.", "الإعدادات السارية."))
            .has(
                "refused_deployment_problems",
                whole(),
                words(
                    "Problems of the deployment in the folder, which is therefore not in force.",
                    "عدد مشكلات الإعدادات الموجودة في المجلد، التي لم تسرِ بسببها.",
                ),
            )
            .may(
                "amqp",
                broker.clone(),
                words("How the broker stands, where there is one.", "حالة وسيط الرسائل إن وُجد."),
            )
    };
    Operation::new("isReady", Chapter::Watching, words("Would it accept an envelope now", "هل يقبل النظام مظروفًا الآن"))
        .answers(200, words("It would.", "نعم."), state(true))
        .answers(503, words("It would not, and says why.", "لا، مع ذكر السبب."), state(false))
}

/// `GET /metrics`
pub fn metrics() -> Operation {
    Operation::new("readMetrics", Chapter::Watching, words("Read the metrics", "قراءة المؤشرات"))
        .about(words("For Prometheus.", "لنظام Prometheus."))
        .header("accept", text(), words("Which of the two formats.", "أي الصيغتين."))
        .answers_as(Format::Text.media_type(), 200, words("Every figure.", "جميع المؤشرات."), text())
        .or(Format::OpenMetrics.media_type(), text())
}
