"""A kernel of a person's server, as a place to look around from."""

_PROBE = "import os, subprocess\ndef sh(line): return subprocess.run(['bash', '-c', line], capture_output=True, text=True)\n"


class Indoors:
    """The person's server, started anew, and a kernel in it that runs shell lines."""

    def __init__(self, hub, user):
        self.lab = hub.start(hub.logged_in(user), user).enter()
        self.kernel = self.lab.kernel()
        assert self.kernel.execute(_PROBE) == ""

    def sh(self, line):
        """The output of a shell line and then its status."""
        return self.kernel.execute(f"done = sh({line!r}); print(done.stdout + done.stderr + str(done.returncode))").strip()

    def lines(self, line):
        """The lines that it printed."""
        return self.sh(line).splitlines()[:-1]

    def close(self):
        """Ends the kernel; the server goes on."""
        self.kernel.close()
