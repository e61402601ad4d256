//! `/hub/admin/limits`, `suspend` and `wake`: what a server that runs may use, and putting it to sleep.

use hubd_base::config::Role;

use crate::admin::{good, send};
use crate::api_client::{name, role};
use crate::world::{World, id};

async fn running(configuration: &str) -> World {
    let reader = Role { users: vec![name("eva")], ..role(&["admin-ui", "list:users", "read:users", "read:servers"]) };
    let world = World::with(configuration, |config| config.roles.push(reader)).await;
    world.know(&["ann"]).await;
    world.app.servers.start(&id("ann")).unwrap();
    world.wait_for("ann", "running").await;
    world
}

#[tokio::test]
async fn limits_of_a_server_that_runs_are_changed_and_shown_with_who_says_them() {
    let world = running("").await;
    let mut boss = world.browser_of("boss").await;
    assert!(good(&mut boss, "/hub/admin/user/ann").await.contains("href=\"/hub/admin/limits/ann\""));
    let page = good(&mut boss, "/hub/admin/limits/ann").await;
    assert!(page.contains("jupyter@ann.service") && page.contains("jupyter.slice") && page.contains("No limits."));
    let fields = [("memory_max", "2G"), ("cpu_quota", " 150% "), ("tasks_max", "")];
    let answer = send(&mut boss, "/hub/admin/limits/ann", &fields).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/hub/admin/limits/ann?notice=saved"));
    {
        let changes = world.launcher.changes_of_limits.lock().unwrap();
        let said = changes[0].1.said();
        assert_eq!((said.len(), said.contains_key("tasks_max")), (2, false), "{said:?}");
    }
    let page = good(&mut boss, "/hub/admin/limits/ann").await;
    for told in ["<td><code>memory_max</code></td><td>2G</td><td>changed while it runs</td>", "150%"] {
        assert!(page.contains(told), "{told}: {page}");
    }
}

#[tokio::test]
async fn amounts_that_make_no_sense_change_nothing_and_stay_in_the_form() {
    let world = running("").await;
    let mut boss = world.browser_of("boss").await;
    let fields = [("memory_max", "two apples"), ("cpu_quota", "150%")];
    let answer = send(&mut boss, "/hub/admin/limits/ann", &fields).await;
    assert_eq!(answer.status, 400);
    let page = answer.text();
    assert!(
        page.contains("value=\"two apples\"")
            && page.contains("value=\"150%\"")
            && page.contains("memory_max: expected")
    );
    assert_eq!(send(&mut boss, "/hub/admin/limits/ann", &[]).await.status, 400);
    assert!(world.launcher.changes_of_limits.lock().unwrap().is_empty());
}

#[tokio::test]
async fn limits_are_changed_by_administrators_of_servers_only_and_only_while_a_server_runs() {
    let world = running("").await;
    let mut eva = world.browser_of("eva").await;
    let page = good(&mut eva, "/hub/admin/limits/ann").await;
    assert!(!page.contains("id=\"change\""));
    assert!(!good(&mut eva, "/hub/admin/user/ann").await.contains("/hub/admin/suspend/ann"));
    for path in ["limits", "suspend", "wake"] {
        let answer = send(&mut eva, &format!("/hub/admin/{path}/ann"), &[("memory_max", "1G")]).await;
        assert!([403, 404].contains(&answer.status), "{path}: {}", answer.status);
    }
    assert!(world.launcher.changes_of_limits.lock().unwrap().is_empty());
    let mut boss = world.browser_of("boss").await;
    send(&mut boss, "/hub/admin/stop/ann", &[]).await;
    world.wait_for("ann", "stopped").await;
    assert!(good(&mut boss, "/hub/admin/limits/ann").await.contains("id=\"rests\""));
    let answer = send(&mut boss, "/hub/admin/limits/ann", &[("memory_max", "1G")]).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(boss.get("/hub/admin/limits/nobody").await.status, 404);
}
