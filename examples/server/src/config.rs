//! The settings: flags, then environment, then a file, then defaults; the first that has a value
//! for a setting gives it.
//!
//! It must read nothing but these sources, and act on nothing.

use std::env::VarError;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use packhouse_core::networks::Network;
use packhouse_http::PublicUrl;
use serde::Deserialize;
use thiserror::Error;

use crate::limits::Limits;
use crate::size::ByteSize;

/// What no flag says. The key of the admin is in none: other users of the machine see them.
const AFTER_HELP: &str = "\
The platform admin:
  The first start makes the user `admin` and prints its API key, once.
  PACKHOUSE_ADMIN_KEY in the environment (or admin_key in the settings file), of 20 to 256 bytes,
  is its key instead. At a later start it replaces the admin's key: the way back in when that is
  lost.";

/// How long the admin's key may be, in bytes.
const ADMIN_KEY: std::ops::RangeInclusive<usize> = 20..=256;

/// A server for publishing and downloading software.
#[derive(Parser, Debug)]
#[command(
    name = "packhouse-server",
    version,
    about,
    after_help = AFTER_HELP,
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Start the server (what happens without a command, too)
    Serve(ServeArgs),
}

#[derive(Args, Debug, Default)]
struct ServeArgs {
    /// A TOML file of settings, with the names of these flags and `_` for `-`; limits stand in
    /// its table `[limits]`
    #[arg(long, env = "PACKHOUSE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

/// What flags, environment and file may each say.
#[derive(Args, Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The directory of everything that the server keeps [default: ./packhouse-data]
    #[arg(long, env = "PACKHOUSE_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen; port 0 picks a free one and prints it [default: 127.0.0.1:8080]
    #[arg(long, env = "PACKHOUSE_LISTEN", value_name = "ADDR")]
    listen: Option<String>,
    /// Where to answer the operator: /metrics, /health and /ready [default: nowhere]
    #[arg(long, env = "PACKHOUSE_METRICS_LISTEN", value_name = "ADDR")]
    metrics_listen: Option<String>,
    /// The form of the log on standard error [default: text]
    #[arg(long, env = "PACKHOUSE_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// What to log: a level, or levels by target, such as `info,packhouse::access=off`
    /// [default: info]
    #[arg(long, env = "PACKHOUSE_LOG_LEVEL", value_name = "LEVEL")]
    log_level: Option<String>,
    /// A network that may be called besides public addresses, such as 10.20.0.0/16, by callbacks
    /// and webhooks of users; may be given several times [default: none]
    #[arg(long, env = "PACKHOUSE_ALLOW_OUTBOUND_TO", value_name = "CIDR", value_delimiter = ',',
          value_parser = Network::parse)]
    allow_outbound_to: Option<Vec<Network>>,
    /// A proxy, or a network of them, whose X-Forwarded-For is believed; may be given several
    /// times [default: none]
    #[arg(long, env = "PACKHOUSE_TRUSTED_PROXY", value_name = "CIDR", value_delimiter = ',',
          value_parser = Network::parse)]
    trusted_proxy: Option<Vec<Network>>,
    /// What the server is called from outside, such as https://dl.example.org: what signed URLs
    /// and other addresses that it gives begin with [default: http:// and what the request says
    /// in Host]
    #[arg(long, env = "PACKHOUSE_PUBLIC_URL", value_name = "URL", value_parser = PublicUrl::parse)]
    public_url: Option<PublicUrl>,
    /// A database of countries in MaxMind's format (.mmdb); read again when it changes
    /// [default: no address has a country]
    #[arg(long, env = "PACKHOUSE_GEO_DATABASE", value_name = "FILE")]
    geo_database: Option<PathBuf>,
    /// Never a flag: other users of the machine see the flags of a process.
    #[arg(skip)]
    admin_key: Option<AdminKey>,
    #[command(flatten)]
    #[serde(default)]
    limits: LimitSettings,
}

