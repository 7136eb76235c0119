"""Test vectors: exact, the same everywhere, with flags that are worked out; and the grading of answers to them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from bptt_oracle.arithmetic.balls import ball, nearest_float64, precision, to_balls
from bptt_oracle.arithmetic.errors import PrecisionTooLowError
from bptt_oracle.cli import main
from bptt_oracle.manual import Network, forward_pass, network, one_pass
from bptt_oracle.manual.backprop import deltas_of_step
from bptt_oracle.oracle import grading
from bptt_oracle.oracle.conventions import CHOICES
from bptt_oracle.oracle.deviations import Deviation
from bptt_oracle.oracle.grading import grade
from bptt_oracle.oracle.mistakes import catalogue
from bptt_oracle.oracle.probes import PLANS, Plan, Probe, draw
from bptt_oracle.oracle.result import Result
from bptt_oracle.oracle.submission import LARGEST
from bptt_oracle.oracle.truth import truth_of
from bptt_oracle.oracle.variations import simulate
from bptt_oracle.oracle.vectors import FORM, Vector, vector
from bptt_oracle.oracle.vectors_exact import Exact
from bptt_oracle.oracle.vectors_files import SMALL, VectorsError, write_vectors
from bptt_oracle.report.transcripts import PROMPT, shortened, transcripts

ROOT = Path(__file__).parents[1]
COMMITTED = ROOT / "vectors"
EXAMPLE = ROOT / "examples" / "vectors" / "backprop.mjs"
PAGE = (ROOT / "docs" / "vectors.md").read_text(encoding="utf-8")
SEED = 2016
OF = {plan.name: plan for plan in PLANS}
SCHEMAS = {
    name: json.loads((ROOT / "bptt_oracle" / "oracle" / f"{name}.schema.json").read_text())
    for name in ("vectors", "answers")
}


def read(name: str) -> Any:
    """A committed JSON file."""
    return json.loads((COMMITTED / name).read_text(encoding="utf-8"))


def valid(schema: str, kind: str | None, data: Any) -> bool:
    """Whether data is what a schema describes, or one kind of what it describes."""
    whole = SCHEMAS[schema]
    chosen = whole if kind is None else {**whole, "oneOf": [{"$ref": f"#/$defs/{kind}"}]}
    return bool(Draft202012Validator(chosen).is_valid(data))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The set that is written unless another is asked for."""
    folder = tmp_path_factory.mktemp("vectors")
    write_vectors(folder)
    return folder


# ------------------------------------------------------------------------------------------------------- the files


def test_the_committed_set_is_what_is_written_byte_for_byte(written: Path) -> None:
    names = {path.name for path in written.iterdir()}
    assert names == {path.name for path in COMMITTED.iterdir()}
    assert [name for name in names if (written / name).read_bytes() != (COMMITTED / name).read_bytes()] == []


def test_the_committed_set_is_small() -> None:
    assert sum(path.stat().st_size for path in COMMITTED.iterdir()) < 3 * 2**19


