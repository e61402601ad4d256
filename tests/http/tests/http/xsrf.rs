//! Cookies and form protection, row by row what contract 5.1, 5.3 and 5.5 say.

use http_body_util::Full;

use crate::world::{Answer, Browser, World};

fn cookies(answer: &Answer) -> Vec<String> {
    answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned()).collect()
}

fn cookie<'a>(set: &'a [String], name: &str) -> &'a str {
    let found: Vec<_> = set.iter().filter(|cookie| cookie.starts_with(&format!("{name}="))).collect();
    assert_eq!(found.len(), 1, "{name}: {set:?}");
    found[0]
}

fn held(browser: &Browser) -> String {
    browser.cookies[&("/hub/".to_owned(), "_xsrf".to_owned())].clone()
}

async fn call(browser: &mut Browser, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = browser.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    browser.send(request.body(Full::default()).unwrap()).await
}

#[tokio::test]
async fn a_login_sets_three_cookies_where_they_belong() {
    let world = World::new("").await;
    let mut browser = world.browser();
    let page = cookies(&browser.get("/hub/login").await);
    assert!(cookie(&page, "_xsrf").contains("; Path=/hub/;") && cookie(&page, "_xsrf").contains("Max-Age=3600"));
    let set = cookies(&browser.login("alice", "right").await);
    assert_eq!(set.len(), 3, "{set:?}");
    let login = cookie(&set, "jupyterhub-hub-login");
    assert!(
        login.contains("Path=/hub/;") && login.contains("HttpOnly") && login.contains("Max-Age=1209600"),
        "{login}"
    );
    let id = cookie(&set, "jupyterhub-session-id");
    assert!(id.contains("Path=/;") && id.contains("HttpOnly") && !id.contains("Max-Age"), "{id}");
    let xsrf = cookie(&set, "_xsrf");
    assert!(xsrf.contains("Path=/hub/;") && !xsrf.contains("HttpOnly") && !xsrf.contains("Max-Age"), "{xsrf}");
    assert!(set.iter().all(|cookie| !cookie.contains("Secure")), "{set:?}");
}

#[tokio::test]
async fn over_https_the_secret_cookies_are_sent_encrypted_only() {
    let world = World::new("[hub]\npublic_url = \"https://hub.example.org\"\n").await;
    let mut browser = world.browser();
    let set = cookies(&browser.login("alice", "right").await);
    for name in ["jupyterhub-hub-login", "jupyterhub-session-id"] {
        assert!(cookie(&set, name).contains("; Secure"), "{set:?}");
    }
    assert!(!cookie(&set, "_xsrf").contains("Secure"), "{set:?}");
    let alice = world.browser_in_server_of("alice").await;
    assert!(alice.cookies.keys().any(|(path, name)| path == "/user/alice/" && name == "jupyterhub-user-alice"));
    let mut again = world.browser_of("alice").await;
    let away = again.get("/user/alice/show").await;
    assert!(cookies(&away)[0].contains("; Secure"), "{:?}", cookies(&away));
}

