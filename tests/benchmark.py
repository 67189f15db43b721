"""Time what the READMEs say of speed and memory. It prints; it asserts nothing.

    python tests/benchmark.py              everything but "accuracy" and "busy" (15 minutes)
    python tests/benchmark.py mnist        03: an epoch here and in other libraries
    python tests/benchmark.py accuracy     03: seconds to 98.3 % test accuracy
    python tests/benchmark.py xor          02: a thousand networks at once
    python tests/benchmark.py landscape    06: the loss grid as a batch and as a loop
    python tests/benchmark.py frames       04: frames a second of the live window
    python tests/benchmark.py runs         wall time and peak memory of each default run
    python tests/benchmark.py busy         the same with 1 and 2 threads, quiet and busy
    python tests/benchmark.py suite        wall time and peak memory of pytest

Compare ratios within one run: what runs beside it slows all rivals. Each rival trains
in a process of its own, in turn, several times; the median counts. PyTorch and JAX are
timed where they are installed.
"""

import argparse
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from conftest import ROOT, SCRIPTS, load, project_tests

HIDDEN, BATCH, LR = (128, 64), 128, 0.002  # of an epoch that is timed


def quietly(function, *args, **kwargs):
    """Call a function and keep what it prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*args, **kwargs)


# --- 03: one epoch, or all of them, of the same network in several libraries


def mnist():
    """Return the script of project 03, its training and its test part."""
    script = load("03_mnist_digit_recognition")
    arrays, _ = script.read_images(script.MNIST)
    return script, *script.load_data(arrays)


def epochs_here(hidden, epochs, batch=BATCH, lr=LR, seed=0):
    """Return seconds by epoch and the test accuracy of this repository's network."""
    script, training, validation, test = mnist()
    rng, printed = np.random.default_rng(seed), io.StringIO()
    W, b = script.init_params([784, *hidden, 10], rng)
    with contextlib.redirect_stdout(printed):
        W, b, _ = script.train(W, b, training, validation, epochs, lr, batch, rng)
    rows = [line.split() for line in printed.getvalue().splitlines()]
    seconds = [float(row[-1]) for row in rows if row[:1] == ["epoch"]][1:]
    score = script.accuracy(script.probabilities(W, b, test[0]), test[1])
    return seconds, score


def epochs_products(hidden, epochs, batch=BATCH, lr=LR, seed=0):
    """Return seconds by epoch of the matrix products alone: no other line could go."""
    script, (X, _), _, _ = mnist()
    sizes = [784, *hidden, 10]
    W, _ = script.init_params(sizes, np.random.default_rng(0))
    a, L, seconds = [np.ones((batch, n), np.float32) for n in sizes], len(sizes) - 1, []
    for _ in range(epochs):
        start = time.perf_counter()
        for i in range(0, len(X) - batch, batch):
            a[0] = X[i : i + batch]
            for k in range(1, L + 1):
                a[k - 1] @ W[k]
            for k in range(L, 0, -1):
                a[k - 1].T @ a[k]
                if k > 1:
                    a[k] @ W[k].T
        seconds.append(time.perf_counter() - start)
    return seconds, None


def epochs_sklearn(hidden, epochs, batch=BATCH, lr=LR, seed=0):
    """Return seconds by epoch and the test accuracy of scikit-learn's MLP."""
    import warnings

    from sklearn.neural_network import MLPClassifier

    _, training, _, test = mnist()
    model = MLPClassifier(
        hidden, alpha=0, batch_size=batch, learning_rate_init=lr, max_iter=1,
        warm_start=True, random_state=seed,
    )  # fmt: skip
    seconds = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would like to train on
        for _ in range(epochs):
            start = time.perf_counter()
            model.fit(*training)
            seconds.append(time.perf_counter() - start)
    return seconds, model.score(*test)