@pytest.mark.parametrize("name", ["vectors", "answers"])
def test_schemas_are_schemas_and_lie_beside_the_vectors(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert read(f"{name}.schema.json") == SCHEMAS[name]


def test_index_and_vectors_are_as_the_schema_says() -> None:
    index = read("vectors.json")
    assert valid("vectors", "index", index)
    assert [each["id"] for each in index["vectors"]] == list(SMALL)
    for name in SMALL:
        assert valid("vectors", "vector", read(f"{name}.json"))


@pytest.mark.parametrize("key", ["grads", "wrong", "conventions", "h0", "trap_for"])
def test_a_vector_without_a_key_is_not_as_the_schema_says(key: str) -> None:
    data = read("tiny.json")
    del data[key]
    assert not valid("vectors", "vector", data)


def test_conventions_in_the_schema_of_answers_are_those_that_there_are() -> None:
    stated = SCHEMAS["answers"]["$defs"]["conventions"]["properties"]
    assert {name: tuple(each.get("enum", (False, True))) for name, each in stated.items()} == CHOICES


def test_index_holds_the_digest_of_every_file() -> None:
    for each in read("vectors.json")["vectors"]:
        assert set(each["files"]) == {f"{each['id']}.json", f"{each['id']}.npz"}
        for name, digest in each["files"].items():
            assert sha256((COMMITTED / name).read_bytes()).hexdigest() == digest


def test_index_and_vectors_agree_on_flags() -> None:
    index = read("vectors.json")
    named = set()
    for each in index["vectors"]:
        data = read(f"{each['id']}.json")
        assert {key: data[key] for key in ("n", "T", "B", "d", "trap_for", "hides")} == {
            key: each[key] for key in ("n", "T", "B", "d", "trap_for", "hides")
        }
        named |= {text for wrong in data["wrong"] for text in wrong["mistakes"]}
    assert named == set(index["mistakes"])
    assert not any("{" in sentence for sentence in index["mistakes"].values())


@pytest.mark.parametrize("name", SMALL)
def test_npz_holds_what_the_json_holds(name: str) -> None:
    data = read(f"{name}.json")
    with np.load(COMMITTED / f"{name}.npz", allow_pickle=False) as npz:
        arrays = dict(npz)
    expected: dict[str, Any] = {key: data[key] for key in ("x", "y", "y_hat", "loss")}
    for key in ("h0", "z", "h", "delta", "gamma"):
        expected |= {f"{key}.{l}": array for l, array in enumerate(data[key], start=1)}
    for key in ("params", "grads"):
        expected |= {f"{key}.{l}.{p}": a for l, layer in enumerate(data[key], start=1) for p, a in layer.items()}
    expected["mistakes"] = [" or ".join(wrong["mistakes"]) for wrong in data["wrong"]]
    for l, layer in enumerate(data["grads"], start=1):
        for p in layer:
            chosen = [at for at, wrong in enumerate(data["wrong"]) if p in wrong["grads"][l - 1]]
            expected[f"wrong.{l}.{p}.mistake"] = chosen
            expected[f"wrong.{l}.{p}"] = [data["wrong"][at]["grads"][l - 1][p] for at in chosen]
    assert arrays.keys() == expected.keys()
    for key, value in expected.items():
        assert arrays[key].tolist() == value, key


def test_npz_has_no_times_and_no_compression() -> None:
    with ZipFile(COMMITTED / "plain.npz") as archive:
        for entry in archive.infolist():
            assert (entry.date_time, entry.compress_type) == ((1980, 1, 1, 0, 0, 0), ZIP_STORED)


# ----------------------------------------------------------------------------------------------------- the numbers


def sequence(probe: Probe, s: int) -> Network:
    """One sequence of a network, over balls."""
    h0 = [state[s] for state in probe.h0]
    net = network(probe.params, probe.x[:, s], probe.y[:, s], h0, FORM.functions)
    return net.over(to_balls, FORM.functions)


@pytest.mark.parametrize("name", SMALL)
def test_right_numbers_are_those_of_the_unbatched_pass_over_balls_to_the_last_bit(name: str) -> None:
    probe, data = draw(OF[name], SEED), read(f"{name}.json")
    with precision(320):
        passes = [one_pass(sequence(probe, s)) for s in range(probe.B)]
        assert float(nearest_float64(sum(p.loss for p in passes) / probe.B)) == data["loss"]
        for l, layer in enumerate(data["grads"], start=1):
            for p, values in layer.items():
                total = sum(getattr(each, p)[l] for each in passes) / probe.B
                exact = nearest_float64(total[:, 0] if p == "b" else total)
                assert exact.tolist() == values, (p, l)


@pytest.mark.parametrize("name", SMALL)
def test_intermediate_numbers_are_those_of_the_unbatched_pass_over_balls(name: str) -> None:
    probe, data = draw(OF[name], SEED), read(f"{name}.json")
    n, T = probe.n, probe.T

    def same(column: Any, *at: Any) -> bool:
        where = data
        for index in at:
            where = where[index]
        return bool(nearest_float64(column)[:, 0].tolist() == where)

    with precision(320):
        for s in range(probe.B):
            net = sequence(probe, s)
            run = forward_pass(net)
            deltas = {i: deltas_of_step(net, run, i) for i in range(1, T + 1)}
            for t in range(1, T + 1):
                assert same(run.y_hat[t], "y_hat", t - 1, s)
                for l in range(1, n + 1):
                    assert same(run.z[l, t], "z", l - 1, t - 1, s)
                    assert l == n or same(run.h[l, t], "h", l - 1, t, s)
                    column = np.array([[ball(0)]] * probe.d[l])
                    gamma = sum((deltas[i].get((l, t), column) for i in range(t, T + 1)), start=column)
                    assert same(gamma, "gamma", l - 1, t - 1, s)
                    for i in range(1, T + 1):
                        assert same(deltas[i].get((l, t), column), "delta", l - 1, t - 1, i - 1, s)


@pytest.mark.parametrize("name", ["plain", "tiny"])
def test_wrong_numbers_are_what_the_mistake_gives_in_float64_within_the_rounding_of_a_right_program(name: str) -> None:
    """The bounds are those on the right gradients, in proportion to the size of the wrong ones."""
    probe, data = draw(OF[name], SEED), read(f"{name}.json")
    truth = truth_of(probe, FORM)
    shares = [
        (bound.max() / abs(grad).max())
        for bounds, grads in zip(truth.bounds, truth.grads, strict=True)
        for bound, grad in zip(bounds.values(), grads.values(), strict=True)
    ]
    for wrong in data["wrong"]:
        for text in wrong["mistakes"]:
            floats = simulate(probe, FORM, [text])
            assert floats is not None
            for l, layer in enumerate(wrong["grads"]):
                for p, values in layer.items():
                    assert (abs(floats[l][p] - values) <= max(shares) * abs(np.array(values)).max() + max(shares)).all()


@pytest.mark.parametrize("name", SMALL)
def test_every_wrong_gradient_lies_outside_the_bounds_of_a_float32_program_too(name: str) -> None:
    probe, data = draw(OF[name], SEED), read(f"{name}.json")
    bounds = truth_of(probe, FORM.replace(precision="float32")).bounds
    for wrong in data["wrong"]:
        assert any(
            (abs(np.array(values) - data["grads"][l][p]) > bounds[l][p]).any()
            for l, layer in enumerate(wrong["grads"])
            for p, values in layer.items()
        ), wrong["mistakes"]


def test_rounding_goes_on_at_a_higher_precision_where_one_does_not_do() -> None:
    exact = Exact(draw(OF["tiny"], SEED), FORM)
    third = exact.rounded(lambda e: (ball(1) / 3) * 3 - 1)
    assert (float(third), np.signbit(third)) == (0, False)


def test_what_no_precision_rounds_is_refused() -> None:
    exact = Exact(draw(OF["tiny"], SEED), FORM)
    with pytest.raises(PrecisionTooLowError, match="does not determine a float64"):
        exact.rounded(lambda e: (ball(1) / 3) * 3 + ball(2) ** -53)  # halfway between 1 and the next float64


def test_what_became_floats_on_the_way_is_refused() -> None:
    exact = Exact(draw(OF["tiny"], SEED), FORM)
    with pytest.raises(TypeError, match="expected balls, but on the way they became floats"):
        exact.rounded(lambda e: [np.zeros(2)])


# ------------------------------------------------------------------------------------------------------- the flags


def test_every_vector_has_a_flag_and_every_known_mistake_a_vector_or_a_reason() -> None:
    index = read("vectors.json")
    traps = [set(each["trap_for"]) for each in index["vectors"]]
    variations = {slug for slug, entry in catalogue().items() if entry.kind == "variation"}
    assert all(traps)
    assert set.union(*traps) | set(index["no_trap_for"]) == variations
    assert index["no_trap_for"] == ["error-at-every-step", "slope-of-tanh"]  # none for the mean over t, and for tanh


def test_a_vector_of_another_loss_or_activation_is_a_trap_for_the_rest() -> None:
    assert "error-at-every-step" in vector(draw(OF["tiny"], SEED), FORM.replace(over_time="last")).trap_for
    assert "slope-of-tanh" in vector(draw(OF["tiny"], SEED), FORM.replace(activation="logistic")).trap_for


@pytest.mark.parametrize("name", SMALL)
def test_what_a_vector_hides_gives_the_right_gradients_there(name: str) -> None:
    probe = draw(OF[name], SEED)
    truth = truth_of(probe, FORM)
    for text in read(f"{name}.json")["hides"]:
        if Deviation.parse(text).parameter or "clipped" not in text:  # of a clip it is said without a limit
            grads = simulate(probe, FORM, [text])
            assert grads is not None
            assert all(
                (abs(grads[l][p] - right) <= truth.bounds[l][p]).all()
                for l, layer in enumerate(truth.grads)
                for p, right in layer.items()
            ), text


def test_flags_follow_the_network() -> None:
    probe = draw(Plan("plain", (2, 3, 2), T=3, B=2, h0=True), SEED)
    symmetric = replace(
        probe, params=[probe.params[0] | {"H": probe.params[0]["H"] + probe.params[0]["H"].T}, probe.params[1]]
    )

    def flags(found: Vector) -> tuple[bool, bool]:
        return "carry-untransposed" in found.trap_for, "carry-untransposed" in found.hides

    assert flags(vector(probe)) == (True, False)
    assert flags(vector(symmetric)) == (False, True)
    assert flags(vector(probe.steps(1))) == (False, True)


def test_mistakes_that_give_the_same_share_an_entry() -> None:
    [shared] = [each["mistakes"] for each in read("plain.json")["wrong"] if "missing@H" in each["mistakes"]]
    assert shared == ["first-step-only@H", "initial-state-everywhere@H", "missing@H"]  # h(0) is zero there


# --------------------------------------------------------------------------------------------------------- grading


def right(name: str) -> dict[str, Any]:
    """The right answer to a committed vector."""
    data = read(f"{name}.json")
    return {"loss": data["loss"], "grads": data["grads"]}


def wrong(mistake: str, name: str) -> dict[str, Any]:
    """The answer of a program with one mistake to a committed vector, if it shows there; else the right one."""
    data = read(f"{name}.json")
    for each in data["wrong"]:
        if mistake in each["mistakes"]:
            grads = [layer | changed for layer, changed in zip(data["grads"], each["grads"], strict=True)]
            return {"loss": data["loss"], "grads": grads}
    return right(name)


Answers = dict[str, dict[str, Any]]


def graded(folder: Path, answers: Answers, **more: Any) -> Result:
    """The verdict on answers."""
    data = {"format": "bptt-oracle answers", "version": 1, "answers": answers, **more}
    assert valid("answers", None, data)
    path = folder / "answers.json"
    path.write_text(json.dumps(data))
    return grade(path)


def changed(answer: dict[str, Any], change: Callable[[str, Any], Any]) -> dict[str, Any]:
    """An answer with every gradient put through a function of its name and array."""
    grads = [{p: change(p, np.array(values)) for p, values in layer.items()} for layer in answer["grads"]]
    return answer | {"grads": grads}


def test_right_answers_are_right(tmp_path: Path) -> None:
    result = graded(tmp_path, {name: right(name) for name in SMALL})
    assert result.ok
    assert result.conventions == FORM
    assert result.limits == (
        "no answers to two, wide, wide-one, wide-deep, long and large: what shows there alone is not seen",
    )


@pytest.mark.parametrize(
    "mistake",
    [
        "carry-untransposed",
        "slope-of-h",
        "error-of-next-step",
        "first-step-skipped@W",
        "bias-averaged@b",
        "scale(T)",
    ],
)
def test_wrong_gradients_of_the_vectors_are_named(tmp_path: Path, mistake: str) -> None:
    grads_alone = {name: {"grads": wrong(mistake, name)["grads"]} for name in SMALL}
    result = graded(tmp_path, grads_alone, conventions={"over_time": "mean"})
    named = Deviation.parse(mistake)
    assert not result.ok
    assert [found.slug for found in result.mistakes] == [named.slug]
    assert len(result.asked) == len(SMALL)


def test_one_entry_that_is_off_by_more_than_its_bound_is_found(tmp_path: Path) -> None:
    answers = {name: right(name) for name in SMALL}
    bound = float(truth_of(draw(OF["deep"], SEED), FORM).bounds[1]["H"][2, 3])
    exact = answers["deep"]["grads"][1]["H"][2][3]
    for share, ok in ((0.9, True), (1.1, False)):
        answers["deep"]["grads"][1]["H"][2][3] = exact + share * bound
        result = graded(tmp_path, answers)
        assert result.ok is ok
    [found] = result.discrepancies
    assert (found.tensor, found.entry, found.outside) == ("dJ/dH^(2)", (2, 3), 1)


def test_conventions_are_found_out_or_declared(tmp_path: Path) -> None:
    def total(name: str) -> dict[str, Any]:
        T = OF[name].T
        answer = changed(right(name), lambda p, values: (values * T).tolist())
        return answer | {"loss": answer["loss"] * T}

    result = graded(tmp_path, {name: total(name) for name in SMALL})
    assert result.ok
    assert result.conventions.over_time == "sum"
    assert result.remarks == ("right for the sum over t; the document's J, (1), is the mean over t",)
    assert not graded(tmp_path, {name: total(name) for name in SMALL}, conventions={"over_time": "mean"}).ok


def test_activation_is_that_of_the_vectors_unless_all_is_right_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grading, "diagnose", lambda cases: [])
    found = vector(draw(OF["tiny"], SEED), FORM.replace(activation="logistic"))
    grads = [{p: array.tolist() for p, array in layer.items()} for layer in found.grads]
    answers: Answers = {"tiny": {"loss": float(found.loss), "grads": grads}}
    result = graded(tmp_path, answers)
    assert (result.ok, result.conventions.activation) == (True, "logistic")
    answers["tiny"]["grads"][1]["b"][0] += 1
    assert graded(tmp_path, answers).conventions.activation == "tanh"


