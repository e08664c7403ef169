use super::deployment::{Deployment, MOVED, assert_problem, envelope_text, schema};

/// A line in the place of which a window is put.
const W: &str = "in_flight = 4";
const MOI: &str = "connectors/moi/connector.toml";

#[test]
fn a_sound_deployment_has_nothing_to_say() {
    let examined = Deployment::plain().examine();
    assert_eq!((examined.errors, examined.warnings, examined.types), (Vec::new(), Vec::new(), 1));
}

#[test]
fn each_mistake_of_a_manifest_is_told_with_its_line_and_a_hint() {
    for (from, to, line, what, hint) in [
        ("id = \"moi\"", "id = \"moj\"", 2, "its folder is not", "connectors/moj"),
        ("id = \"moi\"", "id = \"Moi\"", 2, "an agency id is", "form"),
        (", ar = \"وزارة الداخلية\"", "", 3, "agency.name.ar is missing", "ar ="),
        ("timeout = \"5s\"", "timeuot = \"5s\"", 8, "delivery.timeuot is not a key", "\"timeout\""),
        ("timeout = \"5s\"", "timeout = \"121s\"", 8, "out of bounds", "2m"),
        ("timeout = \"5s\"", "timeout = 5", 8, "expected a duration", "15s"),
        ("in_flight = 4", "in_flight = 1025", 9, "out of bounds", "1 to 1024"),
        ("in_flight = 4", "lease = \"2h\"", 9, "out of bounds", "1h"),
        ("per_second = 50", "per_second = 0", 10, "above zero", "50"),
        ("\"webhook\"", "\"webhok\"", 6, "not known", "\"webhook\""),
        ("http://127.0.0.1:9103/falaj", "ftp://x", 7, "does not begin with http", "https://"),
        ("http://127.0.0.1", "http://u:p@127.0.0.1", 7, "credentials", "host"),
        ("http://127.0.0.1:9103/falaj", "http://127.0.0.1/#x", 7, "fragment", "host"),
        ("url = \"http://127.0.0.1:9103/falaj\"\n", "", 5, "delivery.url is missing", "url ="),
        ("\"webhook\"", "\"pull\"", 7, "only a webhook", "Remove url"),
        ("timeout = \"5s\"", "secret = \"whsec_short\"", 8, "base64 of 24 to 64", "openssl"),
        ("timeout = \"5s\"", "secret = { env = \"FALAJ_MOI_SECRET\" }", 8, "FALAJ_MOI_SECRET is not set", "Set it"),
        ("timeout = \"5s\"", "secret = { file = \"none\" }", 8, "cannot read none", "readable"),
        ("timeout = \"5s\"", "secret = { file = \"a\", env = \"b\" }", 8, "either env or file", "whsec_"),
        ("timeout = \"5s\"", "amqp_user = \"x\"", 8, "only transport = \"amqp\"", "Remove"),
        ("person.moved", "person.movd", 14, "no registered type", "qa.gov.person.moved"),
        ("person.moved", "persons.*", 14, "no registered type", "qa.gov.person.*"),
        ("\"/zone\"]", "\"/zome\", \"/zone\"]", 16, "\"/zome\" is no place", "\"/zone\""),
        ("\"/zone\"]", "\"/name/fr\", \"/zone\"]", 16, "\"/name/fr\" is no place", "/name/"),
        ("fields = [\"/qid\", \"/zone\"]\n", "", 13, "fields is missing", "nothing is sent"),
        ("when = \"data.zone < 50\"", "when = \"data.zone <\"", 15, "when:", ""),
        ("when = \"data.zone < 50\"", "when = \"data.unit < 50\"", 15, "when:", "fields"),
        ("legal_basis = \"Law 21/2015\"\n", "", 13, "legal_basis is missing", "legal_basis"),
        ("Law 21/2015", " ", 18, "is empty", "few words"),
        ("ar = \"سجل الإقامة\"", "ar = \"\"", 17, "purpose.ar: is empty", "few words"),
        ("legal_basis", "order = \"none\"\nform = \"csv\"\nlegal_basis", 19, "there is no map", "subscription.map"),
        ("legal_basis", "template = \"a.txt.j2\"\nlegal_basis", 18, "the mode is another", "mode = \"template\""),
        ("in_flight = 4", "mode = \"template\"", 14, "the subscription has none", "template ="),
        (W, "window = { hours = [\"07:00-14:30\"] }", 9, "delivery.window.zone is missing", "Asia/Qatar"),
        (W, "window = { zone = \"Asia/Qatr\", hours = [\"07:00-14:30\"] }", 9, "no time zone", "\"Asia/Qatar\""),
        (W, "window = { zone = \"Asia/Qatar\" }", 9, "delivery.window.hours is missing", "07:00-14:30"),
        (W, "window = { zone = \"Asia/Qatar\", hours = [] }", 9, "window.hours: is empty", "07:00-14:30"),
        (W, "window = { zone = \"Asia/Qatar\", hours = [\"7-14\"] }", 9, "hours[0]: a range of hours", "07:00-14:30"),
        (W, "window = { zone = \"Asia/Qatar\", hours = [\"07:00-07:00\"] }", 9, "same time", "00:00-24:00"),
        (W, "window = { zone = \"Asia/Qatar\", hours = [\"07:00-09:00\"], days = [\"son\"] }", 9, "a day is", "sun"),
        (
            W,
            "window = { zone = \"Asia/Qatar\", hours = [\"07:00-09:00\"], days = [\"sun\", \"sun\"] }",
            9,
            "twice",
            "one",
        ),
        (W, "window = { zone = \"Asia/Qatar\", hours = [\"07:00-09:00\"], day = [] }", 9, "window.day is not", "days"),
        (
            W,
            "window = { zone = \"Asia/Qatar\", hours = [\"07:00-09:00\"], holidays = [2026-12-18] }",
            9,
            "expected a string",
            "quotation",
        ),
        (
            W,
            "window = { zone = \"Asia/Qatar\", hours = [\"07:00-09:00\"], holidays = [\"2026-02-30\"] }",
            9,
            "a holiday is a date",
            "2026-12-18",
        ),
        ("in_flight = 4", "in_flight = = 4", 9, "not TOML", "syntax"),
    ] {
        let deployment = Deployment::plain();
        deployment.moi(from, to);
        let errors = deployment.examine().errors;
        assert!(!errors.is_empty(), "{to}");
        let error =
            errors.iter().find(|error| error.what.contains(what)).unwrap_or_else(|| panic!("{to}: {errors:#?}"));
        assert_problem(error, MOI, Some(line), what, hint);
        assert!(errors.len() == 1 || what == "not TOML", "{to}: {errors:#?}");
    }
}

