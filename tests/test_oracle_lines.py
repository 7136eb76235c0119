"""The oracle asks programs in lines: what it sends and reads is the protocol, and no program can hold it up."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bptt_oracle.oracle import command, program
from bptt_oracle.oracle.arguments import arguments
from bptt_oracle.oracle.command import MOST_FAILURES, TIME_LIMIT, Command
from bptt_oracle.oracle.conventions import Conventions
from bptt_oracle.oracle.lines import answer, longest_answer, request
from bptt_oracle.oracle.probes import PLANS, draw
from bptt_oracle.oracle.program import ProgramError
from bptt_oracle.oracle.refusals import Refusal

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
SCHEMA = json.loads(files("bptt_oracle.oracle").joinpath("lines.schema.json").read_text(encoding="utf-8"))
SEED = 2016
LIMIT = 60.0  # seconds, in tests in which nothing hangs
SHORT = 0.3  # seconds, in tests in which something does

PARAMS = [
    {"H": np.array([[0.5, -0.25], [0.125, 0.5]]), "W": np.array([[1.0], [-0.5]]), "b": np.array([0.25, 0.0])},
    {"W": np.array([[0.5, -1.0], [0.25, 0.75]]), "b": np.array([0.0, -0.125])},
]
X, Y = np.array([[1.0], [-0.5]]), np.array([1, 0])
"""The network of docs/protocol.md."""

ZEROS = '"grads":[{"H":[[0,0],[0,0]],"W":[[0],[0]],"b":[0,0]},{"W":[[0,0],[0,0]],"b":[0,0]}]'
ANSWERING = f"""
import json, sys
def answer(line, loss=1.5):
    print('{{"id":%d,"loss":%r,{ZEROS}}}' % (json.loads(line)["id"], loss), flush=True)
"""
RIGHT = f"{ANSWERING}\nfor line in sys.stdin: answer(line)\n"


def valid(kind: str, text: str | bytes) -> bool:
    """Whether a line is what the schema calls a request, an answer or a refusal."""
    schema = SCHEMA | {"anyOf": [{"$ref": f"#/$defs/{kind}"}]}
    return bool(Draft202012Validator(schema).is_valid(json.loads(text)))


def printed(kind: str) -> str:
    """The text of a block of docs/protocol.md."""
    found = re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


Start = Callable[..., Command]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a Python program as a backprop; it is ended with the test."""
    started: list[Command] = []

    def begin(source: str, time_limit: float = LIMIT, **options: Any) -> Command:
        path = tmp_path / f"program_{len(started)}.py"
        path.write_text(source)
        started.append(Command([sys.executable, "-S", str(path)], time_limit=time_limit, **options))
        return started[-1]

    yield begin
    for each in started:
        each.close()


def refused(f: Command) -> Refusal:
    """Why a program does not answer about the network of the page."""
    with pytest.raises(Refusal) as caught:
        f(PARAMS, X, Y)
    return caught.value


# ---- requests


def test_the_request_printed_in_the_page_is_what_is_sent() -> None:
    assert printed("json request").replace("\n", "") == request(1, PARAMS, X, Y)


def test_the_answer_printed_in_the_page_is_what_its_program_gives(tmp_path: Path) -> None:
    path = tmp_path / "backprop.py"
    path.write_text(printed("python"))
    _, shown = answer(printed("json answer").replace("\n", "").encode(), 1)
    with Command([sys.executable, str(path)], time_limit=LIMIT) as f:
        _, grads = f(PARAMS, X, Y)
    for layer, expected in zip(grads, shown, strict=True):
        assert layer.keys() == expected.keys()
        for name in layer:  # of another machine's exp and tanh, which may differ in their last digit
            np.testing.assert_array_equal(layer[name].astype(np.float32), expected[name].astype(np.float32))


CONVENTIONS = [
    Conventions(),
    Conventions(layout="rows", batch="time-first", biases=2, h0=True),
    Conventions(batch="batch-first", targets="rows", precision="float32"),
]


