use std::path::Path;
use std::time::Duration;

use super::*;
use crate::catalog::Problem;
use crate::model::agency::Role;

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("falaj-config-{name}-{}", std::process::id()));
    let _not_there = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn write(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join(FILE);
    std::fs::write(&file, text).unwrap();
    file
}

fn load(text: &str, environment: &[(&str, &str)], overrides: &[Override<'_>]) -> Result<Config, Vec<Problem>> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("{text}{environment:?}").as_bytes());
    let folder = folder(&format!("load-{:02x}{:02x}", digest.as_ref()[0], digest.as_ref()[1]));
    let file = write(&folder, text);
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let loaded = Config::load_with(Some(&file), environment, overrides);
    std::fs::remove_dir_all(folder).unwrap();
    loaded
}

fn key(name: &str, digit: char) -> String {
    let hash = String::from(digit).repeat(64);
    format!("[[auth.keys]]\nname = \"{name}\"\nrole = \"viewer\"\nsha256 = \"{hash}\"\n")
}

#[test]
fn the_reference_parses_to_the_defaults() {
    let text = Config::reference();
    let mut config = load(&text, &[], &[]).unwrap();
    let defaults = Config::default();
    assert!(config.store.path.ends_with("falaj-data"));
    config.root.clone_from(&defaults.root);
    config.file = None;
    config.store.path.clone_from(&defaults.store.path);
    assert_eq!(config, defaults);
    assert!(text.lines().all(|line| line.chars().count() <= 130), "{text}");
}

#[test]
fn no_file_and_an_empty_file_are_the_defaults() {
    assert_eq!(Config::load_with(None, std::iter::empty(), &[]), Ok(Config::default()));
    let config = load("", &[], &[]).unwrap();
    assert_eq!(config.http, Config::default().http);
    assert_eq!(config.store.path, config.root.join("falaj-data"));
}

#[test]
fn flags_go_before_the_environment_and_the_environment_before_the_file() {
    let text = "[http]\nlisten = \"127.0.0.1:1\"\nconnections_max = 7\n[store]\npath = \"/a\"\n";
    let environment =
        [("FALAJ_HTTP__LISTEN", "127.0.0.1:2"), ("FALAJ_STORE__PATH", "/b"), ("FALAJ_METRICS__OPEN", "true")];
    let config = load(text, &environment, &[("http.listen", "0.0.0.0:3".to_owned())]).unwrap();
    assert_eq!(config.http.listen.to_string(), "0.0.0.0:3");
    assert_eq!(config.http.connections_max, 7);
    assert_eq!(config.store.path, Path::new("/b"));
    assert!(config.metrics.open);
}

#[test]
fn values_of_the_environment_are_toml_or_plain_text() {
    let environment = [
        ("FALAJ_STORE__PATH", "123"),
        ("FALAJ_RETENTION__COMPLETED", "7d"),
        ("FALAJ_OUTCOMES__DEADLINE", "\"1h\""),
        ("FALAJ_EGRESS__DENY", "[\"10.0.0.0/8\", \"::1\"]"),
        ("FALAJ_STORE__DISK_FLOOR", "1GiB"),
        ("FALAJ_LIMITS__BODY_BYTES_MAX", "65536"),
    ];
    let config = load("", &environment, &[]).unwrap();
    assert_eq!(config.store.path, Path::new("123"));
    assert_eq!(config.retention.completed, Duration::from_secs(7 * 86_400));
    assert_eq!(config.outcomes.deadline, Duration::from_secs(3600));
    assert_eq!(config.egress.deny.len(), 2);
    assert_eq!(config.store.disk_floor_bytes, 1 << 30);
    assert_eq!(config.limits.body_bytes_max, 65_536);
    let one = load("", &[("FALAJ_EGRESS__DENY", "10.0.0.0/8")], &[]).unwrap();
    assert_eq!(one.egress.deny.len(), 1);
}

#[test]
fn names_that_are_not_known_are_errors_that_name_the_nearest() {
    let environment = [
        ("FALAJ_HTTP__LISTN", "x"),
        ("FALAJ_HTTP_LISTEN", "x"),
        ("FALAJ_AUTH__KEYS", "x"),
        ("FALAJ_LOG", "debug"),
        ("FALAJ_KEY", "x"),
        ("FALAJ_MOI_SECRET", "x"),
        ("PATH", "x"),
    ];
    let errors = load("[htp]\nx = 1\n[store]\nbatchmax = 3\n", &environment, &[]).unwrap_err();
    let hints: Vec<&str> = errors.iter().map(|problem| problem.hint.as_str()).collect();
    assert_eq!(errors.len(), 5, "{errors:?}");
    for hint in [
        "Did you mean FALAJ_HTTP__LISTEN?",
        "Two underscores stand between section and key: FALAJ_HTTP__LISTEN.",
        "Did you mean \"http\"?",
        "Did you mean \"batch_max\"?",
    ] {
        assert!(hints.contains(&hint), "{hint}: {hints:?}");
    }
}

#[test]
fn problems_come_all_at_once_with_their_places() {
    let text = "[http]\nlisten = \"here\"\nheader_timeout = 5\n[store]\nurl = \"postgres://u:p@x/y\"\nbatch_max = 0\n";
    let errors = load(text, &[], &[]).unwrap_err();
    let places: Vec<(u32, u32)> = errors.iter().map(|p| (p.line.unwrap(), p.column.unwrap())).collect();
    assert_eq!(places, [(2, 10), (3, 18), (5, 7), (6, 13)], "{errors:?}");
    assert!(errors[2].what.contains("not in this build"));
    assert!(errors.iter().all(|problem| !problem.what.contains("u:p") && !problem.hint.contains("u:p")));
    assert!(Config::load_with(Some(Path::new("/no/such/falaj.toml")), std::iter::empty(), &[]).is_err());
}

#[test]
fn the_shipped_deny_list_covers_metadata_addresses() {
    let deny = Config::default().egress.deny;
    for address in ["169.254.169.254", "fe80::1", "fd00:ec2::254", "100.100.100.200"] {
        let address: std::net::IpAddr = address.parse().unwrap();
        assert!(deny.iter().any(|network| network.contains(&address)), "{address}");
    }
    assert!(!deny.iter().any(|network| network.contains(&"10.0.0.1".parse::<std::net::IpAddr>().unwrap())));
}

#[test]
fn a_broker_password_is_not_shown() {
    let config = load("[amqp]\nurl = \"amqp://u:hidden@x\"\nca = \"ca.pem\"\n", &[], &[]).unwrap();
    let settings = config.amqp.settings().unwrap();
    assert_eq!(settings.address.to_string(), "amqp://u:***@x:5672");
    assert_eq!(settings.ca, Some(config.root.join("ca.pem")), "relative to the file");
    assert!(!format!("{config:?}{settings:?}").contains("hidden"));
    assert_eq!(load("", &[], &[]).unwrap().amqp.settings(), None);
    for (text, what) in [
        ("url = \"amqp://u:hidden@x/?a=b\"", "query"),
        ("url = \"http://u:hidden@x\"", "amqp://"),
        ("cert = \"hidden.pem\"", "belong together"),
    ] {
        let errors = load(&format!("[amqp]\n{text}\n"), &[], &[]).unwrap_err();
        assert!(errors.len() == 1 && errors[0].what.contains(what), "{errors:?}");
        assert!(!format!("{errors:?}").contains("hidden"));
    }
}

#[test]
fn where_alarms_go_is_checked_and_what_signs_them_is_not_shown() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let environment = [("FALAJ_ALARMS__SECRET", secret)];
    let config = load("[alarms]\nurl = \"https://duty.example/x\"\nparked = 3\n", &environment, &[]).unwrap();
    assert_eq!(config.alarms.url.as_deref(), Some("https://duty.example/x"));
    assert!(config.alarms.secret.is_some() && config.alarms.parked == 3);
    assert!(!format!("{config:?}").contains("MfKQ9r8"));
    let text = "[alarms]\nurl = \"https://u:hidden@x\"\nsecret = \"whsec_hidden\"\nevery = \"0s\"\n";
    let errors = load(text, &[], &[]).unwrap_err();
    assert_eq!(errors.iter().map(|problem| problem.line.unwrap()).collect::<Vec<_>>(), [2, 3, 4]);
    assert!(errors.iter().all(|problem| !format!("{problem:?}").contains("hidden")), "{errors:?}");
}

