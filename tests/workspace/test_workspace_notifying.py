"""Notices reach a real web server and a real mail server, once each, and hold up nobody."""

from __future__ import annotations

import email
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from lentiq_jupyter.errors import BadInput, Unavailable
from lentiq_jupyter.model import Cause, Project, Resources, Run, RunState, Task, TaskRun, TaskState, Workflow
from lentiq_jupyter.scheduler.notices import Event, Notice
from lentiq_jupyter.store import open_store
from lentiq_jupyter.workspace import Workspace
from lentiq_jupyter.workspace.channels import Channel, read_channels
from lentiq_jupyter.workspace.notifying import Notifier, check_channels, hide, store_end_told
from lentiq_jupyter.workspace.settings import Settings

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
# apprise asks for it at import where Python still has it.
pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")


def run(run_id: str = "r1", state: RunState = RunState.FAILED) -> Run:
    task = Task(name="train", block="work", version="1")
    one = TaskRun(
        run_id=run_id,
        task=task,
        state=TaskState.FAILED if state is RunState.FAILED else TaskState.SUCCEEDED,
        reason="ValueError: no rows (cell 4)",
        cause=Cause.CELL_FAILED,
        ended_at=NOW,
    )
    workflow = Workflow(name="nightly", project="default", tasks=(task,))
    return Run(id=run_id, workflow=workflow, state=state, created_at=NOW, ended_at=NOW, tasks=(one,))


def until(met: Callable[[], object], timeout_s: float = 60.0) -> None:
    end = time.monotonic() + timeout_s
    while not met():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


class Hook(ThreadingHTTPServer):
    """Takes JSON; refuses the first `refuse` of them."""

    def __init__(self, refuse: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.refuse = refuse
        self.asked = 0
        self.taken: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"json://ana:hunter2-secret@127.0.0.1:{self.server_address[1]}/hook-token"


class Taker(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked += 1
        refused = self.server.asked <= self.server.refuse
        if not refused:
            self.server.taken.append(body)
        self.send_response(503 if refused else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def channel(url: str, *events: str, **narrow: str) -> Channel:
    return Channel(url=url, events=frozenset(map(Event, events or ("failed",))), **narrow)


def test_failure_reaches_a_webhook_once(hook: Hook) -> None:
    delivered: list[Notice] = []
    notifier = Notifier([channel(hook.url)], public_url="https://hub.example.org", delivered=delivered.append)
    assert not notifier.tell("failed", run())
    until(lambda: delivered)
    assert notifier.tell("failed", run()), "it is done"
    notifier.close()
    (taken,) = hook.taken
    assert (taken["title"], taken["type"]) == ("nightly failed at train", "failure")
    assert "ValueError: no rows (cell 4) [cell_failed]" in taken["message"]
    assert "https://hub.example.org/lentiq/runs/r1/tasks/train/notebook" in taken["message"]
    assert [one.id for one in delivered] == ["r1:failed"]


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[tuple[list[str], email.message.EmailMessage]] = []

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802
        self.mails.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=default)))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


