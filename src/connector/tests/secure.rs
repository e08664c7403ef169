//! TLS that does not hold, names that lead nowhere, and addresses that are denied. Tests C4.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use reqwest::dns::{Name, Resolve, Resolving};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::receiver::{answers, parcel, receiver, target, webhook};
use crate::connector::egress::{Egress, ResolveFault};
use crate::connector::webhook::WebhookClient;
use crate::connector::{Connector, fault, tls};
use crate::model::outcome::Class;

/// A certificate for localhost that nobody issued, with its key. It protects nothing.
const SELF_SIGNED: &[u8] = include_bytes!("self-signed.pem");

#[tokio::test]
async fn a_plain_port_is_no_tls() {
    let addr = receiver(|mut stream| async move {
        let _hello = stream.read_u8().await;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    })
    .await;
    let outcome = webhook(target(format!("https://{addr}/"))).send(&parcel()).await;
    assert_eq!(outcome.class, Class::ConfigurationFault, "{outcome:?}");
    assert_eq!(outcome.note, "tls: the other side does not speak TLS");
}

/// A certificate for localhost of 2020, its key, and the authority that issued it. They protect nothing.
const EXPIRED: &[u8] = include_bytes!("expired.pem");

/// Serves the first certificate of a file once, and says what it was sent.
fn serve(pem: &[u8]) -> (SocketAddr, JoinHandle<Vec<u8>>) {
    tls::install_crypto();
    let certificate = CertificateDer::from_pem_slice(pem).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pem).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = Stream::new(&mut connection, &mut socket);
        let mut got = Vec::new();
        let _refused = stream.read_to_end(&mut got);
        let _closed = stream.flush();
        got
    });
    (addr, server)
}

#[tokio::test]
async fn a_certificate_that_nobody_issued() {
    let (addr, server) = serve(SELF_SIGNED);
    let outcome = webhook(target(format!("https://{addr}/"))).send(&parcel()).await;
    assert_eq!(outcome.class, Class::ConfigurationFault, "{outcome:?}");
    assert_eq!(outcome.note, "certificate: unknown issuer", "{outcome:?}");
    assert!(server.join().unwrap().is_empty(), "nothing of the message left");
}

#[tokio::test]
async fn a_certificate_whose_time_is_over() {
    // Its issuer is trusted, and it is for this address: nothing is wrong with it but its date.
    let authority = CertificateDer::pem_slice_iter(EXPIRED).last().unwrap().unwrap();
    let trusted = || vec![reqwest::Certificate::from_der(&authority).unwrap()];
    let (addr, server) = serve(EXPIRED);
    let builder = || reqwest::Client::builder().no_proxy().tls_certs_only(trusted());
    let error = tls::client(builder).unwrap().post(format!("https://{addr}/")).body("x").send().await.unwrap_err();
    let fault = fault::of(&error);
    assert_eq!((fault.class(), fault.as_str()), (Class::ConfigurationFault, "certificate: expired"), "{error:?}");
    assert!(server.join().unwrap().is_empty(), "nothing of the message left");
}

#[tokio::test]
async fn addresses_are_denied_in_every_notation() {
    let places = ["169.254.169.254", "[::ffff:169.254.169.254]", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376"];
    for place in places {
        let outcome = webhook(target(format!("http://{place}/latest/meta-data"))).send(&parcel()).await;
        assert_eq!(outcome.class, Class::ConfigurationFault, "{place}");
        assert_eq!(outcome.note, "egress: the address is denied", "{place}");
    }
}

#[tokio::test]
async fn a_name_that_leads_to_a_denied_address() {
    let addr = answers("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let deny = ["127.0.0.0/8", "::1/128"].map(|net| net.parse().unwrap()).to_vec();
    let client = WebhookClient::new(Egress { deny }).unwrap();
    let outcome = client.connector(target(format!("http://localhost:{}/", addr.port()))).send(&parcel()).await;
    assert_eq!((outcome.class, outcome.note.as_str()), (Class::ConfigurationFault, "egress: the address is denied"));
    let open = WebhookClient::new(Egress { deny: Vec::new() }).unwrap();
    let outcome = open.connector(target(format!("http://localhost:{}/", addr.port()))).send(&parcel()).await;
    assert_eq!(outcome.class, Class::Done, "the same name where nothing is denied: {outcome:?}");
}

#[derive(Debug)]
struct Fails(ResolveFault);

impl Resolve for Fails {
    fn resolve(&self, _name: Name) -> Resolving {
        let fault = self.0;
        Box::pin(async move { Err(fault.into()) })
    }
}

#[tokio::test]
async fn a_name_that_leads_nowhere() {
    let rows = [
        (ResolveFault::Unknown, Class::ConfigurationFault, "dns: unknown host"),
        (ResolveFault::Temporary, Class::EndpointFault, "dns: the name servers do not answer"),
    ];
    for (resolve, class, note) in rows {
        let builder = || reqwest::Client::builder().no_proxy().dns_resolver(Fails(resolve));
        let error = tls::client(builder).unwrap().get("http://moi.example/?qid=1").send().await.unwrap_err();
        let fault = fault::of(&error);
        assert_eq!((fault.class(), fault.as_str()), (class, note));
    }
}

#[tokio::test]
async fn what_cannot_be_posted_to() {
    for url in ["", "moi", "ftp://moi.example/", "http://", "file:///etc/passwd", "http://me:secret@127.0.0.1/"] {
        let outcome = webhook(target(url)).send(&parcel()).await;
        assert_eq!(outcome.class, Class::ConfigurationFault, "{url}");
        assert_eq!(outcome.note, "the url cannot be posted to", "{url}");
    }
}
