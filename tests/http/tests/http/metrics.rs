//! `/hub/metrics` and `/hub/api/metrics`: who may read them, and what they count.
//!
//! All hubs of this test program share their counters, so only growth is told.

use http_body_util::Full;

use crate::world::{World, control};

fn value(text: &str, series: &str) -> u32 {
    let found = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.map_or(0, |value| value.parse().unwrap())
}

#[tokio::test]
async fn metrics_need_their_scope_unless_the_configuration_says_otherwise() {
    let world = World::new("").await;
    for path in ["/hub/metrics", "/hub/api/metrics"] {
        assert_eq!(world.browser().get(path).await.status, 403);
        assert_eq!(world.browser_of("alice").await.get(path).await.status, 403);
        let answer = world.browser_of("boss").await.get(path).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "text/plain; version=1.0.0; charset=utf-8");
    }
    let world = World::with("", |config| config.hub.metrics_need_token = false).await;
    for path in ["/hub/metrics", "/hub/api/metrics"] {
        assert_eq!(world.browser().get(path).await.status, 200);
    }
}

#[tokio::test]
async fn every_name_of_the_contract_is_there_with_its_type() {
    let world = World::new("").await;
    let text = control(world.folder.path(), "GET", "/hub/api/metrics").await.text();
    for (name, kind) in [
        ("request_duration_seconds", "histogram"),
        ("server_spawn_duration_seconds", "histogram"),
        ("running_servers", "gauge"),
        ("total_users", "gauge"),
        ("active_users", "gauge"),
        ("check_routes_duration_seconds", "histogram"),
        ("hub_startup_duration_seconds", "histogram"),
        ("init_spawners_duration_seconds", "histogram"),
        ("proxy_poll_duration_seconds", "histogram"),
        ("login_duration_seconds", "histogram"),
        ("logout_duration_seconds", "histogram"),
        ("csp_reports_total", "counter"),
        ("proxy_add_duration_seconds", "histogram"),
        ("proxy_delete_duration_seconds", "histogram"),
        ("server_poll_duration_seconds", "histogram"),
        ("server_stop_seconds", "histogram"),
        ("event_loop_interval_seconds", "histogram"),
    ] {
        assert!(text.contains(&format!("# TYPE jupyterhub_{name} {kind}\n")), "{name}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (_, number) = line.rsplit_once(' ').unwrap();
        assert!(number.parse::<f64>().is_ok(), "{line}");
    }
    assert!(
        text.contains("jupyterhub_server_spawn_duration_seconds_bucket{status=\"success\",reason=\"\",le=\"600.0\"}")
    );
    assert!(text.contains("jupyterhub_active_users{period=\"30d\"} "));
}

#[tokio::test]
async fn requests_starts_stops_logins_and_reports_are_counted() {
    let world = World::new("").await;
    let read = || async { control(world.folder.path(), "GET", "/hub/api/metrics").await.text() };
    let before = read().await;
    let mut alice = world.browser_in_server_of("alice").await;
    alice.get("/user/alice/show").await;
    assert_eq!(value(&read().await, "jupyterhub_running_servers"), 1);
    world.app.servers.stop(&crate::world::id("alice"));
    world.wait_for("alice", "stopped").await;
    alice.get("/hub/home").await;
    world.browser().login("alice", "wrong").await;
    alice.get("/hub/logout").await;
    let report = world.browser().request("POST", "/hub/security/csp-report").body(Full::from("{}")).unwrap();
    assert_eq!(world.browser().send(report).await.status, 204);
    let after = read().await;
    for series in [
        "jupyterhub_request_duration_seconds_count{method=\"GET\",handler=\"hub/home\",code=\"200\"}",
        "jupyterhub_server_spawn_duration_seconds_count{status=\"success\",reason=\"\"}",
        "jupyterhub_server_stop_seconds_count{status=\"success\"}",
        "jupyterhub_login_duration_seconds_count{status=\"success\"}",
        "jupyterhub_login_duration_seconds_count{status=\"failure\"}",
        "jupyterhub_logout_duration_seconds_count",
        "jupyterhub_csp_reports_total",
    ] {
        assert!(value(&after, series) > value(&before, series), "{series}\n{after}");
    }
    assert_eq!(value(&after, "jupyterhub_running_servers"), 0);
    assert_eq!(value(&after, "jupyterhub_total_users"), 1);
    assert_eq!(value(&after, "jupyterhub_active_users{period=\"24h\"}"), 1);
    assert!(!after.contains("user/alice"), "what goes to servers is not counted, and nobody is named");
}
