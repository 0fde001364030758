//! The servers that Packhouse is compared with, and what is downloaded from all.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::{fs, thread};

use axum::Router;
use axum::http::StatusCode;
use axum::serve::ListenerExt;
use packhouse_benches::{Peer, free_address};
use packhouse_tests::client::Client;
use packhouse_tests::random::Random;
use packhouse_tests::server::ADMIN_KEY;

/// nginx with the files, and under `/asked/` with the files after asking another server for each.
pub(crate) fn start_nginx(work: &Path, asked: SocketAddr) -> io::Result<Peer> {
    let address = free_address()?;
    let folder = work.join("nginx");
    fs::create_dir_all(folder.join("logs"))?;
    for (name, size) in FILES {
        fs::write(folder.join(name), content(size))?;
    }
    let root = folder.display();
    let config = format!(
        "worker_processes 2; pid {root}/pid; error_log {root}/logs/error.log; user root;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; sendfile on; tcp_nopush off; keepalive_requests 100000000;\n\
         default_type application/octet-stream;\n\
         upstream asked {{ server {asked}; keepalive 64; }}\n\
         server {{ listen {address}; root {root};\n\
         location /asked/ {{ auth_request /ask; alias {root}/; }}\n\
         location = /ask {{ internal; proxy_pass http://asked/; proxy_http_version 1.1;\n\
         proxy_set_header Connection \"\"; proxy_pass_request_body off; }} }} }}\n"
    );
    fs::write(folder.join("nginx.conf"), config)?;
    let mut command = Command::new("nginx");
    command.args(["-g", "daemon off;", "-c"]).arg(folder.join("nginx.conf"));
    Peer::start(command, address)
}

pub(crate) fn start_registry(work: &Path) -> io::Result<Peer> {
    let address = free_address()?;
    let folder = work.join("registry");
    fs::create_dir_all(&folder)?;
    let config = format!(
        "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
         storage: {{filesystem: {{rootdirectory: {}}}, cache: {{blobdescriptor: inmemory}}}}\n\
         http: {{addr: '{address}'}}\n",
        folder.join("data").display()
    );
    let file = folder.join("config.yml");
    fs::write(&file, config)?;
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(file);
    Peer::start(command, address)
}

pub(crate) const FILES: [(&str, usize); 3] =
    [("1k", 1 << 10), ("64k", 64 << 10), ("256m", 256 << 20)];

pub(crate) fn content(size: usize) -> Vec<u8> {
    Random::new(size as u64).bytes(size)
}

/// A user with a public repository and the files to download; gives the user's key.
pub(crate) fn prepare(address: SocketAddr) -> io::Result<String> {
    let mut admin = Client::user(address, "admin", ADMIN_KEY);
    let user = admin.send("PUT", "/management/v1/users/bench", b"{}")?;
    let key = user.json()["api_key"].as_str().unwrap_or_default().to_owned();
    let mut owner = Client::user(address, "bench", &key);
    owner.send("POST", "/repos/bench/repo", b"{}")?;
    owner.send("POST", "/packages/bench/repo", b"{\"name\":\"p\"}")?;
    for (name, size) in FILES {
        let path = format!("/content/bench/repo/p/1/{name}?publish=1");
        let reply = owner.send("PUT", &path, &content(size))?;
        assert_eq!(reply.status, 201, "{}", reply.text());
    }
    Ok(key)
}

/// A server that says yes to everything, in threads of this program.
pub(crate) fn start_yes() -> io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    thread::spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let listener = listener.tap_io(|stream| {
                // Otherwise an answer may wait for the peer's acknowledgement.
                let _ = stream.set_nodelay(true);
            });
            axum::serve(listener, Router::new().fallback(|| async { StatusCode::NO_CONTENT })).await
        })
    });
    Ok(address)
}
