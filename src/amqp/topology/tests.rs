//! The plan, its rights and what is written of it.

use std::process::Command;

use regex::Regex;

use super::plan::RELEASE;
use super::*;
use crate::amqp::names::{DEAD, IN, OUT, OUTCOME, QUARANTINE, out_queue, reply_queue};
use crate::model::id::{AgencyId, TypePattern};

fn party(agency: &str, sends: &[&str], ordered: Option<bool>) -> Party {
    Party {
        agency: AgencyId::parse(agency).unwrap(),
        user: agency.to_owned(),
        sends: sends.iter().map(|pattern| TypePattern::parse(pattern).unwrap()).collect(),
        receives: ordered.map(|ordered| Receives { ordered }),
    }
}

fn parties() -> Vec<Party> {
    vec![
        party("tarasul", &["qa.gov.correspondence.sent", "qa.gov.residency.*"], Some(true)),
        Party { user: "hr's user".to_owned(), ..party("mawared", &[], Some(false)) },
        party("portal", &["*"], None),
    ]
}

fn plan() -> Plan {
    let shape = Shape { vhost: "falaj".to_owned(), ..Shape::default() };
    Plan::new(&shape, parties()).unwrap()
}

#[test]
fn an_agency_has_its_own_queues_and_no_others() {
    let plan = plan();
    let names: Vec<&str> = plan.queues.iter().map(|queue| queue.name.as_str()).collect();
    assert_eq!(
        names,
        [
            IN,
            OUTCOME,
            DEAD,
            QUARANTINE,
            "falaj.out.mawared",
            "falaj.reply.mawared",
            "falaj.reply.portal",
            "falaj.out.tarasul",
            "falaj.reply.tarasul"
        ]
    );
    let single = |name: &str| {
        let queue = plan.queues.iter().find(|queue| queue.name == name).unwrap();
        queue.arguments.get("x-single-active-consumer").cloned()
    };
    assert_eq!(
        single("falaj.out.tarasul"),
        Some(Argument::Flag(true)),
        "its order would be lost between two consumers"
    );
    assert_eq!(single("falaj.out.mawared"), None);
    assert_eq!(
        [single(IN), single(OUTCOME)],
        [const { Some(Argument::Flag(true)) }; 2],
        "and so would that of what comes in"
    );
}

/// B1: a queue that drops its head, or gives up without passing on, would lose what was accepted.
#[test]
fn nothing_that_was_accepted_is_thrown_away_by_the_broker() {
    for queue in plan().queues {
        let argument = |name: &str| queue.arguments.get(name).cloned();
        assert_eq!(argument("x-queue-type"), Some(Argument::Text("quorum")), "{}", queue.name);
        let Some(Argument::Number(offers)) = argument("x-delivery-limit") else { panic!("{}: no limit", queue.name) };
        if queue.name.starts_with("falaj.reply.") {
            assert_eq!(argument("x-overflow"), Some(Argument::Text("drop-head")));
            continue;
        }
        assert_eq!(argument("x-overflow"), Some(Argument::Text("reject-publish")), "{}", queue.name);
        let passes_on = argument("x-dead-letter-exchange").is_some();
        assert_eq!(passes_on, argument("x-dead-letter-strategy") == Some(Argument::Text("at-least-once")));
        assert!(passes_on || offers > 1_000_000_000, "{} gives up, and nobody hears of it", queue.name);
    }
}

#[test]
fn every_binding_leads_from_what_is_there_to_what_is_there() {
    let plan = plan();
    for binding in &plan.bindings {
        assert!(plan.exchanges.iter().any(|exchange| exchange.name == binding.exchange), "{binding:?}");
        assert!(plan.queues.iter().any(|queue| queue.name == binding.queue), "{binding:?}");
    }
    for queue in &plan.queues {
        assert!(plan.bindings.iter().any(|binding| binding.queue == queue.name), "{} hears nothing", queue.name);
        if let Some(Argument::Text(exchange)) = queue.arguments.get("x-dead-letter-exchange") {
            assert!(plan.bindings.iter().any(|binding| binding.exchange == *exchange), "{exchange} leads nowhere");
        }
    }
    let to_dead: Vec<&str> = plan.bindings.iter().filter(|b| b.exchange == DEAD).map(|b| b.key.as_str()).collect();
    assert_eq!(to_dead, ["mawared", "tarasul"]);
}

