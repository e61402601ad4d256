//! What becomes of idle servers: looks are made at moments that the tests choose.

use hubd::clock::{Usec, now};
use hubd::servers::idle::{Deed, Reason, Verdict, Why};
use hubd::servers::usage::Usage;
use serde_json::json;

use crate::upstream;
use crate::world::{World, control, id};

const MINUTE: Usec = 60_000_000;
/// Servers are stopped after an hour, and never suspended.
const STOP: &str = "[idle]\nsuspend_after = \"never\"\nstop_after = \"1h\"\n";

/// A hub in which that person's server runs. What Jupyter tells goes by the name: each test has its own person.
async fn world_of(user: &str, configuration: &str) -> World {
    let world = World::new(configuration).await;
    world.app.servers.start(&id(user)).unwrap();
    world.wait_for(user, "running").await;
    world
}

/// A look so many minutes from now, and what was done to the only server there is.
async fn look(world: &World, minutes: Usec) -> (Option<Deed>, Verdict) {
    let mut done = world.app.idle.apply(now() + minutes * MINUTE).await;
    assert_eq!(done.len(), 1);
    let done = done.remove(0);
    (done.deed, done.verdict)
}

fn computes(world: &World, user: &str, minutes: u64) {
    let usage = Usage { cpu_usec: Some(minutes * 60_000_000), ..Usage::default() };
    world.launcher.usage.lock().unwrap().insert(id(user), usage);
}

#[tokio::test]
async fn an_idle_server_is_announced_then_stopped_and_says_why_until_its_next_start() {
    let world = world_of("ida", STOP).await;
    let server = world.app.servers.get(&id("ida"));
    assert_eq!(look(&world, 40).await.0, None);
    let (deed, verdict) = look(&world, 55).await;
    assert_eq!((deed, server.snapshot().stop_planned), (Some(Deed::Announced), verdict.stop_at()));
    assert_eq!(look(&world, 58).await.0, None, "once");
    assert_eq!(look(&world, 61).await.0, Some(Deed::Stopped));
    world.wait_for("ida", "stopped").await;
    let page = world.browser_of("ida").await.get("/hub/home").await.text();
    assert!(page.contains("because nobody used it for a long time"), "{page}");
    assert_eq!(server.ended().map(|(why, _)| why), Some(Why::Idle));
    // The next hub knows it, too.
    let world = world.again(|_| {}).await;
    let server = world.app.servers.get(&id("ida"));
    assert_eq!(server.ended().map(|(why, _)| why), Some(Why::Idle));
    world.app.servers.start(&id("ida")).unwrap();
    world.wait_for("ida", "running").await;
    assert_eq!(server.ended(), None);
}

#[tokio::test]
async fn a_person_who_comes_back_in_time_ends_the_countdown() {
    let world = world_of("iris", STOP).await;
    let server = world.app.servers.get(&id("iris"));
    assert_eq!(look(&world, 55).await.0, Some(Deed::Announced));
    server.attend(now() + 56 * MINUTE);
    assert_eq!(look(&world, 61).await.0, None);
    assert_eq!(server.snapshot().stop_planned, None);
    assert_eq!(look(&world, 110).await.0, Some(Deed::Announced), "and it begins anew");
}

#[tokio::test]
async fn a_busy_kernel_spares_its_server_and_its_end_begins_the_clock() {
    let world = world_of("ivan", STOP).await;
    let at = |minutes: Usec| hubd::clock::iso(now() + minutes * MINUTE);
    let kernel = |state: &str, last: Usec| {
        json!([{"id": "k", "execution_state": state, "last_activity": at(last), "connections": 0}]).to_string()
    };
    upstream::kernels("ivan", &kernel("busy", 0));
    for minutes in [61, 120, 600] {
        let (deed, verdict) = look(&world, minutes).await;
        assert_eq!((deed, verdict.idle_since), (None, None), "{minutes}");
        assert!(verdict.reasons.contains(&Reason::Kernels { count: 1, busy: 1 }));
    }
    upstream::kernels("ivan", &kernel("idle", 610));
    let (deed, verdict) = look(&world, 620).await;
    assert_eq!(deed, None);
    assert!(verdict.idle_since.is_some_and(|since| since > now() + 609 * MINUTE), "{verdict:?}");
    assert_eq!(look(&world, 665).await.0, Some(Deed::Announced));
}

/// What Jupyter Server tells of a kernel, and what the kernel does in truth.
fn said(state: &str, connections: u32, computes: bool) -> String {
    let kernel = json!({"id": "k", "execution_state": state, "connections": connections, "computes": computes});
    json!([kernel]).to_string()
}