@pytest.mark.parametrize("hexadecimal", [False, True])
@pytest.mark.parametrize("conventions", CONVENTIONS, ids=str)
def test_a_request_is_valid_and_exact_under_every_convention(conventions: Conventions, hexadecimal: bool) -> None:
    for plan in PLANS:
        probe = draw(plan, SEED).reduced(conventions)
        asked = arguments(probe, conventions)
        line = request(7, asked.params, asked.x, asked.y, asked.h0, hexadecimal=hexadecimal)
        assert valid("request", line)
        assert "\n" not in line
        data = json.loads(line)
        assert tuple(data["d"]) == probe.d
        assert tuple(data["x_shape"]) == asked.x.shape
        assert ("h0" in data) == conventions.h0
        for sent, array in [
            *((data["params"][l][name], each) for l, layer in enumerate(asked.params) for name, each in layer.items()),
            (data["x"], asked.x),
            (data["y"], asked.y),
        ]:
            strings = hexadecimal and array.dtype.kind == "f"
            read = np.vectorize(float.fromhex)(sent) if strings else np.array(sent)
            np.testing.assert_array_equal(read.astype(array.dtype), array, strict=True)


def test_the_keys_of_a_request_come_in_the_order_of_the_page() -> None:
    probe = draw(PLANS[1], SEED)
    asked = arguments(probe, Conventions(batch="time-first", h0=True, biases=2))
    shuffled = [dict(reversed(layer.items())) for layer in asked.params]
    data = json.loads(request(1, shuffled, asked.x, asked.y, asked.h0))
    assert list(data) == re.findall(r"^\| `(\w+)` \|", PAGE.split("## The request")[1].split("## The answer")[0], re.M)
    assert list(data["params"][0]) == ["H", "W", "b_ih", "b_hh"]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_sent_and_read_exactly_in_both_ways_of_writing(number: float) -> None:
    params = [{"W": np.array([[number]]), "b": np.zeros(1)}]
    for hexadecimal in (False, True):
        sent = json.loads(request(1, params, np.zeros((1, 1)), np.zeros(1, dtype=int), hexadecimal=hexadecimal))
        line = json.dumps({"id": 1, "grads": sent["params"]}).encode()
        assert valid("answer", line)
        _, [layer] = answer(line, 1)
        assert layer["W"].tobytes() == params[0]["W"].tobytes()


# ---- answers


def grads_line(text: str) -> bytes:
    """An answer whose gradient of b is a text."""
    return f'{{"id":1,"grads":[{{"b":{text}}}]}}'.encode()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.1", 0.1),
        ("-0", 0.0),
        ("3", 3.0),
        ("1e999", math.inf),
        ("1" * 5000, math.inf),
        ('"0x1.8p-3"', 0.1875),
        ('"-0X1P+2"', -4.0),
        ('"0x.8"', 0.5),
        ('"0x1p9999"', math.inf),
        ('"-0x1p9999"', -math.inf),
        ("Infinity", math.inf),
        ("-Infinity", -math.inf),
        ('"inf"', math.inf),
        ('"-Infinity"', -math.inf),
        ("NaN", math.nan),
        ("null", math.nan),
        ('"nan"', math.nan),
        ('"-nan(0x8000000000000)"', math.nan),
    ],
)
def test_every_way_to_write_a_number_is_read(text: str, number: float) -> None:
    _, [layer] = answer(grads_line(f"[{text}]"), 1)
    np.testing.assert_array_equal(layer["b"], [number])
    line = f'{{"id":1,"loss":{text},"grads":[]}}'.encode()
    loss, grads = answer(line, 1)
    assert loss is not None
    np.testing.assert_array_equal(loss, number)
    assert grads == []
    if text not in ("NaN", "Infinity", "-Infinity", "1" * 5000):  # no JSON, or more than Python's reader takes
        assert valid("answer", line)


@pytest.mark.parametrize("word", ["nan", "-nan", "inf", "-inf", "-nan(ind)", "NAN", "infinity"])
def test_the_words_that_C_prints_for_what_is_not_finite_are_understood(word: str) -> None:
    with pytest.raises(Refusal) as caught:
        answer(grads_line(f"[0.5, {word}]"), 1)
    assert caught.value.slug == "not-finite"
    assert caught.value.message == f"the answer holds {word}, at character 29"