/// B2, with the patterns applied as RabbitMQ applies them: anywhere in the name, unless anchored.
#[test]
fn an_agency_reaches_nothing_but_its_own() {
    let plan = plan();
    let names: Vec<String> = plan
        .queues
        .iter()
        .map(|queue| queue.name.clone())
        .chain(plan.exchanges.iter().map(|exchange| exchange.name.to_owned()))
        .chain(
            ["amq.default", "amq.topic", "amq.gen-x", "falaj.out.tarasul2", "xfalaj.in", "falajxin"].map(str::to_owned),
        )
        .collect();
    let matching = |pattern: &str| {
        let pattern = Regex::new(pattern).unwrap();
        let mut found: Vec<&str> = names.iter().map(String::as_str).filter(|name| pattern.is_match(name)).collect();
        found.dedup();
        found
    };
    let of = |user: &str| {
        let may = plan.permissions.iter().find(|permission| permission.user == user).unwrap();
        [&may.configure, &may.write, &may.read].map(|pattern| {
            let mut found = matching(pattern);
            found.sort_unstable();
            found.dedup();
            found
        })
    };
    let id = AgencyId::parse("tarasul").unwrap();
    assert_eq!(of("tarasul"), [vec![], vec![IN, OUTCOME], vec![out_queue(&id).as_str(), &reply_queue(&id)]]);
    assert_eq!(of("hr's user"), [vec![], vec![OUTCOME], vec!["falaj.out.mawared", "falaj.reply.mawared"]]);
    assert_eq!(of("portal"), [vec![], vec![IN], vec!["falaj.reply.portal"]]);
    let [configure, write, read] = of("falaj");
    assert_eq!((&configure, &write), (&read, &read));
    assert!(read.iter().all(|name| name.starts_with("falaj.")) && read.contains(&OUT) && read.contains(&RELEASE));
}

#[test]
fn an_agency_publishes_its_types_under_its_own_name() {
    let plan = plan();
    let may = |user: &str, exchange: &str, key: &str| {
        let topic = plan.topic_permissions.iter().find(|may| may.user == user && may.exchange == exchange).unwrap();
        Regex::new(&topic.write).unwrap().is_match(key)
    };
    assert!(may("tarasul", IN, "qa.gov.correspondence.sent") && may("tarasul", IN, "qa.gov.residency.renewed"));
    for key in
        ["qa.gov.correspondence.sent.x", "x.qa.gov.correspondence.sent", "qa.gov.residency.", "qaxgov.residency.x"]
    {
        assert!(!may("tarasul", IN, key), "{key}");
    }
    assert!(may("portal", IN, "a.b") && !may("hr's user", IN, "a.b"));
    assert!(may("tarasul", OUTCOME, "tarasul") && may("hr's user", OUTCOME, "mawared"));
    assert!(!may("tarasul", OUTCOME, "mawared") && !may("portal", OUTCOME, "portal"));
    // Where a user has no entry for an exchange, RabbitMQ allows everything.
    for user in plan.users.iter().filter(|user| user.agency.is_some()) {
        let exchanges: Vec<&str> =
            plan.topic_permissions.iter().filter(|may| may.user == user.name).map(|may| may.exchange).collect();
        assert_eq!(exchanges, [IN, OUTCOME], "{}", user.name);
    }
}

#[test]
fn two_who_could_not_be_told_apart_have_no_plan() {
    let shape = Shape::default();
    let moi = || party("moi", &["*"], None);
    let named = |user: &str| Party { user: user.to_owned(), ..party("qcb", &["*"], None) };
    let id = |text| AgencyId::parse(text).unwrap();
    assert_eq!(Plan::new(&shape, vec![moi(), named("moi")]), Err(PlanFault::Shared(id("moi"), id("qcb"))));
    assert_eq!(Plan::new(&shape, vec![named("falaj")]), Err(PlanFault::Own(id("qcb"))));
    for bad in ["", "a\nb", &"x".repeat(200)] {
        assert_eq!(Plan::new(&shape, vec![named(bad)]), Err(PlanFault::User(id("qcb"))), "{bad}");
    }
}

#[test]
fn the_script_is_as_it_should_be() {
    let text = script(&plan());
    insta::assert_snapshot!(text);
    let checked = Command::new("sh").args(["-n", "-c", &text]).status().unwrap();
    assert!(checked.success(), "the shell does not understand it");
    let root = Plan::new(&Shape::default(), Vec::new()).unwrap();
    assert!(!script(&root).contains("add_vhost '/'"), "the first virtual host is always there");
}

#[test]
fn the_definitions_hold_no_user_and_no_password() {
    let definitions = definitions(&plan());
    assert!(definitions.get("users").is_none());
    assert!(!definitions.to_string().contains("password"));
    insta::assert_json_snapshot!(definitions);
}

#[test]
fn what_the_broker_says_of_a_difference_is_understood() {
    let said = |rest: &str| {
        let text = format!(
            "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received {rest}"
        );
        let Difference { argument, wanted, found } = Difference::parse(&text).unwrap();
        (argument, wanted, found)
    };
    let some = |text: &str| Some(text.to_owned());
    let argument = || "x-max-length".to_owned();
    assert_eq!(said("'21' but current is '20'"), (argument(), some("21"), some("20")));
    assert_eq!(said("none but current is the value '20' of type 'signedint'"), (argument(), None, some("20")));
    assert_eq!(said("the value 'k' of type 'longstr' but current is none"), (argument(), some("k"), None));
    assert_eq!(said("'21' but curr..."), (argument(), some("21"), None), "the broker cuts long texts");
    assert_eq!(Difference::parse("PRECONDITION_FAILED - unknown delivery tag 7"), None);
    let shown = ItemState::Differs(Difference { argument: argument(), wanted: some("21"), found: None });
    assert_eq!(shown.to_string(), "differs: x-max-length is nothing, not 21");
}
