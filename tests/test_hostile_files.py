"""Files made to do harm: each is refused with one line that says why, and nothing in it is executed."""

from __future__ import annotations

import json
import os
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bptt_oracle.cli import main
from bptt_oracle.oracle.submission import LARGEST, SubmissionError, read_submission

COMMITTED = Path(__file__).parents[1] / "vectors"
HEAD = '{"format": "bptt-oracle answers", "version": 1, '
GRADS = '[{"H": [[0]], "W": [[0]], "b": [0]}, {"W": [[0]], "b": [0]}]'
GOOD = f'{HEAD}"answers": {{"tiny": {{"grads": {GRADS}}}}}}}'
DEEP = 10**5


def refusal(folder: Path, content: bytes, capsys: pytest.CaptureFixture[str], name: str = "answers.json") -> str:
    """The one line with which the command line refuses a file."""
    path = folder / name
    path.write_bytes(content)
    before = sorted(folder.iterdir())
    assert main(["vectors", "--grade", str(path)]) == 2
    assert sorted(folder.iterdir()) == before
    out, err = capsys.readouterr()
    assert out == ""
    line, end = err.split("\n")
    assert end == ""
    start = f"bptt-oracle: {path}: "
    assert line.startswith(start)
    assert len(line) < len(start) + 500
    assert line.isprintable()
    return line.removeprefix(start)


def with_grads(text: str) -> bytes:
    """Answers with other gradients."""
    assert GRADS in GOOD
    return GOOD.replace(GRADS, text).encode()


def with_number(text: str) -> bytes:
    """Answers with another number in them."""
    return with_grads(GRADS.replace("[[0]]", f"[[{text}]]", 1))