@pytest.mark.parametrize(
    ("line", "slug", "message"),
    [
        (
            b"Loading ...",
            "garbage",
            "expected one JSON object in a line, but it is none at character 1 (expecting value)",
        ),
        (
            b'{"id":1,"grads":[]} done',
            "garbage",
            "expected one JSON object in a line, but more follows it, from character 21 on",
        ),
        (
            b'{"id":1,"gra',
            "garbage",
            "expected one JSON object in a line, but it is cut off after character 12; the line: ",
        ),
        (b"\xff\xfe{}", "garbage", "expected one JSON object in a line, but got bytes that are no UTF-8"),
        (
            b"\0\0",
            "garbage",
            "one JSON object in a line, but it is none at character 1 (expecting value); the line: \ufffd\ufffd",
        ),
        (b"[]", "garbage", "expected one JSON object in a line, but got a list"),
        (b"1.5", "garbage", "expected one JSON object in a line, but got the number 1.5"),
        (b"{}", "garbage", 'expected the answer to the request with "id" 1, but its "id" is none; the line: {}'),
        (b'{"id":2,"grads":[]}', "garbage", 'expected the answer to the request with "id" 1, but its "id" is 2'),
        (b'{"id":"1","grads":[]}', "garbage", 'but its "id" is "1"'),
        (b'{"id":true,"grads":[]}', "garbage", 'but its "id" is true'),
        (b'{"id":NaN,"grads":[]}', "garbage", 'but its "id" is NaN'),
        (b'{"id":1,"id":1,"grads":[]}', "garbage", 'expected each key once in an object, but "id" stands twice'),
        (grads_line('[0],"b":[0]'), "garbage", 'expected each key once in an object, but "b" stands twice'),
        (b'{"id":1,"gradients":[]}', "garbage", 'expected "grads" or "error", but the keys are "id", "gradients"'),
        (b'{"id":1,"error":"no\\nmemory\\u001b[2J"}', "exception", "says that it could not: no memory\ufffd[2J"),
        (b'{"id":1,"error":{"code":7}}', "exception", 'says that it could not: {"code": 7.0}'),
        (
            b'{"id":1,"grads":{"W":[]}}',
            "structure",
            "expected a list of objects, one for each layer, but got an object",
        ),
        (b'{"id":1,"grads":[[0]]}', "structure", '"grads"[0]: expected an object such as "params"[0], but got a list'),
        (grads_line("[[1,2],[3]]"), "structure", '"grads"[0]["b"]: expected an array, but its rows differ in length'),
        (grads_line("[1,[2]]"), "structure", '"grads"[0]["b"]: expected an array, but its rows differ in length'),
        (grads_line("[true]"), "structure", '"grads"[0]["b"]: expected numbers, or strings in C hex'),
        (grads_line('["0.5"]'), "structure", 'such as "0x1.8p-3", but got the string "0.5"'),
        (grads_line('["0x"]'), "structure", 'but got the string "0x"'),
        (grads_line('["1f"]'), "structure", 'but got the string "1f"'),
        (grads_line('[{"re":1}]'), "structure", 'but got an object with the keys "re"'),
        (grads_line("[" * 9 + "]" * 9), "structure", "expected numbers, or strings in C hex"),
        (b'{"id":1,"grads":[],"loss":"high"}', "structure", '"loss": expected numbers, or strings in C hex'),
    ],
)
def test_a_line_that_is_no_answer_is_refused_by_name(line: bytes, slug: str, message: str) -> None:
    with pytest.raises(Refusal) as caught:
        answer(line, 1)
    assert caught.value.slug == slug
    assert message in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    "line", [b"[" * 10**5, b'{"id":1,"grads":' + b"[" * 10**5, b'{"a":' * 10**5, grads_line("[" * 10**5 + "]" * 10**5)]
)
def test_an_answer_nested_10_to_the_5_deep_is_one_clear_refusal(line: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        answer(line, 1)
    assert caught.value.slug == "garbage"
    assert caught.value.message.startswith(
        "expected an answer of lists three deep, but its lists are nested far deeper"
    )


WORDS = st.sampled_from(['"id"', '"grads"', '"loss"', "1", "nan", '"0x1p1"', "null", *'[]{}:,-"'])


@given(st.binary() | st.lists(WORDS).map(lambda words: "".join(words).encode()) | st.text().map(str.encode))
def test_any_line_is_an_answer_or_refused(line: bytes) -> None:
    for given_line in (line, b'{"id":1,"grads":' + line + b"}", grads_line(line.decode(errors="replace"))):
        try:
            loss, grads = answer(given_line, 1)
        except Refusal as refusal:
            assert refusal.slug in ("garbage", "structure", "not-finite", "exception")  # noqa: PT017 - or it passes
            continue
        assert loss is None or isinstance(loss, float)
        assert all(array.dtype == np.float64 for layer in grads for array in layer.values())


def test_an_answer_in_the_longest_decimals_is_within_the_limit() -> None:
    for plan in PLANS:
        params = draw(plan, SEED).params
        longest = [
            {name: np.full(array.shape, -math.pi * 2.0**-1000) for name, array in layer.items()} for layer in params
        ]
        line = json.dumps(
            {"id": 1, "grads": [{k: v.tolist() for k, v in layer.items()} for layer in longest]}, indent=4
        )
        assert 2 * len(line) < longest_answer(params)


# ---- programs that answer


def test_a_program_is_started_once_and_answers_line_after_line(start: Start) -> None:
    f = start(f"{ANSWERING}\nimport os\nprint(os.getpid(), file=sys.stderr)\nfor line in sys.stdin: answer(line)")
    for _ in range(3):
        loss, grads = f(PARAMS, X, Y)
        assert loss == 1.5
        assert [list(layer) for layer in grads] == [["H", "W", "b"], ["W", "b"]]


def test_a_program_may_give_gradients_alone_and_print_blank_lines(start: Start) -> None:
    f = start(
        f"for i in 1, 2: input(); print('\\r\\n\\n{{\"id\":' + str(i) + ',' + {ZEROS!r} + '}}\\n', flush=True)\ninput()"
    )
    for _ in range(2):
        grads = f(PARAMS, X, Y)
        assert [list(layer) for layer in grads] == [["H", "W", "b"], ["W", "b"]]


def test_every_line_between_the_oracle_and_a_program_is_valid(tmp_path: Path) -> None:
    wrapped = tmp_path / "backprop.py"
    wrapped.write_text(printed("python"))
    recorder = tmp_path / "recorder.py"
    recorder.write_text(
        "import subprocess, sys\n"
        "inner = subprocess.Popen([sys.executable, sys.argv[1]], stdin=-1, stdout=-1, text=True)\n"
        "with open(sys.argv[2], 'w') as record:\n"
        "    for line in sys.stdin:\n"
        "        inner.stdin.write(line); inner.stdin.flush(); said = inner.stdout.readline()\n"
        "        record.write(line + said); record.flush(); print(said, end='', flush=True)\n"
    )
    record = tmp_path / "record"
    answered = 0
    with Command([sys.executable, str(recorder), str(wrapped), str(record)], time_limit=LIMIT) as f:
        for plan in PLANS:
            probe = draw(plan, SEED).reduced(Conventions())
            asked = arguments(probe, Conventions())
            if plan.hidden == 1:
                f(asked.params, asked.x, asked.y)
                answered += 1
            else:
                with pytest.raises(Refusal, match=r"could not: one hidden layer only$"):
                    f(asked.params, asked.x, asked.y)
    lines = record.read_text().splitlines()
    assert len(lines) == 2 * len(PLANS)
    assert all(valid("request", line) for line in lines[::2])
    assert sum(valid("answer", line) for line in lines[1::2]) == answered
    assert sum(valid("refusal", line) for line in lines[1::2]) == len(PLANS) - answered


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("request", {"protocol": 2}),
        ("request", {"id": 0}),
        ("request", {"x": [["a"]]}),
        ("request", {"params": [{"b": [0]}]}),
        ("request", {"params": [{"W": [[0]], "V": [0]}]}),
        ("request", {"time": 0}),
        ("answer", {"id": None}),
        ("answer", {"loss": "high"}),
        ("answer", {"grads": [[0]]}),
        ("answer", {"grads": [{"W": [True]}]}),
        ("answer", {"error": "none"}),
    ],
)
def test_the_schema_finds_a_line_that_breaks_the_protocol(kind: str, change: dict[str, Any]) -> None:
    line = printed(f"json {kind}")
    assert valid(kind, line)
    assert not valid(kind, json.dumps(json.loads(line) | change))


