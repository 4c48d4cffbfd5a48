//! Git LFS below a repository: the batch API, objects kept in files, and no locks.
//! <https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md>

use std::fs;

use serde_json::{Value, json};

use super::git_http::Target;
use super::state::State;
use crate::support::http_server::{Request, Response};

const BATCH: &str = "info/lfs/objects/batch";
const LOCKS: &str = "info/lfs/locks/verify";
const OBJECTS: &str = "info/lfs/objects/";

/// Whether a request asks to write; `None`: it is none of LFS's.
pub fn is_write(request: &Request, rest: &str) -> Option<bool> {
    match (request.method.as_str(), rest) {
        ("POST", BATCH) => Some(body(request)["operation"] == "upload"),
        ("POST", LOCKS) => Some(true),
        ("GET", rest) => rest.strip_prefix(OBJECTS).filter(|oid| is_oid(oid)).map(|_| false),
        ("PUT", rest) => rest.strip_prefix(OBJECTS).filter(|oid| is_oid(oid)).map(|_| true),
        _ => None,
    }
}

/// Answers a request that has been let through.
pub fn answer(state: &State, request: &Request, target: &Target) -> Response {
    let dir = state.root().join("lfs");
    let file = |oid: &str| dir.join(oid);
    match (request.method.as_str(), target.rest.as_str()) {
        (_, BATCH) => batch(request, |oid| file(oid).exists()),
        (_, LOCKS) => lfs_json(&json!({ "ours": [], "theirs": [] })),
        (method, rest) => {
            let path = file(rest.trim_start_matches(OBJECTS));
            if method == "PUT" {
                fs::create_dir_all(&dir).expect("a directory of ours");
                fs::write(path, &request.body).expect("room on the disk");
                return Response::empty(200);
            }
            fs::read(path).map_or_else(
                |_| Response::empty(404),
                |content| Response::bytes(200, "application/octet-stream", content),
            )
        }
    }
}

/// The URLs for download and upload of each object, with the credential that this request came with.
fn batch(request: &Request, is_there: impl Fn(&str) -> bool) -> Response {
    let asked = body(request);
    let action = asked["operation"].as_str().unwrap_or_default();
    let base = format!("{}{}", request.base_url, request.path.trim_end_matches("batch"));
    let header = json!({ "Authorization": request.header("authorization") });
    let objects = asked["objects"].as_array().into_iter().flatten().map(|object| {
        let oid = object["oid"].as_str().filter(|oid| is_oid(oid)).unwrap_or_default();
        let mut answer = json!({ "oid": oid, "size": object["size"], "authenticated": true });
        match (action, is_there(oid)) {
            ("download", false) => {
                answer["error"] = json!({ "code": 404, "message": "Object does not exist" });
            }
            ("upload", true) => {}
            _ => {
                answer["actions"] = json!({ action: { "href": format!("{base}{oid}"), "header": header } });
            }
        }
        answer
    });
    let objects: Vec<Value> = objects.collect();
    lfs_json(&json!({ "transfer": "basic", "objects": objects }))
}

fn lfs_json(value: &Value) -> Response {
    Response::bytes(200, "application/vnd.git-lfs+json", value.to_string().into_bytes())
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap_or(Value::Null)
}

/// A SHA-256, so that no path leads out of the directory.
fn is_oid(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
