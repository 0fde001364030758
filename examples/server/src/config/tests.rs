//! The settings of command lines and files.

use super::*;

fn of(arguments: &[&str]) -> Result<Config, ConfigError> {
    Config::of(std::iter::once("packhouse-server").chain(arguments.iter().copied()), None)
}

fn with_file(text: &str, arguments: &[&str]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packhouse.toml");
    fs::write(&path, text).unwrap();
    let mut all = vec!["--config", path.to_str().unwrap()];
    all.extend(arguments);
    of(&all)
}

#[test]
fn without_any_source_the_documented_defaults_hold() {
    let config = of(&[]).unwrap();
    assert_eq!(config.data, PathBuf::from("./packhouse-data"));
    assert_eq!(config.listen, "127.0.0.1:8080");
    assert_eq!(config.metrics_listen, None);
    assert_eq!((config.allow_outbound_to.len(), config.trusted_proxies.len()), (0, 0));
    assert_eq!((&config.public_url, &config.geo_database), (&None, &None));
    assert_eq!(config.limits, Limits::default());
    assert_eq!(of(&["serve"]).unwrap(), config);
}

#[test]
fn a_flag_goes_before_the_file_and_the_file_before_the_default() {
    let text = "listen = '127.0.0.2:1'\ndata = '/tmp/from-file'\n[limits]\nmax_upload = '7MiB'\nmax_connections = 9\n";
    let config = with_file(text, &["--listen", "127.0.0.3:1", "--max-connections", "8"]).unwrap();
    assert_eq!(config.listen, "127.0.0.3:1");
    assert_eq!(config.data, PathBuf::from("/tmp/from-file"));
    assert_eq!(config.limits.max_connections, 8);
    assert_eq!(config.limits.max_upload, "7MiB".parse().unwrap());
    assert_eq!(config.limits.max_json_body, Limits::default().max_json_body);
}

#[test]
fn an_unknown_key_in_the_file_is_refused_by_name() {
    for (text, key) in [
        ("listne = '127.0.0.1:1'\n", "listne"),
        ("[limits]\nheader_deadline = 3\n", "header_deadline"),
        ("[limts]\n", "limts"),
    ] {
        let error = with_file(text, &[]).unwrap_err().to_string();
        assert!(error.contains(&format!("`{key}`")), "{error}");
        assert!(error.contains("packhouse.toml"), "{error}");
    }
}

#[test]
fn a_value_that_cannot_be_is_refused_by_name() {
    for (arguments, named) in [
        (["--max-upload", "much"], "--max-upload"),
        (["--max-connections", "0"], "max_connections"),
        (["--max-archive-entries", "20000"], "max_archive_entries"),
        (["--header-deadline-secs", "0"], "header_deadline_secs"),
        (["--log-format", "xml"], "--log-format"),
        (["--admin-key", "secret"], "--admin-key"),
    ] {
        let error = of(&arguments).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    let error = with_file("[limits]\nmax_upload = 'much'\n", &[]).unwrap_err().to_string();
    assert!(error.contains("max_upload"), "{error}");
}

#[test]
fn the_admin_key_comes_from_the_environment_or_the_file_and_is_not_shown() {
    let (inside, outside) = ("a-key-that-is-in-the-file", "a-key-of-the-environment");
    let config = with_file(&format!("admin_key = '{inside}'\n"), &[]).unwrap();
    assert_eq!(config.admin_key.as_ref().map(AdminKey::reveal), Some(inside));
    assert!(!format!("{config:?}").contains(inside));
    let config = Config::of(["packhouse-server"], Some(outside.to_owned())).unwrap();
    assert_eq!(config.admin_key.as_ref().map(AdminKey::reveal), Some(outside));
}

#[test]
fn a_setting_of_networks_is_a_list_in_every_source_and_the_first_source_gives_all_of_it() {
    let text = "allow_outbound_to = ['10.0.0.0/8', 'fd00::/8']\ntrusted_proxy = ['192.0.2.1']\n\
                geo_database = 'countries.mmdb'\n";
    let spelt = |networks: &[Network]| -> Vec<String> {
        networks.iter().map(ToString::to_string).collect()
    };
    let config = with_file(text, &[]).unwrap();
    assert_eq!(spelt(&config.allow_outbound_to), ["10.0.0.0/8", "fd00::/8"]);
    assert_eq!(spelt(&config.trusted_proxies), ["192.0.2.1"]);
    assert_eq!(config.geo_database, Some(PathBuf::from("countries.mmdb")));
    let flags = ["--trusted-proxy", "10.1.0.1", "--trusted-proxy", "10.2.0.0/16,10.3.0.0/16"];
    let config = with_file(text, &flags).unwrap();
    assert_eq!(spelt(&config.trusted_proxies), ["10.1.0.1", "10.2.0.0/16", "10.3.0.0/16"]);
    assert_eq!(spelt(&config.allow_outbound_to), ["10.0.0.0/8", "fd00::/8"]);
}

#[test]
fn a_public_url_is_told_by_flag_or_file_and_refused_by_name_if_it_is_none() {
    let spelt = |config: Config| config.public_url.map(|url| url.to_string());
    let text = "public_url = 'https://file.example.org/'\n";
    assert_eq!(spelt(with_file(text, &[]).unwrap()).unwrap(), "https://file.example.org");
    let flags = ["--public-url", "http://flag.example.org:8080/packhouse"];
    let told = spelt(with_file(text, &flags).unwrap()).unwrap();
    assert_eq!(told, "http://flag.example.org:8080/packhouse");
    for wrong in ["dl.example.org", "", "ftp://dl.example.org", "https://me@dl.example.org"] {
        let error = of(&["--public-url", wrong]).unwrap_err().to_string();
        let advice = "write it like https://dl.example.org";
        assert!(error.contains("--public-url") && error.contains(advice), "{error}");
        let error = with_file(&format!("public_url = '{wrong}'\n"), &[]).unwrap_err().to_string();
        assert!(error.contains("public_url") && error.contains(advice), "{error}");
    }
}

#[test]
fn a_network_that_is_none_is_refused_by_name() {
    for flag in ["--allow-outbound-to", "--trusted-proxy"] {
        for text in ["lan", "", "10.0.0.0/8,"] {
            let error = of(&[flag, text]).unwrap_err().to_string();
            assert!(error.contains(flag), "{error}");
        }
        let key = flag.trim_start_matches('-').replace('-', "_");
        let error = with_file(&format!("{key} = ['lan']\n"), &[]).unwrap_err().to_string();
        assert!(error.contains(&key) && error.contains("'lan'"), "{error}");
    }
}

/// T096.
#[test]
fn nobody_trusts_everyone_to_be_a_proxy() {
    for text in ["0.0.0.0/0", "10.1.2.3/0", "::/0", "::ffff:0.0.0.0/96", "10.0.0.0/8,::1/0"] {
        let told = of(&["--trusted-proxy", text]).unwrap_err().to_string();
        assert!(told.contains("is everyone") && told.contains("--trusted-proxy"), "{told}");
    }
    let told = with_file("trusted_proxy = ['0.0.0.0/0']\n", &[]).unwrap_err().to_string();
    assert!(told.contains("trusted_proxy in the settings file"), "{told}");
    assert!(of(&["--trusted-proxy", "0.0.0.0/1", "--allow-outbound-to", "0.0.0.0/0"]).is_ok());
}
