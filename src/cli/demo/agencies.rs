//! The agencies of the demo: a mock receiver on this machine for each webhook of the deployment, three of them with a fault.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::catalog::{Agency, Catalog};
use crate::mock::{Behaviour, Mock, MockHandle, MockOptions};
use crate::model::agency::TransportKind;
use crate::model::id::AgencyId;
use crate::model::text::Bilingual;

/// How slow the slow one is.
const SLOW: Duration = Duration::from_millis(1_500);
/// How slow it is where everybody waits for it.
const SLOW_ONCE: Duration = Duration::from_millis(150);
/// The share of its messages that the flaky one fails.
const FLAKY: f64 = 0.3;
/// How long the last one is down at first.
const DOWN: Duration = Duration::from_secs(60);

/// What fault an agency has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// None.
    Well,
    /// It takes its time.
    Slow,
    /// It fails now and then.
    Flaky,
    /// It is down at first.
    Down,
}

/// Who has which fault, where the deployment has them; nobody else has any.
const CAST: [(&str, Part); 3] = [("qnb", Part::Slow), ("utilities", Part::Flaky), ("qpost", Part::Down)];

/// An agency that receives.
#[derive(Debug)]
pub struct Receiver {
    /// Its id.
    pub id: AgencyId,
    /// Its name.
    pub name: Bilingual,
    /// Its fault.
    pub part: Part,
    /// The mock; `None` where the agency is reached by a transport that this Falaj does not post to.
    pub mock: Option<MockHandle>,
    /// Whether it takes its deliveries from a broker, of which the demo has none.
    pub needs_broker: bool,
}

/// Everybody who receives.
#[derive(Debug)]
pub struct Receivers {
    /// In order of id.
    pub all: Vec<Receiver>,
    started: Instant,
}

impl Part {
    /// One word for the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Well => "",
            Self::Slow => "slow",
            Self::Flaky => "flaky",
            Self::Down => "down at first",
        }
    }

    /// One sentence for the legend.
    pub fn about(self) -> Option<Bilingual> {
        match self {
            Self::Well => None,
            Self::Slow => Some(Bilingual::new("answers after 1.5 seconds", "تجيب بعد ثانية ونصف")),
            Self::Flaky => Some(Bilingual::new("fails three of ten messages", "تخفق في ثلاث رسائل من كل عشر")),
            Self::Down => Some(Bilingual::new("is down for the first minute", "متوقفة في الدقيقة الأولى")),
        }
    }

    fn behaviour(self, once: bool) -> (Behaviour, Duration) {
        let slow = if once { SLOW_ONCE } else { SLOW };
        let mut behaviour = Behaviour::default();
        match self {
            Self::Slow => behaviour.delay_ms = u64::try_from(slow.as_millis()).unwrap_or(u64::MAX),
            Self::Flaky if !once => behaviour.fail = FLAKY,
            Self::Down if !once => return (behaviour, DOWN),
            _ => {}
        }
        (behaviour, Duration::ZERO)
    }
}

impl Receivers {
    /// Starts a mock for each webhook of a deployment, at the address and with the secrets of its manifest. `once`: nobody fails.
    pub async fn start(catalog: &Catalog, once: bool) -> anyhow::Result<Self> {
        let mut all = Vec::new();
        for agency in catalog.agencies().filter(|agency| agency.delivery.is_some()) {
            all.push(Receiver::start(agency, once).await?);
        }
        Ok(Self { all, started: Instant::now() })
    }

    /// Those who wait for a broker.
    pub fn without_broker(&self) -> Vec<&str> {
        self.all.iter().filter(|receiver| receiver.needs_broker).map(|receiver| receiver.id.as_str()).collect()
    }

    /// How long the one that is down at first stays so.
    pub fn down_for(&self) -> Option<Duration> {
        DOWN.checked_sub(self.started.elapsed())
    }

    /// Stops all mocks.
    pub async fn stop(self) {
        for receiver in self.all {
            if let Some(mock) = receiver.mock {
                mock.stop().await;
            }
        }
    }
}

impl Receiver {
    async fn start(agency: &Agency, once: bool) -> anyhow::Result<Self> {
        let part = CAST.iter().find(|(id, _)| *id == agency.id.as_str()).map_or(Part::Well, |(_, part)| *part);
        let target = agency.delivery.as_ref().and_then(|rules| rules.webhook.as_ref());
        let mock = match target {
            None => None,
            Some(target) => {
                let addr = address(&agency.id, &target.url)?;
                let (behaviour, down_for) = part.behaviour(once);
                let secrets = target.secrets.clone();
                let options = MockOptions {
                    agency: agency.id.to_string(),
                    secrets,
                    behaviour,
                    down_for,
                    ..MockOptions::default()
                };
                Some(Mock::start(addr, options).await.with_context(|| taken(agency, addr))?)
            }
        };
        let needs_broker = agency.delivery.as_ref().is_some_and(|rules| rules.transport == TransportKind::Amqp);
        Ok(Self { id: agency.id.clone(), name: agency.name.clone(), part, mock, needs_broker })
    }
}

/// Where a mock must listen. Anything but this machine is a real agency, to which the demo must never post.
fn address(id: &AgencyId, url: &str) -> anyhow::Result<SocketAddr> {
    let parsed = reqwest::Url::parse(url).with_context(|| format!("the address of {id} is not a URL"))?;
    let host = match parsed.host_str() {
        Some("localhost") => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        Some(host) => host.trim_start_matches('[').trim_end_matches(']').parse().ok(),
        None => None,
    };
    match (host.filter(IpAddr::is_loopback), parsed.scheme(), parsed.port_or_known_default()) {
        (Some(host), "http", Some(port)) => Ok((host, port).into()),
        _ => bail!(
            "{id} is not an agency of this machine (see url in connectors/{id}/connector.toml): a demo sends invented people to \
             mock agencies and never to real ones. Run it where the shipped deployment is"
        ),
    }
}

fn taken(agency: &Agency, addr: SocketAddr) -> String {
    format!(
        "port {} is needed for the mock of {} ({} {}) and cannot be had. Is another demo running? End what listens there \
         (`ss -ltnp 'sport = :{}'` names it), or change url in connectors/{}/connector.toml",
        addr.port(),
        agency.id,
        agency.name.en,
        agency.name.ar,
        addr.port(),
        agency.id,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_posts_to_this_machine_alone() {
        let id = AgencyId::parse("moi").unwrap();
        assert_eq!(address(&id, "http://127.0.0.1:9103/falaj").unwrap(), ([127, 0, 0, 1], 9103).into());
        assert_eq!(address(&id, "http://localhost:9103/").unwrap().port(), 9103);
        assert_eq!(address(&id, "http://[::1]:9103/").unwrap().port(), 9103);
        for url in ["https://moi.example/falaj", "http://10.0.0.1:9103/", "http://localhost.example/", "nowhere"] {
            assert!(address(&id, url).is_err(), "{url}");
        }
    }

    #[test]
    fn nobody_fails_where_everybody_is_waited_for() {
        for (_, part) in CAST {
            let (behaviour, down) = part.behaviour(true);
            assert_eq!((behaviour.fail, down), (0.0, Duration::ZERO), "{part:?}");
            assert!(part.about().is_some());
        }
        assert_eq!(Part::Down.behaviour(false).1, DOWN);
    }
}