def test_the_good_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    path.write_text(GOOD)
    assert list(read_submission(path).answers) == ["tiny"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected JSON, but it is empty; write the answers anew, as one JSON object"),
        (b" \n", "expected JSON, but it is empty; write the answers anew"),
        (b"loss: 1.5", "expected JSON, but it is none at character 1 (expecting value); write the answers anew"),
        (b"{'format': 1}", "expected JSON, but it is none at character 2 (expecting property name enclosed in"),
        (GOOD[:60].encode(), "expected JSON, but it is cut off after character 60; write the answers anew"),
        (GOOD[:-1].encode(), f"expected JSON, but it is cut off after character {len(GOOD) - 1}; write the"),
        (
            GOOD[: GOOD.index("1") + 1].encode(),
            f"expected JSON, but it is cut off after character {GOOD.index('1') + 1};",
        ),
        (GOOD[: GOOD.index("tiny")].encode(), "expected JSON, but it is cut off after character"),
        (with_number("1.5")[: -len(GRADS)], "expected JSON, but it is cut off after character"),
        (with_number("tru").split(b"u")[0], "expected JSON, but it is cut off after character"),
        (GOOD.encode() + b"}", f"expected JSON, but more follows it, from character {len(GOOD) + 1} on"),
        (b"\xff\xfe" + GOOD.encode("utf-16-le"), "expected JSON, but got bytes that are no UTF-8"),
        (b"\x00" * 100, "expected JSON, but it is none at character 1 (expecting value)"),
        (b"[" * DEEP, "expected an answer of lists three deep, but its lists are nested far deeper"),
        (b"[" * DEEP + b"]" * DEEP, "expected an answer of lists three deep, but its lists are nested far deeper"),
        (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "expected an answer of lists three deep, but its lists are nested far"),
        (with_grads("[" * DEEP + "]" * DEEP), "expected an answer of lists three deep, but its lists are nested far"),
        (b" " * (LARGEST + 1), f"expected at most {LARGEST} bytes, far more than the answers to all vectors need"),
        (b"null", "expected one JSON object, but got null"),
        (b'"text"', 'expected one JSON object, but got the string "text"'),
        (b"[1]", "expected one JSON object, but got a list"),
        (b"{}", '"format": expected "bptt-oracle answers", but got none'),
        (
            GOOD.replace("answers", "\\u001b[31m", 1).encode(),
            '"format": expected "bptt-oracle answers", but got the string',
        ),
        (GOOD.replace("1", "2", 1).encode(), '"version": expected 1, but got the number 2'),
        (GOOD.replace("1", "true", 1).encode(), '"version": expected 1, but got true'),
        (GOOD.replace('"version"', '"exec": "rm", "version"').encode(), 'but got "exec"'),
        (
            GOOD.replace('"version"', '"format": 1, "version"').encode(),
            'each key once in an object, but "format" stands',
        ),
        (
            f'{HEAD}"answers": {{"tiny": 1, "tiny": 2}}}}'.encode(),
            'each key once in an object, but "tiny" stands twice',
        ),
        (f'{HEAD}"answers": []}}'.encode(), '"answers": expected an object, one answer for each id, but got a list'),
        (f'{HEAD}"answers": {{}}}}'.encode(), "expected at least one answer, but got none"),
        (f'{HEAD}"answers": {{"tiny": {GRADS}}}}}'.encode(), '"answers"["tiny"]: expected an object of "grads" and'),
        (f'{HEAD}"answers": {{"tiny": {{"loss": 1}}}}}}'.encode(), 'but got an object with the keys "loss"'),
        (GOOD.replace("tiny", "../../etc/passwd").encode(), 'but got one to "../../etc/passwd"'),
        (GOOD.replace("tiny", "t" * 10**6).encode(), 'but got one to "' + "t" * 60 + ' ..."'),
        (GOOD.replace('"grads"', '"loss": "1", "grads"').encode(), '["loss"]: expected numbers, or strings in C hex'),
        (GOOD.replace('"grads"', '"loss": [1], "grads"').encode(), '["loss"]: expected numbers, or strings in C hex'),
        (with_grads('"os.system"'), '["grads"]: expected a list of objects, one for each layer, but got the string'),
        (with_grads("[1]"), '["grads"][0]: expected an object such as "params"[0], but got the number 1'),
        (with_grads('[{"H": {}}]'), '["grads"][0]["H"]: expected numbers, or strings in C hex such as "0x1.8p-3"'),
        (with_grads('[{"H": [[[[[1]]]]]}]'), "expected numbers, or strings in C hex such as"),
        (with_grads('[{"H": [[1], [1, 2]]}]'), '["grads"][0]["H"]: expected an array, but its rows differ in length'),
        (with_number("NaN"), "tiny: expected finite numbers, but entry [0, 0] of dJ/dH^(1) is nan"),
        (with_number("-Infinity"), "tiny: expected finite numbers, but entry [0, 0] of dJ/dH^(1) is -inf"),
        (with_number("null"), '"answers"["tiny"]: expected finite numbers, but entry [0, 0] of dJ/dH^(1) is null'),
        (with_grads('[{"{H[0]}": null}]'), "expected finite numbers, but dJ/d{H[0]}^(1) is null"),
        (with_grads('[{"H": null}]'), '"answers"["tiny"]: expected finite numbers, but dJ/dH^(1) is null'),
        (
            GOOD.replace('"grads"', '"loss": null, "grads"').encode(),
            '["tiny"]: expected a finite J, but it is null',
        ),
        (with_number('"nan"'), "tiny: expected finite numbers, but entry [0, 0] of dJ/dH^(1) is nan"),
        (with_number("nan"), "the answer holds nan, at character"),
        (with_number("1e999"), "tiny: expected finite numbers, but entry [0, 0] of dJ/dH^(1) is inf"),
        (with_number("9" * 10**5), "tiny: expected finite numbers, but entry [0, 0] of dJ/dH^(1) is inf"),
        (with_number('"0x1p99999"'), "tiny: expected finite numbers, but entry [0, 0] of dJ/dH^(1) is inf"),
        (
            with_number('"__import__(0)"'),
            'expected numbers, or strings in C hex such as "0x1.8p-3", but got the string',
        ),
        (with_number("true"), 'expected numbers, or strings in C hex such as "0x1.8p-3", but got true'),
        (GOOD.replace('"grads"', '"loss": NaN, "grads"').encode(), "tiny: expected a finite J, but it is nan"),
        (
            GOOD.replace('"answers":', '"seed": -1, "answers":').encode(),
            '"seed": expected an integer from 0 to 2^53 - 1',
        ),
        (GOOD.replace('"answers":', '"seed": 0.5, "answers":').encode(), "but got the number 0.5"),
        (
            GOOD.replace('"answers":', '"seed": 1e300, "answers":').encode(),
            '"seed": expected an integer from 0 to 2^53',
        ),
        (GOOD.replace('"answers":', '"seed": "1", "answers":').encode(), 'but got the string "1"'),
        (GOOD.replace('"answers":', '"conventions": 1, "answers":').encode(), '"conventions": expected an object of'),
        (GOOD.replace('"answers":', '"conventions": {"eval": 1}, "answers":').encode(), 'but got "eval"'),
        (GOOD.replace('"answers":', '"conventions": {"layout": []}, "answers":').encode(), "but got a list"),
        (
            GOOD.replace('"answers":', '"conventions": {"layout": "x"}, "answers":').encode(),
            "one of columns, rows, but",
        ),
        (
            GOOD.replace('"answers":', '"conventions": {"biases": true}, "answers":').encode(),
            "one of 1, 2, but got true",
        ),
        (GOOD.replace('"answers":', '"conventions": {"biases": 3}, "answers":').encode(), "but got the number 3"),
        (
            GOOD.replace('"answers":', '"conventions": {"h0": 1}, "answers":').encode(),
            "one of False, True, but got the",
        ),
    ],
)
def test_json_that_holds_no_answers_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    assert message in refusal(tmp_path, content, capsys)


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "answers.json"
    with path.open("wb") as file:
        file.truncate(2**40)  # takes no room on the disk
    tracemalloc.start()
    assert main(["vectors", "--grade", str(path)]) == 2
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * LARGEST
    assert f"expected at most {LARGEST} bytes" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------------------- npz