#[test]
fn a_window_is_taken_up_with_the_delivery() {
    let deployment = Deployment::plain();
    let window = "window = { zone = \"Asia/Qatar\", hours = [\"07:00-14:30\"], holidays = [] }";
    deployment.moi(W, &format!("{W}\n{window}"));
    let loaded = crate::catalog::Catalog::load(&deployment.root).unwrap();
    let moi = loaded.catalog.agency(&crate::model::id::AgencyId::parse("moi").unwrap()).unwrap();
    let window = moi.delivery.as_ref().unwrap().window.as_ref().unwrap();
    let thursday = crate::model::time::At::parse("2026-11-26T12:00:00+03:00").unwrap();
    assert!(matches!(window.state(thursday), crate::model::window::State::Open { .. }));
}

#[test]
fn all_mistakes_come_at_once() {
    let deployment = Deployment::plain();
    deployment
        .moi("timeout = \"5s\"", "timeout = \"1w\"")
        .moi("in_flight = 4", "in_flight = 0")
        .moi("\"/qid\", ", "\"/qd\", ");
    deployment.edit("connectors/portal/connector.toml", "urn:qa:gov:portal", "portal");
    deployment.write("connectors/empty/notes.md", "nothing");
    let files: Vec<_> =
        deployment.examine().errors.iter().map(|error| (error.file.display().to_string(), error.line)).collect();
    let at = |file: &str, line| (file.to_owned(), line);
    assert_eq!(
        files,
        [
            at("connectors/empty", None),
            at(MOI, Some(8)),
            at(MOI, Some(9)),
            at(MOI, Some(16)),
            at("connectors/portal/connector.toml", Some(7)),
        ]
    );
}

