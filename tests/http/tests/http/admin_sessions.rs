//! `/hub/admin/sessions`: who is logged in, and what is open.

use hubd::clock::now;
use hubd_base::config::Role;

use crate::admin::good;
use crate::api_client::{name, role};
use crate::tunnel;
use crate::world::World;

#[tokio::test]
async fn whoever_is_signed_in_is_listed_also_after_a_restart() {
    let world = World::new("").await;
    let begun = now();
    world.browser_of("ann").await;
    let mut boss = world.browser_of("boss").await;
    let page = good(&mut boss, "/hub/admin/sessions").await;
    assert!(page.contains("href=\"/hub/admin/user/ann\"") && page.contains("1 to 2 of 2"));
    let again = world.restarted().await;
    let since: Vec<_> =
        again.app.sessions.all(now()).iter().map(|session| (session.user.to_string(), session.created)).collect();
    assert!(since.iter().all(|(_, since)| (begun..=now()).contains(since)));
    assert_eq!(since.iter().map(|(user, _)| &**user).collect::<Vec<_>>(), ["boss", "ann"], "the newest first");
}

#[tokio::test]
async fn open_connections_are_listed_as_long_as_they_are_open() {
    let world = World::new("").await;
    let browser = world.browser_in_server_of("alice").await;
    let mut boss = world.browser_of("boss").await;
    assert!(good(&mut boss, "/hub/admin/sessions").await.contains("No connection is open."));
    let (mut first, second) = (tunnel::open(&browser).await, tunnel::open(&browser).await);
    tunnel::echo(&mut first).await;
    let page = good(&mut boss, "/hub/admin/sessions").await;
    let (_, table) = page.split_once("id=\"connections\"").expect("a table of connections");
    assert!(table.contains("<th scope=\"row\">alice</th>"), "{table}");
    assert!(table.contains("<td>alice</td><td>127.0.0.1</td><td>2</td>"), "{table}");
    let sessions = page.split_once("id=\"sessions\"").unwrap().1.split_once("</table>").unwrap().0;
    let row = sessions.split("</tr>").find(|row| row.contains("user/alice\"")).unwrap();
    assert!(row.ends_with("<td>2</td>"), "{row}");
    drop((first, second));
    world.until(|| async { world.app.forwarder.open.all().is_empty() }).await;
    assert!(good(&mut boss, "/hub/admin/sessions").await.contains("No connection is open."));
}

#[tokio::test]
async fn connections_to_what_one_may_not_see_are_not_listed() {
    let seer = Role { users: vec![name("ann")], ..role(&["admin-ui", "read:users!user=bob", "read:servers!user=bob"]) };
    let world = World::with("", |config| config.roles.push(seer)).await;
    let browser = world.browser_in_server_of("alice").await;
    let mut open = tunnel::open(&browser).await;
    tunnel::echo(&mut open).await;
    let mut ann = world.browser_of("ann").await;
    let page = good(&mut ann, "/hub/admin/sessions").await;
    assert!(page.contains("No connection is open.") && !page.contains("alice"));
}
