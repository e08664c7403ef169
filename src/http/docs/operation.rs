//! Calls described: what is asked, what is answered, and by whom it may be asked.

use std::collections::BTreeMap;

use axum::http::Method;

use super::schema::Schema;
use super::words::{Words, words};
use crate::http::auth::Right;
use crate::http::error::Kind;

/// What a route does, as its table has it.
#[derive(Debug, Clone)]
pub struct Described {
    /// By which method.
    pub method: Method,
    /// Below which path; `{name}` stands for one segment.
    pub path: &'static str,
    /// With which right.
    pub right: Right,
    /// What.
    pub operation: Operation,
}

/// One call.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its name: a verb and what it acts on, `camelCase`. It never changes, for programs are generated from it.
    pub id: &'static str,
    /// Under which heading it stands.
    pub chapter: Chapter,
    /// A few words.
    pub summary: Words,
    /// What a caller should know; paragraphs apart.
    pub about: Vec<Words>,
    /// What stands in the path, the query and the headers.
    pub parameters: Vec<Parameter>,
    /// What may be sent; one of these.
    pub bodies: Vec<Content>,
    /// What is answered where all is well.
    pub answers: Vec<Answer>,
    /// What of its own can go wrong; what goes wrong everywhere is added by [`Described::problems`].
    pub problems: Vec<(Kind, Words)>,
    /// The names of its samples beside the first, and what they show.
    pub samples: Vec<(&'static str, Words)>,
}

/// A heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chapter {
    /// Posting and following.
    Envelopes,
    /// Fetching and reporting.
    Receiving,
    /// Queues.
    Agencies,
    /// What failed.
    Repair,
    /// Types and services.
    Catalogue,
    /// Services in figures.
    Statistics,
    /// Who did what.
    Audit,
    /// Probes and metrics.
    Watching,
    /// Documents.
    Documents,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// Among the headers.
    Header,
}

/// One parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub place: Place,
    /// Whether it must be there.
    pub required: bool,
    /// What it is.
    pub schema: Schema,
    /// What it means.
    pub about: Words,
}

/// A body of one media type.
#[derive(Debug, Clone)]
pub struct Content {
    /// The media type.
    pub media_type: &'static str,
    /// What it holds.
    pub schema: Schema,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// When it is given.
    pub about: Words,
    /// Headers beside the usual ones.
    pub headers: Vec<(&'static str, Schema, Words)>,
    /// The body, where there is one: one of these, as `Accept` asks.
    pub contents: Vec<Content>,
    /// What the lines of a stream hold.
    pub event: Option<Schema>,
}

/// Why a problem comes where the operation says nothing of its own.
pub type Reasons = BTreeMap<u16, Vec<(Kind, Option<Words>)>>;

impl Chapter {
    /// Every heading, in order.
    pub const ALL: [Self; 9] = [
        Self::Envelopes,
        Self::Receiving,
        Self::Agencies,
        Self::Repair,
        Self::Catalogue,
        Self::Statistics,
        Self::Audit,
        Self::Watching,
        Self::Documents,
    ];

    /// Its name in links and tags.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Envelopes => "envelopes",
            Self::Receiving => "receiving",
            Self::Agencies => "agencies",
            Self::Repair => "repair",
            Self::Catalogue => "catalogue",
            Self::Statistics => "statistics",
            Self::Audit => "audit",
            Self::Watching => "watching",
            Self::Documents => "documents",
        }
    }

    /// The heading.
    pub fn title(self) -> Words {
        match self {
            Self::Envelopes => words("Envelopes", "المظاريف"),
            Self::Receiving => words("Receiving", "الاستلام"),
            Self::Agencies => words("Agencies", "الجهات"),
            Self::Repair => words("Repair", "معالجة الإخفاقات"),
            Self::Catalogue => words("Catalogue", "دليل الخدمات"),
            Self::Statistics => words("Statistics", "الإحصاءات"),
            Self::Audit => words("Audit", "التدقيق"),
            Self::Watching => words("Watching", "المراقبة"),
            Self::Documents => words("Documents", "الوثائق"),
        }
    }

    /// One sentence on it.
    pub fn about(self) -> Words {
        match self {
            Self::Envelopes => words(
                "Post an envelope, and follow what each agency did with it.",
                "إرسال المظاريف ومتابعة ما فعلته كل جهة بها.",
            ),
            Self::Receiving => words(
                "For agencies: fetch what is for you, and report what became of it.",
                "للجهات المستلمة: جلب ما يخصّها والإبلاغ عن نتيجته.",
            ),
            Self::Agencies => words(
                "The agencies and their queues: who is late, why, and until when.",
                "الجهات وقوائم انتظارها: من تأخّر، ولماذا، وإلى متى.",
            ),
            Self::Repair => words(
                "For operators: what failed, and what to do about it. Every order needs a reason, which is recorded.",
                "للمشغّلين: ما أخفق وكيفية معالجته. يلزم لكل إجراء سبب يُسجَّل في سجل التدقيق.",
            ),
            Self::Catalogue => words(
                "The types that may be sent, their schemas, and the services they stand for.",
                "الأنواع التي يجوز إرسالها ومخططاتها والخدمات التي تمثّلها.",
            ),
            Self::Statistics => words(
                "Services in figures by month, and what of it is for everybody.",
                "أرقام الخدمات بحسب الشهر، وما هو متاح منها للجميع.",
            ),
            Self::Audit => words("Who did what, when and why.", "من فعل ماذا، ومتى، ولماذا."),
            Self::Watching => words("Probes for machines, figures for people.", "فحوص للأنظمة ومؤشرات للمشغّلين."),
            Self::Documents => words("This description, for people and for programs.", "هذا الوصف، للأشخاص وللبرامج."),
        }
    }
}