def test_floats_are_sent_in_hex_where_that_is_wanted(start: Start) -> None:
    source = f"{ANSWERING}\nfor line in sys.stdin:\n assert '\"0x1.0000000000000p-1\"' in line, line\n answer(line)"
    start(source, hexadecimal=True)(PARAMS, X, Y)
    assert refused(start(source)).slug == "crash"


def test_a_fresh_program_is_a_new_process_and_ends_with_the_first(start: Start) -> None:
    f = start(f"{ANSWERING}\nimport os\nfor line in sys.stdin: answer(line, os.getpid())")
    other = f.fresh()
    (first, _), (second, _) = f(PARAMS, X, Y), other(PARAMS, X, Y)
    assert first != second
    third, _ = f.fresh()(PARAMS, X, Y)
    assert [is_running(int(pid)) for pid in (first, second, third)] == [True, False, True]
    f.close()
    assert not any(is_running(int(pid)) for pid in (first, second, third))


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    if Path("/proc/self/stat").exists():
        stat = Path(f"/proc/{pid}/stat")
        return stat.exists() and ") Z " not in stat.read_text()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# ---- programs that do something else

BEFORE = "import os, sys, time\nsys.stdin.readline()\n"


@pytest.mark.parametrize(
    ("source", "slug", "message", "detail"),
    [
        ("raise SystemExit(3)", "crash", "it ended with status 3 without an answer", ""),
        (
            f"{BEFORE}sys.stderr.write('first\\nlast')",
            "crash",
            "it ended with status 0 without an answer; it has to answer line after line until its standard input ends",
            "the end of its standard error:\n  first\n  last",
        ),
        (f"{BEFORE}1 / 0", "crash", "it ended with status 1 without an answer", "ZeroDivisionError: division by zero"),
        (f"{BEFORE}print('[1, 2', end='')", "crash", "it ended with status 0 in the middle of its answer", ""),
        (
            f"{BEFORE}os.kill(os.getpid(), {int(signal.SIGSEGV)})",
            "crash",
            f"SIGSEGV ({signal.strsignal(signal.SIGSEGV)}) ended it without an answer",
            "",
        ),
        (
            f"{BEFORE}sys.stderr.write('no memory\\x1b[2J'); sys.stderr.flush(); os.abort()",
            "crash",
            f"SIGABRT ({signal.strsignal(signal.SIGABRT)}) ended it without an answer",
            "the end of its standard error:\n  no memory\ufffd[2J",
        ),
        (
            f"{BEFORE}sys.exit({128 + signal.SIGSEGV})",
            "crash",
            f"it ended with status {128 + signal.SIGSEGV} (128 + {int(signal.SIGSEGV)}: what a shell says of SIGSEGV",
            "",
        ),
        (
            f"{BEFORE}os.close(1); time.sleep(600)",
            "crash",
            "closed its standard output and went on without an answer",
            "",
        ),
        (
            f"{BEFORE}print('ready', flush=True)\ntime.sleep(600)",
            "garbage",
            "; the line: ready",
            "Standard output is for",
        ),
        (
            f"{BEFORE}print('\\x1b[2J' + 'x' * 1000, flush=True)\ntime.sleep(600)",
            "garbage",
            f"; the line: \ufffd[2J{'x' * 56} ...",
            "",
        ),
        (
            f"{ANSWERING}line = sys.stdin.readline()\nprint('1 s', end='')\nanswer(line)\nsys.stdin.read()",
            "garbage",
            "expected one JSON object in a line, but it is none at character 3 (extra data); the line: 1 s{",
            "Standard output is for answers alone, each whole in one line; write all else to standard error.",
        ),
        (
            f"{BEFORE}os.write(1, b'{{\"id\":1,{ZEROS}}}\\ndone\\n')\ntime.sleep(600)",
            "garbage",
            "expected one line for each request and nothing else, but after its answer it printed: done",
            "",
        ),
        (
            f"{BEFORE}\nfor _ in range(5): os.write(1, b'0.5,' * 2000000)",
            "too-large",
            f"expected an answer of at most {longest_answer(PARAMS)} bytes, far more than its numbers need, "
            "but the line goes on; the rest was not read",
            "",
        ),
    ],
)
def test_a_program_that_does_not_answer_is_contained_and_named(
    start: Start, source: str, slug: str, message: str, detail: str
) -> None:
    f = start(source)
    for _ in range(2):  # it is started again, and does the same
        refusal = refused(f)
        assert refusal.slug == slug
        assert message in refusal.message
        assert detail in refusal.detail
        assert refusal.message.isprintable()


