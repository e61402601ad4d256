//! The names of the broker's D-Bus interface and of its polkit actions.
//!
//! Only constants: the programs bring their own D-Bus library. A method's meaning is in hub-broker(8).

/// The name on the system bus.
pub const BUS_NAME: &str = "org.hubd.Broker1";
/// The only object.
pub const PATH: &str = "/org/hubd/Broker1";
/// The only interface.
pub const INTERFACE: &str = "org.hubd.Broker1";

/// `StartServer(s user, s server, s token, s profile) -> (s unit, s invocation_id)`; the id is 32 hexadecimal digits. The
/// token is the server's own for the API, [`TOKEN_MIN`] to [`TOKEN_MAX`] characters `[A-Za-z0-9_-]`; servers of kind
/// `lab` may go without (the empty string). The profile is the name of a `[[profile]]`, empty for no choice.
pub const METHOD_START_SERVER: &str = "StartServer";
/// `StopServer(s user, s server)`: stopping what does not run is success.
pub const METHOD_STOP_SERVER: &str = "StopServer";
/// `SetLimits(s user, s server, a{ss} limits)`: changes limits of a server that runs, at once and until it stops. Names and
/// amounts as in `[limits]` of the configuration; only those that systemd changes on a running unit.
pub const METHOD_SET_LIMITS: &str = "SetLimits";
/// `FreezeServer(s user, s server)`: returns when the server stands still.
pub const METHOD_FREEZE_SERVER: &str = "FreezeServer";
/// `ThawServer(s user, s server)`: a server that is not frozen goes on.
pub const METHOD_THAW_SERVER: &str = "ThawServer";
/// `ReclaimServer(s user, s server) -> t`: gives the memory of a frozen server back to the machine; the bytes. A thaw
/// breaks it off. 0 for a server that is not frozen, and where the kernel cannot do it.
pub const METHOD_RECLAIM_SERVER: &str = "ReclaimServer";
/// `ReadJournal(s user, s server, s invocation_id or "", (uytt) choice) -> as`: JSON objects, the newest last. The choice:
/// lines, the least important level (0 to 7), since and until (microseconds since 1970 UTC, 0 for no such bound).
pub const METHOD_READ_JOURNAL: &str = "ReadJournal";
/// `FollowJournal(s user, s server, (yts) beginning) -> h`: a socket from which a JSON object a line is read. The
/// beginning: the least important level, since (0 for now), and the cursor after which to go on (or "").
pub const METHOD_FOLLOW_JOURNAL: &str = "FollowJournal";
/// `StartService(s name, s token) -> (s unit, s invocation_id)`: starts what root's configuration has of this service,
/// its command, the forwarder to its TCP address, or both. The unit is the command's, else the forwarder's socket.
pub const METHOD_START_SERVICE: &str = "StartService";
/// `StopService(s name)`: command and forwarder. Stopping what does not run is success.
pub const METHOD_STOP_SERVICE: &str = "StopService";
/// `ReadServiceJournal(s name, s invocation_id or "", (uytt) choice) -> as`: as [`METHOD_READ_JOURNAL`].
pub const METHOD_READ_SERVICE_JOURNAL: &str = "ReadServiceJournal";
/// `FollowServiceJournal(s name, (yts) beginning) -> h`: as [`METHOD_FOLLOW_JOURNAL`].
pub const METHOD_FOLLOW_SERVICE_JOURNAL: &str = "FollowServiceJournal";
/// `ReadHubJournal(s part, (uytt) choice) -> as`: as [`METHOD_READ_JOURNAL`], of `hub`, `broker`, `login`, or "" for all.
pub const METHOD_READ_HUB_JOURNAL: &str = "ReadHubJournal";
/// `FollowHubJournal(s part, (yts) beginning) -> h`: as [`METHOD_FOLLOW_JOURNAL`].
pub const METHOD_FOLLOW_HUB_JOURNAL: &str = "FollowHubJournal";
/// `ReadFailedLogins((uytt) choice) -> as`: JSON objects, the newest last.
pub const METHOD_READ_FAILED_LOGINS: &str = "ReadFailedLogins";
/// `CheckPeer(h socket, s action) -> (b authorized, s name, u uid)`: only for [`ACTION_MANAGE`] and
/// [`ACTION_USE_OWN`]; of the second the configuration's `[login]` is part.
pub const METHOD_CHECK_PEER: &str = "CheckPeer";
/// `Version s`
pub const PROPERTY_VERSION: &str = "Version";

