//! The scheduler, checked three ways: golden scripts that a newcomer can read, an explorer that tries every interleaving of
//! small cases, and a swarm of large random ones. The checker is written apart from the scheduler.

mod checker;
mod explorer;
mod scripts;
mod shape;
mod swarm;
mod world;