def test_failure_reaches_a_mailbox(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    url = f"mailto://127.0.0.1:{port}?from=lentiq@example.org&to=team@example.org&mode=insecure&format=text"
    notifier = Notifier([channel(url)])
    notifier.tell("failed", run())
    until(lambda: box.mails)
    notifier.close()
    ((to, mail),) = box.mails
    assert (to, mail["Subject"]) == (["team@example.org"], "nightly failed at train")
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "lentiq runs logs r1 train" in text.splitlines()
    assert "  ValueError: no rows (cell 4) [cell_failed]" in text.splitlines()


class Logged(logging.Handler):
    """What reaches the root logger, as a log file would show it. (caplog listens at closed loggers as well.)"""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def text(self) -> str:
        return "\n".join(one.getMessage() for one in self.records)


@pytest.fixture
def logged() -> Iterator[Logged]:
    root, handler = logging.getLogger(), Logged()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


def test_refused_notice_is_sent_again_with_the_same_id_and_no_secret_is_logged(hook: Hook, logged: Logged) -> None:
    hook.refuse = 2
    notifier = Notifier([channel(hook.url)], delays_s=(0.05, 0.05, 0.05))
    notifier.tell("failed", run())
    until(lambda: hook.taken)
    notifier.close()
    assert hook.asked == 3
    said = [one for one in logged.records if one.name.startswith("lentiq_jupyter")]
    assert [one.levelname for one in said] == ["WARNING", "WARNING"]
    assert said[0].getMessage().startswith("notice r1:failed: json://127.0.0.1 did not take it (")
    assert (said[0].run, said[0].workflow, said[0].project) == ("r1", "nightly", "default")  # type: ignore[attr-defined]
    for secret in ("hunter2-secret", "hook-token"):
        assert secret not in logged.text


def test_notice_that_nobody_takes_is_dropped_and_said(caplog: Any) -> None:
    def refuse(url: str, said: Notice) -> None:
        raise Unavailable(f"{url} is closed")

    delivered: list[Notice] = []
    notifier = Notifier(
        [channel("json://h/verysecret")], delays_s=(0.01, 0.01), send=refuse, delivered=delivered.append
    )
    notifier.tell("failed", run())
    until(lambda: notifier.tell("failed", run()))
    notifier.close()
    assert caplog.records[-1].getMessage() == (
        "notice r1:failed is dropped: json://h did not take it in 3 tries (json://h/… is closed)"
    )
    assert delivered == []


def test_one_dead_address_does_not_hold_up_the_others() -> None:
    taken: list[str] = []

    def send(url: str, said: Notice) -> None:
        if "dead" in url:
            raise Unavailable("closed")
        taken.append(f"{url} {said.id}")

    notifier = Notifier([channel("json://dead"), channel("json://well")], send=send)
    for number in range(3):
        notifier.tell("failed", run(f"r{number}"))
    until(lambda: len(taken) == 3)
    assert taken == [f"json://well r{number}:failed" for number in range(3)]
    assert not notifier.tell("failed", run("r0")), "the dead one has not had it"
    notifier.close()


def waits(free: threading.Event) -> Callable[[str, Notice], None]:
    def send(url: str, said: Notice) -> None:
        free.wait(20)

    return send


def test_telling_never_waits_and_the_queue_is_bounded(caplog: Any) -> None:
    free = threading.Event()
    notifier = Notifier([channel("json://slow")], send=waits(free))
    begin = time.monotonic()
    for number in range(1100):
        notifier.tell("failed", run(f"r{number}"))
    assert time.monotonic() - begin < 15  # each would wait for 20
    dropped = [one for one in caplog.records if "is dropped: 1000 wait already" in one.getMessage()]
    assert 98 <= len(dropped) <= 100
    free.set()
    notifier.close()


def test_close_sends_what_waits_and_does_not_wait_for_long() -> None:
    taken: list[str] = []
    notifier = Notifier([channel("json://h")], send=lambda url, said: taken.append(said.id))
    for number in range(50):
        notifier.tell("failed", run(f"r{number}"))
    notifier.close()
    assert len(taken) == 50
    hanging = threading.Event()
    stuck = Notifier([channel("json://h")], send=waits(hanging))
    stuck.tell("failed", run())
    begin = time.monotonic()
    stuck.close(0.1)
    assert time.monotonic() - begin < 15  # it would wait for 20
    hanging.set()


def test_only_those_are_told_who_want_to_hear_it() -> None:
    taken: list[tuple[str, str]] = []
    channels = [
        channel("json://all", "failed", "succeeded"),
        channel("json://failed", "failed"),
        channel("json://ours", "failed", project="ours"),
        channel("json://nightly", "succeeded", project="default", workflow="nightly"),
    ]
    notifier = Notifier(channels, send=lambda url, said: taken.append((url, said.id)))
    notifier.tell("failed", run("a"))
    notifier.tell("succeeded", run("b", RunState.SUCCEEDED))
    assert notifier.tell("pending", run("c"), run("c").tasks[0]), "nobody wants that"
    assert notifier.tell("cancelled", run("d", RunState.CANCELLED))
    notifier.close()
    assert taken == [
        ("json://all", "a:failed"),
        ("json://failed", "a:failed"),
        ("json://all", "b:succeeded"),
        ("json://nightly", "b:succeeded"),
    ]


def test_end_that_a_dead_scheduler_did_not_tell_is_told_once_by_the_next(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/lentiq.db")
    store.save_project(Project(name="default", quota=Resources(cpu_millicores=1000, memory_bytes=2**30)))
    task = Task(name="train", block="work", version="1")
    waiting = TaskRun(run_id="r1", task=task, state=TaskState.WAITING)
    begun = Run(
        id="r1",
        workflow=Workflow(name="nightly", project="default", tasks=(task,)),
        state=RunState.PENDING,
        created_at=NOW,
        tasks=(waiting,),
    )
    assert store.create_run(begun)
    ended = run().tasks[0]
    assert store.move_tasks([(waiting, ended)])
    assert store.move_run("r1", RunState.PENDING, RunState.FAILED, at=NOW)
    taken: list[str] = []

    def next_scheduler(now: datetime) -> None:
        notifier = Notifier(
            [channel("json://h")],
            clock=lambda: now,
            delivered=store_end_told(store, lambda: now),
            send=lambda url, said: taken.append(said.id),
        )
        notifier.catch_up(store.runs())
        notifier.close()

    next_scheduler(NOW + timedelta(hours=2))
    assert taken == [], "nobody wants old news"
    next_scheduler(NOW + timedelta(minutes=10))
    assert taken == ["r1:failed"]
    next_scheduler(NOW + timedelta(minutes=10))
    assert taken == ["r1:failed"]
    store.close()


def test_channels_are_read_as_the_help_says(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("slack://TokenA/TokenB/TokenC\n")
    settings = Settings(
        notify=[
            {"url": "mailtos://me:pw@mail.example.org?to=team@example.org", "on": "failed, pending"},
            {"url_file": str(tmp_path / "url"), "on": ["succeeded"], "project": "sales", "workflow": "nightly"},
            {"url": "json://[bad"},
        ]
    )
    first, second, third = settings.channels
    assert (first.events, first.project, first.workflow) == ({"failed", "pending"}, None, None)
    assert (second.url, second.events) == ("slack://TokenA/TokenB/TokenC", {"succeeded"})
    assert (second.project, second.workflow) == ("sales", "nightly")
    assert third.events == {"failed"}
    assert [one.shown for one in settings.channels] == ["mailtos://mail.example.org", "slack://…", "…"]
    assert "pw" not in repr(first)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("json://me:hunter2@h", "The setting `notify` is not a list."),
        (["json://me:hunter2@h"], "Entry 1 of the setting `notify` is not a dictionary."),
        ([{"url": "json://hunter2", "to": "x"}], "has the unknown key to; known are url, url_file, on"),
        ([{"on": "failed"}], "needs either url or url_file."),
        ([{"url": "json://hunter2", "url_file": "x"}], "needs either url or url_file."),
        ([{"url": ["json://hunter2"]}], "url is not a text."),
        ([{"url": "hunter2"}], "has an address without ://."),
        ([{"url": "json://hunter2", "on": "fail"}], "`on` names 'fail'; known are failed, succeeded, pending, slow."),
        ([{"url": "json://hunter2", "on": 3}], "`on` is neither a text nor a list."),
        ([{"url_file": "/none"}], "the file /none cannot be read."),
    ],
)
def test_channel_that_is_none_is_named_by_number_and_not_shown(given: object, fault: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_channels(given)
    assert fault in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_address_that_apprise_does_not_know_is_told_without_it(logged: Logged) -> None:
    known = [channel("json://hunter2@h"), channel("mailto://me:hunter2@example.org")]
    assert check_channels(known) == []
    assert check_channels([*known, channel("nosuch://hunter2/x")]) == [
        "Entry 3 of the setting `notify` (nosuch://…) is no address that apprise knows. Correct it."
    ]
    assert "hunter2" not in logged.text


def test_secret_parts_of_an_address_are_hidden() -> None:
    assert hide(
        "no route to hook.example.org/abcdef?key=topsecret", "json://hook.example.org/abcdef?key=topsecret"
    ) == ("no route to …/…?key=…")


def test_scheduler_does_not_begin_with_channels_that_are_none(tmp_path: Path) -> None:
    workspace = Workspace(Settings(home=str(tmp_path), notify=[{"url": "hunter2"}]))
    with pytest.raises(BadInput, match="has an address without"):
        workspace.scheduler()
    workspace.close()
