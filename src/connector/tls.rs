//! TLS for everything that calls out: rustls with aws-lc-rs and the certificates the machine trusts.

use reqwest::{Client, ClientBuilder};
use rustls::{ClientConfig, RootCertStore};

/// Names the process-wide cryptography once; later calls change nothing. Call it before the first connection.
pub fn install_crypto() {
    // An error means that it is installed already.
    let _installed_before = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Builds a client that trusts what the machine trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` are heard).
///
/// A machine without any certificate authority, such as an empty container, gets a client that trusts nobody: `http://`
/// works, and `https://` fails closed with a certificate fault, instead of nothing starting at all.
pub fn client(builder: impl Fn() -> ClientBuilder) -> Result<Client, reqwest::Error> {
    install_crypto();
    match builder().build() {
        Ok(client) => Ok(client),
        Err(error) => {
            let trusts_nobody =
                ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth();
            let client = builder().tls_backend_preconfigured(trusts_nobody).build()?;
            tracing::warn!(
                %error,
                "no certificate authorities were found on this machine, so no https address can be reached: install \
                 ca-certificates or set SSL_CERT_FILE"
            );
            Ok(client)
        }
    }
}
