//! `/hub/api/share-codes` and `/hub/accept-share`.

use std::collections::BTreeSet;
use std::time::Duration;

use http_body_util::Full;
use hubd::clock::now;
use hubd::store::share_codes::ShareCodeRow;
use serde_json::{Value, json};

use crate::shares::{Program, name, world, world_with};
use crate::world::{World, id};

const CODES: &str = "/share-codes/alice/";

async fn make(alice: &Program<'_>) -> (String, Value) {
    let mut made = alice.post(CODES, &json!({})).await;
    let model = made.as_object_mut().unwrap();
    let code = model.remove("code").unwrap().as_str().unwrap().to_owned();
    assert_eq!(model.remove("accept_url").unwrap(), format!("/hub/accept-share?code={code}"));
    assert_eq!(model.remove("full_accept_url").unwrap(), Value::Null);
    (code, made)
}

fn count(list: &Value) -> usize {
    list["items"].as_array().unwrap().len()
}

/// A code whose time is over, and what it stood for.
async fn expired(world: &World) -> (String, ShareCodeRow) {
    let scopes = BTreeSet::from(["access:servers".to_owned()]);
    let before = now() - 60_000_001;
    let (code, row) =
        world.app.shares.create_code(&id("alice"), scopes, Duration::from_secs(60), before).await.unwrap();
    (code.to_string(), row)
}

#[tokio::test]
async fn codes_are_made_listed_and_deleted() {
    let world = world(&["bob"]).await;
    let alice = Program::of(&world, "alice", &["inherit"]).await;
    let (code, model) = make(&alice).await;
    assert!(
        code.len() >= 8 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
        "{code}"
    );
    assert_eq!(
        model,
        json!({
            "id": "sc_1", "scopes": ["access:servers!server=alice/"],
            "server": {"user": {"name": "alice"}, "name": "", "url": "/user/alice/", "full_url": null, "ready": true},
            "created_at": model["created_at"], "expires_at": model["expires_at"],
            "exchange_count": 0, "last_exchanged_at": null,
        })
    );
    let page = json!({"items": [model], "_pagination": {"offset": 0, "limit": 200, "total": 1, "next": null}});
    assert_eq!(alice.get(CODES).await, page);
    assert_eq!(alice.get("/share-codes/alice").await, page);
    let (other, _) = make(&alice).await;
    let none = |what: &str| (404, what.to_owned());
    assert_eq!(alice.refusal("DELETE", &format!("{CODES}?code=wrong"), "").await, none("No matching code found"));
    for wrong in ["sc_99", "99", "sc_1x", "sc_%2B1", "sc_", "sc_99999999999999999999"] {
        let refusal = alice.refusal("DELETE", &format!("{CODES}?id={wrong}"), "").await;
        assert_eq!(refusal, none(&format!("No code found matching id={}", wrong.replace("%2B", "+"))));
    }
    assert_eq!(count(&alice.get(CODES).await), 2);
    assert_eq!(alice.call("DELETE", &format!("{CODES}?code={other}"), "").await.0, 204);
    assert_eq!(alice.get(CODES).await, page);
    assert_eq!(alice.call("DELETE", &format!("{CODES}?id=sc_1"), "").await.0, 204);
    assert_eq!(count(&alice.get(CODES).await), 0);
    make(&alice).await;
    make(&alice).await;
    for _ in 0..2 {
        assert_eq!(alice.call("DELETE", CODES, "").await.0, 204);
    }
    assert_eq!(count(&alice.get(CODES).await), 0);
    let file = std::fs::read(world.folder.path().join("hub.sqlite-wal")).unwrap();
    assert!(!file.windows(code.len()).any(|bytes| bytes == code.as_bytes()), "only hashes are stored");
}

