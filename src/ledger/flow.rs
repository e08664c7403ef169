//! What the writer remembers of one agency: how far it has read, what waits in the page, and what is in flight.
//!
//! Pure: no store, no clock. The page holds rows of `pending` that the scan has passed and that may not be sent yet. F1: a lane has
//! at most one delivery in flight. F2: rows of a lane leave the page in seq order. F3: the page holds at most `page_max` rows and
//! what is given back (L5). Nothing here outlives the process: after a crash the scan begins again at the left end.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::codes::Count;
use crate::model::delivery::Tries;
use crate::model::outcome::Report;

/// Which delivery of an agency: seq and slot.
pub(super) type Place = (u64, u16);

/// A row of `pending`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) seq: u64,
    pub(super) slot: u16,
    pub(super) lane: i64,
}

impl Row {
    fn place(self) -> Place {
        (self.seq, self.slot)
    }
}

/// A lost predecessor that a delivery tells its agency about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) seq: u64,
    pub(super) slot: u16,
    pub(super) at: i64,
}

impl Flight {
    /// Where its `stuck` row is counted.
    pub(super) fn counted(&self) -> Count {
        if self.leased { Count::Leased } else { Count::Retry }
    }
}

/// A delivery in flight.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    pub(super) lane: i64,
    /// Whether it is the head of a `stuck` row; else it flows and stands in `pending`.
    pub(super) stuck: bool,
    /// Whether that row is a lease.
    pub(super) leased: bool,
    /// What it had been through when it was claimed, the time it was held since then included.
    pub(super) tries: Tries,
    /// Attempts, counted or not.
    pub(super) tried: u32,
    /// What it tells the agency.
    pub(super) gap: Option<Gap>,
    /// What the agency reported while it was in flight, and who says so.
    pub(super) note: Option<(Report, String)>,
}

#[derive(Debug, Default)]
struct Lane {
    flight: Option<Place>,
    stuck: bool,
    spilling: bool,
    waiting: VecDeque<Place>,
}

/// What the page does with a row that the scan meets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// Nothing of its lane is known here: it may go, unless the store knows a stuck head.
    Free,
    /// It stays in the page or is on its way to `behind`.
    Kept,
}

/// A lane that left the page for `stuck` and `behind`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spill {
    pub(super) lane: i64,
    /// Its head, and whether that is in flight.
    pub(super) head: Place,
    pub(super) in_flight: bool,
    /// The rest, in order.
    pub(super) rest: Vec<Place>,
}

/// One agency's flow.
#[derive(Debug)]
pub(super) struct Flow {
    /// The seq up to which `pending` has been read.
    pub(super) cursor: u64,
    lanes: HashMap<i64, Lane>,
    flights: HashMap<Place, Flight>,
    /// First rows of free lanes, by seq.
    ready: BTreeMap<Place, i64>,
    /// Rows in the page.
    rows: usize,
    /// Rows whose lane is stuck, on their way to `behind`; in seq order.
    moves: Vec<Row>,
    /// Lanes with too many rows.
    spills: Vec<i64>,
    /// Whether the odd place of a claim is what flows' next time, or a due head's.
    pub(super) odd_flows: bool,
    page_max: usize,
    lane_rows_max: usize,
}

impl Flow {
    pub(super) fn new(page_max: usize, lane_rows_max: usize) -> Self {
        Self {
            cursor: 0,
            lanes: HashMap::new(),
            flights: HashMap::new(),
            ready: BTreeMap::new(),
            rows: 0,
            moves: Vec::new(),
            spills: Vec::new(),
            odd_flows: false,
            page_max: page_max.max(1),
            lane_rows_max,
        }
    }

    /// Whether the page takes another row.
    pub(super) fn has_room(&self) -> bool {
        self.rows + self.moves.len() < self.page_max
    }

    /// Whether rows wait for a transaction that moves them.
    pub(super) fn has_moves(&self) -> bool {
        !self.moves.is_empty() || !self.spills.is_empty()
    }

    /// Rows of `pending` that are known here.
    pub(super) fn pending_known(&self) -> usize {
        self.rows + self.moves.len() + self.flights.values().filter(|flight| !flight.stuck).count()
    }

    /// Lanes that flow, at most `max` of them.
    pub(super) fn lanes_flowing(&self, max: usize) -> usize {
        self.lanes.values().filter(|lane| !lane.stuck).take(max).count()
    }

    /// Whether a row up to a seq could be taken now.
    pub(super) fn has_ready(&self, until: u64) -> bool {
        self.ready.first_key_value().is_some_and(|((seq, _), _)| *seq <= until)
    }

