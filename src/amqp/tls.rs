//! TLS to the broker: rustls with the authorities of the machine, or with those of a file and no others, and with a certificate of
//! Falaj's own where the broker asks for one.
//!
//! The files are read for every connection: whoever replaces them need not restart Falaj.

use std::io;
use std::path::Path;

use lapin::tcp::{RustlsConnector, RustlsConnectorConfig};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::settings::Settings;

/// Most bytes of a PEM file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The connector for one connection.
pub(super) fn connector(settings: &Settings) -> io::Result<RustlsConnector> {
    let identity = settings.identity.as_ref().map(|(cert, key)| identity(cert, key)).transpose()?;
    let Some(ca) = &settings.ca else {
        let machine = RustlsConnectorConfig::new_with_platform_verifier();
        return match identity {
            Some((chain, key)) => machine.connector_with_single_cert(chain, key),
            None => machine.connector_with_no_client_auth(),
        };
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca)? {
        roots.add(certificate).map_err(unusable)?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots);
    let config = match identity {
        Some((chain, key)) => config.with_client_auth_cert(chain, key).map_err(unusable)?,
        None => config.with_no_client_auth(),
    };
    Ok(config.into())
}

fn identity(cert: &Path, key: &Path) -> io::Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let key = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(unusable)?;
    Ok((certificates(cert)?, key))
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let text = read(path)?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(unusable)?;
    if found.is_empty() { Err(unusable("no certificate")) } else { Ok(found) }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read;
    let mut text = Vec::new();
    let file = std::fs::File::open(path).map_err(unusable)?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut text).map_err(unusable)?;
    Ok(text)
}

/// A file that is not what it should be; what exactly is in it stays out of the log.
fn unusable<E>(_cause: E) -> io::Error {
    io::Error::from(io::ErrorKind::InvalidInput)
}
