//! What the coordinator needs of a driver. There are two: real threads, and one thread with virtual time.

use super::life::{Life, NodeMessage};
use crate::scheduler::Time;
use crate::scheduler::event::Timer;
use std::sync::Arc;

/// How messages travel, time passes and nodes run. Reports come back through [`super::coordinator::Coordinator::report`].
pub(crate) trait Transport: Send {
    /// Cluster time, for records and decisions.
    fn now(&self) -> Time;

    /// Cluster time as people see it pass. (Virtual time stands still between two events, unless it is played at a pace.)
    fn shown(&self) -> Time;

    /// Somebody does something at [`Transport::shown`]: it is `now` from here on.
    fn catch_up(&mut self);

    /// A node begins this life, with `slots` attempts at a time.
    fn start(&mut self, life: &Arc<Life>, slots: u32);

    /// Sends a message through the network; a node that is gone or cut off does not get it.
    fn send(&mut self, life: &Arc<Life>, message: NodeMessage);

    /// A life has been closed. Its connection breaks, and the coordinator is to look ([`super::coordinator::Coordinator::notice_closed`])
    /// as soon as that can be noticed.
    fn closed(&mut self, life: &Arc<Life>);

    /// Tell the coordinator at `at` ([`super::coordinator::Coordinator::timer`]).
    fn set_timer(&mut self, at: Time, timer: Timer);

    /// The timer is not needed any more. One that fires all the same does no harm.
    fn clear_timer(&mut self, timer: Timer);

    /// Time stands still, or goes on.
    fn set_paused(&mut self, paused: bool);

    /// Whether something is still under way, so that the cluster is not in a state of rest (virtual time only: with real
    /// time there is none).
    fn is_busy(&self) -> bool;

    /// Ends all threads.
    fn shut_down(&mut self);
}
