"""Signals that end a run become one interrupt, and only one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from bench.host.signals import hangup_reaches_children, interrupts, wait_for_stop

NAMES = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@pytest.mark.parametrize("name", NAMES)
def test_the_first_one_interrupts_and_says_which(name):
    with interrupts(), pytest.raises(KeyboardInterrupt, match=name):
        signal.raise_signal(getattr(signal, name))


def test_those_that_follow_do_not_cut_the_way_to_the_safe_state_short():
    steps = []

    with interrupts():
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            steps.append("began")
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
            steps.append("ended")

    assert steps == ["began", "ended"]


def test_an_ignored_interrupt_is_heard_all_the_same():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as of a job that a script started with &
    try:
        with interrupts(), pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this platform has no SIGHUP")
def test_nohup_is_respected():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupts():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this platform has no SIGHUP")
def test_a_child_can_be_hung_up_on_though_nohup_started_us():
    ask = "import signal; print(signal.getsignal(signal.SIGHUP) is signal.SIG_DFL)"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with hangup_reaches_children():
            signal.raise_signal(signal.SIGHUP)  # and we are still here
            inside = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
        outside = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (inside.stdout.strip(), outside.stdout.strip()) == ("True", "False")


def test_handlers_are_put_back():
    before = {name: signal.getsignal(getattr(signal, name)) for name in NAMES}

    with interrupts():
        assert {name: signal.getsignal(getattr(signal, name)) for name in NAMES} != before

    assert {name: signal.getsignal(getattr(signal, name)) for name in NAMES} == before


def test_another_thread_changes_nothing():
    seen = []

    def work() -> None:
        with interrupts():
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert seen == [before]


def test_a_stop_before_the_wait_is_not_lost():
    with wait_for_stop() as stopped:
        os.kill(os.getpid(), signal.SIGTERM)
        stopped.settimeout(30)
        assert stopped.recv(1) == bytes([signal.SIGTERM])