#[test]
fn two_subscriptions_that_could_mean_one_type_are_an_error_that_names_both_lines() {
    let deployment = Deployment::plain();
    let text = std::fs::read_to_string(deployment.root.join(MOI)).unwrap();
    let second = text[text.find("[[subscription]]").unwrap()..].replace(MOVED, "qa.gov.*");
    deployment.write(MOI, &format!("{text}\n{second}"));
    let error = deployment.error();
    assert_problem(&error, MOI, Some(21), "of line 14", "lines 14 and 21");
}

#[test]
fn a_filter_asks_before_it_reads_what_may_be_absent() {
    let deployment = Deployment::plain();
    deployment.moi("\"/zone\"]", "\"/zone\", \"/unit\", \"/name\"]").moi("data.zone < 50", "data.unit > 3");
    assert_problem(&deployment.error(), MOI, Some(15), "\"/unit\" may be absent", "has(data.unit)");
    deployment.moi("data.unit > 3", "has(data.unit) && data.unit > 3");
    deployment.load();
    // has() of a member fails where the object itself is absent.
    deployment.moi("has(data.unit) && data.unit > 3", "has(data.name.ar) && data.name.ar != ''");
    assert_problem(&deployment.error(), MOI, Some(15), "\"/name\" may be absent", "has(data.name)");
    deployment.moi("has(data.name.ar) &&", "has(data.name) && has(data.name.ar) &&");
    deployment.load();
    // Where the object is there, so is what it must have.
    deployment.moi("has(data.name.ar) && data.name.ar != ''", "data.name.en != ''");
    deployment.load();
    deployment.moi("data.name.en != ''", "has(data.name.ar) && data.name.ar != ''");
    deployment.moi("has(data.name) && has(data.name.ar) && data.name.ar != ''", "has(data.name) && has(data.name.fr)");
    assert!(deployment.error().what.contains("no place \"/name/fr\""));
}

#[test]
fn neither_filter_nor_map_reads_what_the_subscription_keeps_from_the_agency() {
    // A filter over a kept subject would tell the agency of it by what it gets.
    for (subject, reads, what) in [
        ("omit", "subject == 'x'", "when: reads subject, which the subscription keeps"),
        ("pseudonym", "subject == 'x'", "when: reads subject, which the subscription keeps"),
        ("omit", "has(ext.partitionkey)", "when: reads partitionkey, which the subscription keeps"),
        ("pseudonym", "ext['partitionkey'] == 'x'", "when: reads partitionkey, which the subscription keeps"),
    ] {
        let deployment = Deployment::plain();
        deployment.moi("data.zone < 50", reads).moi("legal_basis", &format!("subject = \"{subject}\"\nlegal_basis"));
        assert_problem(&deployment.error(), MOI, Some(15), what, "subject = \"clear\"");
        deployment.moi(&format!("subject = \"{subject}\""), "subject = \"clear\"");
        deployment.load();
    }
    for name in ["authid", "dataref"] {
        let deployment = Deployment::plain();
        deployment.moi("data.zone < 50", &format!("has(ext.{name})"));
        assert_problem(&deployment.error(), MOI, Some(15), &format!("reads ext.{name}"), &format!("[\"{name}\"]"));
        deployment.moi("legal_basis", &format!("attributes = [\"{name}\"]\nlegal_basis"));
        deployment.load();
    }
    // A map is made from what the agency may see: a pseudonym is such a thing, what is left out is not.
    let deployment = Deployment::plain();
    deployment.moi("legal_basis", "subject = \"omit\"\nmap = { person = \"subject\" }\nlegal_basis");
    assert_problem(&deployment.error(), MOI, Some(19), "map.person: reads subject", "Do without it");
    deployment.moi("subject = \"omit\"", "subject = \"pseudonym\"");
    deployment.load();
    deployment.moi("person = \"subject\"", "person = \"ext.authid\"");
    assert_problem(&deployment.error(), MOI, Some(19), "map.person: reads ext.authid", "[\"authid\"]");
}