#[tokio::test]
async fn a_kernel_that_jupyter_did_not_hear_is_asked_and_one_that_answers_is_idle() {
    let world = world_of("iris", STOP).await;
    upstream::kernels("iris", &said("starting", 0, false));
    let (deed, verdict) = look(&world, 61).await;
    assert_eq!(deed, Some(Deed::Announced), "{verdict:?}");
    assert!(verdict.reasons.contains(&Reason::Kernels { count: 1, busy: 0 }));
}

#[tokio::test]
async fn a_kernel_that_computes_unheard_is_spared_whatever_jupyter_says_until_it_answers() {
    let world = world_of("ilka", STOP).await;
    for (minutes, state) in [(61, "starting"), (120, "idle"), (600, "idle")] {
        upstream::kernels("ilka", &said(state, 0, true));
        let (deed, verdict) = look(&world, minutes).await;
        assert_eq!((deed, verdict.idle_since), (None, None), "{minutes}");
        assert!(verdict.reasons.contains(&Reason::Kernels { count: 1, busy: 1 }));
    }
    // So it is for the next hub, which did not ask it.
    let world = world.again(|_| {}).await;
    assert_eq!(look(&world, 605).await.0, None);
    upstream::kernels("ilka", &said("idle", 0, false));
    assert!(look(&world, 610).await.1.idle_since.is_some());
    assert_eq!(look(&world, 665).await.0, Some(Deed::Announced));
}

#[tokio::test]
async fn a_kernel_with_a_page_is_asked_once_and_one_without_is_left_in_peace() {
    let world = world_of("ilva", STOP).await;
    upstream::kernels("ilva", &said("idle", 1, true));
    assert_eq!(look(&world, 61).await.1.idle_since, None);
    let world = world_of("inka", STOP).await;
    // Nobody opens its channels: the output kept for a page that was cut off would be lost.
    upstream::kernels("inka", &said("idle", 0, true));
    assert_eq!(look(&world, 61).await.0, Some(Deed::Announced));
}

#[tokio::test]
async fn a_server_that_computes_without_kernels_is_spared_and_one_look_is_not_enough_to_tell() {
    let world = world_of("inge", STOP).await;
    computes(&world, "inge", 1);
    let (deed, verdict) = look(&world, 70).await;
    assert_eq!((deed, verdict.certain), (None, false), "nothing was measured yet");
    assert!(verdict.reasons.contains(&Reason::Measuring));
    computes(&world, "inge", 8);
    let (deed, verdict) = look(&world, 77).await;
    assert_eq!((deed, verdict.idle_since), (None, None));
    let busy = |reason: &Reason| matches!(reason, Reason::Cpu(percent) if (99.0..101.0).contains(percent));
    assert!(verdict.reasons.iter().any(busy), "{verdict:?}");
    // It rests from here on.
    look(&world, 84).await;
    let (_, verdict) = look(&world, 91).await;
    assert!(verdict.certain && verdict.reasons.contains(&Reason::Cpu(0.0)), "{verdict:?}");
    assert!(verdict.idle_since.is_some_and(|since| since > now() + 76 * MINUTE));
}

#[tokio::test]
async fn a_hub_that_was_away_goes_on_where_it_left_off() {
    let world = world_of("ilse", STOP).await;
    computes(&world, "ilse", 1);
    look(&world, 40).await;
    let world = world.again(|_| {}).await;
    // What the former hub measured counts, as does when the person was last there.
    let (deed, verdict) = look(&world, 55).await;
    assert!(verdict.certain && verdict.reasons.contains(&Reason::Cpu(0.0)), "{verdict:?}");
    assert_eq!(deed, Some(Deed::Announced));
    let world = world.again(|_| {}).await;
    assert_eq!(look(&world, 61).await.0, Some(Deed::Stopped), "the notice was given by the former one");
}

#[tokio::test]
async fn a_server_whose_jupyter_does_not_tell_is_left_alone() {
    let world = world_of("igor", STOP).await;
    upstream::kernels("igor", "no JSON");
    for minutes in [61, 200] {
        let (deed, verdict) = look(&world, minutes).await;
        assert_eq!((deed, verdict.certain), (None, false));
        assert!(verdict.reasons.contains(&Reason::Silent));
    }
}

