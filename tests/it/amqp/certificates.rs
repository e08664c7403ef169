//! A certificate authority for a broker and its clients, made by openssl as an operator would.

use std::path::{Path, PathBuf};
use std::process::Command;

/// An authority, and what it has signed.
#[derive(Debug)]
pub struct Certificates {
    folder: PathBuf,
}

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct Identity {
    /// PEM.
    pub certificate: PathBuf,
    /// PKCS #8, PEM.
    pub key: PathBuf,
}

impl Certificates {
    /// Makes an authority and the broker's certificate.
    pub fn make(folder: &Path, name: &str) -> Self {
        std::fs::create_dir_all(folder).expect("the folder is writable");
        let own = Self { folder: folder.to_owned() };
        own.openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            &format!("/CN={name}"),
            "-addext",
            "basicConstraints=critical,CA:TRUE",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ]);
        own.sign("broker", "/CN=localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n");
        own
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The authority's certificate.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// A client's certificate with this common name.
    pub fn client(&self, name: &str) -> Identity {
        self.sign(name, &format!("/CN={name}"), "extendedKeyUsage=clientAuth\n")
    }

    fn sign(&self, name: &str, subject: &str, extensions: &str) -> Identity {
        let [key, request, pem, conf] = ["key", "csr", "pem", "cnf"].map(|ending| format!("{name}.{ending}"));
        std::fs::write(self.folder.join(&conf), extensions).expect("the folder is writable");
        self.openssl(&[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-subj",
            subject,
            "-keyout",
            &key,
            "-out",
            &request,
        ]);
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            &conf,
            "-out",
            &pem,
        ]);
        Identity { certificate: self.folder.join(pem), key: self.folder.join(key) }
    }

    fn openssl(&self, args: &[&str]) {
        let output = Command::new("openssl").args(args).current_dir(&self.folder).output().expect("openssl runs");
        assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
