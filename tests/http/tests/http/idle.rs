//! What counts as a person's doing: for how long a server was idle is told from that.

use http_body_util::Full;
use hubd::servers::launcher::UnitState;
use tokio::io::AsyncWriteExt;

use crate::tunnel;
use crate::world::{World, id};

/// When a person last did something with alice's server.
fn attended(world: &World) -> i64 {
    world.app.servers.find(&id("alice")).unwrap().attended().unwrap()
}

fn last_activity(world: &World) -> i64 {
    world.app.servers.find(&id("alice")).unwrap().last_activity().unwrap()
}

#[tokio::test]
async fn what_an_open_tab_asks_by_itself_is_activity_and_no_persons_doing() {
    let world = World::new("").await;
    let mut browser = world.browser_in_server_of("alice").await;
    let (before, active) = (attended(&world), last_activity(&world));
    for path in ["api/kernels?1", "api/sessions?1", "api/terminals?1", "api/contents/?content=1", "api/me"] {
        let request = browser.request("GET", &format!("/user/alice/{path}")).header("sec-fetch-mode", "cors");
        assert_eq!(browser.send(request.body(Full::default()).unwrap()).await.status, 200);
    }
    assert_eq!(attended(&world), before);
    assert!(last_activity(&world) > active, "JupyterHub's own notion stays");
    assert_eq!(browser.get("/user/alice/lab").await.status, 200);
    assert!(attended(&world) > before);
}

#[tokio::test]
async fn pings_of_an_open_tab_are_no_persons_doing() {
    let world = World::new("").await;
    let browser = world.browser_in_server_of("alice").await;
    let before = attended(&world);
    let mut tunnel = tunnel::open(&browser).await;
    // A masked pong without content, and a masked message right after the tunnel opened, which tabs send by themselves.
    tunnel.write_all(&[0x8a, 0x80, 1, 2, 3, 4]).await.unwrap();
    tunnel.write_all(&[0x81, 0x81, 1, 2, 3, 4, b'l' ^ 1]).await.unwrap();
    tunnel::echoed(&mut tunnel, 13).await;
    assert_eq!(attended(&world), before);
}

#[tokio::test]
async fn what_a_person_did_is_known_to_the_next_hub() {
    let world = World::new("").await;
    world.browser_in_server_of("alice").await;
    let before = attended(&world);
    world.app.servers.save_activity().await;
    let world = world.again(|_| {}).await;
    assert_eq!(attended(&world), before, "nobody did anything because the hub came back");
    world.launcher.end(&id("alice"), UnitState::Absent);
}
