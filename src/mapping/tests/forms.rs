use super::*;

const MAX: usize = 1 << 20;

fn message(form: &Form, known: &Fields, data: &str) -> Result<Message, MappingError> {
    let attributes = attributes();
    let disclosed = disclose(&attributes, SubjectForm::Clear, &[], &|_| unreachable!("the subject is clear"));
    render(form, known, &disclosed, data, "0190-d", MAX)
}

fn text(message: &Message) -> &str {
    std::str::from_utf8(&message.body).unwrap()
}

fn map(targets: &[(&str, &str)], form: MapForm, known: &Fields) -> Result<Form, Vec<(String, Refused)>> {
    let targets = targets.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    FieldMap::compile(&targets, form, known).map(Form::Map)
}

fn mapped(targets: &[(&str, &str)], form: MapForm) -> String {
    text(&message(&map(targets, form, &everything()).unwrap(), &everything(), SAMPLE).unwrap()).to_owned()
}

fn templated(name: &str, source: &str, data: &str) -> Result<String, String> {
    let template = Template::compile(name, source).map_err(|refused| refused.what)?;
    match message(&Form::Template(template), &everything(), data) {
        Ok(message) => Ok(text(&message).to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn structured_mode_is_exact() {
    let sent = message(&Form::Structured, &fields(&["/qid", "/fees/0/amount"]), SAMPLE).unwrap();
    assert_eq!(sent.content_type, "application/cloudevents+json; charset=utf-8");
    assert!(sent.headers.is_empty());
    assert_eq!(
        text(&sent),
        concat!(
            r#"{"specversion":"1.0","id":"e-1","source":"urn:qa:gov:moi","type":"qa.gov.person.address-changed","#,
            r#""subject":"28412345678","time":"2026-01-02T03:04:05Z","correlationid":"نقل 5%","partitionkey":"28412345678","#,
            r#""sequence":7,"urgent":true,"data":{"qid":"28412345678","fees":[{"amount":1.10}]}}"#
        )
    );
}

#[test]
fn binary_mode_is_exact() {
    let sent = message(&Form::Binary, &fields(&["/address/zone"]), SAMPLE).unwrap();
    assert_eq!(sent.content_type, "application/json");
    assert_eq!(text(&sent), r#"{"address":{"zone":51}}"#);
    let expected = [
        ("ce-specversion", "1.0"),
        ("ce-id", "e-1"),
        ("ce-source", "urn:qa:gov:moi"),
        ("ce-type", "qa.gov.person.address-changed"),
        ("ce-subject", "28412345678"),
        ("ce-time", "2026-01-02T03:04:05Z"),
        ("ce-correlationid", "%D9%86%D9%82%D9%84%205%25"),
        ("ce-partitionkey", "28412345678"),
        ("ce-sequence", "7"),
        ("ce-urgent", "true"),
    ];
    assert_eq!(sent.headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let mut typed = attributes();
    typed.datacontenttype = Some("application/json; charset=utf-8".to_owned());
    typed.id = "a\"b\r\nx: y".to_owned();
    let sent = render(&Form::Binary, &everything(), &Disclosed(std::borrow::Cow::Owned(typed)), "1", "d", MAX).unwrap();
    assert_eq!(sent.content_type, "application/json; charset=utf-8");
    assert_eq!(sent.headers[1].1, "a%22b%0D%0Ax:%20y");
}

#[test]
fn attributes_are_disclosed_as_the_subscription_says() {
    let attributes = attributes();
    let hash = |text: &str| format!("p{}", text.len());
    let listed = ["authid".to_owned()];
    let seen = |form, listed: &[String]| disclose(&attributes, form, listed, &hash).0.into_owned();
    assert!(!seen(SubjectForm::Clear, &[]).extensions.contains_key("authid"));
    assert_eq!(seen(SubjectForm::Clear, &listed), attributes);
    let hidden = seen(SubjectForm::Pseudonym, &listed);
    assert_eq!(hidden.subject.as_deref(), Some("p11"));
    assert_eq!(hidden.extension("partitionkey"), Some("p11"));
    assert_eq!(hidden.extension("authid"), Some("clerk-7"));
    let gone = seen(SubjectForm::Omit, &[]);
    assert_eq!((gone.subject.as_ref(), gone.extension("partitionkey")), (None, None));
    assert_eq!(gone.extensions.len(), 3);
}

#[test]
fn field_maps_copy_plain_paths_as_written() {
    let targets = [
        ("account", "data.account"),
        ("amount", "data.fees[0].amount"),
        ("street", "data[\"address\"].street"),
        ("absent", "data.address.floor"),
        ("unit", "data.address.unit"),
        ("choice", "has(data.fees) ? data.fees[1].amount : data.account"),
        ("empty", "has(data.address.floor) ? data.address.floor : data.nothing"),
        ("sum", "data.address.zone + 1"),
        ("codes", "data.fees.map(f, f.code)"),
        ("object", "{'b': data.fees[0].paid, 'a': 0.5}"),
        ("person", "subject"),
        ("no", "ext.sequence"),
        ("fee", "data.fees[0]"),
    ];
    assert_eq!(
        mapped(&targets, MapForm::Json),
        concat!(
            r#"{"account":123456789012345678901234567890,"amount":1.10,"choice":20.00,"codes":["A","B"],"#,
            r#""fee":{"code":"A","amount":1.10,"paid":true},"no":7,"object":{"a":0.5,"b":true},"person":"28412345678","#,
            r#""street":"شارع \"الكورنيش\"","sum":52,"unit":null}"#
        )
    );
    assert_eq!(
        mapped(&targets, MapForm::Csv),
        concat!(
            "absent,account,amount,choice,codes,empty,fee,no,object,person,street,sum,unit\r\n",
            r#",123456789012345678901234567890,1.10,20.00,"[""A"",""B""]",,"{""code"":""A"",""amount"":1.10,""paid"":true}","#,
            "7,\"{\"\"a\"\":0.5,\"\"b\"\":true}\",28412345678,\"شارع \"\"الكورنيش\"\"\",52,\r\n"
        )
    );
    assert_eq!(
        mapped(&targets, MapForm::Xml { root: "تغيير".to_owned() }),
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?><تغيير><account>123456789012345678901234567890</account>"#,
            "<amount>1.10</amount><choice>20.00</choice><codes>A</codes><codes>B</codes>",
            "<fee><code>A</code><amount>1.10</amount><paid>true</paid></fee><no>7</no><object><a>0.5</a><b>true</b></object>",
            "<person>28412345678</person><street>شارع &quot;الكورنيش&quot;</street><sum>52</sum><unit/></تغيير>"
        )
    );
}

#[test]
fn field_maps_carry_the_headers_that_name_the_event() {
    let form = map(&[("id", "data.qid")], MapForm::Csv, &everything()).unwrap();
    let sent = message(&form, &everything(), SAMPLE).unwrap();
    assert_eq!(sent.content_type, "text/csv; charset=utf-8");
    let names: Vec<_> = sent.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject", "ce-time"]);
}

#[test]
fn what_a_writer_cannot_write_is_refused_or_an_error() {
    let root = |root: &str| MapForm::Xml { root: root.to_owned() };
    let known = fields(&["/qid"]);
    let faults =
        map(&[("a b", "data.qid"), ("ok", "data.qid"), ("other", "data.name"), ("x", "1 +")], root("r"), &known)
            .unwrap_err();
    assert_eq!(faults.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a b", "other", "x"]);
    assert!(map(&[("a", "data.qid")], root("a:b"), &known).is_err());
    assert!(map(&[], MapForm::Json, &known).is_err());
    for (target, form, expected) in [
        ("data.address.zone / 0", MapForm::Json, "the expression for t failed: division by zero"),
        ("0.0 / 0.0", MapForm::Json, "the expression for t failed: the result is no finite number"),
        ("type(data.qid)", MapForm::Csv, "the expression for t failed: a result of type type cannot be sent"),
        ("{'a b': 1}", root("r"), "the expression for t failed: an object has a member whose name is no XML name"),
        (
            "data.qid ? 1 : 2",
            MapForm::Json,
            "the expression for t failed: the result is of type string and must be a bool",
        ),
    ] {
        let form = map(&[("t", target)], form, &everything()).unwrap();
        assert_eq!(message(&form, &everything(), SAMPLE).unwrap_err().to_string(), expected);
    }
    let form = map(&[("a", "data.qid"), ("b", "data.name.ar + data.qid")], MapForm::Json, &everything()).unwrap();
    let Form::Map(form) = form else { unreachable!("a map was compiled") };
    assert_eq!(form.reads().iter().map(|read| read.pointer.as_str()).collect::<Vec<_>>(), ["/qid", "/name/ar", "/qid"]);
}

#[test]
fn formulas_and_markup_stay_text() {
    let data = r#"{"f":"=cmd|' /C calc'!A0","n":-5.20,"m":"</r><x>\u0001"}"#;
    let targets = [("f", "data.f"), ("m", "data.m"), ("n", "data.n")];
    let csv = map(&targets, MapForm::Csv, &everything()).unwrap();
    assert_eq!(
        text(&message(&csv, &everything(), data).unwrap()),
        "f,m,n\r\n'=cmd|' /C calc'!A0,</r><x>\u{1},-5.20\r\n"
    );
    let xml = map(&targets, MapForm::Xml { root: "r".to_owned() }, &everything()).unwrap();
    let sent = message(&xml, &everything(), data).unwrap();
    assert!(text(&sent).contains("<m>&lt;/r&gt;&lt;x&gt;\u{fffd}</m><n>-5.20</n></r>"), "{}", text(&sent));
}

#[test]
fn templates_escape_by_their_name() {
    let data = r#"{"s":"<\"&'>, شارع","n":1.10,"i":12345678901234567890123,"j":7,"b":true,"z":null,"l":[1,2.50,"x"],"f":"=1"}"#;
    let source =
        "{{ data.s }}|{{ data.n }}|{{ data.i }}|{{ data.j + 1 }}|{{ data.b }}|{{ data.z }}|{{ data.l }}|{{ data.f }}";
    let expected = [
        ("a.xml.j2", "&lt;&quot;&amp;&apos;&gt;, شارع|1.10|12345678901234567890123|8|true||[1,2.50,&quot;x&quot;]|=1"),
        ("a.json.j2", "\"<\\\"&'>, شارع\"|1.10|12345678901234567890123|8|true|null|[1,2.50,\"x\"]|\"=1\""),
        ("a.csv.j2", "\"<\"\"&'>, شارع\"|1.10|12345678901234567890123|8|true||\"[1,2.50,\"\"x\"\"]\"|'=1"),
        ("a.txt.j2", "<\"&'>, شارع|1.10|12345678901234567890123|8|true||[1,2.50,\"x\"]|=1"),
    ];
    for (name, expected) in expected {
        assert_eq!(templated(name, source, data).as_deref(), Ok(expected), "{name}");
    }
    let sorted = r#"{"b":true,"n":[1.10,null,"1.10"]}"#;
    assert_eq!(
        templated("a.txt.j2", "{{ data|tojson }}", r#"{"n":[1.10,null,"1.10"],"b":true}"#).as_deref(),
        Ok(sorted)
    );
    assert_eq!(
        templated("a.txt.j2", "{{ data.s|csv }} {{ data.n|float * 2 }}", data).unwrap(),
        "\"<\"\"&'>, شارع\" 2.2"
    );
}

#[test]
fn templates_see_the_projection_and_what_is_disclosed() {
    let template =
        "{{ id }} {{ type }} {{ source }} {{ subject }} {{ time }} {{ ext.sequence }} {{ delivery_id }} {{ data.qid }}";
    let template = Template::compile("m.txt.j2", template).unwrap();
    let sent = message(&Form::Template(template), &fields(&["/qid"]), SAMPLE).unwrap();
    assert_eq!(
        text(&sent),
        "e-1 qa.gov.person.address-changed urn:qa:gov:moi 28412345678 2026-01-02T03:04:05Z 7 0190-d 28412345678"
    );
    assert_eq!(sent.content_type, "text/plain; charset=utf-8");
    assert_eq!(sent.headers[1], ("ce-id".to_owned(), "e-1".to_owned()));
    for hidden in ["{{ data.medical.diagnosis }}", "{{ ext.authid }}", "{{ data.name }}"] {
        let template = Template::compile("m.txt.j2", hidden).unwrap();
        message(&Form::Template(template), &fields(&["/qid"]), SAMPLE).unwrap_err();
    }
}

#[test]
fn template_errors_name_the_place_and_no_value() {
    let error = templated("m.xml.j2", "<a>\n{{ data.address.floor }}</a>", SAMPLE).unwrap_err();
    assert!(error.starts_with("template m.xml.j2 failed: undefined value in "), "{error}");
    assert!(error.contains("data.address.floor") && error.ends_with("(line 2)"), "{error}");
    let error = templated("m.txt.j2", "{{ data.floor }}", SAMPLE).unwrap_err();
    assert!(error.contains("data.floor"), "{error}");
    for source in [
        "{{ data.qid + 1 }}",
        "{{ data.qid|round }}",
        "{{ data.qid.x.y }}",
        "{{ data.name.ar|int }}",
        "{{ range(data.qid) }}",
    ] {
        let error = templated("m.txt.j2", source, SAMPLE).unwrap_err();
        assert!(!error.contains("2841234") && !error.contains("فاطمة"), "{error}");
    }
    assert_eq!(
        templated("m.txt.j2", "{% if data.floor %}x{% endif %}{{ data.floor|default('-') }}", SAMPLE).unwrap(),
        "-"
    );
}

#[test]
fn templates_are_checked_when_loaded() {
    let refused = |name: &str, source: &str| Template::compile(name, source).unwrap_err();
    let unknown = refused("m.txt.j2", "{{ id }}\n {{ address.zone }}");
    assert_eq!((unknown.what.as_str(), unknown.position), ("there is no variable address", Some((2, 5))));
    assert!(refused("m.txt.j2", "{{ namespace() }}").what.contains("namespace"));
    assert_eq!(refused("m.txt.j2", "{{ id }}\n{% if %}").position.unwrap().0, 2);
    assert!(refused("m.j2", "x").hint.contains(".xml.j2"));
    assert!(refused("m.pdf.j2", "x").hint.contains(".xml.j2"));
    assert!(refused("m.txt.j2", &"x".repeat(300_000)).what.contains("larger"));
}

/// What the parser walks by recursion is walked where there is room for it.
#[test]
fn deep_templates_do_no_harm() {
    for (start, part, end) in [("1", "+1", ""), ("", "-", "1"), ("id", "|e", ""), ("", "(", "1"), ("", "[", "")] {
        let source = format!("{{{{ {start}{}{end} }}}}", part.repeat(30_000));
        let compiled = Template::compile("m.txt.j2", &source);
        assert!(compiled.is_ok() || compiled.is_err_and(|refused| refused.what.contains("syntax")), "{part}");
    }
}

/// Keeps T3: each of these would take gigabytes or hours if it ran free.
#[test]
fn template_bombs_run_out_of_fuel() {
    for source in [
        "{% macro m(x) %}{{ m(x ~ x) }}{% endmacro %}{{ m('aaaaaaaaaaaaaaaa') }}",
        "{{ 'a'|indent(1000000000) }}",
        "{{ '%1000000000d'|format(3) }}",
        "{{ 'a' * 100000000 }}",
        "{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}",
        "{% set a = 'aaaaaaaa' %}{% set b = a*1000 %}{% set c = b*1000 %}{% set d = c*1000 %}{{ d }}",
    ] {
        let error = templated("m.txt.j2", source, SAMPLE).unwrap_err();
        assert!(error.starts_with("template m.txt.j2 failed"), "{error}");
    }
}

#[test]
fn messages_are_bounded() {
    let attributes = attributes();
    let disclosed = disclose(&attributes, SubjectForm::Omit, &[], &|_| unreachable!("the subject is omitted"));
    let template = Template::compile("m.txt.j2", "{% for n in range(100) %}0123456789{% endfor %}").unwrap();
    let map = map(&[("a", "data.name.ar")], MapForm::Json, &everything()).unwrap();
    for (form, max) in [(Form::Structured, 200), (Form::Binary, 20), (map, 20), (Form::Template(template), 999)] {
        let error = render(&form, &everything(), &disclosed, SAMPLE, "d", max).unwrap_err();
        assert_eq!(error, MappingError::TooLarge { max });
    }
}