    /// Deliveries in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    pub(super) fn flight(&self, place: Place) -> Option<&Flight> {
        self.flights.get(&place)
    }

    pub(super) fn flight_mut(&mut self, place: Place) -> Option<&mut Flight> {
        self.flights.get_mut(&place)
    }

    /// The scan meets a row.
    pub(super) fn meet(&mut self, row: Row) -> Met {
        self.cursor = row.seq;
        let Some(lane) = self.lanes.get_mut(&row.lane) else { return Met::Free };
        if lane.stuck {
            self.moves.push(row);
        } else {
            lane.waiting.push_back(row.place());
            self.rows += 1;
            if lane.waiting.len() > self.lane_rows_max && !lane.spilling {
                lane.spilling = true;
                self.spills.push(row.lane);
            }
        }
        Met::Kept
    }

    /// The store knows a stuck head of the row's lane: the row goes `behind` it in the next transaction.
    pub(super) fn move_behind(&mut self, row: Row) {
        self.moves.push(row);
    }

    /// The lowest row of the page whose lane is free, up to a seq.
    pub(super) fn next_ready(&mut self, until: u64) -> Option<Row> {
        if !self.has_ready(until) {
            return None;
        }
        let ((seq, slot), lane) = self.ready.pop_first()?;
        if let Some(known) = self.lanes.get_mut(&lane) {
            known.waiting.pop_front();
        }
        self.rows -= 1;
        Some(Row { seq, slot, lane })
    }

    /// A delivery takes off.
    pub(super) fn start(&mut self, place: Place, flight: Flight) {
        let lane = self.lanes.entry(flight.lane).or_default();
        debug_assert!(lane.flight.is_none(), "F1");
        lane.flight = Some(place);
        lane.stuck = flight.stuck;
        self.flights.insert(place, flight);
    }

    /// A flowing delivery ended or a stuck head did: its lane is free.
    pub(super) fn finish(&mut self, place: Place) -> Option<Flight> {
        let flight = self.flights.remove(&place)?;
        self.free(flight.lane);
        Some(flight)
    }

    /// A delivery in flight became (or stays) a stuck head: the rows of its lane leave the page, in order.
    pub(super) fn strand(&mut self, place: Place) -> Option<(Flight, Vec<Place>)> {
        let flight = self.flights.remove(&place)?;
        Some((flight.clone(), self.drop_lane(flight.lane)))
    }

    /// Whether a delivery of a lane is in flight.
    pub(super) fn lane_flies(&self, lane: i64) -> bool {
        self.lanes.get(&lane).is_some_and(|lane| lane.flight.is_some())
    }

    /// Takes the rows of a lane that is not in flight out of the page, in order.
    pub(super) fn drop_lane(&mut self, lane: i64) -> Vec<Place> {
        let rest: Vec<Place> = self.lanes.remove(&lane).map(|lane| lane.waiting.into()).unwrap_or_default();
        self.rows -= rest.len();
        if let Some(first) = rest.first() {
            self.ready.remove(first);
        }
        rest
    }

    fn free(&mut self, lane: i64) {
        let Some(known) = self.lanes.get_mut(&lane) else { return };
        known.flight = None;
        known.stuck = false;
        match known.waiting.front() {
            Some(first) => {
                self.ready.insert(*first, lane);
            }
            None => {
                self.lanes.remove(&lane);
            }
        }
    }

    /// Nothing happened to a delivery that was in flight: it may be claimed again.
    pub(super) fn give_back(&mut self, place: Place) {
        let Some(flight) = self.flights.remove(&place) else { return };
        if let (false, Some(lane)) = (flight.stuck, self.lanes.get_mut(&flight.lane)) {
            lane.waiting.push_front(place);
            self.rows += 1;
        }
        self.free(flight.lane);
    }

    /// A row of `pending` that is not in flight ended: the page forgets it, if it knows it.
    pub(super) fn forget(&mut self, row: Row) {
        let Some(lane) = self.lanes.get_mut(&row.lane) else { return };
        let Some(n) = lane.waiting.iter().position(|place| *place == row.place()) else { return };
        lane.waiting.remove(n);
        self.rows -= 1;
        if self.ready.remove(&row.place()).is_some() {
            self.free(row.lane);
        }
    }

    /// Takes the rows that must go `behind` a stuck head, in seq order.
    pub(super) fn take_moves(&mut self) -> Vec<Row> {
        std::mem::take(&mut self.moves)
    }

    /// Takes the lanes that must leave the page; what is in flight of them is a stuck head from now on.
    pub(super) fn take_spills(&mut self) -> Vec<Spill> {
        let mut spilled = Vec::new();
        for lane in std::mem::take(&mut self.spills) {
            let Some(known) = self.lanes.get_mut(&lane).filter(|known| known.spilling) else { continue };
            known.spilling = false;
            // What was shortened since has its place in the page after all.
            if known.stuck || known.waiting.len() <= self.lane_rows_max {
                continue;
            }
            match known.flight {
                Some(head) => {
                    known.stuck = true;
                    let rest: Vec<Place> = std::mem::take(&mut known.waiting).into();
                    self.rows -= rest.len();
                    if let Some(flight) = self.flights.get_mut(&head) {
                        flight.stuck = true;
                    }
                    spilled.push(Spill { lane, head, in_flight: true, rest });
                }
                None => {
                    let mut rest = self.drop_lane(lane);
                    let head = rest.remove(0);
                    spilled.push(Spill { lane, head, in_flight: false, rest });
                }
            }
        }
        spilled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: u64, lane: i64) -> Row {
        Row { seq, slot: 1, lane }
    }

    fn flight(lane: i64, stuck: bool) -> Flight {
        Flight { lane, stuck, leased: false, tries: Tries::default(), tried: 0, gap: None, note: None }
    }

    fn flow() -> Flow {
        Flow::new(8, 2)
    }

    #[test]
    fn a_row_whose_lane_is_in_flight_waits_in_the_page_and_goes_when_it_is_free() {
        let mut flow = flow();
        assert_eq!(flow.meet(row(1, 7)), Met::Free);
        flow.start((1, 1), flight(7, false));
        assert_eq!(flow.meet(row(2, 7)), Met::Kept);
        assert_eq!(flow.next_ready(u64::MAX), None);
        flow.finish((1, 1));
        assert_eq!(flow.next_ready(u64::MAX), Some(row(2, 7)));
        flow.start((2, 1), flight(7, false));
        flow.finish((2, 1));
        assert_eq!((flow.lanes.len(), flow.rows, flow.in_flight()), (0, 0, 0));
    }

    #[test]
    fn what_is_given_back_goes_before_what_waited() {
        let mut flow = flow();
        flow.start((1, 1), flight(7, false));
        flow.meet(row(2, 7));
        flow.give_back((1, 1));
        assert_eq!(flow.next_ready(u64::MAX), Some(row(1, 7)));
        assert_eq!(flow.next_ready(u64::MAX), None);
    }

    #[test]
    fn a_stranded_lane_leaves_the_page_in_order() {
        let mut flow = flow();
        flow.start((1, 1), flight(7, false));
        flow.meet(row(2, 7));
        flow.meet(row(3, 7));
        let (_, rest) = flow.strand((1, 1)).unwrap();
        assert_eq!(rest, [(2, 1), (3, 1)]);
        assert_eq!((flow.lanes.len(), flow.rows), (0, 0));
    }

    #[test]
    fn a_row_behind_a_stuck_head_in_flight_is_moved() {
        let mut flow = flow();
        flow.start((1, 1), flight(7, true));
        assert_eq!(flow.meet(row(2, 7)), Met::Kept);
        assert_eq!(flow.take_moves(), [row(2, 7)]);
    }

    #[test]
    fn a_hot_lane_spills_with_its_flight() {
        let mut flow = flow();
        flow.start((1, 1), flight(7, false));
        for seq in 2..=4 {
            flow.meet(row(seq, 7));
        }
        let spill = Spill { lane: 7, head: (1, 1), in_flight: true, rest: vec![(2, 1), (3, 1), (4, 1)] };
        assert_eq!(flow.take_spills(), [spill]);
        assert!(flow.flight((1, 1)).unwrap().stuck);
        assert_eq!(flow.rows, 0);
        flow.meet(row(5, 7));
        assert_eq!(flow.take_moves(), [row(5, 7)]);
    }

    #[test]
    fn a_hot_lane_that_nobody_works_on_spills_from_its_first_row() {
        let mut flow = flow();
        flow.start((1, 1), flight(7, false));
        for seq in 2..=5 {
            flow.meet(row(seq, 7));
        }
        flow.finish((1, 1));
        let spill = Spill { lane: 7, head: (2, 1), in_flight: false, rest: vec![(3, 1), (4, 1), (5, 1)] };
        assert_eq!(flow.take_spills(), [spill]);
        assert_eq!((flow.rows, flow.has_ready(u64::MAX), flow.lanes.len()), (0, false, 0));
    }

    #[test]
    fn the_page_is_bounded() {
        let mut flow = Flow::new(3, 9);
        flow.start((1, 1), flight(7, false));
        let mut seq = 2;
        while flow.has_room() {
            flow.meet(row(seq, 7));
            seq += 1;
        }
        assert_eq!(flow.rows, 3);
    }

    #[test]
    fn a_row_that_ends_in_the_page_lets_the_next_one_go() {
        let mut flow = flow();
        flow.start((1, 1), flight(7, false));
        flow.meet(row(2, 7));
        flow.meet(row(3, 7));
        flow.finish((1, 1));
        flow.forget(row(2, 7));
        assert_eq!(flow.next_ready(u64::MAX), Some(row(3, 7)));
    }
}
