//! Parsers that recurse, on a stack that holds them.

/// Stack of the thread that reads one expression or template. CEL's parser takes over 100 KiB for each bracket of an unoptimised
/// build and stops at 96 of them; chains of one operator take less, and are bounded by the length of the text.
const STACK_BYTES: usize = 64 << 20;

/// Runs a reading on a thread of its own; `None` if there is no thread to be had, or the parser broke down.
pub(super) fn deep<T: Send>(read: impl FnOnce() -> T + Send) -> Option<T> {
    let thread = std::thread::Builder::new().name("falaj-parse".to_owned()).stack_size(STACK_BYTES);
    std::thread::scope(|scope| thread.spawn_scoped(scope, read).ok()?.join().ok())
}
