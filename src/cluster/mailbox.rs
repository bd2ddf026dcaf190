//! A queue of messages in order of their arrival time; messages on a slow link arrive later.

use super::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// One end of it reads, any number of clones write. Once closed, nothing is taken and nothing is given.
pub(crate) struct Mailbox<T> {
    inner: Arc<Inner<T>>,
}

struct Inner<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    /// By arrival, then by order of sending.
    messages: BTreeMap<(Instant, u64), T>,
    sent: u64,
    closed: bool,
}

/// What came of waiting for a message.
pub(crate) enum Received<T> {
    Message(T),
    TimedOut,
    Closed,
}

impl<T> Clone for Mailbox<T> {
    fn clone(&self) -> Mailbox<T> {
        Mailbox { inner: self.inner.clone() }
    }
}

impl<T> Mailbox<T> {
    pub(crate) fn new() -> Mailbox<T> {
        let state = State { messages: BTreeMap::new(), sent: 0, closed: false };
        Mailbox { inner: Arc::new(Inner { state: Mutex::new(state), changed: Condvar::new() }) }
    }

    /// Puts a message in, to be received after `delay`. A closed mailbox refuses it: false.
    pub(crate) fn send(&self, message: T, delay: Duration) -> bool {
        let mut state = lock(&self.inner.state);
        if state.closed {
            return false;
        }
        state.sent += 1;
        let key = (Instant::now() + delay, state.sent);
        state.messages.insert(key, message);
        drop(state);
        self.inner.changed.notify_one();
        true
    }

    /// The next message that has arrived; waits for it, at most until `deadline`.
    pub(crate) fn receive(&self, deadline: Option<Instant>) -> Received<T> {
        let mut state = lock(&self.inner.state);
        loop {
            if state.closed {
                return Received::Closed;
            }
            let now = Instant::now();
            let arrival = state.messages.first_key_value().map(|((at, _), _)| *at);
            if arrival.is_some_and(|at| at <= now)
                && let Some((_, message)) = state.messages.pop_first()
            {
                return Received::Message(message);
            }
            if deadline.is_some_and(|at| at <= now) {
                return Received::TimedOut;
            }
            let wake = [arrival, deadline].into_iter().flatten().min();
            state = match wake {
                Some(at) => {
                    let waited = self.inner.changed.wait_timeout(state, at - now);
                    waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0
                }
                None => self.inner.changed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner()),
            };
        }
    }

    /// Refuses and forgets everything from now on.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.inner.state);
        state.closed = true;
        state.messages.clear();
        drop(state);
        self.inner.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_in_order_of_sending_and_a_delayed_one_later() {
        let mailbox = Mailbox::new();
        mailbox.send("late", Duration::from_secs(3600));
        mailbox.send("first", Duration::ZERO);
        mailbox.send("second", Duration::ZERO);
        let mut received = Vec::new();
        while let Received::Message(text) = mailbox.receive(Some(Instant::now())) {
            received.push(text);
        }
        assert_eq!(received, ["first", "second"]);
    }

    #[test]
    fn a_closed_mailbox_refuses() {
        let mailbox = Mailbox::new();
        mailbox.send(1, Duration::ZERO);
        mailbox.close();
        assert!(!mailbox.send(2, Duration::ZERO));
        assert!(matches!(mailbox.receive(None), Received::Closed));
    }
}