#[tokio::test]
async fn each_refusal_names_the_method() {
    let world = World::new("").await;
    let mut alice = world.browser_of("alice").await;
    for method in ["POST", "DELETE"] {
        let path = "/hub/api/users/alice/server";
        let missing = call(&mut alice, method, path, &[]).await;
        assert!(missing.status == 403 && missing.text().contains(&format!("'_xsrf' argument missing from {method}\"")));
        let wrong = call(&mut alice, method, path, &[("x-xsrftoken", "x")]).await;
        assert!(wrong.text().contains(&format!("XSRF cookie does not match {method} argument\"")), "{}", wrong.text());
    }
    let cors = [("sec-fetch-mode", "cors")];
    let missing = call(&mut alice, "GET", "/hub/api/user", &cors).await;
    assert!(missing.status == 403 && missing.text().contains("'_xsrf' argument missing from GET\""));
    let wrong = call(&mut alice, "GET", "/hub/api/user?_xsrf=x", &cors).await;
    assert!(wrong.status == 403 && wrong.text().contains("XSRF cookie does not match GET argument\""));
    let page = alice.post("/hub/token", "note=x").await;
    assert!(
        page.status == 403 && page.text().contains("&#39;_xsrf&#39; argument missing from POST"),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn the_token_may_stand_in_the_form_the_address_or_either_header() {
    let world = World::new("").await;
    let mut alice = world.browser_of("alice").await;
    let xsrf = held(&alice);
    for (path, header, form) in [
        ("/hub/token/revoke", None, format!("_xsrf={xsrf}")),
        (&*format!("/hub/token/revoke?_xsrf={xsrf}"), None, String::new()),
        ("/hub/token/revoke", Some("x-xsrftoken"), String::new()),
        ("/hub/token/revoke", Some("x-csrftoken"), String::new()),
    ] {
        let mut request = alice.request("POST", path);
        if let Some(header) = header {
            request = request.header(header, &xsrf);
        }
        let answer = alice.send(request.body(Full::from(form)).unwrap()).await;
        assert_eq!(answer.status, 302, "{path} {header:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn reads_of_the_api_are_judged_by_what_the_browser_says_of_them() {
    let world = World::new("").await;
    let mut alice = world.browser_of("alice").await;
    let xsrf = held(&alice);
    for (headers, status) in [
        (vec![], 200),
        (vec![("sec-fetch-mode", "navigate")], 200),
        (vec![("sec-fetch-mode", "websocket")], 200),
        (vec![("sec-fetch-mode", "no-cors"), ("sec-fetch-site", "same-origin")], 200),
        (vec![("sec-fetch-mode", "no-cors"), ("sec-fetch-site", "cross-site")], 403),
        (vec![("sec-fetch-mode", "no-cors")], 403),
        (vec![("sec-fetch-mode", "cors")], 403),
        (vec![("sec-fetch-mode", "same-origin"), ("sec-fetch-site", "same-origin")], 403),
        (vec![("sec-fetch-mode", "cors"), ("x-xsrftoken", xsrf.as_str())], 200),
        (vec![("sec-fetch-mode", "cors"), ("authorization", "token unknown")], 403),
    ] {
        assert_eq!(call(&mut alice, "GET", "/hub/api/user", &headers).await.status, status, "{headers:?}");
    }
    let mut nobody = world.browser();
    let answer = call(&mut nobody, "GET", "/hub/api/user", &[("sec-fetch-mode", "cors")]).await;
    assert!(answer.status == 403 && answer.text().contains("Missing or invalid credentials."));
}

#[tokio::test]
async fn of_several_cookies_the_first_good_one_counts() {
    let world = World::new("").await;
    let mut alice = world.browser_of("alice").await;
    let own = held(&alice);
    let foreign = held(&world.browser_of("bob").await);
    let login = alice.cookies[&("/hub/".to_owned(), "jupyterhub-hub-login".to_owned())].clone();
    for (sent, submitted, status) in [
        (format!("_xsrf=2|unsigned; _xsrf={own}"), &own, 204),
        (format!("_xsrf={foreign}; _xsrf={own}"), &own, 204),
        (format!("_xsrf={own}; _xsrf=2|unsigned"), &own, 204),
        (format!("_xsrf={foreign}"), &foreign, 403),
        ("_xsrf=2|unsigned".to_owned(), &"2|unsigned".to_owned(), 403),
        (String::new(), &own, 403),
    ] {
        alice.cookies.clear();
        let sent = format!("jupyterhub-hub-login={login}; {sent}");
        let headers = [("cookie", sent.as_str()), ("x-xsrftoken", submitted.as_str())];
        let answer = call(&mut alice, "DELETE", "/hub/api/users/alice/server", &headers).await;
        assert_eq!(answer.status, status, "{sent}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_cookie_is_renewed_for_pages_when_it_belongs_to_somebody_else() {
    let world = World::new("").await;
    let mut browser = world.browser();
    browser.get("/hub/login").await;
    let anonymous = held(&browser);
    browser.login("alice", "right").await;
    let own = held(&browser);
    assert_ne!(anonymous, own);
    assert!(cookies(&browser.get("/hub/home").await).is_empty(), "a good one stays");
    let key = ("/hub/".to_owned(), "_xsrf".to_owned());
    browser.cookies.insert(key.clone(), anonymous);
    for (mode, renewed) in [(Some("cors"), false), (Some("navigate"), true), (None, true)] {
        let before = browser.cookies.clone();
        let headers: Vec<_> = mode.map(|mode| ("sec-fetch-mode", mode)).into_iter().collect();
        let answer = call(&mut browser, "GET", "/hub/home", &headers).await;
        assert_eq!(cookies(&answer).len(), usize::from(renewed), "{mode:?}");
        browser.cookies = before;
    }
    // Answers of the API never carry one.
    assert!(cookies(&call(&mut browser, "GET", "/hub/api/user", &[]).await).is_empty());
    // The login page always does, as long as nobody is logged in and after that too.
    let mut other = world.browser();
    other.get("/hub/login").await;
    let kept = held(&other);
    assert!(cookie(&cookies(&other.get("/hub/login").await), "_xsrf").contains(&kept));
    let set = cookies(&browser.get("/hub/login").await);
    assert!(cookie(&set, "_xsrf").len() > 20 && cookie(&set, "jupyterhub-session-id").len() > 30, "{set:?}");
}

#[tokio::test]
async fn a_login_form_that_fails_its_check_comes_back_with_a_fresh_cookie() {
    let world = World::new("").await;
    let mut browser = world.browser();
    browser.get("/hub/login").await;
    for form in ["username=alice&password=right", "_xsrf=x&username=alice&password=right"] {
        let answer = browser.post("/hub/login", form).await;
        assert_eq!(answer.status, 403);
        assert!(answer.text().contains("Login form invalid or expired. Try again."), "{}", answer.text());
        let set = cookies(&answer);
        let fresh = cookie(&set, "_xsrf").split(['=', ';']).nth(1).unwrap().to_owned();
        assert_eq!(fresh, answer.field("_xsrf"));
        let good = format!("_xsrf={fresh}&username=alice&password=wrong");
        let refused = browser.post("/hub/login", &good).await;
        assert!(refused.text().contains("Invalid username or password"), "{}", refused.text());
    }
}

#[tokio::test]
async fn a_browser_that_changes_its_name_needs_a_fresh_form() {
    let world = World::new("").await;
    let mut browser = world.browser();
    let form = format!("_xsrf={}&username=alice&password=right", browser.get("/hub/login").await.field("_xsrf"));
    let request = browser.request("POST", "/hub/login").header("user-agent", "other");
    assert_eq!(browser.send(request.body(Full::from(form.clone())).unwrap()).await.status, 403);
    let mut browser = world.browser();
    let form = format!("_xsrf={}&username=alice&password=right", browser.get("/hub/login").await.field("_xsrf"));
    assert_eq!(browser.post("/hub/login", &form).await.status, 302);
}

#[tokio::test]
async fn every_policy_tells_where_reports_go_and_anybody_may_send_a_few() {
    let world = World::new("[hub]\nbase_url = \"/j/\"\n").await;
    let mut browser = world.browser();
    for path in ["/j/hub/login", "/j/hub/api/", "/j/hub/api/user", "/j/user/alice/"] {
        let answer = browser.get(path).await;
        let policy = answer.header("content-security-policy");
        if path != "/j/user/alice/" || !policy.is_empty() {
            assert!(
                policy.starts_with("frame-ancestors 'none'; report-uri /j/hub/security/csp-report; "),
                "{path}: {policy}"
            );
            assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        }
    }
    let report = r#"{"csp-report": {"document-uri": "http://h/j/hub/home?x=1", "blocked-uri": "inline"}}"#;
    let send = |body: Vec<u8>| {
        let request = browser.request("POST", "/j/hub/security/csp-report");
        let request = request.header("content-type", "application/csp-report").body(Full::from(body)).unwrap();
        let mut sender = world.browser();
        async move { sender.send(request).await }
    };
    assert_eq!(send(report.into()).await.status, 204);
    assert_eq!(send(vec![b'x'; 20_000]).await.status, 413);
    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(send(report.into()).await);
    }
    let refused = statuses.iter().find(|answer| answer.status != 204).expect("not without end");
    assert_eq!((refused.status, refused.header("retry-after")), (429, "60"));
}
