//! The wire of the fake server: one request and one answer a connection.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query, without the Enterprise prefix.
    pub(crate) path: String,
    /// Whether it came in under `/api/`, as on an Enterprise server.
    pub(crate) enterprise: bool,
    /// The whole `Authorization` header.
    pub(crate) authorization: Option<String>,
    pub(crate) token: Option<String>,
    /// The `Accept` headers.
    pub(crate) accept: String,
    pub(crate) body: Value,
}

/// An answer before it is written down.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

/// Reads the request of a connection.
pub(crate) fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut parts = line.split_whitespace();
    let (method, address) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let (mut length, mut authorization, mut accept) = (0, None, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => authorization = Some(value.to_owned()),
            "accept" => accept.push_str(value),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let inner = address
        .strip_prefix("/api/v3")
        .or_else(|| address.strip_prefix("/api"))
        .unwrap_or(&address);
    Some(Request {
        method,
        path: inner.to_owned(),
        enterprise: inner != address,
        token: authorization
            .as_deref()
            .and_then(|header| header.strip_prefix("Bearer "))
            .map(str::to_owned),
        authorization,
        accept,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

/// Writes the answer; the connection closes after it.
pub(crate) fn write(mut stream: TcpStream, answer: &Answer) {
    let Answer {
        status,
        headers,
        body,
    } = answer;
    let length = body.len();
    // A client that went away is its own affair.
    let _gone = write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-type: application/json; charset=utf-8\r\n\
         date: Mon, 05 Jan 2026 12:00:00 GMT\r\nconnection: close\r\n\
         content-length: {length}\r\n{headers}\r\n"
    )
    .and_then(|()| stream.write_all(body));
}

/// Promises the whole answer and closes after half of it.
pub(crate) fn write_half(mut stream: TcpStream, answer: &Answer) {
    let (status, length) = (answer.status, answer.body.len());
    let half = answer.body.split_at(length / 2).0;
    let _gone = write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n"
    )
    .and_then(|()| stream.write_all(half));
}

/// A success.
pub(crate) fn ok(status: u16, body: &Value) -> Answer {
    Answer {
        status,
        headers: String::new(),
        body: body.to_string().into_bytes(),
    }
}

/// One page of a list, with the link to the next one. `root` is where the API is.
pub(crate) fn page(root: &str, request: &Request, listed: &[Value]) -> Answer {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let number = |name: &str, or: usize| {
        let parameter = query.split('&').find_map(|pair| pair.strip_prefix(name));
        parameter.and_then(|value| value.parse().ok()).unwrap_or(or)
    };
    let size = number("per_page=", 30).min(100);
    let page = number("page=", 1);
    let items: Vec<_> = listed.iter().skip((page - 1) * size).take(size).collect();
    let mut answer = ok(200, &json!(items));
    if page * size < listed.len() {
        let kept = query.split('&').filter(|pair| !pair.starts_with("page="));
        let kept = kept.collect::<Vec<_>>().join("&");
        let (next, last) = (page + 1, listed.len().div_ceil(size));
        answer.headers = format!(
            "link: <{root}{path}?{kept}&page={next}>; rel=\"next\", \
             <{root}{path}?{kept}&page={last}>; rel=\"last\"\r\n"
        );
    }
    answer
}

/// An error as GitHub words it.
pub(crate) fn error(status: u16, message: &str) -> Answer {
    ok(status, &json!({ "message": message }))
}

/// A request that breaks a rule of its resource.
pub(crate) fn invalid(message: &str) -> Answer {
    let body = json!({ "message": "Validation Failed", "errors": [{ "message": message }] });
    ok(422, &body)
}

/// What a workflow's or an app's token hears without the permission.
pub(crate) fn not_accessible() -> Answer {
    error(403, "Resource not accessible by integration")
}
