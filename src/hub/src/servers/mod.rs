//! Servers of people: their states, the jobs that change them, and what tells that something changed.
//!
//! Invariant: systemd owns what runs. A state here is a view of a unit, rebuilt from systemd at any time;
//! only `Starting` and `Stopping` belong to a job of this process.

pub mod address;
pub mod answers;
mod cgroup;
mod ending;
pub mod idle;
mod in_force;
mod jobs;
pub mod keeper;
mod keys;
mod kills;
pub mod launcher;
pub mod limits;
pub mod naming;
pub mod oom;
mod outcome;
pub mod profiles;
pub mod ready;
pub mod registry;
mod restart;
pub mod rows;
pub mod saves;
pub mod server;
mod signals;
pub mod space;
pub mod state;
pub mod suspension;
pub mod systemd;
pub mod usage;
pub mod watch;
