//! What accounts get that the hub makes: groups and a shell.
//!
//! Invariant: none of the groups is known to give its members rights over the machine.

use toml::de::DeValue;

use super::value;

/// Groups whose members rule the machine or can make themselves do so, by Debian's and others' conventions.
const ADMINISTRATIVE: &[&str] = &[
    "_hubd",
    "adm",
    "admin",
    "backup",
    "bin",
    "crontab",
    "daemon",
    "disk",
    "docker",
    "incus",
    "incus-admin",
    "kmem",
    "libvirt",
    "lpadmin",
    "lxd",
    "mail",
    "messagebus",
    "microk8s",
    "netdev",
    "operator",
    "polkitd",
    "root",
    "shadow",
    "src",
    "staff",
    "sudo",
    "sys",
    "systemd-journal",
    "systemd-network",
    "wheel",
];

/// Is a member of this Unix group an administrator of the machine, or able to become one?
pub fn is_administrative(group: &str) -> bool {
    ADMINISTRATIVE.contains(&group)
}

pub(super) fn groups(v: &DeValue<'_>) -> Result<Vec<String>, String> {
    let names = value::strings(v, "a list of Unix groups such as [\"students\"]")?;
    for name in &names {
        let odd = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if name.is_empty() || name.starts_with('-') || name.contains(odd) {
            return Err(format!("{name:?} is not the name of a Unix group; the @ is left out here"));
        }
        if is_administrative(name) {
            return Err(format!("members of {name} can rule the machine; accounts made by the hub never do"));
        }
    }
    Ok(names)
}

pub(super) fn shell(v: &DeValue<'_>) -> Result<String, String> {
    let wanted = "an absolute path such as \"/bin/bash\"";
    let path = value::string(v, wanted)?;
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == ':';
    if !path.starts_with('/') || path.contains(odd) {
        return Err(value::expected(wanted, v));
    }
    Ok(path.to_owned())
}
