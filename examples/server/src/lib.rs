//! The Packhouse server: what stands around the engine and its HTTP adapter in a process of its
//! own. Settings, the data directory, the listener with its deadlines, logs, metrics, shutdown.
//!
//! It must hold no rule about packages or who may see them: those live in `packhouse-core`, and
//! their wire forms in `packhouse-http`.

pub mod assembly;
mod body;
pub mod config;
mod connection;
mod connections;
pub mod data_dir;
pub mod engine;
pub mod framing;
mod geo;
mod io;
pub mod limits;
pub mod listener;
pub mod logs;
pub mod metrics;
pub mod open_files;
pub mod operator;
pub mod ports;
mod service;
pub mod signals;
pub mod size;
