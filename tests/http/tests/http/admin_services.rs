//! `/hub/admin/services`: how services are doing, and starting and stopping them.

use hubd::servers::launcher::UnitState;
use hubd_base::config::Role;

use crate::admin::{good, send};
use crate::api_client::{name, role};
use crate::world::World;

const SERVICES: &str = "[[service]]\nname = \"good\"\ncommand = [\"/bin/good\"]\n\
     [[service]]\nname = \"bad\"\ncommand = [\"/bin/bad\"]\n\
     [[service]]\nname = \"far\"\napi_token = \"0123456789abcdef\"\n";

async fn until(world: &World, service: &str, state: &str) {
    let condition = || world.app.manager.condition(service).unwrap();
    world.until(|| async { condition().state.word() == state }).await;
}

/// Which buttons the page has for a service.
fn buttons(page: &str, service: &str) -> Vec<&'static str> {
    let has = |order: &&str| page.contains(&format!("formaction=\"/hub/admin/service/{service}/{order}\""));
    ["start", "stop", "restart"].into_iter().filter(has).collect()
}

#[tokio::test]
async fn services_show_their_state_and_what_is_wrong() {
    let world = World::new(SERVICES).await;
    let failed = UnitState::Failed { invocation: "00".into(), result: "exit-code (3)".into() };
    world.services.set("bad", failed);
    until(&world, "bad", "failed").await;
    let mut boss = world.browser_of("boss").await;
    let page = good(&mut boss, "/hub/admin/services").await;
    assert!(
        page.contains("data-tone=\"running\"") && page.contains("data-tone=\"failed\"") && page.contains(">External<")
    );
    let problem = world.app.manager.condition("bad").unwrap().problem.expect("a reason").replace('\'', "&#39;");
    assert!(page.contains(&problem) && page.contains("href=\"/hub/admin/service-log/bad\""), "{page}");
    assert!(!page.contains("0123456789abcdef"));
}

#[tokio::test]
async fn services_are_started_stopped_and_started_anew() {
    let world = World::new(SERVICES).await;
    until(&world, "good", "running").await;
    let mut boss = world.browser_of("boss").await;
    let page = good(&mut boss, "/hub/admin/services").await;
    assert_eq!(buttons(&page, "good"), ["stop", "restart"]);
    assert!(buttons(&page, "far").is_empty() && !page.contains("service-log/far"));

    let answer = send(&mut boss, "/hub/admin/service/good/stop", &[]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/hub/admin/services?notice=service"));
    until(&world, "good", "stopped").await;
    let page = good(&mut boss, "/hub/admin/services?notice=service").await;
    assert_eq!(buttons(&page, "good"), ["start"]);
    assert!(page.contains("role=\"status\"") && page.contains("service-log/good"));

    assert_eq!(send(&mut boss, "/hub/admin/service/good/start", &[]).await.status, 303);
    until(&world, "good", "running").await;
    let tokens = world.services.tokens_of("good");
    assert_eq!(send(&mut boss, "/hub/admin/service/good/start", &[]).await.status, 303);
    assert_eq!(world.services.tokens_of("good"), tokens, "one that runs is left as it is");
    assert_eq!(send(&mut boss, "/hub/admin/service/good/restart", &[]).await.status, 303);
    until(&world, "good", "running").await;
    assert_eq!(world.services.tokens_of("good").len(), tokens.len() + 1);
    assert_eq!(world.services.stops.lock().unwrap().iter().filter(|stopped| *stopped == "good").count(), 2);
}

#[tokio::test]
async fn a_start_of_a_service_that_fails_says_why_and_a_good_one_clears_it() {
    let world = World::new(SERVICES).await;
    let mut boss = world.browser_of("boss").await;
    send(&mut boss, "/hub/admin/service/bad/stop", &[]).await;
    world.services.refused.lock().unwrap().insert("bad".into());
    let answer = send(&mut boss, "/hub/admin/service/bad/start", &[]).await;
    assert_eq!(answer.status, 409);
    let page = answer.text();
    assert!(page.contains("The service bad does not run:") && page.contains("203/EXEC"), "{page}");
    assert_eq!(buttons(&page, "bad"), ["start"]);
    world.services.refused.lock().unwrap().clear();
    assert_eq!(send(&mut boss, "/hub/admin/service/bad/start", &[]).await.status, 303);
    until(&world, "bad", "running").await;
    assert!(!good(&mut boss, "/hub/admin/services").await.contains("203/EXEC"));
}

#[tokio::test]
async fn services_are_only_ordered_about_by_who_may_change_them_and_only_the_hubs_own() {
    let seer = Role { users: vec![name("ann")], ..role(&["admin-ui", "list:services", "read:services"]) };
    let world = World::with(SERVICES, |config| config.roles.push(seer)).await;
    until(&world, "good", "running").await;
    let mut ann = world.browser_of("ann").await;
    let page = good(&mut ann, "/hub/admin/services").await;
    assert!(page.contains("data-tone=\"running\"") && !page.contains("formaction") && !page.contains("service-log"));
    for order in ["start", "stop", "restart"] {
        assert_eq!(send(&mut ann, &format!("/hub/admin/service/good/{order}"), &[]).await.status, 403);
    }
    assert!(world.services.stops.lock().unwrap().is_empty());
    let mut boss = world.browser_of("boss").await;
    for path in ["far/start", "nothing/stop", "good/kill", "..%2Fgood/stop"] {
        assert_eq!(send(&mut boss, &format!("/hub/admin/service/{path}"), &[]).await.status, 404, "{path}");
    }
}