def test_rows_and_two_biases_are_understood_where_they_are_declared(tmp_path: Path) -> None:
    def other(name: str) -> dict[str, Any]:
        answer = changed(right(name), lambda p, values: values.T.tolist())
        *hidden, output = answer["grads"]
        two = [{"H": layer["H"], "W": layer["W"], "b_ih": layer["b"], "b_hh": layer["b"]} for layer in hidden]
        return answer | {"grads": [*two, output]}

    answers = {name: other(name) for name in SMALL}
    assert graded(tmp_path, answers, conventions={"layout": "rows", "biases": 2}).ok
    refused = graded(tmp_path, answers)
    assert [found.slug for found in refused.mistakes] == ["structure"]


def test_answers_about_the_first_sequence_without_initial_states_are_graded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grading, "diagnose", lambda cases: [])
    form = FORM.replace(batch="none", h0=False)
    answers = {}
    for name in SMALL:
        probe = draw(OF[name], SEED).reduced(form)
        truth = truth_of(probe, form)
        grads = [{p: array.tolist() for p, array in layer.items()} for layer in truth.grads]
        answers[name] = {"loss": truth.loss, "grads": grads}
    assert graded(tmp_path, answers, conventions={"batch": "none", "h0": False}).ok
    assert not graded(tmp_path, answers).ok


