"""One server on loopback, with SQLite and without TLS, and one person that came in as people do.

Times are CPU seconds of the server's process, so that a busy machine changes them little; only what
clients wait for is time by the clock, and is set beside its own median. The server is set up in the
process before this is imported.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Any

from django.db import connections

from touchstone.bench.long_case import make_long_case
from touchstone.bench.table import BenchRow
from touchstone.client.entering import TokenSource, take_invitation
from touchstone.client.followed import Machine
from touchstone.client.http_server import HttpServer
from touchstone.deeds.cases import review_halted, review_resumed
from touchstone.deeds.signing import Outgoing, prepare_deed
from touchstone.keys import SystemClock, SystemRandom
from touchstone.ledger.contract2 import RecordedAnswer, parse_answer
from touchstone.records.models import CaseRow, IndexRow, MemberRow
from touchstone.server.accounts.authenticating import principal_of
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.people import invite
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.chosen import LOOPBACK
from touchstone.server.running import Ways, listen
from touchstone.server.worker import words_of
from touchstone.service.cases.case_admin import open_found
from touchstone.service.installation import Installation, open_installation
from touchstone.service.reporting.feed import cases_of
from touchstone.service.taking import take_deed

DEED_MILLISECONDS = 2.5
"""What a deed may cost over HTTP beyond what it costs in the server's process."""
TAIL_RATIO = 10.0
"""How much longer than the median the slowest of a hundred may wait."""
LIST_MILLISECONDS, LIST_QUERIES = 60.0, 30
PAGE_MILLISECONDS = 40.0
PAGE = 50
"""Entries of a case's first page."""
MOST_OF_NEXT = 5
"""How much dearer `touchstone next` may be than loading Django and httpx alone."""
EACH = 4
"""Deeds of each client."""
_FIRST = 20
_ENTRIES = 100
_COLD_STARTS = 5
_PARTY = "example-lab"


@dataclass
class _Bench:
    """A server that runs, and the installation that it serves, opened here too."""

    here: Installation
    server: HttpServer
    tokens: TokenSource
    pid: int

    def cpu(self) -> float:
        """CPU seconds of the server so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        # utime and stime, the 14th and 15th fields of all.
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(deeds: int, clients: int, cases: int) -> None:
    """Measure, and write the rows as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        own = [make_long_case(home, Path(folder) / "one.toml", _ENTRIES) for _ in range(2)]
        many = [make_long_case(home, Path(folder) / "one.toml", 0) for _ in range(clients)]
        with _serving(home, Path(folder)) as bench:
            rows = [
                *_deed_rows(bench, own, deeds),
                *_crowd_rows(bench, many),
                _page_row(bench, own[0]),
                *_list_rows(bench, cases),
            ]
        rows.append(_next_row(home, own[0]))
    sys.stdout.write(json.dumps([asdict(row) for row in rows]))


@contextmanager
def _serving(home: Path, folder: Path) -> Iterator[_Bench]:
    """A server at a home, and one person of a party with a token."""
    machine = Machine(SystemClock(), SystemRandom())
    with ExitStack() as stack:
        here = stack.enter_context(open_installation(home, apart=True))
        open_accounts(home, None)
        listener = stack.enter_context(listen("127.0.0.1", 0))
        words = words_of(listener, Ways(LOOPBACK))
        process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "touchstone.server.worker", words],
                stdin=subprocess.PIPE,
                # Handed down as it is, so that no other process takes its port meanwhile.
                pass_fds=[listener.fileno()],
                env=os.environ | {"TOUCHSTONE_HOME": str(home)},
            )
        )
        stack.callback(process.terminate)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        entrance = stack.enter_context(HttpServer(url))
        told = invite(
            Manager.machine(), _PARTY, ["lead"], "Lea Example", now=here.now(), random=here.random
        )
        pinned, device = here.keyring.history.lines[0].fingerprint, folder / "device"
        take_invitation(device, pinned, _PARTY, told.code, "bench", entrance.enter, machine)
        tokens = TokenSource(device, entrance.enter, machine)
        server = stack.enter_context(HttpServer(url, tokens))
        yield _Bench(here, server, tokens, process.pid)


def _turns(bench: _Bench, case: str) -> Callable[[], Outgoing]:
    """Signs the next deed of the party in a case, on its log as it is: halts and resumes."""
    found, here, turn = open_found(bench.here, case), bench.here, [0]
    signer = here.keyring.party(_PARTY)

    def sign() -> Outgoing:
        halting = turn[0] % 2 == 0
        turn[0] += 1
        deed = (review_halted if halting else review_resumed)(found, _PARTY, "a look")
        log = here.records.deeds.log(case)
        return prepare_deed(deed, log, signer, here.random, here.now())

    return sign


def _deed_rows(bench: _Bench, cases: list[str], count: int) -> Iterator[BenchRow]:
    """A deed over HTTP, and the same in one process; each way in a case of its own."""
    over, beside = (_turns(bench, case) for case in cases)

    def here(deed: Outgoing) -> None:
        take_deed(bench.here, cases[1], deed.submitted, asker=_PARTY, now=bench.here.now())

    for _ in range(_FIRST):
        bench.server.send(cases[0], over())
        here(beside())
    before = bench.cpu()
    for _ in range(count):
        bench.server.send(cases[0], over())
    http, local = (bench.cpu() - before) / count * 1000, 0.0
    for _ in range(count):
        deed, start = beside(), process_time()
        here(deed)
        local += (process_time() - start) / count * 1000
    yield BenchRow("a deed in the server's process", local, "ms", None, "", "", None)
    yield BenchRow("a deed over HTTP", http, "ms", http / local, "the same without", "", None)
    added, goal = http - local, f"at most {DEED_MILLISECONDS:g} ms"
    met = added <= DEED_MILLISECONDS
    yield BenchRow("what HTTP adds", added, "ms", added / DEED_MILLISECONDS, "the limit", goal, met)