def npy(array: Any, **options: Any) -> bytes:
    """An array in NumPy's format."""
    stream = BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), **options)
    return stream.getvalue()


def header(text: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """An array in NumPy's format with any header."""
    length = len(text).to_bytes(2 if version == b"\x01\x00" else 4, "little")
    return b"\x93NUMPY" + version + length + text.encode() + data


def npz(*entries: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of entries."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return stream.getvalue()


def shaped(shape: str, descr: str = "'<f8'", data: bytes = bytes(8)) -> bytes:
    """An npz with one array whose header says what it likes."""
    return npz(("tiny.loss.npy", header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n", data)))


class Marker:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.path),)


def test_the_marker_would_be_executed_if_it_were_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "answers.npz"
    path.write_bytes(npz(("tiny.loss.npy", npy(np.array(Marker(tmp_path / "executed"), dtype=object)))))
    with np.load(path, allow_pickle=True) as archive:
        archive["tiny.loss"]
    assert (tmp_path / "executed").exists()


@pytest.mark.parametrize("entry", ["tiny.loss.npy", "tiny.grads.1.H.npy", "anything.npy", "anything"])
def test_pickles_inside_npz_are_not_executed(tmp_path: Path, capsys: pytest.CaptureFixture[str], entry: str) -> None:
    marker = Marker(tmp_path / "executed")
    array = npz((entry, npy(np.array(marker, dtype=object))))
    assert "but got dtype object; objects are pickles, which are not read" in refusal(tmp_path, array, capsys)
    bare = npz((entry, pickle.dumps(marker)))
    assert "expected an array, but its header is none" in refusal(tmp_path, bare, capsys)
    whole = pickle.dumps(marker)
    assert "expected an npz file, but it is no zip archive" in refusal(tmp_path, whole, capsys, "answers.npz")
    assert not marker.path.exists()


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zeros = npy(np.zeros(2**23))
    bomb = npz(("tiny.grads.1.H.npy", zeros), method=zipfile.ZIP_DEFLATED)
    many = npz(*((f"tiny.grads.{l}.H.npy", npy(np.zeros(2**16))) for l in range(1, 10)), method=zipfile.ZIP_DEFLATED)
    lying = bomb.replace(len(zeros).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert lying != bomb
    tracemalloc.start()
    assert f"expected arrays of at most {LARGEST} bytes, but they declare {len(zeros)}; none" in refusal(
        tmp_path, bomb, capsys
    )
    assert "but they declare" in refusal(tmp_path, many, capsys)
    assert "expected a whole npz file, but Bad CRC-32" in refusal(tmp_path, lying, capsys)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * LARGEST < len(zeros) / 4


LOSS = npy(np.array(1.0))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected an npz file, but it is empty; write the answers anew, with numpy.savez"),
        (GOOD.encode(), "expected an npz file, but it is no zip archive; write the answers anew, with numpy.savez"),
        (b"PK", "expected an npz file, but it is no zip archive"),
        (
            npz(("tiny.loss.npy", LOSS))[:-30],
            "expected an npz file, but it is cut off; write the answers anew, with numpy.savez",
        ),
        (npz(), "expected at least one answer, but got none"),
        (npz(("tiny.loss.npy", LOSS[:20])), "tiny.loss.npy: expected an array, but its header is none"),
        (npz(("tiny.loss.npy", LOSS[:-1])), "tiny.loss.npy: expected an array of 7 bytes, but its header says"),
        (npz(("tiny.loss.npy", LOSS + b"1")), "tiny.loss.npy: expected an array of 9 bytes, but its header says"),
        (npz(("tiny.loss.npy", LOSS), ("tiny.loss", LOSS)), 'expected each array once, but "tiny.loss" is there twice'),
        (npz(("tiny.loss.npy", npy("text"))), '"tiny.loss" of dtype <U4, shape ()'),
        (npz(("tiny.loss.npy", npy([1.0]))), '"tiny.loss" of dtype float64, shape (1,)'),
        (npz(("tiny.loss.npy", npy(1))), '"tiny.loss" of dtype int64, shape ()'),
        (npz(("tiny.loss.npy", npy(np.nan))), "tiny: expected a finite J, but it is nan"),
        (
            npz(("tiny.grads.1.H.npy", npy([[np.inf]]))),
            "tiny: expected finite numbers, but entry [0, 0] of dJ/dH^(1) is",
        ),
        (npz(("none.loss.npy", LOSS)), 'but got one to "none"'),
        (npz(("tiny.grads.999.H.npy", LOSS)), 'but got "tiny.grads.999.H" of dtype float64'),
        (npz(("../tiny.loss.npy", LOSS)), 'but got one to "../tiny"'),
        (npz(("seed.npy", npy(-1)), ("tiny.loss.npy", LOSS)), '"seed": expected an integer from 0 to 2^53 - 1'),
        (
            npz(("conventions.layout.npy", npy("x")), ("tiny.loss.npy", LOSS)),
            "expected one of columns, rows, but got the",
        ),
        (
            npz(("conventions.biases.npy", npy(9)), ("tiny.loss.npy", LOSS)),
            "expected one of 1, 2, but got the number 9",
        ),
        (npz(("tiny.loss.npy", npy(np.zeros((), "M8[s]")))), "expected numbers or text, but got dtype datetime64[s]"),
        (npz(("tiny.loss.npy", npy(np.zeros((), "f8,f8")))), "expected numbers or text, but got dtype [("),
        (npz(("tiny.loss.npy", npy(1.0, version=(3, 0)))), "expected an array in version 1.0 or 2.0 of NumPy's format"),
        (shaped("(10**12,)"), "expected an array, but its header is none"),
        (
            shaped("(1000000000000,)"),
            "expected an array of 8 bytes, but its header says dtype float64, shape (1000000000000,)",
        ),
        (shaped("(-1,)"), "expected an array of 8 bytes, but its header says dtype float64, shape (-1,)"),
        (shaped("(-1, -1)"), "expected an array of 8 bytes, but its header says dtype float64, shape (-1, -1)"),
        (shaped("(0,)", data=b""), '"tiny.loss" of dtype float64, shape (0,)'),
        (shaped("(1, 1, 1, 1, 1)"), "expected an array of 8 bytes, but its header says"),
        (shaped("(1,)", descr="'<U0'", data=b""), "expected an array of 0 bytes, but its header says dtype <U0"),
        (shaped("(1,)", descr="'O'"), "objects are pickles, which are not read"),
        (shaped("(1,)", descr="'<f8' if True else 0"), "expected an array, but its header is none"),
        (shaped("(1,)", descr="__import__('os').mkdir('executed')"), "expected an array, but its header is none"),
        (shaped("(" * 9000 + ")" * 9000), "expected an array, but its header is none"),
        (npz(("tiny.loss.npy", header(" " * 10**6, version=b"\x02\x00"))), "expected an array, but its header is none"),
    ],
)
def test_npz_that_holds_no_answers_is_refused_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: bytes,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refusal(tmp_path, content, capsys, "answers.npz")


def test_an_encrypted_or_unknown_entry_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = npz(("tiny.loss.npy", LOSS))
    local, central = plain.index(b"PK\x03\x04"), plain.index(b"PK\x01\x02")
    for offset, value in ((0, 1), (2, 99)):  # the flag of encryption; the method of compression
        changed = bytearray(plain)
        changed[local + 6 + offset] = changed[central + 8 + offset] = value
        assert "expected a whole npz file, but " in refusal(tmp_path, bytes(changed), capsys)


def whole_files() -> list[bytes]:
    """A good file of each kind: small ones, so that most damage hits what matters."""
    stream = BytesIO()
    with np.load(COMMITTED / "tiny.npz") as arrays:
        chosen = {f"tiny.{key}": arrays[key] for key in arrays if key == "loss" or key.startswith("grads.")}
    np.savez_compressed(stream, seed=np.array(2016), **chosen)
    data = json.loads((COMMITTED / "tiny.json").read_text())
    answers = {"tiny": {"loss": data["loss"], "grads": data["grads"]}}
    text = json.dumps({"format": "bptt-oracle answers", "version": 1, "answers": answers})
    return [text.encode(), stream.getvalue()]


def message_of(path: Path) -> str | None:
    """Why a file is refused; None if it is read."""
    try:
        read_submission(path)
    except SubmissionError as error:
        return str(error)
    return None


@pytest.mark.parametrize("content", whole_files(), ids=["json", "npz"])
def test_damage_of_any_kind_gives_answers_or_one_clear_refusal(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "answers"
    path.write_bytes(content)
    assert list(read_submission(path).answers) == ["tiny"]
    rng = np.random.default_rng(2016)
    refused = 0
    for trial in range(300):
        damaged = bytearray(content)
        match trial % 3:
            case 0:
                del damaged[rng.integers(len(content)) :]
            case 1:
                damaged[rng.integers(len(content))] = rng.integers(256)
            case 2:
                first, last = sorted(rng.integers(len(content), size=2))
                damaged[first:last] = rng.bytes(int(rng.integers(20)))
        path.write_bytes(damaged)
        message = message_of(path)
        if message is not None:
            refused += 1
            assert message.startswith(f"{path}: ")
            assert message.isprintable()
    assert refused > 150


@pytest.mark.parametrize("number", ["1e308", "-1.7e308", "0x1.fffffffffffffp+1023", "5e-324"])
def test_numbers_of_any_size_are_graded(tmp_path: Path, capsys: pytest.CaptureFixture[str], number: str) -> None:
    data = json.loads((COMMITTED / "tiny.json").read_text())
    data["grads"][0]["H"][1][2] = data["loss"] = number if "x" in number else float(number)
    answers = {"tiny": {"loss": data["loss"], "grads": data["grads"]}}
    path = tmp_path / "answers.json"
    path.write_text(json.dumps({"format": "bptt-oracle answers", "version": 1, "answers": answers}))
    assert main(["vectors", "--grade", str(path), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["discrepancies"]
    assert {each["tensor"] for each in found} == {"J", "dJ/dH^(1)"}