#[test]
fn a_map_may_name_what_is_absent_but_not_reckon_with_it() {
    let deployment = Deployment::plain();
    deployment
        .moi("\"/zone\"]", "\"/zone\", \"/unit\"]")
        .moi("legal_basis", "form = \"csv\"\nmap = { person = \"data.qid\", unit = \"data.unit\" }\nlegal_basis");
    deployment.load();
    deployment.moi("unit = \"data.unit\"", "unit = \"data.unit + 1\"");
    assert_problem(&deployment.error(), MOI, Some(19), "map.unit: \"/unit\" may be absent", "has(data.unit)");
    // What the filter made sure of need not be asked again, unless the filter leaves a choice.
    deployment.moi("data.zone < 50", "has(data.unit)");
    deployment.load();
    deployment.moi("has(data.unit)", "has(data.unit) || data.zone < 50");
    assert!(deployment.error().what.contains("map.unit"));
    deployment.moi("has(data.unit) || ", "").moi("data.unit + 1", "data.name.en");
    assert!(deployment.error().what.contains("map.unit"));
    deployment.moi("data.name.en", "data.unit").moi("form = \"csv\"", "form = \"xml\"");
    assert!(deployment.error().hint.contains("xml_root"));
    deployment.moi("form = \"xml\"", "form = \"xml\"\nxml_root = \"Moved\"");
    deployment.load();
    deployment.moi("form = \"xml\"", "form = \"json\"");
    assert!(deployment.error().what.contains("only form = \"xml\""));
}

#[test]
fn templates_stand_beside_the_manifest_and_are_used() {
    let deployment = Deployment::plain();
    deployment
        .moi("in_flight = 4", "mode = \"template\"")
        .moi("legal_basis", "template = \"moved.txt.j2\"\nlegal_basis");
    deployment.write("connectors/moi/moved.tx.j2", "{{ data.qid }}");
    let examined = deployment.examine();
    assert_problem(&examined.errors[0], MOI, Some(18), "no template \"moved.txt.j2\"", "moved.tx.j2");
    assert!(examined.warnings.iter().any(|warning| warning.what.contains("no subscription uses")));
    std::fs::rename(
        deployment.root.join("connectors/moi/moved.tx.j2"),
        deployment.root.join("connectors/moi/moved.txt.j2"),
    )
    .unwrap();
    deployment.load();
    deployment.write("connectors/moi/moved.txt.j2", "one\n{{ data.qid }\n");
    let error = deployment.error();
    assert_eq!((error.file.display().to_string(), error.line), ("connectors/moi/moved.txt.j2".to_owned(), Some(2)));
    deployment.moi("moved.txt.j2", "../portal/x.j2");
    assert!(deployment.examine().errors.iter().any(|error| error.what.contains("no template")));
}

#[test]
fn what_no_single_file_can_say_is_checked_too() {
    let deployment = Deployment::plain();
    deployment.write(&format!("schemas/{MOVED}/1.0.json"), &schema(MOVED, "portel"));
    let file = format!("schemas/{MOVED}/1.0.json");
    assert_problem(&deployment.error(), &file, None, "no agency \"portel\"", "portal");
    let deployment = Deployment::plain();
    let stray = "qa.gov.vehicle.sold";
    deployment.write(&format!("schemas/{stray}/1.0.json"), &schema(stray, "portal"));
    assert_problem(&deployment.warning(), "schemas/qa.gov.vehicle.sold/1.0.json", None, "nobody may publish", stray);
    let deployment = Deployment::plain();
    deployment.edit("connectors/portal/connector.toml", "qa.gov.person.*", "qa.gov.persons.*");
    let errors = deployment.examine().errors;
    assert_problem(&errors[0], "connectors/portal/connector.toml", Some(6), "no registered type", "qa.gov.person.*");
}

#[test]
fn what_should_be_looked_at_is_a_warning() {
    let secret = format!("whsec_{}", "A".repeat(44));
    for (from, to, line, what) in [
        ("127.0.0.1:9103", "moi.example", 7, "nothing is signed"),
        ("[\"/qid\", \"/zone\"]", "[\"\"]", 16, "discloses everything"),
        ("legal_basis", "attributes = [\"correlationid\"]\nlegal_basis", 18, "need not be listed"),
    ] {
        let deployment = Deployment::plain();
        deployment.moi(from, to);
        assert_problem(&deployment.warning(), MOI, Some(line), what, "");
    }
    let deployment = Deployment::plain();
    deployment.moi("127.0.0.1:9103", "moi.example").moi("timeout", &format!("secret = \"{secret}\"\ntimeout"));
    let warning = deployment.warning();
    assert_problem(&warning, MOI, Some(8), "stands in the manifest", "env");
    assert!(!format!("{warning:?}").contains(&secret));
    // On this very machine a literal secret is as good as any, and so is none.
    deployment.moi("moi.example", "127.0.0.1:9103");
    assert!(deployment.examine().warnings.is_empty());
    assert!(!format!("{:?}", deployment.load()).contains(&"A".repeat(44)));
}