@pytest.mark.parametrize(
    ("source", "message", "detail"),
    [
        ("import time; time.sleep(600)", "but no line was complete; end the answer with a line break", ""),
        (f"{BEFORE}print('[0', end='', flush=True); time.sleep(600)", "but no line was complete, though 2 bytes", ""),
        ("import sys\nwhile True: print('x' * 99, file=sys.stderr)", "no line was complete;", f"  {'x' * 99}"),
        ("while True: print()", "no line was complete", ""),
        ("import signal\nsignal.signal(15, signal.SIG_IGN)\nwhile True: pass", "no line was complete", ""),
    ],
)
def test_a_program_that_hangs_is_ended_after_its_time(start: Start, source: str, message: str, detail: str) -> None:
    f = start(source, time_limit=SHORT)
    begin = time.monotonic()
    refusal = refused(f)
    assert time.monotonic() - begin < SHORT + 5
    assert refusal.slug == "time-limit"
    assert f"expected an answer within {SHORT} s, " in refusal.message
    assert message in refusal.message
    assert detail in refusal.detail


def test_a_program_that_floods_its_standard_error_can_still_answer(start: Start) -> None:
    source = "for line in sys.stdin:\n sys.stderr.write('x' * 10**6)\n answer(line)\n sys.stderr.write('x' * 10**6)"
    f = start(f"{ANSWERING}\n{source}")
    assert [f(PARAMS, X, Y)[0] for _ in range(3)] == [1.5] * 3


