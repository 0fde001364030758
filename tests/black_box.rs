//! Scenarios over the running server, and the rules of the house. One binary for all of them.

#[path = "black_box/crash_loop.rs"]
mod crash_loop;
#[path = "black_box/full_disk.rs"]
mod full_disk;
#[path = "black_box/house_rules.rs"]
mod house_rules;
#[path = "black_box/power_cuts.rs"]
mod power_cuts;
#[path = "black_box/release.rs"]
mod release;
#[path = "black_box/syscalls.rs"]
mod syscalls;
#[path = "black_box/witness.rs"]
mod witness;
