//! Posting envelopes and following them.

use super::super::operation::{Chapter, Operation};
use super::super::schema::{Schema, anything, either, flag, of, text};
use super::super::shapes::envelope::{batch, dry_run, envelope, envelope_state};
use super::super::shapes::event::{cloud_event, events};
use super::super::shapes::scalar::{event_type, id, instant, span};
use super::super::words::{Words, words};
use super::{location, page, paged};
use crate::http::error::Kind;
use crate::http::search::PARAMETER_BYTES_MAX;

/// The attributes that binary mode has as headers, required ones first.
const BINARY: [(&str, Words); 7] = [
    ("ce-specversion", words("Binary mode: always `1.0`.", "الصيغة الثنائية: دائمًا `1.0`.")),
    ("ce-id", words("Binary mode: `id`.", "الصيغة الثنائية: `id`.")),
    ("ce-source", words("Binary mode: `source`.", "الصيغة الثنائية: `source`.")),
    ("ce-type", words("Binary mode: `type`.", "الصيغة الثنائية: `type`.")),
    (
        "ce-subject",
        words(
            "Binary mode: `subject`. Other attributes come the same way; what is not ASCII is percent-encoded.",
            "الصيغة الثنائية: `subject`. تُرسل بقية السمات بالطريقة نفسها، ويُرمَّز ما ليس ASCII بترميز النسبة المئوية.",
        ),
    ),
    ("ce-time", words("Binary mode: `time`.", "الصيغة الثنائية: `time`.")),
    ("ce-dataschema", words("Binary mode: `dataschema`.", "الصيغة الثنائية: `dataschema`.")),
];

/// `POST /v1/envelopes`
pub fn post() -> Operation {
    let (place, where_to_ask) = location();
    let mut post = Operation::new("postEnvelope", Chapter::Envelopes, words("Post an envelope", "إرسال مظروف"))
        .about(words(
            "One CloudEvent, or a batch of them. The answer leaves when envelope, recipients and every delivery are on the disk, and \
             not before. Send it again after any doubt: `source` and `id` are its identity, and a repeat gets the first receipt.",
            "حدث CloudEvents واحد أو دفعة منها. لا يصدر الرد إلا بعد حفظ المظروف ومستلميه وجميع عمليات تسليمه على القرص. عند أي شك أعد \
             الإرسال: هوية المظروف هي `source` و`id`، والمكرر يحصل على الإيصال الأول نفسه.",
        ))
        .about(words(
            "Only an agency's key sends. An admin's may try: `?dry_run=true` says who would get what, and stores nothing.",
            "لا يُرسَل إلا بمفتاح جهة. ويمكن لمفتاح المدير التجربة: `?dry_run=true` يبيّن من سيستلم وماذا، دون تخزين أي شيء.",
        ))
        .query("dry_run", flag().default(false), words("Try it, and store nothing.", "تجربة دون تخزين."))
        .header(
            "traceparent",
            text(),
            words("W3C Trace Context, for an event that has none.", "سياق التتبّع وفق W3C، لحدث لا يتضمنه."),
        )
        .header("tracestate", text(), words("The same.", "مثل ما سبق."));
    for (name, about) in BINARY {
        post = post.header(name, text(), about);
    }
    post.takes("application/cloudevents+json", of(cloud_event))
        .takes("application/cloudevents-batch+json", events())
        .takes("application/json", anything())
        .answers(
            202,
            words(
                "Accepted and durable. A batch: every item was accepted.",
                "قُبل وحُفظ بصورة دائمة. في الدفعة: قُبلت جميع العناصر.",
            ),
            either([of(envelope), of(batch)]),
        )
        .carries("Location", place.clone(), where_to_ask)
        .answers(
            200,
            words(
                "Accepted before, with the same content: the first receipt. Or the answer to a dry run.",
                "سبق قبوله بالمحتوى نفسه، وهذا إيصاله الأول. أو نتيجة التجربة.",
            ),
            either([of(envelope), of(dry_run)]),
        )
        .carries("Location", place, where_to_ask)
        .answers(
            207,
            words(
                "A batch of which not every item was accepted; each says its own.",
                "دفعة لم تُقبل جميع عناصرها، ولكل عنصر نتيجته.",
            ),
            of(batch),
        )
        .fails(
            Kind::BadEvent,
            words(
                "The body is no CloudEvent as Falaj takes it; everything wrong with its attributes is listed.",
                "متن الطلب ليس حدث CloudEvents مقبولًا، وجميع أخطاء سماته مذكورة.",
            ),
        )
        .fails(
            Kind::NotAllowed,
            words(
                "Your agency may not send this type, or not speak for this source.",
                "لا يحق لجهتك إرسال هذا النوع أو الإرسال باسم هذا المصدر.",
            ),
        )
        .fails(Kind::Clash, words("The identity was accepted with other content.", "سبق قبول هذه الهوية بمحتوى آخر."))
        .fails(
            Kind::Schema,
            words(
                "The data does not satisfy its schema, every violation is listed; or the type has no schema.",
                "البيانات لا تطابق مخططها وجميع المخالفات مذكورة، أو ليس للنوع مخطط.",
            ),
        )
        .fails(
            Kind::Unavailable,
            words(
                "The disk is low or the ledger does not take it now. Nothing was stored.",
                "مساحة القرص منخفضة أو السجل لا يستقبل حاليًا. لم يُخزَّن شيء.",
            ),
        )
        .sample("repeated", words("The same again", "إرسال المظروف نفسه مرة أخرى"))
        .sample("binary", words("In binary mode", "بالصيغة الثنائية"))
        .sample("batch", words("A batch", "دفعة"))
        .sample("partly", words("A batch that is not accepted whole", "دفعة لم تُقبل كاملة"))
        .sample("tried", words("A dry run", "تجربة"))
}