#[tokio::test]
async fn a_person_keeps_their_server_for_a_while_and_no_longer_than_allowed() {
    let world = world_of("ines", &format!("{STOP}keep_max = \"4h\"\n")).await;
    let ines = world.caller("ines", &["self"]).await;
    let path = "/users/ines/server/keep";
    let (status, message) = ines.told("PUT", path, json!({"seconds": 5 * 3600})).await;
    assert_eq!((status, message.as_str()), (400, "a server can be kept for 4h at most (idle.keep_max)"));
    for body in ["{}", "{\"seconds\": 0}", "{\"until\": \"yesterday\"}", "{\"until\": \"2001-01-01T00:00:00Z\"}"] {
        assert_eq!(ines.told("PUT", path, body).await.0, 400, "{body}");
    }
    assert_eq!(ines.call("PUT", path, json!({"seconds": 3 * 3600})).await.status, 200);
    let (deed, verdict) = look(&world, 100).await;
    assert_eq!(deed, None);
    assert!(verdict.stop_at().is_some_and(|at| at > now() + 179 * MINUTE), "{verdict:?}");
    let bob = world.caller("bob", &["self"]).await;
    assert_eq!(bob.told("PUT", path, json!({"seconds": 60})).await.0, 404);
    // It is remembered by the next hub, and ends when its person says so.
    let world = world.again(|_| {}).await;
    assert_eq!(look(&world, 101).await.0, None);
    let ines = world.caller("ines", &["self"]).await;
    assert_eq!(ines.call("DELETE", path, "").await.json(), json!({"keep_until": null}));
    assert_eq!(look(&world, 102).await.0, Some(Deed::Announced));
}

#[tokio::test]
async fn where_keeping_is_turned_off_nobody_can() {
    let world = world_of("ina", "[idle]\nkeep_max = \"none\"\n").await;
    let ina = world.caller("ina", &["self"]).await;
    assert_eq!(ina.told("PUT", "/users/ina/server/keep", json!({"seconds": 1})).await.0, 403);
}