def test_hex_and_another_seed_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grading, "diagnose", lambda cases: [])
    found = vector(draw(OF["tiny"], 7))
    grads = [{p: [float(v).hex() for v in a] if a.ndim == 1 else a.tolist() for p, a in g.items()} for g in found.grads]
    answers = {"tiny": {"loss": float(found.loss).hex(), "grads": grads}}
    assert graded(tmp_path, answers, seed=7).ok
    assert not graded(tmp_path, answers, seed=8).ok


def test_answers_to_vectors_of_another_seed_are_taken_for_such(tmp_path: Path) -> None:
    def foreign(name: str) -> dict[str, Any]:
        truth = truth_of(draw(OF[name], 7), FORM)
        grads = [{p: array.tolist() for p, array in layer.items()} for layer in truth.grads]
        return {"loss": truth.loss, "grads": grads}

    answers = {name: foreign(name) for name in SMALL}
    result = graded(tmp_path, answers)
    assert [found.slug for found in result.mistakes] == ["located", "loss"]
    assert result.mistakes[0].message.endswith("these may be answers to other vectors")
    assert result.mistakes[0].where == "everything: all gradients and the loss of every network"
    assert f"held against vectors of seed {SEED}:" in result.mistakes[0].remedy
    one_is_right = answers | {"tiny": right("tiny")}
    rng = np.random.default_rng(SEED)
    near = {
        name: changed(right(name), lambda p, values: (values * rng.uniform(0.7, 1.3, values.shape)).tolist())
        for name in SMALL
    }
    for answer in near.values():
        answer["loss"] *= rng.uniform(0.7, 1.3)
    for others in (one_is_right, near):
        assert "other vectors" not in str(graded(tmp_path, others))


