use super::*;

const T0: At = At(1_000_000);
const FREE: Allowance = Allowance::Send { at_once: 16, now: 16 };

fn later(seconds: u64) -> At {
    T0.plus(Duration::from_secs(seconds))
}

fn down(gate: &mut Gate) -> At {
    down_by(gate, 10)
}

/// Ten faults of so many deliveries.
fn down_by(gate: &mut Gate, deliveries: u64) -> At {
    for n in 0..9 {
        assert_eq!(gate.note(Seq(n % deliveries), Class::EndpointFault, None, T0), None);
    }
    match gate.note(Seq(9 % deliveries), Class::EndpointFault, None, T0) {
        Some(Change::Opened { until }) => until,
        other => panic!("not opened: {other:?}"),
    }
}

#[test]
fn ten_faults_in_a_row_open_it_and_a_probe_closes_it() {
    let mut gate = Gate::new();
    assert_eq!(gate.allowance(0, 16, T0), FREE);
    let until = down(&mut gate);
    assert_eq!(until, later(10));
    assert_eq!(gate.allowance(0, 16, later(9)), Allowance::Wait(until));
    assert_eq!(gate.allowance(0, 16, later(10)), Allowance::Send { at_once: 1, now: 1 });
    assert_eq!(gate.allowance(1, 16, later(10)), Allowance::Send { at_once: 1, now: 0 });
    assert_eq!(gate.note(Seq(3), Class::Done, None, later(11)), Some(Change::Closed));
    assert_eq!(gate.hold(later(11)), Hold::Open);
}

#[test]
fn open_times_double_up_to_five_minutes() {
    let mut gate = Gate::new();
    let mut until = down(&mut gate);
    let mut lengths = Vec::new();
    for n in 0..7 {
        assert_eq!(gate.note(Seq(n), Class::EndpointFault, None, until), None, "said once");
        let Allowance::Wait(next) = gate.allowance(0, 16, until) else { panic!("must wait") };
        lengths.push(next.since(until).as_secs());
        until = next;
    }
    assert_eq!(lengths, [20, 40, 80, 160, 300, 300, 300]);
    assert!(matches!(gate.hold(until), Hold::CircuitOpen { since, .. } if since == T0));
}

#[test]
fn one_delivery_never_opens_it() {
    // Keeps G1: one citizen's message that makes the endpoint fail is that message's trouble.
    let mut gate = Gate::new();
    for _ in 0..200 {
        assert_eq!(gate.note(Seq(1), Class::EndpointFault, None, T0), None);
        assert_eq!(gate.note(Seq(1), Class::ConfigurationFault, None, T0), None);
    }
    assert!(gate.is_closed());
}

#[test]
fn where_there_is_one_delivery_it_opens_it_and_where_there_are_two_both_must() {
    let mut gate = Gate::new();
    gate.set_to_try(1);
    assert!(down_by(&mut gate, 1) > T0);
    let mut gate = Gate::new();
    gate.set_to_try(2);
    for _ in 0..50 {
        assert_eq!(gate.note(Seq(1), Class::EndpointFault, None, T0), None);
    }
    assert!(gate.note(Seq(2), Class::EndpointFault, None, T0).is_some());
    let mut gate = Gate::new();
    gate.set_to_try(1);
    let change = gate.note(Seq(1), Class::ConfigurationFault, None, T0);
    assert_eq!(change, Some(Change::Opened { until: later(30) }));
}

#[test]
fn what_comes_to_a_circuit_that_one_delivery_opened_is_tried_at_once() {
    // Keeps G1: one citizen's trouble is nothing that others wait for.
    let mut gate = Gate::new();
    gate.set_to_try(1);
    let until = down_by(&mut gate, 1);
    gate.knock(T0);
    assert_eq!(gate.allowance(0, 16, T0), Allowance::Send { at_once: 1, now: 1 });
    assert_eq!(gate.note(Seq(77), Class::Done, None, T0), Some(Change::Closed));
    // Where three have failed nobody knocks in vain.
    assert_eq!(down(&mut gate), until);
    gate.knock(T0);
    assert_eq!(gate.allowance(0, 16, T0), Allowance::Wait(until));
}

#[test]
fn a_receiver_that_is_gone_is_said_once_where_there_are_others_by_two() {
    let mut gate = Gate::new();
    gate.set_to_try(3);
    assert_eq!(gate.note(Seq(1), Class::Gone, None, T0), None);
    assert_eq!(gate.note(Seq(1), Class::Gone, None, T0), None);
    gate.note(Seq(9), Class::Done, None, T0);
    assert_eq!(gate.note(Seq(1), Class::Gone, None, T0), None, "one that is there is not gone");
    assert_eq!(gate.note(Seq(2), Class::Gone, None, T0), Some(Change::Gone));
    assert_eq!(gate.allowance(0, 16, T0), Allowance::Send { at_once: 1, now: 1 }, "slowly at first");
    let mut gate = Gate::new();
    gate.set_to_try(1);
    assert_eq!(gate.note(Seq(1), Class::Gone, None, T0), Some(Change::Gone));
}