#[test]
fn a_golden_file_holds_exactly_what_the_agency_gets() {
    let deployment = Deployment::plain();
    deployment.moi("legal_basis", "map = { person = \"data.qid\", zone = \"data.zone\" }\nlegal_basis");
    deployment.write("connectors/moi/fixtures/moved.in.json", &envelope_text(MOVED, 10));
    assert!(deployment.error().what.contains("there is no moved.out"));
    deployment.write("connectors/moi/fixtures/moved.out", "{\"person\":\"28400000017\",\"zone\":10}");
    let mut examined = crate::catalog::Catalog::examine(&deployment.root, &|_| None);
    assert_eq!(examined.run_fixtures(), 1);
    assert_eq!(examined.errors, []);
    deployment.write("connectors/moi/fixtures/moved.out", "{\"person\":\"28400000018\",\"zone\":10}");
    let error = deployment.error();
    assert_problem(&error, "connectors/moi/fixtures/moved.out", Some(1), "at byte 21", "\"7\\\",");
    deployment.write("connectors/moi/fixtures/moved.in.json", &envelope_text(MOVED, 60));
    assert!(deployment.error().what.contains("filter does not hold"));
    deployment.write("connectors/moi/fixtures/moved.in.json", &envelope_text(MOVED, 100));
    assert!(deployment.error().what.contains("/data/zone"));
    deployment.write("connectors/moi/fixtures/moved.in.json", "{}");
    assert!(deployment.error().what.contains("not an envelope"));
}

#[test]
fn only_the_deployment_itself_is_read() {
    let deployment = Deployment::plain();
    deployment
        .write("connectors/moi/.hidden.j2", "x")
        .write("connectors/.git/connector.toml", "x")
        .write("README.md", "x");
    deployment.write("connectors/moi/README.md", "x");
    assert_eq!(deployment.examine().warnings, []);
    let revision = deployment.load().revision;
    deployment.write("README.md", "y").write("connectors/moi/.hidden.j2", "y");
    assert_eq!(deployment.load().revision, revision);
    deployment.write("connectors/moi/notes.txt", "x");
    assert!(deployment.warning().what.contains("not read"));
    assert_ne!(deployment.load().revision, revision);
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_is_refused_and_one_that_stays_inside_is_followed() {
    let deployment = Deployment::plain();
    let outside = Deployment::empty();
    outside.write("connector.toml", "x");
    std::os::unix::fs::symlink(&outside.root, deployment.root.join("connectors/evil")).unwrap();
    let error = deployment.error();
    assert_problem(&error, "connectors/evil", None, "leads out", "Copy");
    std::fs::remove_file(deployment.root.join("connectors/evil")).unwrap();
    // As a mounted configuration does it.
    std::fs::rename(deployment.root.join("connectors/moi"), deployment.root.join("connectors/..data")).unwrap();
    std::os::unix::fs::symlink("..data", deployment.root.join("connectors/moi")).unwrap();
    assert_eq!(deployment.load().agencies().count(), 2);
}

#[test]
fn files_are_utf_8_and_of_a_bounded_size() {
    let deployment = Deployment::plain();
    let path = deployment.root.join(MOI);
    let text = std::fs::read_to_string(&path).unwrap();
    let told = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let errors = deployment.examine().errors;
        errors.into_iter().find(|error| error.file.ends_with("connector.toml")).unwrap()
    };
    assert!(told(format!("\u{feff}{text}").as_bytes()).what.contains("byte order mark"));
    let error = told(&[text.as_bytes(), b"\nx = \"\xff\""].concat());
    assert!(error.what.contains("not UTF-8") && error.line > Some(18), "{error:?}");
    assert!(told(&vec![b'#'; (1 << 20) + 1]).what.contains("larger than"));
    let nothing = Deployment::empty();
    assert!(nothing.error().what.contains("neither schemas/ nor connectors/"));
}