#[tokio::test]
async fn codes_end_and_live_as_long_as_the_contract_allows() {
    let public = "https://hub.example.org";
    let world = world_with(&["bob"], |config| config.hub.public_url = Some(public.to_owned())).await;
    let alice = Program::of(&world, "alice", &["inherit"]).await;
    for (asked, seconds) in
        [("{}", 86_400), (r#"{"expires_in": 60}"#, 60), (r#"{"expires_in": 31536000.0}"#, 31_536_000)]
    {
        let before = now();
        let (status, made) = alice.call("POST", CODES, asked).await;
        assert_eq!(status, 200, "{made}");
        let full = format!("{public}{}", made["accept_url"].as_str().unwrap());
        assert_eq!(made["full_accept_url"], full);
        assert_eq!(made["server"]["full_url"], "https://hub.example.org/user/alice/");
        let codes = world.app.shares.codes_of(&name("alice"), now()).await.unwrap();
        let code = codes.last().unwrap();
        assert!(code.created >= before && code.expires - code.created == seconds * 1_000_000, "{code:?}");
    }
    for wrong in ["59", "31536001", "60.5", "null", "\"many\"", "true", "-1", "1e300"] {
        let (status, message) = alice.refusal("POST", CODES, &format!("{{\"expires_in\": {wrong}}}")).await;
        assert!(
            status == 400 && message.starts_with("expires_in: must be a whole number of seconds"),
            "{wrong}: {message}"
        );
    }
    for (body, status, message) in [
        (r#"{"user": "bob"}"#, 400, "user: Extra inputs are not permitted"),
        (r#"{"scopes": ["nonsense"]}"#, 400, "there is no scope 'nonsense'"),
        (
            r#"{"scopes": ["admin:servers"]}"#,
            403,
            "Do not have permission to grant share with scope admin:servers!server=alice/",
        ),
        // Alice has `tokens` for herself, and so for her server.
        (r#"{"scopes": ["tokens"]}"#, 400, "scope tokens cannot be shared: it is not about a server"),
    ] {
        assert_eq!(alice.refusal("POST", CODES, body).await, (status, message.to_owned()), "{body}");
    }
    assert_eq!(count(&alice.get(CODES).await), 3);
    let (gone, row) = expired(&world).await;
    assert_eq!(count(&alice.get(CODES).await), 3, "it has ended");
    let mut bob = world.browser_of("bob").await;
    assert_eq!(bob.get(&format!("/hub/accept-share?code={gone}")).await.status, 404);
    assert!(world.app.shares.exchange(&row, &name("bob"), now()).await.unwrap().is_none(), "it ended just now");
    assert!(!world.app.may_access(&name("bob"), &id("alice")));
    assert_eq!(alice.call("DELETE", &format!("{CODES}?code={gone}"), "").await.0, 404);
}

#[tokio::test]
async fn a_server_has_a_thousand_codes_at_most() {
    let world = world(&[]).await;
    let alice = Program::of(&world, "alice", &["inherit"]).await;
    let scopes = || BTreeSet::from(["access:servers".to_owned()]);
    for _ in 0..1000 {
        world.app.shares.create_code(&id("alice"), scopes(), Duration::from_secs(60), now()).await.unwrap();
    }
    let refusal = alice.refusal("POST", CODES, "").await;
    assert_eq!(refusal, (400, "alice/ has 1000 share codes already, delete some first".to_owned()));
}

#[tokio::test]
async fn whoever_has_the_code_is_asked_and_let_in() {
    let world = world(&["bob"]).await;
    let alice = Program::of(&world, "alice", &["inherit"]).await;
    let made = alice.post(CODES, &json!({"scopes": ["access:servers", "start:servers"]})).await;
    let (code, link) = (made["code"].as_str().unwrap(), made["accept_url"].as_str().unwrap());
    let mut stranger = world.browser();
    let away = stranger.get(link).await;
    assert_eq!(
        (away.status, away.header("location")),
        (302, &*format!("/hub/login?next=%2Fhub%2Faccept-share%3Fcode%3D{code}"))
    );
    let mut bob = world.browser_of("bob").await;
    let page = bob.get(link).await;
    let text = page.text();
    assert!(page.status == 200 && text.contains("alice shares a JupyterLab with you"), "{text}");
    assert!(
        text.contains("<li>Use it: its files, notebooks and terminals.</li>") && text.contains("<li>Start it.</li>")
    );
    assert!(!world.app.may_access(&name("bob"), &id("alice")), "a look at the page gives nothing");
    let chinese = bob.request("GET", link).header("accept-language", "zh-CN").body(Full::default()).unwrap();
    let chinese = bob.send(chinese).await.text();
    assert!(chinese.contains("alice 想与你共享 JupyterLab") && chinese.contains("<li>启动它。</li>"), "{chinese}");
    let xsrf = page.field("_xsrf");
    assert_eq!(bob.post("/hub/accept-share", &format!("code={code}&next=")).await.status, 403);
    assert_eq!(stranger.post("/hub/accept-share", &format!("_xsrf={xsrf}&code={code}")).await.status, 403);
    assert!(!world.app.may_access(&name("bob"), &id("alice")));
    let accepted = bob.post("/hub/accept-share", &format!("_xsrf={xsrf}&code={code}&next=")).await;
    assert_eq!((accepted.status, accepted.header("location")), (302, "/user/alice/"));
    assert!(bob.enter("/user/alice/show").await.text().starts_with("GET /user/alice/show"));
    let shares = alice.get("/shares/alice/").await;
    assert_eq!(shares["items"][0]["user"]["name"], "bob");
    assert_eq!(shares["items"][0]["scopes"], json!(["access:servers!server=alice/", "start:servers!server=alice/"]));
    let code_now = alice.get(CODES).await["items"][0].clone();
    assert_eq!(code_now["exchange_count"], 1);
    assert!(code_now["last_exchanged_at"].as_str().unwrap().ends_with('Z'));
    let mut carol = world.browser_of("carol").await;
    let xsrf = carol.get(link).await.field("_xsrf");
    let next = "%2Fuser%2Falice%2Flab%2Ftree%2Fa.ipynb";
    let accepted = carol.post("/hub/accept-share", &format!("_xsrf={xsrf}&code={code}&next={next}")).await;
    assert_eq!(accepted.header("location"), "/user/alice/lab/tree/a.ipynb");
    let elsewhere = carol.post("/hub/accept-share", &format!("_xsrf={xsrf}&code={code}&next=%2F%2Fevil.example")).await;
    assert_eq!(elsewhere.header("location"), "/user/alice/");
    assert_eq!(alice.get(CODES).await["items"][0]["exchange_count"], 3);
    let asked = carol.get(&format!("{link}&next={next}")).await;
    assert_eq!(asked.field("next"), "/user/alice/lab/tree/a.ipynb");
    assert_eq!(carol.get(&format!("{link}&next=https%3A%2F%2Fevil.example%2F")).await.field("next"), "");
}

#[tokio::test]
async fn bad_codes_and_ones_own_give_nothing() {
    let world = world(&["bob"]).await;
    let program = Program::of(&world, "alice", &["inherit"]).await;
    let (code, _) = make(&program).await;
    let mut bob = world.browser_of("bob").await;
    assert_eq!(bob.get("/hub/accept-share").await.status, 400);
    assert_eq!(bob.get("/hub/accept-share?code=").await.status, 400);
    let gone = bob.get("/hub/accept-share?code=wrong").await;
    assert!(gone.status == 404 && gone.text().contains("Share not found or expired"), "{}", gone.text());
    let xsrf = bob.get("/hub/home").await.field("_xsrf");
    for form in ["", "&code=", "&code=wrong"] {
        assert_eq!(bob.post("/hub/accept-share", &format!("_xsrf={xsrf}{form}")).await.status, 400, "{form}");
    }
    let mut alice = world.browser_of("alice").await;
    let own = alice.get(&format!("/hub/accept-share?code={code}")).await;
    assert!(own.status == 403 && own.text().replace("&#39;", "'").contains("You can't share with yourself!"));
    let xsrf = alice.get("/hub/home").await.field("_xsrf");
    assert_eq!(alice.post("/hub/accept-share", &format!("_xsrf={xsrf}&code={code}")).await.status, 400);
    assert_eq!(program.get(CODES).await["items"][0]["exchange_count"], 0);
    assert_eq!(program.get("/shares/alice").await["items"], json!([]));
}