/// What flags, environment and file may each say about limits.
#[derive(Args, Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
#[command(next_help_heading = "Limits (sizes such as 512KiB or 5GiB)")]
struct LimitSettings {
    /// The largest upload [default: 5GiB]
    #[arg(long, env = "PACKHOUSE_MAX_UPLOAD", value_name = "SIZE")]
    max_upload: Option<ByteSize>,
    /// The most files and folders of an archive that is exploded [default: 10000]
    #[arg(long, env = "PACKHOUSE_MAX_ARCHIVE_ENTRIES", value_name = "NUMBER")]
    max_archive_entries: Option<u64>,
    /// The most bytes of all files of an archive together [default: 5GiB]
    #[arg(long, env = "PACKHOUSE_MAX_ARCHIVE_SIZE", value_name = "SIZE")]
    max_archive_size: Option<ByteSize>,
    /// How many times its own size the files of an archive may have [default: 100]
    #[arg(long, env = "PACKHOUSE_MAX_ARCHIVE_RATIO", value_name = "NUMBER")]
    max_archive_ratio: Option<u64>,
    /// For how many days after its publication files of a version of an oss subject may be added,
    /// replaced and deleted; 0 for ever [default: 365]
    #[arg(long, env = "PACKHOUSE_OSS_CHANGE_DAYS", value_name = "DAYS")]
    oss_change_days: Option<u64>,
    /// Memory for small files that are downloaded often; 0 for none [default: 64MiB]
    #[arg(long, env = "PACKHOUSE_HOT_FILES", value_name = "SIZE")]
    hot_files: Option<ByteSize>,
    /// Memory for what is read and searched in the database; a quarter as much may be taken
    /// besides for lists, and 64MiB for writing [default: 512MiB]
    #[arg(long, env = "PACKHOUSE_DATABASE_CACHE", value_name = "SIZE")]
    database_cache: Option<ByteSize>,
    /// For how many days a signed URL may hold; 0 for as many as its signer says [default: 0]
    #[arg(long, env = "PACKHOUSE_MAX_SIGNED_URL_DAYS", value_name = "DAYS")]
    max_signed_url_days: Option<u64>,
    /// The largest JSON body [default: 1MiB]
    #[arg(long, env = "PACKHOUSE_MAX_JSON_BODY", value_name = "SIZE")]
    max_json_body: Option<ByteSize>,
    /// The largest request head, 8KiB to 1MiB [default: 64KiB]
    #[arg(long, env = "PACKHOUSE_MAX_HEADER", value_name = "SIZE")]
    max_header: Option<ByteSize>,
    /// Open connections [default: 1024]
    #[arg(long, env = "PACKHOUSE_MAX_CONNECTIONS", value_name = "NUMBER")]
    max_connections: Option<usize>,
    /// From the connection to its first byte [default: 15]
    #[arg(long, env = "PACKHOUSE_FIRST_BYTE_DEADLINE_SECS", value_name = "SECONDS")]
    first_byte_deadline_secs: Option<u64>,
    /// From the first byte of a request head to its end [default: 30]
    #[arg(long, env = "PACKHOUSE_HEADER_DEADLINE_SECS", value_name = "SECONDS")]
    header_deadline_secs: Option<u64>,
    /// From an answer to the next request on the connection [default: 75]
    #[arg(long, env = "PACKHOUSE_KEEP_ALIVE_DEADLINE_SECS", value_name = "SECONDS")]
    keep_alive_deadline_secs: Option<u64>,
    /// Waiting for the next byte of a request body [default: 30]
    #[arg(long, env = "PACKHOUSE_BODY_STALL_DEADLINE_SECS", value_name = "SECONDS")]
    body_stall_deadline_secs: Option<u64>,
    /// Waiting for a request body before its least rate counts [default: 30]
    #[arg(long, env = "PACKHOUSE_BODY_GRACE_SECS", value_name = "SECONDS")]
    body_grace_secs: Option<u64>,
    /// The least rate of a request body, for each second; 0 for none [default: 1KiB]
    #[arg(long, env = "PACKHOUSE_BODY_MIN_RATE", value_name = "SIZE")]
    body_min_rate: Option<ByteSize>,
    /// Waiting for a client to take more of its answer [default: 60]
    #[arg(long, env = "PACKHOUSE_WRITE_STALL_DEADLINE_SECS", value_name = "SECONDS")]
    write_stall_deadline_secs: Option<u64>,
    /// Waiting for a client to take its answers before their least rate counts [default: 30]
    #[arg(long, env = "PACKHOUSE_ANSWER_GRACE_SECS", value_name = "SECONDS")]
    answer_grace_secs: Option<u64>,
    /// The least rate of taking answers, for each second; 0 for none [default: 1KiB]
    #[arg(long, env = "PACKHOUSE_ANSWER_MIN_RATE", value_name = "SIZE")]
    answer_min_rate: Option<ByteSize>,
    /// For running requests to finish at shutdown [default: 30]
    #[arg(long, env = "PACKHOUSE_DRAIN_DEADLINE_SECS", value_name = "SECONDS")]
    drain_deadline_secs: Option<u64>,
}

