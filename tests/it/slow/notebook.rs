//! A little store that keeps what it is given in one file, behind the same HTTP calls as the bus. It syncs before it answers, or
//! it lies. The cuts must tell one from the other, else they prove nothing about the bus.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::bus::Client;

/// The store; `synced` says whether it tells the truth.
#[derive(Debug)]
pub struct Notebook {
    file: PathBuf,
    synced: bool,
    base: watch::Sender<Option<String>>,
    client: Client,
    server: Option<(CancellationToken, JoinHandle<()>)>,
}

#[derive(Debug)]
struct Pages {
    file: File,
    synced: bool,
    ids: HashMap<String, usize>,
    lines: Vec<String>,
}

impl Notebook {
    /// A store in a folder that is not started yet.
    pub fn new(folder: &Path, synced: bool) -> Self {
        let (base, known) = watch::channel(None);
        let client = Client::new(known, "any");
        Self { file: folder.join("notebook"), synced, base, client, server: None }
    }

    /// Who posts to it and reads from it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Reads what is there, and serves.
    pub async fn start(&mut self) {
        let pages = Pages::open(&self.file, self.synced);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("bound"));
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(listener, Arc::new(Mutex::new(pages)), stop.clone()));
        self.server = Some((stop, server));
        self.base.send_replace(Some(base));
    }

    /// Pulls the network cable.
    pub fn unplug(&self) {
        self.base.send_replace(None);
    }

    /// Ends without finishing anything, and waits until none of it writes any more.
    pub async fn die(&mut self) {
        self.base.send_replace(None);
        let (stop, server) = self.server.take().expect("it runs");
        stop.cancel();
        server.await.expect("it does not panic");
    }
}

impl Pages {
    fn open(path: &Path, synced: bool) -> Self {
        let file = File::options().create(true).append(true).read(true).open(path).expect("the island is mounted");
        let lines: Vec<String> =
            BufReader::new(File::open(path).expect("it is there")).lines().map_while(Result::ok).collect();
        let ids = lines.iter().enumerate().map(|(number, id)| (id.clone(), number)).collect();
        // That the file exists is durable in both: they differ in what they do per record alone.
        let folder = File::open(path.parent().expect("a folder")).expect("the folder is readable");
        file.sync_all().and_then(|()| folder.sync_all()).expect("the island takes a sync");
        Self { file, synced, ids, lines }
    }

    /// Keeps an id; returns whether it is new, and its number.
    fn keep(&mut self, id: &str) -> std::io::Result<(bool, usize)> {
        if let Some(number) = self.ids.get(id) {
            return Ok((false, *number));
        }
        writeln!(self.file, "{id}")?;
        if self.synced {
            self.file.sync_data()?;
        }
        self.lines.push(id.to_owned());
        self.ids.insert(id.to_owned(), self.lines.len() - 1);
        Ok((true, self.lines.len() - 1))
    }
}

async fn serve(listener: TcpListener, pages: Arc<Mutex<Pages>>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return connections.shutdown().await,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
        };
        let pages = Arc::clone(&pages);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&pages), request));
            let _either_side_closed =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(pages: Arc<Mutex<Pages>>, request: Request<Incoming>) -> Result<Response<Body>, axum::Error> {
    let (head, body) = request.into_parts();
    let body = to_bytes(Body::new(body), 1 << 20).await?;
    let mut pages = pages.lock().expect("no page is torn");
    let (status, body) = if head.method == Method::POST {
        let event: Value = serde_json::from_slice(&body).expect("our own sender");
        match pages.keep(event["id"].as_str().expect("our own sender")) {
            Ok((true, number)) => (StatusCode::ACCEPTED, json!({ "id": number.to_string() })),
            Ok((false, number)) => (StatusCode::OK, json!({ "id": number.to_string() })),
            Err(_cut) => (StatusCode::SERVICE_UNAVAILABLE, Value::Null),
        }
    } else {
        let number = head.uri.path().rsplit('/').next().and_then(|number| number.parse::<usize>().ok());
        match number.and_then(|number| Some((number, pages.lines.get(number)?))) {
            Some((number, id)) => (StatusCode::OK, json!({ "id": number.to_string(), "event_id": id })),
            None => (StatusCode::NOT_FOUND, Value::Null),
        }
    };
    Ok(Response::builder().status(status).body(Body::from(body.to_string())).expect("a response"))
}