#[test]
fn half_of_twenty_opens_it_and_less_does_not() {
    let mut gate = Gate::new();
    let mut opened = None;
    for n in 0..20 {
        let class = if n % 2 == 0 { Class::Done } else { Class::EndpointFault };
        opened = opened.or(gate.note(Seq(n), class, None, T0));
    }
    assert!(matches!(opened, Some(Change::Opened { .. })));
    let mut gate = Gate::new();
    for n in 0..60 {
        let class = if n % 3 == 0 { Class::EndpointFault } else { Class::Done };
        assert_eq!(gate.note(Seq(n), class, None, T0), None);
    }
}

#[test]
fn a_message_fault_proves_a_living_endpoint() {
    let mut gate = Gate::new();
    for n in 0..9 {
        gate.note(Seq(n), Class::EndpointFault, None, T0);
    }
    gate.note(Seq(50), Class::MessageFault, None, T0);
    assert_eq!(gate.note(Seq(9), Class::EndpointFault, None, T0), None);
}

#[test]
fn two_misconfigured_deliveries_open_it_for_half_a_minute() {
    let mut gate = Gate::new();
    gate.set_to_try(2);
    assert_eq!(gate.note(Seq(1), Class::ConfigurationFault, None, T0), None);
    let change = gate.note(Seq(2), Class::Gone, None, T0);
    assert_eq!(change, Some(Change::Opened { until: later(30) }));
    gate.note(Seq(1), Class::ConfigurationFault, None, later(30));
    assert_eq!(gate.allowance(0, 16, later(31)), Allowance::Wait(later(90)));
}

#[test]
fn quiet_is_kept_and_then_begins_slowly() {
    let mut gate = Gate::new();
    gate.note(Seq(1), Class::Throttle, Some(Duration::from_secs(60)), T0);
    gate.note(Seq(2), Class::Throttle, Some(Duration::from_secs(5)), T0);
    assert_eq!(gate.allowance(0, 16, later(59)), Allowance::Wait(later(60)));
    assert!(matches!(gate.hold(later(1)), Hold::Throttled { .. }));
    assert_eq!(gate.allowance(0, 16, later(60)), Allowance::Send { at_once: 1, now: 1 });
    gate.note(Seq(1), Class::Done, None, later(61));
    assert_eq!(gate.allowance(0, 16, later(61)), Allowance::Send { at_once: 2, now: 2 });
    for n in 0..14 {
        gate.note(Seq(n), Class::Done, None, later(62));
    }
    assert_eq!(gate.allowance(0, 16, later(62)), FREE);
}

#[test]
fn outside_its_hours_an_agency_is_not_asked_not_even_by_a_probe() {
    // Keeps G5.
    use crate::model::window::{Hours, Zone};
    let hours = |text| Hours::parse(text).unwrap();
    let window = Arc::new(Window::new(Zone::parse("Asia/Qatar").unwrap(), &[], vec![hours("07:00-14:30")], &[]));
    let at = |text| At::parse(text).unwrap();
    let (opening, closing) = (at("2026-11-22T07:00:00+03:00"), at("2026-11-22T14:30:00+03:00"));
    let next = at("2026-11-23T07:00:00+03:00");
    let mut gate = Gate::new();
    gate.set_window(Some(&window), At(opening.0 - 1));
    assert_eq!(gate.allowance(0, 16, At(opening.0 - 1)), Allowance::Wait(opening));
    assert_eq!(gate.allowance(0, 16, opening), Allowance::Send { at_once: 1, now: 1 }, "slowly at first");
    for n in 100..120 {
        gate.note(Seq(n), Class::Done, None, opening);
    }
    assert_eq!(gate.allowance(0, 16, opening), FREE);
    assert_eq!(gate.hold(opening), Hold::Open);
    let almost = At(closing.0 - 5000);
    for n in 0..10 {
        gate.note(Seq(n), Class::EndpointFault, None, almost);
    }
    assert!(matches!(gate.hold(almost), Hold::CircuitOpen { .. }));
    assert_eq!(gate.hold(closing), Hold::Window { since: closing, until: next });
    // The probe that was due a moment later waits for the morning.
    assert_eq!(gate.allowance(0, 16, closing.plus(Duration::from_secs(60))), Allowance::Wait(next));
    assert_eq!(gate.outage(), Some(almost.plus(OPEN)), "what comes back late is still an outage's");
    assert_eq!(gate.allowance(0, 16, next), Allowance::Send { at_once: 1, now: 1 });
    gate.set_window(None, next);
    assert!(matches!(gate.hold(closing.plus(OPEN_MAX)), Hold::CircuitOpen { .. }));
}

#[test]
fn a_rate_is_kept_in_the_long_run() {
    let mut gate = Gate::new();
    gate.set_rate(Some(Rate { per_second: 10.0, burst: 20 }), T0);
    let mut sent = 0;
    for ms in (0..10_000).step_by(10) {
        let now = At(T0.0 + ms);
        if let Allowance::Send { now: count, .. } = gate.allowance(0, 1000, now) {
            gate.spend(count);
            sent += count;
        }
    }
    assert!((118..=120).contains(&sent), "{sent}");
}
