//! The table of sentences.

macro_rules! words {
    ($($name:ident => $english:literal, $chinese:literal;)*) => {
        /// A sentence or word that hubctl says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Text { $($name,)* }

        impl Text {
            /// Every text.
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// English and Chinese.
            pub(super) fn pair(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => ($english, $chinese),)* }
            }
        }
    };
}

words! {
    // the command line
    About => "Manages the JupyterLab hub.", "管理 JupyterLab 服务中心（hub）。";
    AboutStatus => "How the hub is: people, servers, memory", "查看 hub 的状态：用户、服务器、内存";
    AboutUsers => "The people the hub knows", "列出 hub 认识的用户";
    AboutUser => "Whom the hub knows", "管理 hub 认识的用户";
    AboutUserAdd => "Make people known to the hub before they come", "在用户登录之前让 hub 认识他们";
    AboutUserRemove => "Let the hub forget a person; the account on this machine stays",
        "让 hub 忘记某个用户；这台机器上的账号保留";
    AboutUserPassword => "Set the password of an account that the hub made, and print it once",
        "为 hub 创建的账号设置密码，并显示一次";
    AboutServers => "The servers that run, and those that failed", "列出运行中和失败的服务器";
    AboutProfiles => "What a person may start a server with", "列出某个用户可选的配置方案";
    AboutStart => "Start a person's server", "启动某个用户的服务器";
    AboutStop => "Stop a person's server", "停止某个用户的服务器";
    AboutIdle => "Which servers nobody uses, why, and what becomes of them", "列出闲置的服务器、原因以及后续处理";
    AboutKeep => "Leave a person's server as it is for a while", "让某个用户的服务器在一段时间内保持原样";
    AboutSuspend => "Freeze a person's server as it is, and give its memory back", "让某个用户的服务器原样休眠，并收回内存";
    AboutWake => "Let a suspended server go on", "唤醒休眠的服务器";
    AboutLimits => "What a server may use, and who says so", "服务器可以使用多少资源，由谁规定";
    AboutLimitsShow => "Show every limit that is in force, and where it comes from", "显示正在生效的每项限制及其来源";
    AboutLimitsSet => "Change limits of a running server at once, until it stops", "立即更改运行中服务器的限制，直到它停止";
    AboutLogs => "The last lines of a server's journal", "查看服务器日志的最后几行";
    AboutToken => "The API tokens of a person", "某个用户的 API 令牌";
    AboutTokenCreate => "Make a token, which is printed once and never again", "创建令牌；令牌只显示这一次";
    AboutTokenList => "A person's tokens, those of apps included", "列出用户的令牌（包括应用的令牌）";
    AboutTokenRevoke => "End a token at once", "立即撤销一个令牌";
    AboutGroups => "The hub's groups and their members", "列出 hub 的组及其成员";
    AboutGroup => "The hub's own groups", "管理 hub 自己的组";
    AboutGroupCreate => "Make a group", "创建组";
    AboutGroupDelete => "Delete a group; its members stay", "删除组；成员保留";
    AboutGroupAdd => "Add people to a group", "把用户加入组";
    AboutGroupRemove => "Take people out of a group", "把用户移出组";
    AboutServices => "The programs that work with the hub for everybody", "列出为所有人工作的服务";
    AboutApi => "Make any call of the REST API", "调用 REST API 的任意接口";
    AboutConfig => "The configuration in /etc/hub", "/etc/hub 中的配置";
    AboutConfigCheck => "Look for mistakes", "检查配置是否有误";
    AboutConfigShow => "Every value in force, and where it comes from", "显示生效的每个值及其来源";
    AboutDoctor => "Look at everything the hub needs, and say what to do", "检查 hub 所需的一切，并给出建议";
    AboutEnv => "The virtual environment with JupyterLab", "JupyterLab 的虚拟环境";
    AboutEnvCreate => "Make /opt/hubd/env with JupyterLab from PyPI", "从 PyPI 安装 JupyterLab，创建 /opt/hubd/env";
    OptionJson => "Print JSON instead of tables", "输出 JSON，而不是表格";
    OptionSocket => "The hub's control socket", "hub 的控制套接字";
    OptionUser => "The person's account", "用户的账号";
    OptionServer => "The person's account, and the server's name if it has one", "用户的账号，以及服务器的名字（如果有）";
    OptionLimit => "The new amount, as in hub.toml: memory_max=4G cpu_quota=200%", "新的值，写法与 hub.toml 相同：memory_max=4G cpu_quota=200%";
    OptionProfile => "The [[profile]] to start with; the last choice, unless given", "启动所用的 [[profile]]；不写则沿用上次的选择";
    OptionManaged => "Only the names of those in hub.toml that the hub starts; status 1 if there are none. Needs no hub",
        "仅列出 hub.toml 中由 hub 启动的服务名称；没有时状态为 1。无需 hub 运行";
    OptionApply => "Suspend and stop what is due, as hub-cull.timer has done every few minutes",
        "立即处理到期的服务器（休眠或停止），hub-cull.timer 每隔几分钟也会这样做";
    OptionKeep => "How long, such as 8h; none ends it", "多久，例如 8h；none 表示取消";
    OptionRemove => "Remove the server as well, if it has a name", "同时删除服务器（仅限命名服务器）";
    OptionCreateAccount => "Make accounts on this machine for who has none, and print their passwords once",
        "为没有系统账号的用户创建账号，并显示一次密码";
    OptionPasswordStdin => "Take the password from the first line of standard input instead of generating one",
        "从标准输入的第一行读取密码，而不是自动生成";
    OptionKeepPassword => "The password need not be changed at the first login", "首次登录时不必修改密码";
    OptionDeleteAccount => "Delete the account on this machine, too, if the hub made it; its files become root's",
        "同时删除这台机器上由 hub 创建的账号；文件归 root 所有";
    OptionDeleteHome => "With the account, delete its home and all files in it", "随账号一起删除主目录及其中的所有文件";
    OptionAdmin => "As administrators of the hub, beside those of login.admins", "任命为 hub 的管理员，与 login.admins 中的人一样";
    OptionNote => "What the token is for", "令牌的用途";
    OptionExpires => "How long it is valid, such as 30d or 12h", "有效期，例如 30d 或 12h";
    OptionScope => "What it may do, such as read:users; may be given more than once; all the person may, unless given",
        "权限，例如 read:users，可以写多次；不写则与本人的权限相同";
    OptionTokenId => "The token's id, as `hubctl token list` shows it", "令牌的编号，见 `hubctl token list`";
    OptionGroup => "The hub's group", "hub 的组";
    OptionMethod => "GET, POST, PUT, PATCH or DELETE", "GET、POST、PUT、PATCH 或 DELETE";
    OptionApiPath => "The path below /hub/api, such as users?limit=10", "/hub/api 之下的路径，例如 users?limit=10";
    OptionBody => "JSON to send; - reads it from standard input", "要发送的 JSON；- 表示从标准输入读取";
    OptionLines => "How many lines; at most 1000 with --json, or without the right to read the journal",
        "显示多少行；使用 --json 或没有读取日志的权限时最多 1000 行";
    OptionFollow => "Go on showing new lines; not with --json", "持续显示新的日志；不能与 --json 同用";
    OptionDir => "The folder of the configuration", "配置所在的目录";
    OptionLanguage => "Language pack to install as well, such as zh-CN", "同时安装的语言包，例如 zh-CN";
    OptionPython => "The Python to build it with", "用来创建环境的 Python";
    ExitStatuses => "Exit status: 0 it worked, 1 it did not, 2 wrong command line, 3 not authorised, 4 the hub cannot be reached.",
        "退出状态：0 成功，1 失败，2 命令行有误，3 没有权限，4 无法连接 hub。";
    Hint => "hint", "提示";

    // talking to the hub
    NotReachable => "The hub cannot be reached at {}: {}.", "无法通过 {} 连接 hub：{}。";
    NotReachableHint => "Start its socket with `systemctl start hub.socket`, or ask `hubctl doctor`.",
        "用 `systemctl start hub.socket` 启动它的套接字，或运行 `hubctl doctor` 查找原因。";
    HubDown => "The hub cannot answer: {}", "hub 无法应答：{}";
    HubDownHint => "`journalctl -u hub.service` says more.", "`journalctl -u hub.service` 有更多信息。";
    NotAuthorised => "You are not allowed to manage the hub.", "你没有管理 hub 的权限。";
    NotAuthorisedHint => "Run the command with sudo.", "请用 sudo 运行这条命令。";
    Strange => "The hub's answer makes no sense: {}.", "hub 的应答无法理解：{}。";
    NoAnswer => "The hub did not answer in time.", "hub 没有及时应答。";
    Refused => "The hub said no: {}", "hub 拒绝了请求：{}";
    Incident => "`journalctl HUB_REQUEST={}` says more.", "`journalctl HUB_REQUEST={}` 有更多信息。";
    NoSuchUser => "The hub does not know {}.", "hub 不认识 {}。";
    NoSuchUserHint => "People with an account on this machine become known when they log in, or by `hubctl user add {}`.",
        "在这台机器上有账号的用户，登录后或用 `hubctl user add {}` 添加后，hub 就会认识。";
    BadUser => "\"{}\" is not the name of an account: {}.", "“{}”不是账号名：{}。";
    BadServer => "\"{}\" is not the name of a server: {}.", "“{}”不是服务器名：{}。";
    BadTime => "\"{}\" is not a time such as 30d or 12h.", "“{}”不是时间，例如 30d 或 12h。";
    BadPath => "\"{}\" is not a path of the API.", "“{}”不是 API 的路径。";
    BadPathHint => "Letters other than those of ASCII, and blanks, are written in percent-encoding, such as %20.",
        "非 ASCII 字符和空格要用百分号编码，例如 %20。";
    BaseUnknown => "The hub has nothing at {}, and hub.base_url is not known: {}.",
        "hub 没有 {}，而且不知道 hub.base_url：{}。";

    // tables
    User => "USER", "用户";
    Admin => "ADMIN", "管理员";
    State => "STATE", "状态";
    LastActivity => "LAST ACTIVITY", "最近活动";
    Started => "STARTED", "启动时间";
    Id => "ID", "编号";
    Note => "NOTE", "用途";
    App => "APP", "应用";
    Created => "CREATED", "创建时间";
    Expires => "EXPIRES", "到期";
    Scopes => "SCOPES", "权限";
    Group => "GROUP", "组";
    Members => "MEMBERS", "成员";
    Service => "SERVICE", "服务";
    Kind => "KIND", "类型";
    Url => "URL", "地址";
    Command => "COMMAND", "命令";
    Unit => "UNIT", "单元";
    Key => "KEY", "键";
    Value => "VALUE", "值";
    Origin => "FROM", "来源";
    Yes => "yes", "是";
    No => "no", "否";
    Default => "default", "默认值";
    StateRunning => "running", "运行中";
    StateStarting => "starting", "启动中";
    StateStopping => "stopping", "停止中";
    StateStopped => "stopped", "已停止";
    StateSuspended => "suspended", "休眠中";
    StateFailed => "failed", "失败";
    StateBusy => "busy", "忙";
    Never => "never", "从未";
    JustNow => "just now", "刚刚";
    MinutesAgo => "{} min ago", "{} 分钟前";
    HoursAgo => "{} h ago", "{} 小时前";
    DaysAgo => "{} d ago", "{} 天前";
    Expired => "expired", "已过期";
    InMinutes => "in {} min", "{} 分钟后";
    InHours => "in {} h", "{} 小时后";
    InDays => "in {} d", "{} 天后";
    KindManaged => "managed", "由 hub 启动";
    KindExternal => "external", "外部";
    KindTokenOnly => "token only", "仅令牌";
    NoUsers => "Nobody has logged in yet.", "还没有人登录过。";
    NoServers => "No server runs.", "没有运行中的服务器。";
    NoTokens => "{} has no tokens.", "{} 没有令牌。";
    NoGroups => "The hub has no groups.", "hub 没有组。";
    NoServices => "The hub has no services.", "hub 没有服务。";
    ServiceProblem => "The service {} has a problem: {}", "服务 {} 有问题：{}";

    // status
    StatusHub => "hub", "hub";
    StatusHubIs => "version {}, process {}, started {}", "版本 {}，进程 {}，启动于 {}";
    StatusMemory => "memory", "内存";
    StatusUsers => "users", "用户";
    StatusServers => "servers", "服务器";
    StatusServersAre => "{} running, {} suspended, {} starting, {} stopping, {} failed",
        "{} 个运行中，{} 个休眠中，{} 个启动中，{} 个停止中，{} 个失败";
    StatusConnections => "connections", "连接";
    StatusLogins => "logins", "登录";
    StatusLoginsAre => "{} under way, {} waiting", "{} 个进行中，{} 个等待";

    // idle, keep
    IdleSince => "IDLE SINCE", "闲置起始";
    IdleSuspend => "SUSPENDED", "休眠";
    IdleStop => "STOPPED", "停止";
    IdleWhy => "WHY", "依据";
    IdleWorks => "working", "工作中";
    IdleDue => "now", "现在";
    IdleOpen => "when sure", "确认后";
    IdleAttended => "last used {}", "最后使用：{}";
    IdleWorked => "last busy {}", "最后忙碌：{}";
    IdleNoKernels => "no kernels", "没有内核";
    IdleKernels => "{} of {} kernels compute", "{}/{} 个内核在计算";
    IdleTerminals => "{} terminals, last active {}", "{} 个终端，最后活动：{}";
    IdleSilent => "JupyterLab does not tell of its kernels", "JupyterLab 没有报告内核状态";
    IdleCpu => "processor {}%", "处理器 {}%";
    IdleMeasuring => "processor being measured", "正在测量处理器";
    IdleKept => "kept, ends {}", "保持原样，{}结束";
    Comma => ", ", "，";
    Kept => "The server of {} is left as it is; that ends {}.", "{} 的服务器将保持原样，{}结束。";
    NotKept => "The server of {} is left alone no longer.", "{} 的服务器不再保持原样。";

    // start, stop, logs
    Starting => "Starting the server of {} ...", "正在启动 {} 的服务器……";
    Running => "The server of {} runs.", "{} 的服务器正在运行。";
    RunsAlready => "The server of {} runs already.", "{} 的服务器已经在运行。";
    StartFailed => "The server of {} did not start: {}", "{} 的服务器未能启动：{}";
    StartLost => "The hub went away before the server was ready.", "服务器就绪之前，与 hub 的连接断开了。";
    StartLog => "The last lines of its journal:", "日志的最后几行：";
    LogsHint => "`hubctl logs {}` shows more.", "`hubctl logs {}` 显示更多日志。";
    Stopped => "The server of {} is stopped.", "{} 的服务器已停止。";
    Removed => "The server of {} is stopped and removed.", "{} 的服务器已停止并删除。";
    CannotRemove => "Only a server with a name can be removed, such as alice:gpu.",
        "只能删除命名服务器，例如 alice:gpu。";
    StillStopping => "The server of {} is stopping; `hubctl servers` shows when it is gone.",
        "{} 的服务器正在停止；`hubctl servers` 可以查看是否已停止。";
    NoFollow => "Following a journal needs the right to read it.", "持续查看日志需要读取日志的权限。";
    NoFollowHint => "Run the command with sudo, or join the group systemd-journal.",
        "请用 sudo 运行，或加入 systemd-journal 组。";
    NoFollowJson => "--follow and --json do not go together: the JSON is one document, which has to end.",
        "--follow 不能与 --json 同用：JSON 是一个完整的文档，必须有结尾。";
    NoFollowJsonHint => "`journalctl --follow --output=json --unit={}` writes one JSON object a line.",
        "`journalctl --follow --output=json --unit={}` 每行输出一个 JSON 对象。";
    CannotRun => "{} could not be run: {}.", "无法运行 {}：{}。";

    // profiles
    Profile => "PROFILE", "配置方案";
    ProfileUsually => "DEFAULT", "默认";
    ProfileLimits => "LIMITS", "限制";
    ProfileAbout => "DESCRIPTION", "说明";
    ProfileNone => "(none)", "（无）";
    ProfileUsual => "yes", "是";
    NoProfiles => "There is nothing to choose for {}.", "{} 没有可选的配置方案。";

    // limits
    BadLimit => "\"{}\": expected name=amount, such as memory_max=4G.", "“{}”：应为“名称=值”，例如 memory_max=4G。";
    LimitsChanged => "The limits of the server of {} are changed until it stops.", "{} 的服务器的限制已更改，停止后恢复。";
    LimitsNext => "The server of {} does not run. This is what its next start has.", "{} 的服务器没有运行。下次启动时的限制如下。";
    NoLimits => "Nothing limits the server of {}.", "{} 的服务器没有任何限制。";
    LimitName => "LIMIT", "限制";
    LimitAmount => "AMOUNT", "值";
    LimitFrom => "FROM", "来源";
    LimitLive => "changed while running", "运行中更改";
    LimitDefault => "systemd's default", "systemd 默认值";

    // suspend, wake
    Suspended => "The server of {} is suspended. The first request that a person makes wakes it.",
        "{} 的服务器已休眠。用户再次访问时会自动唤醒。";
    SuspendedGaveBack => "The server of {} is suspended and gave {} MiB of memory back. The first request that a person makes wakes it.",
        "{} 的服务器已休眠，收回了 {} MiB 内存。用户再次访问时会自动唤醒。";
    Woken => "The server of {} is awake.", "{} 的服务器已唤醒。";

    // user, token, group
    UserAdded => "The hub knows {} now.", "hub 现在认识 {} 了。";
    PasswordSet => "The password of {} is set. It is shown only this once.", "{} 的密码已设置，只显示这一次。";
    NoPassword => "There is no password in the first line of standard input.", "标准输入的第一行没有密码。";
    AccountDeleted => "The hub has forgotten {}, and the account is deleted. Its files are root's now.",
        "hub 已忘记 {}，账号已删除，文件现在归 root 所有。";
    AccountAndHomeDeleted => "The hub has forgotten {}, and the account is deleted with its home and all files.",
        "hub 已忘记 {}，账号已连同主目录和所有文件一起删除。";
    UserKnown => "The hub knew {} already.", "hub 已经认识 {}。";
    UserRemoved => "The hub has forgotten {}. The account on this machine and its files are as they were.",
        "hub 已忘记 {}。这台机器上的账号及其文件没有变化。";
    TokenCreated => "Token {} of {}, which expires: {}. It is shown only this once.",
        "{}：{} 的令牌，到期：{}。只显示这一次。";
    TokenRevoked => "Token {} of {} is revoked.", "令牌 {}（{}）已撤销。";
    NoSuchGroup => "The hub has no group {}.", "hub 没有组 {}。";
    NoSuchGroupHint => "`hubctl groups` lists them, `hubctl group create {}` makes it.",
        "`hubctl groups` 列出所有组，`hubctl group create {}` 创建这个组。";
    GroupCreated => "The group {} is there.", "组 {} 已创建。";
    GroupDeleted => "The group {} is deleted.", "组 {} 已删除。";
    GroupChanged => "The members of {} are changed.", "组 {} 的成员已更改。";

    // config
    ConfigGood => "The configuration is valid ({} files read).", "配置正确（读取了 {} 个文件）。";
    ConfigNone => "{} has no file hub.toml: the defaults are in force.", "{} 中没有 hub.toml：使用默认值。";
    ConfigBad => "The configuration has {} mistakes.", "配置有 {} 处错误。";
    ConfigClosed => "you may not read {}", "你没有权限读取 {}";
    ConfigNotSeen => "The configuration cannot be seen: {}.", "无法查看配置：{}。";
    ConfigBadHint => "Every key is explained in hub.toml(5) and in the file as it was shipped.",
        "每个键的说明见 hub.toml(5) 和软件包自带的配置文件。";

    // env create
    EnvNotRoot => "Only root can write {}.", "只有 root 可以写入 {}。";
    EnvNoPython => "{} could not be run: {}.", "无法运行 {}：{}。";
    EnvNoPythonHint => "Install Python with `apt install python3 python3-venv`, or name another one with --python.",
        "用 `apt install python3 python3-venv` 安装 Python，或用 --python 指定另一个。";
    EnvNoVenv => "{} cannot make virtual environments: its modules venv and ensurepip are missing.",
        "{} 无法创建虚拟环境：缺少 venv 和 ensurepip 模块。";
    EnvNoVenvHint => "Install them with `apt install python3-venv`.", "用 `apt install python3-venv` 安装。";
    EnvBadLanguage => "\"{}\" is not a language such as zh-CN.", "“{}”不是语言代码，例如 zh-CN。";
    EnvBusy => "Another `hubctl env create` is at work.", "另一个 `hubctl env create` 正在运行。";
    EnvInTheWay => "{} exists and is not a link made by hubctl.", "{} 已存在，但不是 hubctl 创建的链接。";
    EnvInTheWayHint => "Move it away and try again.", "请将它移走后重试。";
    EnvIo => "{}: {}.", "{}：{}。";
    EnvMaking => "[1/4] Making the virtual environment {}", "[1/4] 创建虚拟环境 {}";
    EnvInstalling => "[2/4] Installing {} (this takes a few minutes)", "[2/4] 安装 {}（需要几分钟）";
    EnvTrying => "[3/4] Trying it out", "[3/4] 试运行";
    EnvSwitching => "[4/4] Switching {} to it", "[4/4] 将 {} 切换到新环境";
    EnvStepFailed => "{} failed; nothing was changed.", "{} 失败；没有改动任何东西。";
    EnvPipHint => "The lines above say why. Behind a proxy, set HTTPS_PROXY; for a mirror of PyPI, set PIP_INDEX_URL.",
        "原因见上面的输出。使用代理请设置 HTTPS_PROXY，使用 PyPI 镜像请设置 PIP_INDEX_URL。";
    EnvKept => "{} stays for now, as running servers use it. The next `hubctl env create` removes it.",
        "{} 仍被运行中的服务器使用，暂时保留。下次 `hubctl env create` 会删除它。";
    EnvDone => "JupyterLab {} is ready in {}. Servers use it from their next start on.",
        "JupyterLab {} 已安装到 {}。服务器下次启动时开始使用。";

    // doctor
    DoctorOk => "ok", "正常";
    DoctorWarn => "warn", "警告";
    DoctorFail => "FAIL", "失败";
    DoctorGood => "Everything the hub needs is there.", "hub 所需的一切都已就绪。";
    DoctorWarned => "The hub can work. Things that deserve a look: {}.", "hub 可以工作；有 {} 处值得注意。";
    DoctorBad => "Things that keep the hub from working: {}.", "有 {} 处问题使 hub 无法正常工作。";
    CheckConfig => "The configuration is valid.", "配置正确。";
    CheckConfigBad => "The configuration has mistakes: {}", "配置有误：{}";
    CheckConfigDo => "Mend them; `hubctl config check` looks again.", "请改正；`hubctl config check` 可以再次检查。";
    CheckSystemd => "systemd {} is new enough.", "systemd {} 版本满足要求。";
    CheckSystemdOld => "systemd {} is too old: 252 is needed.", "systemd {} 版本太旧：需要 252。";
    CheckSystemdNone => "This system was not started by systemd.", "这个系统不是由 systemd 启动的。";
    CheckSystemdDo => "Run the hub on a machine or in a container that systemd started.",
        "请在由 systemd 启动的机器或容器中运行 hub。";
    CheckControllers => "Memory, CPU and the number of tasks can be limited.", "可以限制内存、CPU 和任务数。";
    CheckControllersNone => "The kernel's control groups (version 2) lack: {}. Limits on them do nothing.",
        "内核控制组（第 2 版）缺少：{}。相应的限制不起作用。";
    CheckControllersDo => "Start with the unified hierarchy, or give the container these controllers.",
        "请使用统一层级启动，或让容器拥有这些控制器。";
    CheckAccount => "The account _hubd exists.", "账号 _hubd 存在。";
    CheckAccountNone => "The account _hubd does not exist.", "账号 _hubd 不存在。";
    CheckAccountDo => "Make it with `systemd-sysusers`.", "用 `systemd-sysusers` 创建。";
    CheckPam => "The PAM services hub and hub-server are there.", "PAM 服务 hub 和 hub-server 已安装。";
    CheckPamNone => "PAM services are missing: {}.", "缺少 PAM 服务：{}。";
    CheckReinstall => "Put them back with `apt install --reinstall -o Dpkg::Options::=--force-confmiss hubd`.",
        "用 `apt install --reinstall -o Dpkg::Options::=--force-confmiss hubd` 恢复。";
    CheckPolkit => "polkit and the hub's rules are there.", "polkit 和 hub 的规则已安装。";
    CheckPolkitNone => "Missing for polkit: {}. The broker refuses every call.", "polkit 缺少：{}。代理程序会拒绝所有请求。";
    CheckPolkitDo => "Install them with `apt install --reinstall polkitd hubd`.",
        "用 `apt install --reinstall polkitd hubd` 安装。";
    CheckFolders => "The folders and sockets in /run/hub have the right owners and modes.",
        "/run/hub 中目录和套接字的属主和权限正确。";
    CheckFoldersBad => "{} is {}, expected {}.", "{} 是 {}，应为 {}。";
    CheckFoldersNone => "{} is missing.", "缺少 {}。";
    CheckFoldersDo => "`systemd-tmpfiles --create hubd.conf` and `systemctl restart hub.socket` make them anew.",
        "用 `systemd-tmpfiles --create hubd.conf` 和 `systemctl restart hub.socket` 重新创建。";
    CheckFragment => "No file stands in the way of the servers' units.", "没有文件妨碍服务器单元。";
    CheckFragmentBad => "Every server is kept from starting by {}.", "所有服务器都无法启动，原因是 {}。";
    CheckFragmentOne => "Single servers are kept from starting by {}.", "个别服务器无法启动，原因是 {}。";
    CheckFragmentDo => "Remove it; settings for servers go into drop-ins in /etc/systemd/system/jupyter@.service.d/.",
        "请删除它；服务器的设置应放在 /etc/systemd/system/jupyter@.service.d/ 中。";
    CheckSocket => "{} listens.", "{} 正在监听。";
    CheckSocketOff => "{} does not listen ({}).", "{} 没有监听（{}）。";
    CheckSocketDo => "Start it with `systemctl start {}`; `systemctl status {}` says more.",
        "用 `systemctl start {}` 启动；`systemctl status {}` 有更多信息。";
    CheckEnabled => "hub.socket starts with the machine.", "hub.socket 会随系统启动。";
    CheckEnabledNot => "hub.socket does not start with the machine.", "hub.socket 不会随系统启动。";
    CheckEnabledDo => "Change that with `systemctl enable hub.socket`.", "用 `systemctl enable hub.socket` 启用。";
    CheckPort => "Port {} is the hub's.", "端口 {} 由 hub 使用。";
    CheckPortFree => "Port {} is free.", "端口 {} 空闲。";
    CheckPortTaken => "Port {} is taken by {}.", "端口 {} 被 {} 占用。";
    CheckPortTakenDo => "Stop that program, or give the hub another port with `systemctl edit hub.socket`.",
        "请停止该程序，或用 `systemctl edit hub.socket` 为 hub 换一个端口。";
    CheckPortSomebody => "another program", "另一个程序";
    CheckHub => "The hub answers (version {}).", "hub 应答正常（版本 {}）。";
    CheckHubNone => "The hub does not answer: {}", "hub 没有应答：{}";
    CheckHubUnasked => "The hub answers, but not to you.", "hub 有应答，但你没有权限。";
    CheckHubDo => "`journalctl -u hub.service` says why.", "`journalctl -u hub.service` 有原因。";
    CheckBroker => "The broker answers (version {}).", "代理程序应答正常（版本 {}）。";
    CheckBrokerThere => "The broker is installed (only root can ask it).", "代理程序已安装（只有 root 可以询问它）。";
    CheckBrokerNone => "The broker does not answer: {}", "代理程序没有应答：{}";
    CheckBrokerDo => "`systemctl status hub-broker.service` says why.", "`systemctl status hub-broker.service` 有原因。";
    CheckLab => "{} is at {}.", "{} 位于 {}。";
    CheckLabNone => "{} was not found at: {}.", "没有找到 {}，找过的位置：{}。";
    CheckLabDo => "Install it with `apt install jupyterlab` or `hubctl env create`, or set server.command.",
        "用 `apt install jupyterlab` 或 `hubctl env create` 安装，或设置 server.command。";
    CheckSingleuserDo => "Install it with `hubctl env create` and `/opt/hubd/env/bin/pip install jupyterhub`, or set server.command, or set server.kind to \"lab\".",
        "用 `hubctl env create` 和 `/opt/hubd/env/bin/pip install jupyterhub` 安装，或设置 server.command，或将 server.kind 设为 \"lab\"。";
    CheckPack => "The language pack for {} is there.", "{} 语言包已安装。";
    CheckPackNone => "server.language is {}, but its language pack was not found.", "server.language 是 {}，但没有找到它的语言包。";
    CheckPackDo => "Install it with `hubctl env create --language {}`.", "用 `hubctl env create --language {}` 安装。";
    CheckServices => "What the {} services of the hub run is there.", "hub 的 {} 个服务所需的程序都在。";
    CheckServiceNone => "The service {} cannot start: there is no program {}.", "服务 {} 无法启动：没有程序 {}。";
    CheckServiceDo => "Install it, or correct the command of [[service]] {} in hub.toml.",
        "请安装它，或改正 hub.toml 中 [[service]] {} 的 command。";
    CheckServiceUser => "The service {} cannot start: there is no account {}.", "服务 {} 无法启动：没有账号 {}。";
    CheckServiceUserDo => "Make the account, or correct the user of [[service]] {} in hub.toml.",
        "请创建账号，或改正 hub.toml 中 [[service]] {} 的 user。";
}