#[tokio::test]
async fn age_ends_a_server_in_use_after_a_notice() {
    // The launcher of these tests says that servers run since 1970.
    let world = world_of("ilja", "[idle]\nmax_age = \"1h\"\n").await;
    upstream::kernels("ilja", r#"[{"execution_state": "busy", "last_activity": null}]"#);
    assert_eq!(look(&world, 0).await.0, Some(Deed::Announced));
    assert_eq!(look(&world, 0).await.0, None, "not at once");
    assert_eq!(look(&world, 2).await.0, Some(Deed::Stopped));
    world.wait_for("ilja", "stopped").await;
    assert_eq!(world.app.servers.get(&id("ilja")).ended().map(|(why, _)| why), Some(Why::MaxAge));
}

#[tokio::test]
async fn a_group_has_its_own_times() {
    let world = world_of("crew-inka", "[idle.group.crew]\nsuspend_after = \"never\"\nstop_after = \"2h\"\n").await;
    let (_, verdict) = look(&world, 5).await;
    assert_eq!(verdict.suspend_at, None);
    let at = verdict.stop_at().unwrap() - now();
    assert!((119 * MINUTE..=120 * MINUTE).contains(&at), "{at}");
}

#[tokio::test]
async fn a_profile_has_its_own_times() {
    let profile = "[[profile]]\nname = \"long\"\nidle = { stop_after = \"5h\" }\n";
    let world = World::new(&format!("{STOP}{profile}")).await;
    let ines = world.caller("inga", &["self"]).await;
    let options = json!({"user_options": {"profile": "long"}});
    assert_eq!(ines.call("POST", "/users/inga/server", options).await.status, 201);
    let at = look(&world, 5).await.1.stop_at().unwrap() - now();
    assert!((299 * MINUTE..=300 * MINUTE).contains(&at), "{at}");
}

#[tokio::test]
async fn everybody_sees_the_verdicts_of_servers_they_may_read_and_administrators_have_them_applied() {
    let world = world_of("ingo", STOP).await;
    world.app.servers.start(&id("bob")).unwrap();
    world.wait_for("bob", "running").await;
    let ingo = world.caller("ingo", &["self"]).await;
    let seen = ingo.read("/idle").await;
    assert_eq!(seen["servers"].as_array().unwrap().len(), 1);
    assert_eq!(seen["servers"][0]["user"], "ingo");
    assert_eq!(seen["servers"][0]["idle"]["reasons"][0]["sign"], "attended");
    assert_eq!(ingo.told("POST", "/idle", "").await.0, 403);
    let done = control(world.folder.path(), "POST", "/hub/api/idle").await.json();
    assert_eq!(done["servers"].as_array().unwrap().len(), 2);
    assert_eq!(done["servers"][0]["done"], json!(null));
}

#[tokio::test]
async fn an_idle_server_is_suspended_unless_it_works_and_rests_from_its_wake_on() {
    let world = world_of("isa", "").await;
    let server = world.app.servers.get(&id("isa"));
    upstream::kernels("isa", r#"[{"execution_state": "busy", "last_activity": null}]"#);
    assert_eq!(look(&world, 31).await.0, None);
    upstream::kernels("isa", r#"[{"execution_state": "idle", "last_activity": null}]"#);
    assert_eq!(look(&world, 59).await.0, None, "half an hour after it was last seen working");
    assert_eq!(look(&world, 62).await.0, Some(Deed::Suspended));
    world.wait_for("isa", "suspended").await;
    let (deed, verdict) = look(&world, 600).await;
    assert_eq!((deed, verdict.suspend_at, verdict.certain), (None, None, true));
    let isa = world.caller("isa", &["self"]).await;
    let model = isa.read("/users/isa/server").await;
    assert_eq!(model["hubd"]["state"], "suspended");
    assert_eq!(model["hubd"]["idle"]["suspend_at"], json!(null));
    // Whoever wakes it wants it to run: it is not suspended with the next look.
    let before = server.attended();
    world.app.servers.wake(&id("isa")).await.unwrap();
    assert!(server.attended() > before);
}

#[tokio::test]
async fn a_suspended_server_is_stopped_in_its_time() {
    let world = world_of("irma", "[idle]\nstop_after = \"1h\"\n").await;
    assert_eq!(look(&world, 31).await.0, Some(Deed::Suspended));
    assert_eq!(look(&world, 55).await.0, Some(Deed::Announced));
    assert_eq!(look(&world, 61).await.0, Some(Deed::Stopped));
    world.wait_for("irma", "stopped").await;
    let irma = world.caller("irma", &["self"]).await;
    assert_eq!(irma.read("/users/irma/server").await["hubd"]["idle"]["ended"]["why"], "idle");
}

#[tokio::test]
async fn a_person_has_their_server_left_alone_on_the_home_page() {
    let world = world_of("iva", &format!("{STOP}keep_max = \"4h\"\n")).await;
    let server = world.app.servers.get(&id("iva"));
    look(&world, 1).await;
    let mut browser = world.browser_of("iva").await;
    let home = browser.get("/hub/home").await;
    let page = home.text();
    assert!(
        page.contains("id=\"server-idle\">Will be stopped in ") && page.contains(">Leave alone for 4 h<"),
        "{page}"
    );
    let form = format!("_xsrf={}", home.field("_xsrf"));
    assert_eq!(browser.post("/hub/keep/iva", "").await.status, 403);
    assert_eq!(browser.post("/hub/keep/iva", &form).await.header("location"), "/hub/home");
    let kept = server.kept_until(now()).unwrap() - now();
    assert!(kept > 239 * MINUTE && kept <= 240 * MINUTE, "{kept}");
    assert_eq!(look(&world, 70).await.0, None);

    let page = browser.get("/hub/home").await.text();
    let until = hubd::clock::iso(server.kept_until(now()).unwrap());
    let until = format!("id=\"server-kept\">Left alone until <time datetime=\"{}", &until[..16]);
    assert!(page.contains(&until) && !page.contains("id=\"server-idle\""), "{until} {page}");
    assert!(page.contains("name=\"release\" value=\"1\">Leave alone no longer<"), "{page}");
    browser.post("/hub/keep/iva", &format!("{form}&release=1")).await;
    assert_eq!(server.kept_until(now()), None);
    // Of one's own servers.
    let mut other = world.browser_of("bob").await;
    let form = format!("_xsrf={}", other.get("/hub/home").await.field("_xsrf"));
    assert_eq!(other.post("/hub/keep/iva", &form).await.status, 404);
}

#[tokio::test]
async fn where_servers_cannot_be_kept_the_home_page_does_not_offer_it() {
    let world = world_of("ivy", &format!("{STOP}keep_max = \"none\"\n")).await;
    look(&world, 1).await;
    let mut browser = world.browser_of("ivy").await;
    let home = browser.get("/hub/home").await;
    assert!(home.text().contains("id=\"server-idle\"") && !home.text().contains("id=\"keep-server\""));
    let form = format!("_xsrf={}", home.field("_xsrf"));
    assert_eq!(browser.post("/hub/keep/ivy", &form).await.status, 403);
}
