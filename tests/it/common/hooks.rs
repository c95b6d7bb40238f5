//! A little HTTP server on loopback that takes what is posted to it, as a receiver of webhooks does.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// What was posted.
#[derive(Clone, Debug)]
pub struct Post {
    /// The path, query included.
    pub path: String,
    /// The headers, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as it came.
    pub body: String,
}

impl Post {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// How the server answers.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// With this status.
    Status(u16),
    /// With the first status, and from the second post on with the other.
    First(u16, u16),
    /// Not at all: the connection is taken and stays silent.
    Never,
}

/// The server; it lives as long as the test process.
pub struct Receiver {
    /// Its address: `http://127.0.0.1:…`.
    pub url: String,
    posts: Arc<Mutex<Vec<Post>>>,
}

impl Receiver {
    /// Starts to listen.
    pub fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let posts = Arc::<Mutex<Vec<Post>>>::default();
        let kept = posts.clone();
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for connection in listener.incoming() {
                let connection = connection.unwrap();
                if matches!(answer, Answer::Never) {
                    silent.push(connection);
                    continue;
                }
                take(connection, answer, &kept);
            }
        });
        Self { url, posts }
    }

    /// An address on which nobody listens.
    pub fn nobody() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }

    /// What was posted so far.
    pub fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap().clone()
    }
}

/// Takes one post and closes the connection.
fn take(connection: TcpStream, answer: Answer, posts: &Mutex<Vec<Post>>) {
    let mut from = BufReader::new(connection);
    let mut line = || {
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let request = line();
    let mut headers = BTreeMap::new();
    while let Some((name, value)) = line().split_once(':') {
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    from.read_exact(&mut body).unwrap();
    let path = request.strip_prefix("POST ").unwrap().split(' ').next().unwrap().to_owned();
    let mut posts = posts.lock().unwrap();
    posts.push(Post { path, headers, body: String::from_utf8(body).unwrap() });
    let status = match answer {
        Answer::First(first, _) if posts.len() == 1 => first,
        Answer::First(_, status) | Answer::Status(status) => status,
        Answer::Never => return,
    };
    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    from.into_inner().write_all(answer.as_bytes()).unwrap();
}