impl Operation {
    /// A call without parameters, body or answers.
    pub fn new(id: &'static str, chapter: Chapter, summary: Words) -> Self {
        Self {
            id,
            chapter,
            summary,
            about: Vec::new(),
            parameters: Vec::new(),
            bodies: Vec::new(),
            answers: Vec::new(),
            problems: Vec::new(),
            samples: Vec::new(),
        }
    }

    /// A paragraph of what a caller should know.
    pub fn about(mut self, about: Words) -> Self {
        self.about.push(about);
        self
    }

    fn parameter(mut self, name: &'static str, place: Place, schema: Schema, about: Words) -> Self {
        self.parameters.push(Parameter { name, place, required: place == Place::Path, schema, about });
        self
    }

    /// A segment of the path.
    pub fn path(self, name: &'static str, schema: Schema, about: Words) -> Self {
        self.parameter(name, Place::Path, schema, about)
    }

    /// A parameter of the query, which may be absent.
    pub fn query(self, name: &'static str, schema: Schema, about: Words) -> Self {
        self.parameter(name, Place::Query, schema, about)
    }

    /// A parameter of the query that must be there.
    pub fn needs(self, name: &'static str, schema: Schema, about: Words) -> Self {
        let mut asked = self.query(name, schema, about);
        asked.parameters.last_mut().expect("it was just added").required = true;
        asked
    }

    /// A header, which may be absent.
    pub fn header(self, name: &'static str, schema: Schema, about: Words) -> Self {
        self.parameter(name, Place::Header, schema, about)
    }

    /// A body that may be sent.
    pub fn takes(mut self, media_type: &'static str, schema: Schema) -> Self {
        self.bodies.push(Content { media_type, schema });
        self
    }

    /// An answer in JSON.
    pub fn answers(self, status: u16, about: Words, schema: Schema) -> Self {
        self.answers_as("application/json", status, about, schema)
    }

    /// An answer of another media type.
    pub fn answers_as(mut self, media_type: &'static str, status: u16, about: Words, schema: Schema) -> Self {
        let contents = vec![Content { media_type, schema }];
        self.answers.push(Answer { status, about, headers: Vec::new(), contents, event: None });
        self
    }

    /// Another media type of the last answer.
    pub fn or(mut self, media_type: &'static str, schema: Schema) -> Self {
        self.last().contents.push(Content { media_type, schema });
        self
    }

    /// An answer without a body.
    pub fn answers_nothing(mut self, status: u16, about: Words) -> Self {
        self.answers.push(Answer { status, about, headers: Vec::new(), contents: Vec::new(), event: None });
        self
    }

    fn last(&mut self) -> &mut Answer {
        self.answers.last_mut().expect("an answer comes before what it carries")
    }

    /// A header of the last answer.
    pub fn carries(mut self, name: &'static str, schema: Schema, about: Words) -> Self {
        self.last().headers.push((name, schema, about));
        self
    }

    /// What each event of the last answer, a stream, holds.
    pub fn streams(mut self, schema: Schema) -> Self {
        self.last().event = Some(schema);
        self
    }

    /// Something that can go wrong here.
    pub fn fails(mut self, kind: Kind, why: Words) -> Self {
        self.problems.push((kind, why));
        self
    }

    /// It asks the ledger, which may not answer now.
    pub fn asks_the_ledger(self) -> Self {
        self.fails(Kind::Unavailable, words("The ledger cannot be asked now.", "السجل غير متاح حاليًا."))
    }

    /// A further sample.
    pub fn sample(mut self, name: &'static str, shows: Words) -> Self {
        self.samples.push((name, shows));
        self
    }
}

impl Described {
    /// Everything that can go wrong, by status: what is the operation's own, and what follows from its right, its body, its query.
    pub fn problems(&self) -> Reasons {
        let mut found = Reasons::new();
        let mut add = |kind: Kind, why: Option<Words>| {
            found.entry(kind.status().as_u16()).or_default().push((kind, why));
        };
        for (kind, why) in &self.operation.problems {
            add(*kind, Some(*why));
        }
        let has = |kind: Kind| self.operation.problems.iter().any(|(own, _)| *own == kind);
        let takes_query = self.operation.parameters.iter().any(|parameter| parameter.place == Place::Query);
        let takes_body = !self.operation.bodies.is_empty();
        let takes_path = self.operation.parameters.iter().any(|parameter| parameter.place == Place::Path);
        let everywhere = [
            (Kind::BadRequest, takes_query || takes_body),
            (Kind::NoKey, self.right != Right::Anyone),
            (Kind::NotAllowed, self.right.is_refused_to_some()),
            (Kind::NotFound, takes_path),
            (Kind::Timeout, takes_body),
            (Kind::TooLarge, takes_body),
            (Kind::MediaType, takes_body),
            (Kind::Internal, true),
        ];
        for (kind, applies) in everywhere {
            if applies && !has(kind) {
                add(kind, None);
            }
        }
        found
    }
}
