//! The plan as a definitions file, for `rabbitmqctl import_definitions` or the management page.
//!
//! Users are not in it, although their rights are: RabbitMQ takes the password away from a user that is imported without a hash
//! (seen on 3.10), and an import at every start of the broker would lock every agency out. The script makes them, once.

use serde_json::{Map, Value, json};

use super::plan::{Argument, Plan, Policy};

/// The definitions.
pub fn definitions(plan: &Plan) -> Value {
    let vhost = &plan.vhost;
    let exchanges = plan.exchanges.iter().map(|exchange| {
        json!({
            "vhost": vhost, "name": exchange.name, "type": exchange.kind.word(), "durable": true, "auto_delete": false,
            "internal": false, "arguments": {},
        })
    });
    let queues = plan.queues.iter().map(|queue| {
        json!({
            "vhost": vhost, "name": queue.name, "durable": true, "auto_delete": false,
            "arguments": arguments(queue.arguments.iter()),
        })
    });
    let bindings = plan.bindings.iter().map(|binding| {
        json!({
            "vhost": vhost, "source": binding.exchange, "destination": binding.queue, "destination_type": "queue",
            "routing_key": binding.key, "arguments": {},
        })
    });
    let permissions = plan.permissions.iter().map(|may| {
        json!({ "vhost": vhost, "user": may.user, "configure": may.configure, "write": may.write, "read": may.read })
    });
    let topics = plan.topic_permissions.iter().map(|may| {
        json!({ "vhost": vhost, "user": may.user, "exchange": may.exchange, "write": may.write, "read": may.read })
    });
    let policies = plan.policies.iter().map(|own| {
        json!({
            "vhost": vhost, "name": own.name, "pattern": own.pattern, "apply-to": "queues", "priority": 0,
            "definition": policy(own),
        })
    });
    json!({
        "vhosts": [{ "name": vhost }],
        "permissions": permissions.collect::<Vec<_>>(),
        "topic_permissions": topics.collect::<Vec<_>>(),
        "policies": policies.collect::<Vec<_>>(),
        "exchanges": exchanges.collect::<Vec<_>>(),
        "queues": queues.collect::<Vec<_>>(),
        "bindings": bindings.collect::<Vec<_>>(),
    })
}

/// What a policy says.
pub(super) fn policy(policy: &Policy) -> Value {
    arguments(policy.definition.iter())
}

fn arguments<'a>(arguments: impl Iterator<Item = (&'a &'static str, &'a Argument)>) -> Value {
    Value::Object(arguments.map(|(name, value)| ((*name).to_owned(), json!(value))).collect::<Map<_, _>>())
}
