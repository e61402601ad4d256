"""Waiting for something to become true, with a deadline and a clear failure.

This is the only place of the harness that sleeps: a probe that cannot be woken is asked again,
soon at first and then less often.
"""
import time

FIRST_PAUSE = 0.01
LONGEST_PAUSE = 0.25


class TimedOut(AssertionError):
    """The awaited thing did not happen before its deadline."""


def wait_for(what, probe, deadline, errors=(), longest_pause=LONGEST_PAUSE):
    """Calls `probe` until it returns something true, and returns that.

    `deadline` is in seconds. Exceptions listed in `errors` count as "not yet".
    Raises TimedOut with `what` and the last answer or error.
    """
    end = time.monotonic() + deadline
    pause = FIRST_PAUSE
    while True:
        try:
            last = probe()
            if last:
                return last
        except errors as error:
            last = error
        if time.monotonic() >= end:
            raise TimedOut(f"waited {deadline} s for {what}; last: {last!r}")
        time.sleep(pause)
        pause = min(pause * 1.5, longest_pause)