def epochs_keras(hidden, epochs, batch=BATCH, lr=LR, seed=0):
    """Return seconds by epoch and the test accuracy of the same model in Keras."""
    import keras

    _, (X, y), _, test = mnist()
    keras.utils.set_random_seed(seed)
    layers = [
        keras.layers.Dense(n, "relu", kernel_initializer="he_normal") for n in hidden
    ]
    model = keras.Sequential([*layers, keras.layers.Dense(10)])
    steps = epochs * -(-len(X) // batch)
    rate = keras.optimizers.schedules.PolynomialDecay(lr, steps, 0)  # in a line to 0
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        model.fit(X, y, batch_size=batch, epochs=1, verbose=0)
        seconds.append(time.perf_counter() - start)
    return seconds, model.evaluate(*test, verbose=0)[1]


def epochs_torch(hidden, epochs, batch=BATCH, lr=LR, seed=0):
    """Return seconds by epoch and the test accuracy of the same model in PyTorch."""
    import torch

    _, training, _, test = mnist()
    torch.manual_seed(seed)
    X, y = map(torch.from_numpy, training)
    layers = []
    for n_in, n_out in zip((784, *hidden), (*hidden, 10)):
        linear = torch.nn.Linear(n_in, n_out)
        torch.nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        torch.nn.init.zeros_(linear.bias)
        layers += [linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    steps = epochs * -(-len(X) // batch)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, steps)
    measure, seconds = torch.nn.CrossEntropyLoss(), []
    for _ in range(epochs):
        start = time.perf_counter()
        order = torch.randperm(len(X))
        for i in range(0, len(X), batch):
            now = order[i : i + batch]
            optimizer.zero_grad()
            measure(model(X[now]), y[now]).backward()
            optimizer.step()
            schedule.step()
        seconds.append(time.perf_counter() - start)
    with torch.no_grad():
        answers = model(torch.from_numpy(test[0])).argmax(1).numpy()
    return seconds, float(np.mean(answers == test[1]))


def epochs_jax(hidden, epochs, size=BATCH, lr=LR, seed=0):
    """Return seconds by epoch in JAX, the whole epoch compiled as one scan."""
    import jax
    import jax.numpy as jnp

    script, (X, y), _, _ = mnist()
    W, b = script.init_params([784, *hidden, 10], np.random.default_rng(seed))
    X, y, depth = jnp.asarray(X), jnp.asarray(y), len(W)
    params = {f"W{k}": W[k] for k in W} | {f"b{k}": b[k] for k in b}

    def loss(p, inputs, labels):
        a = inputs
        for k in range(1, depth + 1):
            z = a @ p[f"W{k}"] + p[f"b{k}"]
            a = jnp.maximum(z, 0)
        return -jnp.mean(jax.nn.log_softmax(z)[jnp.arange(len(labels)), labels])

    def step(state, batch):
        p, m, v, t = state
        g = jax.grad(loss)(p, X[batch], y[batch])
        m = {k: 0.9 * m[k] + 0.1 * g[k] for k in p}
        v = {k: 0.999 * v[k] + 0.001 * g[k] ** 2 for k in p}
        rate = lr * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        p = {k: p[k] - rate * m[k] / (jnp.sqrt(v[k]) + 1e-8) for k in p}
        return (p, m, v, t + 1), 0.0

    run = jax.jit(lambda state, batches: jax.lax.scan(step, state, batches)[0])
    zeros = {k: jnp.zeros_like(v) for k, v in params.items()}
    state, seconds = (params, zeros, zeros, 1.0), []
    for epoch in range(epochs + 1):  # the first one compiles and does not count
        order = np.random.default_rng(epoch).permutation(len(X))
        batches = jnp.asarray(order[: len(X) // size * size].reshape(-1, size))
        start = time.perf_counter()
        state = jax.block_until_ready(run(state, batches))
        seconds.append(time.perf_counter() - start)
    return seconds[1:], None


RIVALS = {
    "here": epochs_here, "products": epochs_products, "sklearn": epochs_sklearn,
    "keras": epochs_keras, "torch": epochs_torch, "jax": epochs_jax,
}  # fmt: skip


def train_apart(*call):
    """Train one rival in a process of its own, on one core; return seconds and score."""
    command = [sys.executable, __file__, "--worker", ":".join(map(str, call))]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(f"{call[0]} is left out: {done.stderr.strip().splitlines()[-1]}")
        return None
    return json.loads(done.stdout.splitlines()[-1])


def work(call):
    """Do what ``train_apart`` asks for; as many threads for all: one."""
    name, hidden, epochs, batch, lr, seed = call.split(":")
    if hasattr(os, "sched_setaffinity"):  # Linux
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sizes = [int(n) for n in hidden.split(",")]
    result = RIVALS[name](sizes, int(epochs), int(batch), float(lr), int(seed))
    print(json.dumps(result))


def benchmark_mnist():
    print("03: seconds an epoch, 784-128-64-10, batch 128, Adam, float32, one core")
    times, sizes = {name: [] for name in RIVALS}, ",".join(map(str, HIDDEN))
    for _ in range(3):
        for name in list(times):
            if found := train_apart(name, sizes, 4, BATCH, LR, 0):
                times[name] += found[0][1:]  # warm
            else:
                del times[name]
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    for name, seconds in sorted(medians.items(), key=lambda item: item[1]):
        ratio = medians["here"] / seconds
        print(f"{name:10} {seconds:7.3f}   this script takes {ratio:5.2f} x")


def benchmark_accuracy():
    """The fewest epochs after which three seeds reach 98.3 % on average."""
    print("03: to 98.3 % test accuracy, 784-256-128-10, Adam, one core, three seeds")
    for name, batch, lr in (
        ("here", 256, 0.004),  # the rate falls in a line to 0, here, in Keras and PyTorch
        ("keras", 256, 0.004),
        ("torch", 256, 0.004),
        ("sklearn", 256, 0.001),  # it keeps its rate, so it needs a smaller one
    ):
        for epochs in (6, 8, 10, 15, 20):
            found = [train_apart(name, "256,128", epochs, batch, lr, s) for s in range(3)]
            if None in found:
                break
            score = np.mean([accuracy for _, accuracy in found])
            seconds = statistics.median(sum(times) for times, _ in found)
            if score >= 0.983 or epochs == 20:
                print(f"{name:10} {epochs:3} epochs {seconds:7.1f} s   {score:.2%}")
                break


# --- The other projects


def benchmark_xor():
    script, rng = load("02_xor_mlp"), np.random.default_rng(0)
    flags = ["--momentum", "0.9", "--lr", "2", "--epochs", "5000"]
    args = script.parse_args(flags)
    params = script.init_params(1000, 2, 0.3, rng)
    start = time.perf_counter()
    quietly(script.train_many, params, script.X, script.y, args)
    batch = time.perf_counter() - start
    one = {key: value[:1] for key, value in params.items()}
    start = time.perf_counter()
    quietly(script.train_many, one, script.X, script.y, args)
    single = time.perf_counter() - start
    print(
        f"02: 1,000 networks x 5,000 epochs in {batch:.1f} s as one stack; one alone "
        f"takes {single:.2f} s, so a loop {1000 * single / batch:,.0f} times as long"
    )


def benchmark_landscape():
    script, rng = load("06_loss_landscape"), np.random.default_rng(0)
    X, y = script.make_data(rng)
    theta = script.pack(script.init_params(16, rng))
    d1, d2 = rng.normal(size=(2, theta.size))
    t, times = np.linspace(-1, 1, 101), []
    for _ in range(5):
        start = time.perf_counter()
        batch = script.loss_on_plane(theta, d1, d2, t, t, X, y)
        middle = time.perf_counter()
        loop = [script.loss_at(theta + a * d1 + b * d2, X, y) for b in t for a in t]
        times.append((middle - start, time.perf_counter() - middle))
    assert np.allclose(np.ravel(batch), loop), "both must draw the same surface"
    batch, loop = np.median(times, axis=0)
    print(
        f"06: 101 x 101 points in {batch:.2f} s as one batch, {loop:.2f} s as a loop, "
        f"which takes {loop / batch:.1f} times as long"
    )


def benchmark_frames():
    import matplotlib.pyplot as plt

    tests = project_tests(ROOT / "04_nn_visualizer/nn_visualizer.py")
    with plt.rc_context(tests.script.STYLE | tests.script.LOOK):
        rate = tests.frames_per_second(tests.script.parse_args([]))
    print(f"04: the live window trains and draws {rate:.0f} frames a second")


# A process counts the memory of the one that started it until it is loaded. So a small
# one stands between, and writes what it measured of the command.
MEASURE = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
_, status, usage = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
print(usage.ru_maxrss, process.returncode)
"""


def run_measured(command, cwd=None, **environment):
    """Return wall seconds, peak megabytes and exit status of a command (POSIX)."""
    start = time.perf_counter()
    between = [sys.executable, "-c", MEASURE, *map(str, command)]
    told = subprocess.run(
        between, cwd=cwd, env=os.environ | environment, check=True, capture_output=True
    )
    peak, status = map(int, told.stdout.split())
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return time.perf_counter() - start, peak / unit, status


def benchmark_runs():
    print("default runs        seconds   peak MB")
    total = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for path in SCRIPTS:
            command = [sys.executable, str(path), "--no-show", "--out", folder]
            seconds, peak, status = run_measured(command)
            total += seconds
            failed = "" if status == 0 else f"   FAILED with status {status}"
            print(f"{path.stem:18} {seconds:8.1f} {peak:9.0f}{failed}", flush=True)
    print(f"{'all':18} {total:8.1f}")


def benchmark_busy():
    """Each default run with one thread and with two, alone and beside two processes."""
    busy = [sys.executable, "-c", "while True: pass"]
    print("seconds             1 thread  2 threads  busy: 1 thread  2 threads  busy/quiet")
    with tempfile.TemporaryDirectory() as folder:
        for path in SCRIPTS:
            command = [sys.executable, str(path), "--no-show", "--out", folder]
            row = []
            for others in (0, 2):
                beside = [subprocess.Popen(busy) for _ in range(others)]
                for threads in "12":
                    row.append(run_measured(command, OMP_NUM_THREADS=threads)[0])
                for process in beside:
                    process.kill()
            print(
                f"{path.stem:18} {row[0]:9.1f} {row[1]:10.1f} {row[2]:15.1f} "
                f"{row[3]:10.1f} {row[2] / row[0]:10.1f}x",
                flush=True,
            )


def benchmark_suite():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    seconds, peak, status = run_measured(command, ROOT)
    print(f"the suite: {seconds:.0f} s, {peak:.0f} MB, exit status {status}")


def main():
    tools = {
        name.removeprefix("benchmark_"): function
        for name, function in globals().items()
        if name.startswith("benchmark_")
    }
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", metavar="WHAT")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(args.worker)
        return
    if unknown := set(args.what) - set(tools):
        parser.error(f"{', '.join(unknown)}: choose from {', '.join(tools)}")
    for name in args.what or [tool for tool in tools if tool not in ("accuracy", "busy")]:
        tools[name]()


if __name__ == "__main__":
    main()