#[test]
fn keys_are_strict() {
    let hash = "a".repeat(64);
    for (entry, what) in [
        (format!("role = \"viewer\"\nsha256 = \"{hash}\""), "name is missing"),
        (format!("name = \"x\"\nsha256 = \"{hash}\""), "role is missing"),
        ("name = \"x\"\nrole = \"viewer\"\nsha256 = \"abc\"".to_owned(), "not the hex"),
        (format!("name = \"x\"\nrole = \"viewer\"\nsha256 = \"{}\"", "g".repeat(64)), "not the hex"),
        (format!("name = \"x\"\nrole = \"root\"\nsha256 = \"{hash}\""), "not known"),
        (format!("name = \"x\"\nrole = \"agency\"\nsha256 = \"{hash}\""), "needs the agency"),
        (format!("name = \"x\"\nrole = \"viewer\"\nagency = \"moi\"\nsha256 = \"{hash}\""), "only the role agency"),
        (format!("name = \"x\"\nrole = \"viewer\"\nsha256 = \"{hash}\"\nkey = \"y\""), "not a key that is known"),
    ] {
        let errors = load(&format!("[[auth.keys]]\n{entry}\n"), &[], &[]).unwrap_err();
        assert_eq!(errors.len(), 1, "{entry}: {errors:?}");
        assert!(errors[0].what.contains(what), "{what}: {errors:?}");
    }
    let twice = load(&(key("a", 'a') + &key("a", 'b') + &key("c", 'a')), &[], &[]).unwrap_err();
    assert_eq!(twice.len(), 2, "{twice:?}");
    let good = load(&(key("a", 'a') + &key("b", 'B')), &[], &[]).unwrap();
    assert_eq!(good.auth.keys[1].sha256, "b".repeat(64));
    assert_eq!(good.auth.keys[0].role, Role::Viewer);
}