def test_a_program_that_does_not_read_a_long_request_is_ended_after_its_time(start: Start) -> None:
    f = start("import time; time.sleep(600)", time_limit=SHORT)
    with pytest.raises(Refusal) as caught:
        f([{"W": np.ones((300, 300)), "b": np.ones(300)}], np.ones((1, 300)), np.zeros(1, dtype=int))
    assert caught.value.slug == "time-limit"


def test_what_a_program_left_running_is_ended_with_it(start: Start, tmp_path: Path) -> None:
    child = tmp_path / "pid"
    source = (
        f"import subprocess, sys\nchild = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(child)!r}, 'w').write(str(child.pid))\n{ANSWERING}\nanswer(sys.stdin.readline())\n"
    )
    f = start(source)
    f(PARAMS, X, Y)
    assert is_running(int(child.read_text()))
    f.close()
    for _ in range(100):
        if not is_running(int(child.read_text())):
            break
        time.sleep(0.05)
    assert not is_running(int(child.read_text()))


def test_after_a_crash_the_next_network_is_asked_about(start: Start, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    crash = f"import os\nif not os.path.exists({str(flag)!r}): open({str(flag)!r}, 'w').close(); os.abort()\n"
    f = start(f"{BEFORE.replace('sys.stdin.readline()', '')}{crash}{RIGHT}")
    assert refused(f).slug == "crash"
    assert f(PARAMS, X, Y)[0] == 1.5


def test_an_answer_of_the_wrong_form_does_not_end_the_program(start: Start) -> None:
    f = start(f'{ANSWERING}\nprint(\'{{"id":1,"grads":7}}\', flush=True)\nsys.stdin.readline()\n{RIGHT}')
    assert refused(f).slug == "structure"
    assert f(PARAMS, X, Y)[0] == 1.5


def test_a_late_answer_is_not_taken_for_the_next_one(start: Start) -> None:
    f = start(f"{ANSWERING}\nimport time\nline = sys.stdin.readline()\ntime.sleep(600)\n", time_limit=SHORT)
    assert refused(f).slug == "time-limit"
    g = start(f"{ANSWERING}\nfirst = sys.stdin.readline()\nanswer(first)\nsys.stdin.readline()\nanswer(first)\n")
    g(PARAMS, X, Y)
    assert 'expected the answer to the request with "id" 2, but its "id" is 1' in refused(g).message


def test_what_is_printed_between_two_requests_is_found(start: Start, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    f = start(
        f"{ANSWERING}\nimport time\nanswer(sys.stdin.readline())\ntime.sleep(0.05)\nprint('bye', flush=True)\n"
        f"open({str(flag)!r}, 'w').close()\ntime.sleep(600)"
    )
    f(PARAMS, X, Y)
    while not flag.exists():
        time.sleep(0.01)
    refusal = refused(f)
    assert refusal.slug == "garbage"
    assert refusal.message.endswith("but before it was asked it printed: bye")


@pytest.mark.parametrize(
    ("slug", "source"),
    [
        ("crash", "raise SystemExit(3)"),
        ("garbage", "input(); print('ready', flush=True); input()"),
        ("time-limit", "import time; time.sleep(600)"),
        ("too-large", "input()\nwhile True: print('0,' * 10**5, end='')"),
    ],
)
def test_a_program_that_fails_again_and_again_is_not_started_for_ever(
    start: Start, monkeypatch: pytest.MonkeyPatch, slug: str, source: str
) -> None:
    monkeypatch.setitem(MOST_FAILURES, slug, 3)
    f = start(source, time_limit=SHORT if slug == "time-limit" else LIMIT)
    first, *_ = [refused(g) for g in (f, f.fresh(), f)]
    assert first.slug == slug
    monkeypatch.setattr(command, "Program", None)
    for g in (f, f):
        last = refused(g)
        assert last.slug == slug
        assert last.message == f"not started again after 3 failures, the last of them: {first.message}"
        assert last.detail == first.detail


@pytest.mark.parametrize(("slug", "fails"), [("crash", "os.abort()"), ("time-limit", "time.sleep(600)")])
def test_a_form_that_was_answered_is_asked_again_unless_the_program_hangs(
    start: Start, monkeypatch: pytest.MonkeyPatch, slug: str, fails: str
) -> None:
    monkeypatch.setitem(MOST_FAILURES, slug, 1)
    source = f"{ANSWERING}\nimport os, time\nfor line in sys.stdin:\n if '\"h0\"' in line: {fails}\n answer(line)"
    f = start(source, time_limit=SHORT if slug == "time-limit" else LIMIT)
    assert f(PARAMS, X, Y)[0] == 1.5
    said = []
    for _ in range(2):
        with pytest.raises(Refusal) as caught:
            f(PARAMS, X, Y, h0=[np.zeros(2)])
        assert caught.value.slug == slug
        said.append(caught.value.message)
    assert ["not started again" in message for message in said] == [False, True]
    if slug == "crash":
        assert f(PARAMS, X, Y)[0] == 1.5
    else:
        assert "not started again" in refused(f).message


def test_how_often_a_program_is_started_again_is_what_the_page_says() -> None:
    assert (
        f"up\nto {MOST_FAILURES['crash']} times after a crash, {MOST_FAILURES['garbage']} times after garbage" in PAGE
    )
    assert MOST_FAILURES["time-limit"] == MOST_FAILURES["too-large"] == 3
    assert "3 times after either of the others" in PAGE
    assert f"`--time-limit` seconds ({TIME_LIMIT:g}, " in PAGE
    nothing, one = longest_answer([]), longest_answer([{"b": np.zeros(1)}])
    assert f"longer than {nothing} bytes and {one - nothing} for each number" in PAGE


def test_a_call_that_is_broken_off_ends_the_program(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    f = start(RIGHT)

    def interrupted(*arguments: Any) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(program.Program, "ask", interrupted)
        with pytest.raises(KeyboardInterrupt):
            f(PARAMS, X, Y)
    assert f(PARAMS, X, Y)[0] == 1.5


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "expected a program and its arguments, but got nothing"),
        (
            ["./nowhere/none"],
            "expected a program that can be started, but './nowhere/none' cannot: No such file or directory",
        ),
        (["/"], "expected a program that can be started, but '/' cannot: Permission denied"),
        (["a\0b"], "expected a program that can be started, but 'a\\x00b' cannot: embedded null byte"),
    ],
)
def test_a_program_that_cannot_be_started_is_a_clear_error(argv: list[str], message: str) -> None:
    with pytest.raises(ProgramError) as caught:
        Command(argv)
    assert str(caught.value) == message