/// The form of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// An API key that the operator chose for the platform admin. Its debug form does not show it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct AdminKey(String);

impl AdminKey {
    /// The key itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminKey(…)")
    }
}

/// The settings of a server, complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The directory of everything that the server keeps.
    pub data: PathBuf,
    /// Where to listen, as `host:port`.
    pub listen: String,
    /// Where to answer the operator, as `host:port`; nowhere if absent.
    pub metrics_listen: Option<String>,
    /// The API key of the platform admin, if the operator chose it.
    pub admin_key: Option<AdminKey>,
    /// The form of the log.
    pub log_format: LogFormat,
    /// What to log: a level, or levels by target.
    pub log_level: String,
    /// What may be called besides public addresses.
    pub allow_outbound_to: Vec<Network>,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// What the server is called from outside, if it is told.
    pub public_url: Option<PublicUrl>,
    /// The database of countries, if there is one.
    pub geo_database: Option<PathBuf>,
    /// How much, how many and how long.
    pub limits: Limits,
}

/// The settings cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The command line or an environment variable is wrong, or help was asked for.
    #[error("{0}")]
    CommandLine(#[from] clap::Error),
    /// The file cannot be read.
    #[error("cannot read the settings file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file has an unknown key, or a value of a wrong form.
    #[error("the settings file {} is wrong: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A value is out of its range.
    #[error("wrong settings: {0}")]
    Value(String),
}

impl Config {
    /// The settings of this process: its arguments, its environment, and the file they name.
    ///
    /// # Errors
    ///
    /// Where a source is wrong; a request for help is one, as in `clap`.
    pub fn of_process() -> Result<Self, ConfigError> {
        let admin_key = match std::env::var("PACKHOUSE_ADMIN_KEY") {
            Ok(key) => Some(key),
            Err(VarError::NotPresent) => None,
            Err(VarError::NotUnicode(_)) => {
                let message = "PACKHOUSE_ADMIN_KEY must be UTF-8".to_owned();
                return Err(ConfigError::Value(message));
            }
        };
        Self::of(std::env::args_os(), admin_key)
    }

    /// The settings of a command line (the first argument is the program) and an admin key from
    /// the environment. The other environment variables are read where the flag is absent.
    ///
    /// # Errors
    ///
    /// As [`Config::of_process`].
    pub fn of<I, T>(arguments: I, admin_key: Option<String>) -> Result<Self, ConfigError>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        let cli = Cli::try_parse_from(arguments)?;
        let ServeArgs { config, mut settings } = match cli.command {
            Some(Command::Serve(serve)) => serve,
            None => cli.serve,
        };
        settings.admin_key = admin_key.map(AdminKey);
        let file = config.as_deref().map(read_file).transpose()?.unwrap_or_default();
        resolve(settings, file)
    }
}

fn read_file(path: &Path) -> Result<Settings, ConfigError> {
    let text = fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    toml::from_str(&text)
        .map_err(|source| ConfigError::File { path: path.to_owned(), source: Box::new(source) })
}

