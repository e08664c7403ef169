//! Receivers that refuse, break off, stall, drip, flood and lead astray. Tests C1 to C3.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::receiver::{answers, receiver, request, send_impatiently, send_to};
use crate::model::outcome::{BusinessOutcome, Class};

const SOON: Duration = Duration::from_millis(300);

/// Sends with little patience and checks that the time was kept, and what came of it.
async fn runs_out_of_time(addr: SocketAddr) -> Option<u16> {
    let began = Instant::now();
    let outcome = send_impatiently(addr, SOON).await;
    let took = began.elapsed();
    assert!(took >= SOON && took < SOON * 10, "{took:?}");
    assert_eq!((outcome.class, outcome.note.as_str()), (Class::EndpointFault, "timeout"));
    outcome.status
}

#[tokio::test]
async fn nobody_listens() {
    // Of an address of its own: a port of the common one may be another test's by now.
    let addr = TcpListener::bind("127.9.9.9:0").await.unwrap().local_addr().unwrap();
    let outcome = send_to(addr).await;
    assert_eq!((outcome.class, outcome.note.as_str()), (Class::EndpointFault, "connect: refused"));
    assert_eq!((outcome.status, outcome.answer.len()), (None, 0));
}

#[tokio::test]
async fn reset_in_the_middle_of_the_answer() {
    let addr = receiver(|mut stream| async move {
        request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"outcome\":\"ref").await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    let outcome = send_to(addr).await;
    assert_eq!((outcome.class, outcome.status), (Class::EndpointFault, Some(200)), "half of a success is none");
    assert_eq!(outcome.note, "connection reset");
    assert_eq!(outcome.answer, b"{\"outcome\":\"ref");
}

#[tokio::test]
async fn closed_without_an_answer() {
    let addr = receiver(|mut stream| async move {
        request(&mut stream).await.unwrap();
        stream.shutdown().await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
    })
    .await;
    let outcome = send_to(addr).await;
    assert_eq!((outcome.class, outcome.status), (Class::EndpointFault, None));
    assert_eq!(outcome.note, "closed before the end of the answer");
}

#[tokio::test]
async fn half_closed_in_the_middle_of_the_answer() {
    // Its side is over, and it still reads: nothing is reset, and nothing more will come.
    let addr = receiver(|mut stream| async move {
        request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"outcome\":\"ref").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _until_the_other_side_closes = stream.read_to_end(&mut rest).await;
    })
    .await;
    let outcome = send_to(addr).await;
    assert_eq!((outcome.class, outcome.status), (Class::EndpointFault, Some(200)), "half of a success is none");
    assert_eq!(outcome.note, "closed before the end of the answer");
    assert_eq!(outcome.report.outcome, None, "what was not said whole is not said");
}

#[tokio::test]
async fn half_closed_after_the_whole_answer() {
    let addr = receiver(|mut stream| async move {
        request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"outcome\":\"applied\"}").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _until_the_other_side_closes = stream.read_to_end(&mut rest).await;
    })
    .await;
    let outcome = send_to(addr).await;
    assert_eq!(
        (outcome.class, outcome.status),
        (Class::Done, Some(200)),
        "the end of the stream is the end of the body"
    );
    assert_eq!(outcome.report.outcome, Some(BusinessOutcome::Applied));
}

#[tokio::test]
async fn accepts_and_never_answers() {
    let addr = receiver(|mut stream| async move {
        request(&mut stream).await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
    })
    .await;
    assert_eq!(runs_out_of_time(addr).await, None);
}

#[tokio::test]
async fn drips_its_answer_byte_by_byte() {
    let addr = receiver(|mut stream| async move {
        request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n").await.unwrap();
        while stream.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(runs_out_of_time(addr).await, Some(200));
}

#[tokio::test]
async fn drips_its_head_byte_by_byte() {
    let addr = receiver(|mut stream| async move {
        request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await.unwrap();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(runs_out_of_time(addr).await, None);
}

#[tokio::test]
async fn floods_with_a_gigabyte() {
    let written = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&written);
    let addr = receiver(move |mut stream| {
        let counted = Arc::clone(&counted);
        async move {
            request(&mut stream).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n").await.unwrap();
            let block = vec![b'x'; 64 * 1024];
            for _ in 0..16 * 1024 {
                if stream.write_all(&block).await.is_err() {
                    return;
                }
                counted.fetch_add(block.len() as u64, Ordering::SeqCst);
            }
        }
    })
    .await;
    let outcome = send_to(addr).await;
    assert_eq!((outcome.class, outcome.status), (Class::Done, Some(200)));
    assert_eq!(outcome.answer.len(), 1024);
    // What the kernel took in for both sides, and no gigabyte.
    assert!(written.load(Ordering::SeqCst) < 64 << 20, "{written:?}");
}

#[tokio::test]
async fn leads_back_to_itself() {
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    let addr = receiver(move |mut stream| {
        let counted = Arc::clone(&counted);
        async move {
            while request(&mut stream).await.is_some() {
                counted.fetch_add(1, Ordering::SeqCst);
                let place = stream.local_addr().unwrap();
                let answer = format!("HTTP/1.1 307 Go\r\nlocation: http://{place}/\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    let outcome = send_to(addr).await;
    assert_eq!((outcome.class, outcome.status), (Class::ConfigurationFault, Some(307)));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn speaks_something_else() {
    let outcome = send_to(answers("SSH-2.0-OpenSSH_9.2\r\n").await).await;
    assert_eq!((outcome.class, outcome.note.as_str()), (Class::EndpointFault, "the answer is not HTTP"));
}

#[tokio::test]
async fn an_answer_longer_than_is_read_still_counts() {
    let body = format!("{{\"outcome\":\"refused\",\"x\":\"{}\"}}", "x".repeat(64 * 1024));
    let outcome =
        send_to(answers(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await).await;
    assert_eq!((outcome.class, outcome.report.outcome), (Class::Done, None), "what is cut off is no statement");
}