def test_a_wrong_loss_and_a_wrong_shape_are_named(tmp_path: Path) -> None:
    answers = {name: right(name) for name in SMALL}
    answers["plain"]["grads"][0]["W"] = np.array(answers["plain"]["grads"][0]["W"]).T.tolist()
    for name in ("deep", "square", "tiny"):
        answers[name]["loss"] += 1
    result = graded(tmp_path, answers, conventions={"activation": "tanh", "over_time": "mean", "over_batch": "mean"})
    assert [found.slug for found in result.mistakes] == ["loss", "shape"]
    assert result.mistakes[1].message.endswith(
        "expected shape (d_1, d_0) = (4, 3), but got shape (3, 4): the transpose of what is expected"
    )
    assert {found.tensor for found in result.discrepancies} == {"J"}


def test_npz_is_graded_as_json_is(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {
        "seed": np.array(SEED),
        "conventions.layout": np.array("columns"),
        "conventions.biases": np.array(1),
    }
    for name in SMALL:
        with np.load(COMMITTED / f"{name}.npz") as npz:
            arrays |= {f"{name}.{key}": npz[key] for key in npz if key == "loss" or key.startswith("grads.")}
    path = tmp_path / "answers.npz"
    np.savez_compressed(path, **arrays)
    assert grade(path).ok
    arrays["deep.grads.2.H"] = arrays["deep.grads.2.H"].T
    np.savez(path, **arrays)
    assert not grade(path).ok


# ------------------------------------------------------------------------------------------------ the command line


def test_command_writes_what_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vectors", str(tmp_path), "--networks", "tiny", "--activation", "relu", "--seed", "5"]) == 0
    assert capsys.readouterr().out.split() == [
        str(tmp_path / name)
        for name in ("vectors.json", "vectors.schema.json", "answers.schema.json", "tiny.json", "tiny.npz")
    ]
    data = json.loads((tmp_path / "tiny.json").read_text())
    assert (data["seed"], data["conventions"]["activation"]) == (5, "relu")
    assert valid("vectors", "vector", data)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "vectors: expected DIR, where to write, or --grade FILE, and not both"),
        (["here", "--grade", "a.json"], "vectors: expected DIR, where to write, or --grade FILE, and not both"),
        (["--grade", "a.json", "--seed", "1"], "vectors: --seed is of no use with --grade; the file of answers says"),
        (["here", "--json"], "vectors: --json is for --grade; what is written is JSON in any case"),
        (["here", "--seed", "-1"], "--seed: expected an integer of at least 0, but got -1"),
        (["here", "--networks", "plain,none"], "networks: expected some of plain, deep, two,"),
        (["here", "--networks", "tiny,tiny"], "each once, but got 'tiny' twice"),
        (["here", "--activation", "tan"], "activation: expected one of tanh, logistic,"),
        (
            ["--grade", "nowhere.json"],
            "nowhere.json: expected a file of answers, JSON or npz, but there is no such file",
        ),
        (["--grade", "."], ".: expected a file of answers, JSON or npz, but there is a folder"),
    ],
)
def test_command_says_in_one_line_what_cannot_be(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["vectors", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_command_does_not_write_into_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "afile"
    path.touch()
    assert main(["vectors", str(path)]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == (
        "",
        f"bptt-oracle: {path}: expected a folder, or a name for one, to write in, but it is a file\n",
    )
    assert list(tmp_path.iterdir()) == [path]


def test_networks_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VectorsError, match="but got 'three'"):
        write_vectors(tmp_path, ["three"])


def test_command_prints_the_verdict_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(grading, "diagnose", lambda cases: [])
    path = tmp_path / "answers.json"
    answers = {name: wrong("carry-untransposed", name) for name in SMALL}
    path.write_text(json.dumps({"format": "bptt-oracle answers", "version": 1, "answers": answers}))
    assert main(["vectors", "--grade", str(path), "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert (data["ok"], data["mistakes"][0]["slug"]) == (False, "unknown")
    assert {found["tensor"] for found in data["discrepancies"]} >= {"dJ/dH^(1)", "dJ/dW^(1)", "dJ/db^(1)"}


def test_subcommand_costs_no_numpy_until_it_runs() -> None:
    program = "import sys, argparse, bptt_oracle.oracle.vectors_cli as c; c.add_parser(argparse.ArgumentParser()"
    program += ".add_subparsers()); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "False\n"


# ------------------------------------------------------------------------------------------- another language, docs


def run_example(folder: Path, *flags: str) -> Path:
    """The answers of the JavaScript program, which sees nothing but copies of the JSON files."""
    if (node := shutil.which("node")) is None:
        pytest.skip("node, which runs the JavaScript program, is not installed")
    for path in COMMITTED.glob("*.json"):
        shutil.copy(path, folder)
    subprocess.run([node, EXAMPLE, ".", "answers.json", *flags], cwd=folder, check=True)
    return folder / "answers.json"


def test_program_in_another_language_that_has_only_the_json_is_graded_right(tmp_path: Path) -> None:
    path = run_example(tmp_path)
    assert valid("answers", None, json.loads(path.read_text()))
    result = grade(path)
    assert result.ok, str(result)


def test_its_missing_transpose_is_named_as_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_example(tmp_path, "--missing-transpose")
    monkeypatch.chdir(tmp_path)
    assert main(["vectors", "--grade", "answers.json"]) == 1
    assert digits(capsys.readouterr().out) == digits(shown())


def test_page_shows_what_the_vectors_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {name: wrong("carry-untransposed", name) for name in SMALL}
    data = {"format": "bptt-oracle answers", "version": 1, "answers": answers}
    (tmp_path / "answers.json").write_text(json.dumps(data | {"conventions": read("vectors.json")["conventions"]}))
    monkeypatch.chdir(tmp_path)
    assert main(["vectors", "--grade", "answers.json"]) == 1
    assert digits(capsys.readouterr().out) == digits(shown())


def shown() -> str:
    """The output on the page, after the last command, without the exit status."""
    [transcript] = transcripts(PAGE)
    return transcript.split(f"{PROMPT}bptt-oracle vectors --grade answers.json\n")[1].removesuffix("[exit status 1]\n")


def digits(text: str) -> str:
    """A text without the digits that differ from one math library to another, and the line breaks that they move."""
    return " ".join(shortened(text).split())


def test_page_states_what_there_is(tmp_path: Path) -> None:
    assert len(PLANS) == 10
    assert f"a file above {LARGEST >> 20} MiB" in PAGE
    [answer] = re.findall(r"```json answers\n(.*?)```", PAGE, re.DOTALL)
    data = json.loads(answer)
    assert valid("answers", None, data)
    assert graded(tmp_path, **data | {"version": 1}).conventions.precision == "float32"
    keys = {*CHOICES, *read("tiny.json"), "only_trap_for", "no_trap_for"}
    assert {key for key in keys if f"`{key}`" not in PAGE} == {"targets", "n", "T", "d"}