fn envelope_id(operation: Operation) -> Operation {
    operation.path("id", id(), words("The id in the receipt.", "المعرّف الوارد في الإيصال."))
}

/// `GET /v1/envelopes/{id}`
pub fn get() -> Operation {
    let get = Operation::new("getEnvelope", Chapter::Envelopes, words("Read one envelope", "قراءة مظروف"))
        .about(words(
            "With `wait` the answer comes when every agency has finished, or when the time is over.",
            "مع `wait` يصدر الرد حين تنتهي جميع الجهات أو حين تنقضي المدة.",
        ))
        .about(words(
            "A sender sees what each agency did; a recipient sees its own delivery alone; others as their role may. What you may not \
             see is 404.",
            "يرى المرسل ما فعلته كل جهة، ويرى المستلم عملية التسليم الخاصة به وحدها، ويرى الآخرون بحسب أدوارهم. وما لا يحق لك رؤيته \
             يُجاب عنه بالرمز 404.",
        ));
    envelope_id(get)
        .query(
            "wait",
            span(),
            words(
                "How long to wait, such as `30s`; a minute at most unless the configuration says otherwise.",
                "مدة الانتظار مثل `30s`، ودقيقة على الأكثر ما لم تحدد الإعدادات غير ذلك.",
            ),
        )
        .answers(200, words("Its status.", "حالته."), of(envelope))
        .fails(
            Kind::Unavailable,
            words(
                "The ledger cannot be asked now, or too many are waiting already.",
                "السجل غير متاح حاليًا، أو عدد المنتظرين كبير جدًا.",
            ),
        )
}

/// `GET /v1/envelopes/{id}/events`
pub fn follow() -> Operation {
    let follow = Operation::new("followEnvelope", Chapter::Envelopes, words("Follow one envelope", "متابعة مظروف"))
        .about(words(
            "Server-Sent Events: `event: status` at once and at each change, `data` as `GET /v1/envelopes/{id}` answers. The stream \
             ends when the envelope is completed; a comment keeps it alive meanwhile.",
            "أحداث Server-Sent Events: حدث `status` فورًا وعند كل تغيّر، ومحتواه مطابق لرد `GET /v1/envelopes/{id}`. ينتهي البث حين يكتمل \
             المظروف، ويُرسَل تعليق دوري لإبقاء الاتصال.",
        ));
    envelope_id(follow)
        .answers_as("text/event-stream", 200, words("The stream.", "البث."), text())
        .streams(of(envelope))
        .fails(
            Kind::Unavailable,
            words(
                "The ledger cannot be asked now, or too many are waiting already.",
                "السجل غير متاح حاليًا، أو عدد المنتظرين كبير جدًا.",
            ),
        )
}

/// `GET /v1/envelopes`
pub fn search() -> Operation {
    let parameter = || -> Schema { text().chars_max(PARAMETER_BYTES_MAX) };
    let search = Operation::new("searchEnvelopes", Chapter::Envelopes, words("Search envelopes", "البحث في المظاريف"))
        .about(words(
            "The newest first. Everything given must hold. An agency searches what it sent.",
            "من الأحدث إلى الأقدم، ويجب أن تتحقق جميع الشروط المذكورة. وتبحث الجهة فيما أرسلته.",
        ))
        .query("source", parameter(), words("CloudEvents `source`.", "سمة `source` في CloudEvents."))
        .query("id", parameter(), words("CloudEvents `id`.", "سمة `id` في CloudEvents."))
        .query("type", event_type(), words("CloudEvents `type`.", "سمة `type` في CloudEvents."))
        .query("subject", parameter(), words("CloudEvents `subject`.", "سمة `subject` في CloudEvents."))
        .query("correlationid", parameter(), words("The procedure.", "معرّف المعاملة."))
        .query("state", envelope_state(), words("Where it stands as a whole.", "حالة المظروف عمومًا."))
        .query("from", instant(), words("Accepted at this time or later.", "قُبل في هذا الوقت أو بعده."))
        .query("to", instant(), words("Accepted before this time.", "قُبل قبل هذا الوقت."));
    let about = words("The envelopes of this page.", "مظاريف هذه الصفحة.");
    paged(search)
        .answers(200, words("A page of them.", "صفحة من النتائج."), page("envelopes", of(envelope), about))
        .asks_the_ledger()
}