fn resolve(first: Settings, file: Settings) -> Result<Config, ConfigError> {
    let config = Config {
        data: first.data.or(file.data).unwrap_or_else(|| PathBuf::from("./packhouse-data")),
        listen: first.listen.or(file.listen).unwrap_or_else(|| "127.0.0.1:8080".to_owned()),
        metrics_listen: first.metrics_listen.or(file.metrics_listen),
        admin_key: first.admin_key.or(file.admin_key),
        log_format: first.log_format.or(file.log_format).unwrap_or_default(),
        log_level: first.log_level.or(file.log_level).unwrap_or_else(|| "info".to_owned()),
        allow_outbound_to: first.allow_outbound_to.or(file.allow_outbound_to).unwrap_or_default(),
        trusted_proxies: first.trusted_proxy.or(file.trusted_proxy).unwrap_or_default(),
        public_url: first.public_url.or(file.public_url),
        geo_database: first.geo_database.or(file.geo_database),
        limits: resolve_limits(&first.limits, &file.limits),
    };
    config.limits.check().map_err(ConfigError::Value)?;
    config.admin_key.as_ref().map_or(Ok(()), check_admin_key).map_err(ConfigError::Value)?;
    check_proxies(&config.trusted_proxies).map_err(ConfigError::Value)?;
    Ok(config)
}

/// Who trusts everyone lets each client say where it is: restrictions of networks and countries,
/// and networks of access keys, would mean nothing.
fn check_proxies(proxies: &[Network]) -> Result<(), String> {
    let everyone = proxies.iter().find(|network| network.is_everything());
    everyone.map_or(Ok(()), |network| {
        Err(format!(
            "--trusted-proxy {network} (trusted_proxy in the settings file) is everyone, who then \
             could say that they are anyone: name the proxies, or their network"
        ))
    })
}

/// The engine has this rule too. Here it is told before anything is made.
fn check_admin_key(key: &AdminKey) -> Result<(), String> {
    let length = key.reveal().len();
    if ADMIN_KEY.contains(&length) {
        return Ok(());
    }
    Err(format!(
        "PACKHOUSE_ADMIN_KEY (admin_key in the settings file) must have {} to {} bytes, and has \
         {length}",
        ADMIN_KEY.start(),
        ADMIN_KEY.end()
    ))
}

fn resolve_limits(first: &LimitSettings, file: &LimitSettings) -> Limits {
    let default = Limits::default();
    let wait = |first: Option<u64>, file: Option<u64>, default: Duration| {
        first.or(file).map_or(default, Duration::from_secs)
    };
    let size = |first: Option<ByteSize>, file: Option<ByteSize>, default: ByteSize| {
        first.or(file).unwrap_or(default)
    };
    let number =
        |first: Option<u64>, file: Option<u64>, default: u64| first.or(file).unwrap_or(default);
    macro_rules! pick {
        ($how:ident, $field:ident, $name:ident) => {
            $how(first.$name, file.$name, default.$field)
        };
    }
    Limits {
        max_upload: pick!(size, max_upload, max_upload),
        max_archive_entries: pick!(number, max_archive_entries, max_archive_entries),
        max_archive_size: pick!(size, max_archive_size, max_archive_size),
        max_archive_ratio: pick!(number, max_archive_ratio, max_archive_ratio),
        oss_change_days: pick!(number, oss_change_days, oss_change_days),
        hot_files: pick!(size, hot_files, hot_files),
        database_cache: pick!(size, database_cache, database_cache),
        max_signed_url_days: pick!(number, max_signed_url_days, max_signed_url_days),
        max_json_body: pick!(size, max_json_body, max_json_body),
        max_header: pick!(size, max_header, max_header),
        max_connections: first
            .max_connections
            .or(file.max_connections)
            .unwrap_or(default.max_connections),
        first_byte_deadline: pick!(wait, first_byte_deadline, first_byte_deadline_secs),
        header_deadline: pick!(wait, header_deadline, header_deadline_secs),
        keep_alive_deadline: pick!(wait, keep_alive_deadline, keep_alive_deadline_secs),
        body_stall_deadline: pick!(wait, body_stall_deadline, body_stall_deadline_secs),
        body_grace: pick!(wait, body_grace, body_grace_secs),
        body_min_rate: pick!(size, body_min_rate, body_min_rate),
        write_stall_deadline: pick!(wait, write_stall_deadline, write_stall_deadline_secs),
        answer_grace: pick!(wait, answer_grace, answer_grace_secs),
        answer_min_rate: pick!(size, answer_min_rate, answer_min_rate),
        drain_deadline: pick!(wait, drain_deadline, drain_deadline_secs),
    }
}

#[cfg(test)]
mod tests;
