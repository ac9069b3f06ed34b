//! TLS by `openssl s_server`: private authorities, client certificates, and what is said without them.

use crate::project::{index, packed, sha256};
use crate::scene::{Running, Scene, free_port, serve, tool};

/// A directory with an authority, a server's and a client's certificate, and a chart repository; `None` without openssl.
fn site() -> Option<tempfile::TempDir> {
    let site = tempfile::tempdir().unwrap();
    std::fs::write(site.path().join("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n").unwrap();
    for args in [
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority",
        "req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=server",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile names",
        "req -newkey rsa:2048 -nodes -keyout client.key -out client.csr -subj /CN=client",
        "x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out client.pem -days 2 -extfile names",
        "req -newkey rsa:2048 -nodes -keyout old.key -out old.csr -subj /CN=old",
        "x509 -req -in old.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out old.pem -days 2",
    ] {
        tool("openssl", &args.split(' ').collect::<Vec<_>>(), site.path()).then_some(())?;
    }
    let chart = packed("loki", "1.0.0");
    let entries = [("loki", "1.0.0", "loki-1.0.0.tgz".to_owned(), sha256(&chart))];
    std::fs::write(site.path().join("index.yaml"), index(&entries)).unwrap();
    std::fs::write(site.path().join("loki-1.0.0.tgz"), chart).unwrap();
    Some(site)
}

fn server(site: &std::path::Path, port: u16, more: &[&str]) -> Option<Running> {
    let port_text = port.to_string();
    let mut args = vec!["s_server", "-accept", &port_text, "-cert", "server.pem", "-key", "server.key", "-WWW", "-quiet"];
    args.extend_from_slice(more);
    serve("openssl", &args, port, site)
}

fn scene(host: &str, port: u16) -> Scene {
    let scene = Scene::new();
    scene.write("components/loki/component.yaml", &format!("sources:\n- helm: {{chart: loki, repo: \"https://{host}:{port}\"}}\n"));
    scene
}

#[test]
#[ignore = "needs openssl: make e2e-supply"]
fn private_authorities() {
    let Some(site) = site() else { return };
    let port = free_port();
    let Some(_server) = server(site.path(), port, &[]) else { return };
    let error = scene("127.0.0.1", port).fails(&["lock"]);
    assert!(error.contains("no trusted TLS connection to 127.0.0.1") && error.contains("HYDRATE_CA_FILE"), "{error}");
    let ca = site.path().join("ca.pem").display().to_string();
    let trusting = scene("127.0.0.1", port).with("HYDRATE_CA_FILE", &ca);
    trusting.runs(&["lock"]);
    trusting.runs(&["-e", "dev"]);
    scene("127.0.0.1", port).with("SSL_CERT_FILE", &ca).runs(&["lock"]);
    let directory = site.path().join("authorities");
    std::fs::create_dir(&directory).unwrap();
    std::fs::copy(&ca, directory.join("authority.pem")).unwrap();
    let listed = format!("/nonexistent:{}", directory.display());
    scene("127.0.0.1", port).with("SSL_CERT_DIR", &listed).runs(&["lock"]);
    let missing = scene("127.0.0.1", port).with("HYDRATE_CA_FILE", "/nonexistent/ca.pem");
    assert!(missing.fails(&["lock"]).contains("cannot read /nonexistent/ca.pem"));
    let by_repository = scene("127.0.0.1", port);
    let entry = format!("repositories:\n- {{name: a, url: \"https://127.0.0.1:{port}\", caFile: {ca}}}\n");
    by_repository.write("../.config/helm/repositories.yaml", &entry);
    by_repository.runs(&["lock"]);
}

#[test]
#[ignore = "needs openssl: make e2e-supply"]
fn client_certificates() {
    let Some(site) = site() else { return };
    let port = free_port();
    let Some(_server) = server(site.path(), port, &["-Verify", "1", "-verify_return_error", "-CAfile", "ca.pem"]) else { return };
    let path = |name: &str| site.path().join(name).display().to_string();
    let without = scene("127.0.0.1", port).with("HYDRATE_CA_FILE", path("ca.pem"));
    let error = without.fails(&["lock"]);
    assert!(error.contains("127.0.0.1"), "{error}");
    let with = |certificate: &str, key: &str| {
        let scene = scene("127.0.0.1", port);
        let entry = format!(
            "repositories:\n- {{name: a, url: \"https://127.0.0.1:{port}\", caFile: {}, certFile: {}, keyFile: {}}}\n",
            path("ca.pem"),
            path(certificate),
            path(key)
        );
        scene.write("../.config/helm/repositories.yaml", &entry);
        scene
    };
    let good = with("client.pem", "client.key");
    good.runs(&["lock"]);
    good.runs(&["-e", "dev"]);
    for (certificate, key, why) in [
        ("client.pem", "server.key", "cannot be used"),
        // Without extensions it is of version 1, which TLS libraries of today refuse.
        ("old.pem", "old.key", "cannot be used"),
        ("client.key", "client.key", "holds no certificate in PEM form"),
        ("client.pem", "client.pem", "cannot be used"),
        ("nowhere.pem", "client.key", "cannot read"),
    ] {
        let error = with(certificate, key).fails(&["lock"]);
        assert!(error.contains(why) && !error.contains("panicked"), "{certificate} {key}: {error}");
    }
}

#[test]
#[ignore = "needs openssl: make e2e-supply"]
fn another_name_than_the_certificates() {
    let Some(site) = site() else { return };
    let port = free_port();
    let Some(_server) = server(site.path(), port, &[]) else { return };
    let scene = scene("localhost.localdomain", port).with("HYDRATE_CA_FILE", site.path().join("ca.pem").display().to_string());
    let error = scene.fails(&["lock"]);
    // Not every machine knows the name; where it does, the certificate is not for it.
    assert!(error.contains("no trusted TLS connection") || error.contains("(DNS)"), "{error}");
}