def _crowd_rows(bench: _Bench, cases: list[str]) -> Iterator[BenchRow]:
    """Many clients at once, each in its case: how long they wait, and what is recorded of it."""
    signing = {case: _turns(bench, case) for case in cases}
    sizes = {case: bench.here.records.case(case).size for case in cases}

    def act(case: str) -> list[tuple[float, int]]:
        found = []
        for _ in range(EACH):
            deed, start = signing[case](), perf_counter()
            answer = parse_answer(bench.server.send(case, deed)).answer
            n = answer.n if isinstance(answer, RecordedAnswer) else -1
            found.append((perf_counter() - start, n))
        return found

    with ThreadPoolExecutor(len(cases)) as pool:
        answered = dict(zip(cases, pool.map(act, cases), strict=True))
    whole = all(
        [n for _, n in answers] == list(range(sizes[case], sizes[case] + EACH))
        and bench.here.records.case(case).size == sizes[case] + EACH
        for case, answers in answered.items()
    )
    waits = [seconds for answers in answered.values() for seconds, _ in answers]
    middle, tail = median(waits), quantiles(waits, n=100)[98]
    at = f"{len(cases)} clients at once"
    yield BenchRow(f"{at}: median wait", middle * 1000, "ms", None, "", "", None)
    ratio, goal = tail / middle, f"at most {TAIL_RATIO:g} x the median"
    met = ratio <= TAIL_RATIO
    yield BenchRow(f"{at}: p99", tail * 1000, "ms", ratio, "the median", goal, met)
    lost = 0.0 if whole else 1.0
    yield BenchRow(f"{at}: lost or double", lost, "", None, "", "none", whole)


def _page_row(bench: _Bench, case: str) -> BenchRow:
    """The first page of a case's entries, newest first: its last so many."""
    start, rounds = bench.here.records.case(case).size - PAGE, 20
    lines = len(list(bench.server.news(case, start)))
    before = bench.cpu()
    for _ in range(rounds):
        list(bench.server.news(case, start))
    took = (bench.cpu() - before) / rounds * 1000
    goal, met = f"at most {PAGE_MILLISECONDS:g} ms", took <= PAGE_MILLISECONDS
    name = f"a page of {PAGE} entries ({lines} lines)"
    return BenchRow(name, took, "ms", took / PAGE_MILLISECONDS, "the limit", goal, met)


def _list_rows(bench: _Bench, count: int) -> Iterator[BenchRow]:
    """A list of all cases of one person, page by page; they have no more than what lists read."""
    alias, now = bench.here.records.members._alias, bench.here.now()  # noqa: SLF001 - a bench's
    names = [f"listed-{number}" for number in range(count)]
    CaseRow.objects.using(alias).bulk_create(
        [CaseRow(case=n, log=n, size=100, frontier=b"", contract=2) for n in names]
    )
    facts = {"title": "", "model_name": "m", "developer": _PARTY, "framework": "example"}
    IndexRow.objects.using(alias).bulk_create(
        [IndexRow(case_id=n, status="open", updated=now, **facts) for n in names]
    )
    MemberRow.objects.using(alias).bulk_create(
        [MemberRow(party=_PARTY, case_id=n, role="developer", n=0, joined=True) for n in names]
    )
    rounds = 10
    found = _listed(bench)
    before = bench.cpu()
    for _ in range(rounds):
        found = _listed(bench)
    took = (bench.cpu() - before) / rounds * 1000
    goal, met = f"at most {LIST_MILLISECONDS:g} ms", took <= LIST_MILLISECONDS
    name = f"a list of {found:,} cases"
    yield BenchRow(name, took, "ms", took / LIST_MILLISECONDS, "the limit", goal, met)
    queries = _queries(bench, alias)
    goal, met = f"at most {LIST_QUERIES}", queries <= LIST_QUERIES
    yield BenchRow("its queries", queries, "", queries / LIST_QUERIES, "the limit", goal, met)


def _listed(bench: _Bench) -> int:
    """How many cases a person lists over HTTP, page by page."""
    return sum(1 for _ in bench.server.cases())


def _queries(bench: _Bench, alias: str) -> int:
    """What the same asks of both databases, who asks included, in this process."""
    asked = [0]

    def counting(execute: Callable[..., Any], *how: Any) -> Any:
        asked[0] += 1
        return execute(*how)

    header, after = f"Bearer {bench.tokens.current()}", None
    counted = [connections[name].execute_wrapper(counting) for name in (alias, "default")]
    with counted[0], counted[1]:
        while True:
            person = principal_of(header, bench.here.now())
            page = cases_of(bench.here, person.party, after=after, most=500)
            after = page.after
            if after is None:
                return asked[0]


def _next_row(home: Path, case: str) -> BenchRow:
    """`touchstone next` of a case from a cold start, against what it cannot do without."""
    command = f"from touchstone.cli import main; main(['next', {case!r}, '--json'])"
    bare, whole = (
        median(_cold_cpu(home, code) for _ in range(_COLD_STARTS))
        for code in ("import django, httpx", command)
    )
    name, goal = "`touchstone next`, from a cold start", f"<= {MOST_OF_NEXT}x"
    ratio = whole / bare
    met = ratio <= MOST_OF_NEXT
    return BenchRow(name, whole * 1000, "ms", ratio, "import django, httpx", goal, met)


def _cold_cpu(home: Path, code: str) -> float:
    """CPU seconds of a process that runs some Python and ends."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"TOUCHSTONE_HOME": str(home)}
    subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=True, env=environment
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
