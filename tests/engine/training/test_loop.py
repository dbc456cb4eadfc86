"""The loop every stage shares: schedule, log, checkpoint, resume."""

import pytest
import torch
from torch import nn

from engine.training.loop import DECAY_SHARE, WARMUP_STEPS, Best, Optimizer, Run, hidden_matrices
from tests.engine.training.conftest import read_log


def parts(seed=0):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(32, 48), nn.Tanh(), nn.Linear(48, 32), nn.LayerNorm(32))
    return model, Optimizer(model, lr=1e-2, matrix_lr=1e-2)


def stepper(model, optimizer):
    inputs = torch.randn(64, 32, generator=torch.Generator().manual_seed(1))

    def step(run):
        loss = (model(inputs) - inputs).square().mean()
        return {"loss": loss.item(), "norm": optimizer.step(loss, run.scale())}

    return step


def test_a_run_lowers_the_loss_and_logs_it(tmp_path, one_second_a_step):
    model, optimizer = parts()
    run = Run(tmp_path, {"model": model, "optimizer": optimizer}, minutes=5)
    run.loop(stepper(model, optimizer), evaluate=lambda: {"held_out": 0.5})
    log = read_log(tmp_path)
    losses = [row["loss"] for row in log if "loss" in row]
    assert run.step == 300 and len(losses) == 6 and losses[-1] < 0.5 * losses[0]
    assert [row["step"] for row in log if "held_out" in row] == [241, 300]  # every four minutes, and at the end


def test_a_stopped_run_goes_on_where_it_stopped(tmp_path, one_second_a_step):
    model, optimizer = parts()
    Run(tmp_path, {"model": model, "optimizer": optimizer}, minutes=1).loop(stepper(model, optimizer))
    again, its_optimizer = parts(seed=5)
    run = Run(tmp_path, {"model": again, "optimizer": its_optimizer}, minutes=2)
    assert run.step == 60 and run.elapsed == 60
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], tensor, rtol=0, atol=0)
    momentum = its_optimizer.parts[0].state_dict()["state"][0]["exp_avg"]
    assert momentum.abs().max() > 0
    run.loop(stepper(again, its_optimizer))
    assert run.step == 120
    log = read_log(tmp_path)
    assert [row["step"] for row in log] == [50, 60, 100, 120]
    assert log[2]["loss"] < log[0]["loss"] and log[2]["norm"] > 0.5 * log[0]["norm"] * log[2]["loss"] / log[0]["loss"]


def test_a_line_after_a_resume_is_the_mean_of_its_own_steps(tmp_path, one_second_a_step):
    """Half of the fifty steps were another process': what this one did must not be divided by all."""
    model, optimizer = parts()
    for minutes in (25 / 60, 1):
        Run(tmp_path, {"model": model, "optimizer": optimizer}, minutes=minutes).loop(lambda run: {"loss": 2.0})
    assert [(row["step"], row["loss"]) for row in read_log(tmp_path)] == [(25, 2.0), (50, 2.0), (60, 2.0)]


def test_rate_rises_stays_and_falls_to_zero(tmp_path):
    run = Run(tmp_path, {}, minutes=10)
    assert run.scale() == pytest.approx(1 / WARMUP_STEPS)
    run.step, run.elapsed = 1000, 300.0
    assert run.scale() == 1.0
    run.elapsed = 600 * (1 - DECAY_SHARE / 2)
    assert run.scale() == pytest.approx(0.5)
    run.elapsed = 601.0
    assert run.scale() == 0.0


def test_muon_gets_the_hidden_matrices_and_adam_all_else():
    model, optimizer = parts()
    matrices, others = hidden_matrices(model)
    assert {tuple(p.shape) for p in matrices} == {(48, 32), (32, 48)} and all(p.ndim == 1 for p in others)
    assert [type(part).__name__ for part in optimizer.parts] == ["AdamW", "Muon"]
    kept_out = Optimizer(model, lr=1e-3, matrix_lr=1e-3, exclude=(model[2],))
    assert len(kept_out.parts[1].param_groups[0]["params"]) == 1


def test_an_overflow_does_not_poison_the_weights():
    model, optimizer = parts()
    before = [p.detach().clone() for p in model.parameters()]
    norm = optimizer.step((model(torch.full((1, 32), float("inf")))).sum(), 1.0)
    assert norm != norm or norm == float("inf")
    for a, b in zip(model.parameters(), before, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_the_best_weights_are_kept_while_training_goes_on():
    module = torch.nn.Linear(1, 1, bias=False)
    best = Best(module)
    taken = []
    for weight, held_out in ((1.0, 0.5), (2.0, 0.3), (3.0, 0.4)):
        torch.nn.init.constant_(module.weight, weight)
        taken.append(best.offer(held_out))
    assert taken == [True, True, False]
    resumed = Best(torch.nn.Linear(1, 1, bias=False))
    resumed.load_state_dict(best.state_dict())
    assert resumed.weights["weight"].item() == 2.0 and not resumed.offer(0.3) and resumed.offer(0.2)
