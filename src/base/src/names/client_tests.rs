//! Ids of clients that could be taken for one another.

use crate::names::{ServerId, ServerName, UserName};

fn id(user: &str, server: &str) -> ServerId {
    ServerId::new(UserName::parse(user).unwrap(), ServerName::parse(server).unwrap())
}

#[test]
fn every_server_has_its_own_client_id_and_is_found_by_it() {
    for (user, server, client) in [
        ("alice", "", "jupyterhub-user-alice"),
        ("a", "b", "jupyterhub-user-a%2Fb"),
        ("a-b", "", "jupyterhub-user-a-b"),
        ("u@x.org", "gpu", "jupyterhub-user-u%40x.org%2Fgpu"),
        ("DOM\\user", "", "jupyterhub-user-DOM%5Cuser"),
        ("j\u{fc}rgen", "", "jupyterhub-user-j%C3%BCrgen"),
    ] {
        let id = id(user, server);
        assert_eq!(id.client_id(), client);
        assert_eq!(ServerId::from_client_id(client), Some(id));
    }
}

#[test]
fn another_spelling_of_an_id_is_nobodys() {
    for client in [
        "jupyterhub-user-",
        "alice",
        "service-alice",
        "jupyterhub-user-%61lice",
        "jupyterhub-user-a/b",
        "jupyterhub-user-a%2fb",
        "jupyterhub-user-a%2Fb%2Fc",
        "jupyterhub-user-a%2F",
        "jupyterhub-user-u@x.org",
        "jupyterhub-user-a%",
        "jupyterhub-user-a%2",
        "jupyterhub-user-a%zz",
        "jupyterhub-user-%FF",
    ] {
        assert_eq!(ServerId::from_client_id(client), None, "{client}");
    }
}