#[test]
fn keys_are_read_whatever_else_is_wrong() {
    let folder = folder("keys");
    let file = write(&folder, &format!("[http]\nnonsense = 1\n{}{}", key("a", 'a'), key("b", 'x')));
    let keys = load_keys(&file).unwrap();
    assert_eq!(keys.auth.keys.len(), 1);
    assert_eq!(keys.problems.len(), 1, "{:?}", keys.problems);
    assert!(!keys.damaged);
    assert!(load_keys(&folder.join("none.toml")).unwrap().auth.keys.is_empty());
    std::fs::write(&file, [0xff, 0xfe]).unwrap();
    assert!(load_keys(&file).is_err());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_revocation_is_taken_up_even_from_a_damaged_file_and_nothing_else_is() {
    let folder = folder("reload");
    let file = write(&folder, &(key("a", 'a') + &key("b", 'b')));
    let names = |auth: super::Auth| -> Vec<String> { auth.keys.into_iter().map(|entry| entry.name).collect() };
    let mut reloader = KeyReloader::new(file.clone(), load_keys(&file).unwrap().auth);
    assert_eq!(reloader.poll(), None);
    write(&folder, &format!("{}{}[http\nlisten = = 3\n", key("a", 'a'), key("c", 'c')));
    assert_eq!(reloader.poll().map(names), Some(vec!["a".to_owned()]));
    assert_eq!(reloader.poll(), None);
    write(&folder, &(key("a", 'a') + &key("c", 'c')));
    assert_eq!(reloader.poll().map(names), Some(vec!["a".to_owned(), "c".to_owned()]));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(reloader.poll().map(names), Some(Vec::new()));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_told_is_set_as_it_is_written() {
    use crate::telemetry::log::Format;

    let text = "[telemetry]\nlog_format = \"json\"\notlp = \"http://127.0.0.1:4318\"\nsampling = 0.25\n";
    let config = load(text, &[("FALAJ_TELEMETRY__SERVICE_NAME", "bus-1")], &[]).unwrap();
    let telemetry = config.telemetry;
    assert_eq!((telemetry.log_format, telemetry.sampling), (Format::Json, 0.25));
    assert_eq!((telemetry.otlp.as_deref(), telemetry.service_name.as_str()), (Some("http://127.0.0.1:4318"), "bus-1"));
    assert_eq!(load("[telemetry]\nsampling = 1\n", &[], &[]).unwrap().telemetry.sampling, 1.0);
    for (text, wrong) in [
        ("sampling = 1.5", "out of bounds"),
        ("sampling = \"all\"", "takes a share"),
        ("log_format = \"xml\"", "takes auto, json or text"),
        ("otlp = \"127.0.0.1:4318\"", "http://"),
        ("service_name = \"\"", "takes a short name"),
    ] {
        let problems = load(&format!("[telemetry]\n{text}\n"), &[], &[]).unwrap_err();
        assert!(problems.len() == 1 && problems[0].what.contains(wrong), "{text}: {problems:?}");
    }
}

#[test]
fn groups_are_read_and_taken_back_as_keys_are() {
    let group = |group: &str, role: &str| format!("[[auth.groups]]\ngroup = \"{group}\"\nrole = \"{role}\"\n");
    for (entry, what) in [
        ("role = \"viewer\"", "group is missing"),
        ("group = \"g\"", "role is missing"),
        ("group = \"g\"\nrole = \"agency\"", "needs the agency"),
        ("group = \"g\"\nrole = \"viewer\"\nagency = \"moi\"", "only the role agency"),
        ("group = \" \"\nrole = \"viewer\"", "is empty"),
    ] {
        let errors = load(&format!("[[auth.groups]]\n{entry}\n"), &[], &[]).unwrap_err();
        assert!(errors.len() == 1 && errors[0].what.contains(what), "{entry}: {errors:?}");
    }
    let twice = load(&(group("g", "viewer") + &group("g", "admin")), &[], &[]).unwrap_err();
    assert!(twice.len() == 1 && twice[0].what.contains("has an entry already"), "{twice:?}");

    let folder = folder("groups");
    let file = write(&folder, &(group("a", "viewer") + &group("b", "admin")));
    let names = |auth: super::Auth| -> Vec<String> { auth.groups.into_iter().map(|entry| entry.group).collect() };
    let mut reloader = KeyReloader::new(file.clone(), load_keys(&file).unwrap().auth);
    assert_eq!(reloader.poll(), None);
    // A damaged file gives nothing new, neither a group nor another role.
    write(&folder, &format!("{}{}{}[http\n", group("a", "admin"), group("b", "admin"), group("c", "admin")));
    assert_eq!(reloader.poll().map(names), Some(vec!["b".to_owned()]));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_keys_name_is_not_taken_for_a_person_or_the_bus() {
    for name in ["falaj", "Fatima [oidc:9f3c]"] {
        let errors = load(&key(name, 'a'), &[], &[]).unwrap_err();
        assert!(errors.len() == 1 && errors[0].what.contains("not for a key"), "{errors:?}");
    }
}

#[test]
fn a_provider_is_whole_or_not_at_all() {
    let folder = folder("oidc");
    std::fs::write(folder.join("secret"), "hidden-in-a-file\n").unwrap();
    std::fs::write(folder.join("ca.pem"), "no certificate").unwrap();
    let whole = "[oidc]\nissuer = \"https://id.example/realms/gov\"\nclient_id = \"falaj\"\nredirect_base = \"https://bus.example/\"\n";
    let with = |more: &str| {
        let file = write(&folder, &format!("{whole}{more}\n"));
        Config::load_with(Some(&file), std::iter::empty(), &[])
    };
    let config = with("client_secret_file = \"secret\"").unwrap();
    let settings = config.oidc.settings().unwrap().expect("there is one");
    assert_eq!(settings.base.at("/x"), "https://bus.example/x");
    assert_eq!((settings.groups_claim.as_str(), settings.scopes.len()), ("groups", 2));
    assert!(!format!("{config:?}{settings:?}").contains("hidden"), "no secret is shown");

    let faults = |more: &str| match with(more).unwrap().oidc.settings() {
        Ok(_) => panic!("{more} does"),
        Err(faults) => faults,
    };
    let lacking = faults("");
    assert!(lacking.wrong.is_empty() && lacking.missing[0].what.contains("client_secret is not set"), "{lacking:?}");
    assert!(lacking.missing[0].hint.contains("FALAJ_OIDC__CLIENT_SECRET"));
    for (more, what) in [
        ("client_secret = \"a\"\nclient_secret_file = \"secret\"", "both set"),
        ("client_secret_file = \"gone\"", "cannot be read"),
        ("client_secret = \"a\"\nca = \"ca.pem\"", "no certificates"),
    ] {
        let faults = faults(more);
        assert!(faults.wrong.len() == 1 && faults.wrong[0].what.contains(what), "{more}: {faults:?}");
        assert!(!faults.wrong[0].hint.is_empty());
    }
    for (text, what) in [
        ("issuer = \"http://id.example\"", "not https"),
        ("redirect_base = \"https://bus.example/falaj\"", "no path"),
        ("scopes = [\"profile\"]", "openid among them"),
        ("scopes = [\"openid\", \"a b\"]", "openid among them"),
        ("client_secret = \"\"", "a secret"),
    ] {
        let problems = load(&format!("[oidc]\n{text}\n"), &[], &[]).unwrap_err();
        assert!(problems.len() == 1 && problems[0].what.contains(what), "{text}: {problems:?}");
    }
    assert_eq!(load("", &[], &[]).unwrap().oidc.settings().unwrap(), None);
    let stray = load("[oidc]\nclient_id = \"falaj\"\n", &[], &[]).unwrap().oidc.settings().unwrap_err();
    assert!(stray.missing[0].what.contains("oidc.issuer is not set"), "{stray:?}");
    std::fs::remove_dir_all(folder).unwrap();
}
