"""The accounts of the test machine, and the script that makes them inside an image."""
import shlex

# name -> password; the passwords are odd on purpose: the tests look for them where they must not be.
PASSWORDS = {
    "alice": "pw-alice-Zq7Lk2vT",
    "bob": "pw-bob-Xw4Rm9sJ",
    "boss": "pw-boss-Ty6Hn3cB",
    "mallory": "pw-mallory-Ue8Gd5fK",
    "eve": "pw-eve-Io1Vb7xS",
    "frank": "pw-frank-Pa2Nc6zD",
    "carol": "pw-carol-Lm5Qe8rW",
    "nologin": "pw-nologin-Bv3Ys9tH",
    "svc": "pw-svc-Jk6Wf4uM",
    "root": "pw-root-Sd7Gx1pN",
}

# Names that must work completely. The ones that useradd refuses are written into passwd directly.
HURTING_NAMES = [
    "first.last",
    "dash-ed",
    "under_score",
    "UpperCase",
    "a-b.c_d-9",
    "thirty-two-characters-in-a-name-",
    "uml@ex.org",
    "samba$",
    "plus+sign",
    "and&tilde~hash#q?",
    "DOM\\user",
    "x2d\\x2dy",
    "ünïcode",
    "小明",
]
HURTING_PASSWORD = "pw-hurt-Rf5Tg6Yh"

# Accounts that exist on the machine and that the hub must refuse completely, with this password.
REFUSED_NAMES = [
    "has space",
    "per%cent",
    "com,ma",
    "quo'te",
    "12345",
    "n" * 57,
]


def script():
    """A shell script, run as root inside the image, that makes every account."""
    lines = ["set -eu", "groupadd students", "groupadd blocked"]
    for name in ("alice", "bob", "boss", "mallory", "eve", "frank", "nopass", "carol"):
        lines.append(f"useradd --create-home --shell /bin/bash {name}")
    lines += [
        "useradd --create-home --shell /usr/sbin/nologin nologin",
        "useradd --system --uid 950 --create-home --home-dir /home/svc --shell /bin/bash svc",
        "usermod --append --groups sudo boss",
        "usermod --append --groups students alice",
    ]
    for name, password in PASSWORDS.items():
        lines.append(f"printf '%s' {shlex.quote(name + ':' + password)} | chpasswd")
    lines += [
        "passwd --quiet --delete nopass",
        "usermod --lock mallory",
        "chage --expiredate 1 eve",
        "chage --lastday 0 frank",
        f"hash=$(printf '%s' {shlex.quote(HURTING_PASSWORD)} | openssl passwd -6 -stdin)",
    ]
    for number, name in enumerate(HURTING_NAMES + REFUSED_NAMES):
        uid = 2000 + number
        home = f"/home/hurting-{uid}"
        quoted = shlex.quote(name)
        lines += [
            f"printf '%s:x:%s:%s::%s:/bin/bash\\n' {quoted} {uid} {uid} {home} >> /etc/passwd",
            f"printf '%s:x:%s:\\n' group{uid} {uid} >> /etc/group",
            f"printf '%s:%s:20000:0:99999:7:::\\n' {quoted} \"$hash\" >> /etc/shadow",
            f"install -d -m 0700 -o {uid} -g {uid} {home}",
        ]
    return "\n".join(lines) + "\n"