/// The variable of a server's unit that says what its program is: [`KIND_SINGLEUSER`], or anything else for a program
/// that lets in whoever reaches it. The last one in `Environment` counts.
pub const VARIABLE_KIND: &str = "HUBD_SERVER_KIND";
/// `jupyterhub-singleuser`, which asks the hub who its visitors are.
pub const KIND_SINGLEUSER: &str = "singleuser";
/// Plain `JupyterLab`.
pub const KIND_LAB: &str = "lab";
/// The variable of a server's unit that names the profile it was started with; absent without one. The last one in
/// `Environment` counts.
pub const VARIABLE_PROFILE: &str = "HUBD_PROFILE";

/// The shortest token for the API, in characters.
pub const TOKEN_MIN: usize = 16;
/// The longest token for the API, in characters.
pub const TOKEN_MAX: usize = 128;

/// polkit: may start people's servers.
pub const ACTION_START_SERVER: &str = "org.hubd.start-server";
/// polkit: may stop people's servers.
pub const ACTION_STOP_SERVER: &str = "org.hubd.stop-server";
/// polkit: may change what a server that runs may use.
pub const ACTION_SET_LIMITS: &str = "org.hubd.set-limits";
/// polkit: may freeze people's servers.
pub const ACTION_FREEZE_SERVER: &str = "org.hubd.freeze-server";
/// polkit: may thaw people's servers.
pub const ACTION_THAW_SERVER: &str = "org.hubd.thaw-server";
/// polkit: may give the memory of frozen servers back.
pub const ACTION_RECLAIM_SERVER: &str = "org.hubd.reclaim-server";
/// polkit: may read the log of people's servers and of services.
pub const ACTION_READ_JOURNAL: &str = "org.hubd.read-journal";
/// polkit: may read the log of the hub itself.
pub const ACTION_READ_HUB_JOURNAL: &str = "org.hubd.read-hub-journal";
/// polkit: may read which logins failed.
pub const ACTION_READ_LOGINS: &str = "org.hubd.read-logins";
/// polkit: may start the services of the configuration.
pub const ACTION_START_SERVICE: &str = "org.hubd.start-service";
/// polkit: may stop the services of the configuration.
pub const ACTION_STOP_SERVICE: &str = "org.hubd.stop-service";
/// polkit: may manage the hub with hubctl.
pub const ACTION_MANAGE: &str = "org.hubd.manage";
/// polkit: may use the servers of one's own account with hubctl.
pub const ACTION_USE_OWN: &str = "org.hubd.use-own-servers";

/// The configuration does not let this account in.
pub const ERROR_NOT_ALLOWED: &str = "org.hubd.Error.NotAllowed";
/// There is no such account.
pub const ERROR_NO_SUCH_USER: &str = "org.hubd.Error.NoSuchUser";
/// `JupyterLab` is not installed.
pub const ERROR_NO_LAB: &str = "org.hubd.Error.NoLab";
/// There is no such profile for this person; the text names those that there are.
pub const ERROR_NO_SUCH_PROFILE: &str = "org.hubd.Error.NoSuchProfile";
/// The server or service runs already: adopt it.
pub const ERROR_ALREADY_RUNNING: &str = "org.hubd.Error.AlreadyRunning";
/// The unit did not start.
pub const ERROR_START_FAILED: &str = "org.hubd.Error.StartFailed";
/// The unit did not stop.
pub const ERROR_STOP_FAILED: &str = "org.hubd.Error.StopFailed";
/// Nothing of that name runs.
pub const ERROR_NOT_RUNNING: &str = "org.hubd.Error.NotRunning";
/// This kernel, systemd or unit cannot be frozen.
pub const ERROR_CANNOT_FREEZE: &str = "org.hubd.Error.CannotFreeze";
/// The configuration has no such service, or nothing in it that could be started.
pub const ERROR_NO_SUCH_SERVICE: &str = "org.hubd.Error.NoSuchService";
/// An argument that is no name and cannot be taken: a token of the wrong form, or none where one is needed; a limit that
/// there is not, or an amount that makes no sense.
pub const ERROR_INVALID_ARGUMENT: &str = "org.hubd.Error.InvalidArgument";
/// A user, server or service name that cannot exist.
pub const ERROR_INVALID_NAME: &str = "org.hubd.Error.InvalidName";
/// The configuration has mistakes; the text lists them.
pub const ERROR_BAD_CONFIGURATION: &str = "org.hubd.Error.BadConfiguration";
/// polkit said no to the caller.
pub const ERROR_ACCESS_DENIED: &str = "org.hubd.Error.AccessDenied";
/// systemd, the name service or the journal did not answer as it should.
pub const ERROR_FAILED: &str = "org.hubd.Error.Failed";
