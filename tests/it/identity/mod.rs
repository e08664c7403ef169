//! Signing in with an identity provider: a real one, in a process of its own, and the real bus behind what stands for its proxy.

mod browser;
mod flows;
mod node;
mod words;
