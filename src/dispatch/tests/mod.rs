//! Dispatch as a whole over a real ledger, with agencies that act by a script and a clock in the test's hand.

mod probes;
mod town;
mod week;
