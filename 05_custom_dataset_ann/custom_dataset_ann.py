# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=1.26", "matplotlib>=3.8", "scikit-learn>=1.4"]
# ///
"""What does it take to get from a CSV file to a network whose answers one can trust?

    table -> X = a0 (N, D) -> W1 (D, 16) -> tanh -> a1 -> W2 (16, K) -> a2 (N, K)

Numbers are standardised, categories become one column per value. With K classes a2 is
softmax, a probability each; for a number to predict K = 1 and a2 is the sum itself.
N rows; the layers, any number, are a loop. (5.1) ... are the equations of README.md.

    python custom_dataset_ann.py                          the penguins
    python custom_dataset_ann.py --target body_mass_g     a number: regression
    python custom_dataset_ann.py --csv FILE --target COLUMN --predict NEW.csv
"""

import argparse
import csv
import json
import math
import sys
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

CLASS_COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7",
                 "#56B4E9", "#D55E00", "#F0E442", "#000000"]  # Okabe & Ito
TRAIN_COLOUR, VALIDATION_COLOUR, TEST_COLOUR = "#56B4E9", "#D55E00", "#009E73"
TRUTH = {"color": "#000000", "linestyle": "--"}  # the truth, a bound, a theory line
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}


class InputError(ValueError):
    """Bad input that the user can mend; the message is one sentence that says how."""


# --- Data -----------------------------------------------------------------------------

PENGUINS = Path(__file__).resolve().parent / "penguins.csv"
MISSING = {"", "na", "n/a", "nan", "null", "none", "?", "-", "."}


def read_table(path, max_rows, rng):
    """Return the column names, the rows as text and the number of rows in the file.

    Of a longer file every row has the same chance to be among the ``max_rows`` kept.
    """
    for encoding in ("utf-8-sig", "latin-1"):  # Latin-1 reads any byte
        try:
            with open(path, encoding=encoding, newline="") as file:
                return read_rows(file, path, max_rows, rng)
        except UnicodeDecodeError:
            continue
        except csv.Error as error:
            raise InputError(f"{path} is not a CSV file: {error}") from None


def read_rows(file, path, max_rows, rng):
    """Do the work of read_table for an open file. Raises InputError."""
    head = file.read(65536)
    if "\0" in head:
        raise InputError(f"{path} is not a table in text: save it as CSV, in UTF-8")
    lines = [line for line in head.splitlines() if line.strip()][:50]
    if not lines:
        raise InputError(f"{path} is empty")
    widths = {d: [len(row) for row in csv.reader(lines, delimiter=d)] for d in ",;\t|"}
    delimiter = max(widths, key=lambda d: widths[d].count(widths[d][0]) * widths[d][0])
    file.seek(0)
    reader, names, rows, count = csv.reader(file, delimiter=delimiter), None, [], 0
    for row in reader:
        row = [text.strip() for text in row]
        if not any(row):
            continue
        if names is None:
            names = [name or f"column {i}" for i, name in enumerate(row, 1)]
            check_names(names, path)
            continue
        if len(row) != len(names):
            raise InputError(f"{path}, line {reader.line_num}: {len(row)} values, but "
                             f"the first line names {len(names)} columns")
        count += 1
        if count <= max_rows:
            rows.append(row)
        elif (place := int(rng.random() * count)) < max_rows:
            rows[place] = row
    if not rows:
        raise InputError(f"{path} has a first line of names, but no rows")
    return names, rows, count


def check_names(names, path):
    """Raise InputError unless these can be the names of the columns of a table."""
    twice = sorted({name for name in names if names.count(name) > 1})
    numbers = [name for name in names if to_number(name) is not None]
    if len(names) < 2:
        raise InputError(f"{path} has one column only, {names[0][:60]!r}; columns must "
                         "be separated by commas, semicolons, tabs or |")
    if numbers:
        raise InputError(f"{path}: the first line must name the columns, but holds "
                         f"{numbers[0]!r}")
    if twice:
        raise InputError(f"{path}: two columns are called {twice[0]!r}; rename one")


def to_number(text):
    """Return a float, NaN for what is missing or infinite, None for any other text."""
    if text.lower() in MISSING:
        return math.nan
    try:
        value = float(text.replace(",", "."))  # 3,5 is a number in half of Europe
    except ValueError:
        return None
    return value if abs(value) < 1e100 else math.nan


def judge_column(texts, as_category=False):
    """Return kind ("number", "category", "left out"), values and remark of a column."""
    numbers = [to_number(text) for text in texts]
    odd = [text for text, value in zip(texts, numbers) if value is None]
    filled = sum(text.lower() not in MISSING for text in texts)
    if as_category or len(odd) > 0.1 * filled:
        values = ["" if text.lower() in MISSING else text for text in texts]
        distinct = set(values) - {""}
        kind, remark = "category", f"one-hot, {len(distinct)} values"
        gaps = len(texts) - filled
        serial = len(distinct) == filled
    else:
        values = [math.nan if value is None else value for value in numbers]
        distinct = {value for value in values if not math.isnan(value)}
        kind, remark = "number", "standardised"
        gaps = sum(map(math.isnan, values)) - len(odd)
        if odd:
            remark += f"; {len(odd)} texts like {odd[0][:20]!r} taken as missing"
        serial = (len(distinct) == len(texts) == max(distinct) - min(distinct) + 1
                  and all(value.is_integer() for value in distinct))
    if gaps:
        remark += f"; {gaps} missing"
    if len(distinct) < 2:
        kind, remark = "left out", "holds one value in every row" if filled else "empty"
    elif serial and len(texts) > 20 and not as_category:
        kind, remark = "left out", "suspicious: another value in each row, like an ID"
    return kind, values, remark


def load_data(path, target, drop, categorical, max_rows, rng):
    """Read a table: X (N, columns) of numbers and texts, y (N,), and what they are.

    y holds class numbers, or floats if the target is a number of more than 20 values
    and is not declared categorical. Raises InputError.
    """
    names, rows, count = read_table(path, max_rows, rng)
    for name in [target, *drop, *categorical]:
        if name not in names:
            raise InputError(f"{path} has no column {name!r}; it has "
                             f"{', '.join(names)}")
    rows = [row for row in rows if row[names.index(target)].lower() not in MISSING]
    if not rows:
        raise InputError(f"{path}: the target {target!r} is missing in every row")
    columns = dict(zip(names, zip(*rows)))
    table = {"rows": len(rows), "rows_in_file": count, "target": target, "names": [],
             "kinds": [], "remarks": {}}
    kept = []
    for name, texts in columns.items():
        if name == target:
            continue
        kind, values, remark = judge_column(texts, name in categorical)
        if name in drop:
            kind, remark = "left out", "as --drop says"
        table["remarks"][name] = (kind, remark)
        if kind != "left out":
            table["names"].append(name)
            table["kinds"].append(kind)
            kept.append(np.array(values, dtype=object))
    if not kept:
        raise InputError(f"{path} has no column left to learn {target!r} from")
    table["X"] = X = np.stack(kept, axis=1)
    gaps = (X == "") | (X != X)  # NaN is the one value that differs from itself
    table["rows_with_missing"] = int(gaps.any(axis=1).sum())
    return table | encode_target(columns[target], target, target in categorical)


def encode_target(texts, name, as_category):
    """Return y (N,) and the class names, or None for a number. Raises InputError."""
    from sklearn.preprocessing import LabelEncoder

    numbers = [to_number(text) for text in texts]
    if not as_category and None not in numbers and len(set(numbers)) > 20:
        if not np.all(np.isfinite(numbers)):
            raise InputError(f"the target {name!r} holds infinite numbers")
        return {"y": np.array(numbers), "classes": None}
    encoder = LabelEncoder()
    y = encoder.fit_transform(texts)
    sizes = np.bincount(y)
    if len(sizes) < 2:
        raise InputError(f"the target {name!r} has one class only, {texts[0]!r}; there "
                         "is nothing to tell apart")
    if sizes.min() < 8:
        rare = str(encoder.classes_[sizes.argmin()])
        raise InputError(f"class {rare!r} of {name!r} has {sizes.min()} example(s), "
                         "but training, validation and test need 8 between them; add "
                         "some or remove that class")
    return {"y": y, "classes": [str(label) for label in encoder.classes_]}


def make_encoder(kinds):
    """Return what turns rows of numbers and texts into a matrix, not yet fitted."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    number = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True),
                           StandardScaler())
    category = make_pipeline(
        SimpleImputer(missing_values="", strategy="most_frequent"),
        OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=30))
    return ColumnTransformer([(name, steps, [kind == name for kind in kinds])
                              for name, steps in (("number", number),
                                                  ("category", category))],
                             sparse_threshold=0)


def hold_out(rows, table, share, seed):
    """Split row numbers in two, the second part ``share`` of them, classes in ratio."""
    from sklearn.model_selection import train_test_split

    size = max(math.ceil(share * len(rows)), len(table["classes"] or [0]))
    return train_test_split(rows, test_size=size, random_state=seed,
                            stratify=table["y"][rows] if table["classes"] else None)


# --- Model ----------------------------------------------------------------------------

HIDDEN = {"tanh": (np.tanh, lambda z, a: 1 - a**2),  # name: (f(z), f'(z) from z and a)
          "relu": (lambda z: np.maximum(0.0, z), lambda z, a: 1.0 * (z > 0))}


def init_params(sizes, rng):
    """Return zero biases and Glorot's random weights for layers of these sizes."""
    params = {}
    for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:]), 1):
        scale = math.sqrt(2 / (n_in + n_out))
        params[f"W{k}"] = rng.normal(scale=scale, size=(n_in, n_out))  # (5.5)
        params[f"b{k}"] = np.zeros(n_out)
    return params


def softmax(z):
    """Return exp(z) / sum(exp(z)) along the last axis; the shift prevents overflow."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(z):
    """Return log(softmax(z)) along the last axis, exact where softmax underflows."""
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def forward(params, X, activation="tanh"):
    """Return the cache a0 = X (N, D), z1, a1, ..., zL, aL (N, K), the answers."""
    cache, depth = {"a0": X}, len(params) // 2
    for k in range(1, depth + 1):
        z = cache[f"a{k - 1}"] @ params[f"W{k}"] + params[f"b{k}"]  # (N, size k)  (5.2)
        cache[f"z{k}"] = z
        if k < depth:
            cache[f"a{k}"] = HIDDEN[activation][0](z)
        else:
            cache[f"a{k}"] = softmax(z) if z.shape[1] > 1 else z  # (5.3)
    return cache


# --- Loss and gradients ---------------------------------------------------------------


def loss(cache, y):
    """Return the cross-entropy of classes y (N,), or half the mean squared error."""
    z = cache[f"z{len(cache) // 2}"]  # (N, K)
    if z.shape[1] > 1:
        return -np.mean(log_softmax(z)[np.arange(len(y)), y])  # (5.4)
    return 0.5 * np.mean((z[:, 0] - y) ** 2)  # (5.6)


def backward(params, cache, y, activation="tanh"):
    """Return the gradient of the loss for each array in params."""
    N, depth, grads = len(y), len(params) // 2, {}
    a = cache[f"a{depth}"]
    truth = np.eye(a.shape[1])[y] if a.shape[1] > 1 else y[:, None]  # (N, K)
    dz = (a - truth) / N  # (N, K)  (5.7): one formula for classes and for numbers
    for k in range(depth, 0, -1):
        grads[f"W{k}"] = cache[f"a{k - 1}"].T @ dz  # (in, out)  (5.8)
        grads[f"b{k}"] = dz.sum(axis=0)  # (out,)
        if k > 1:
            da = dz @ params[f"W{k}"].T  # (N, in)
            slope = HIDDEN[activation][1](cache[f"z{k - 1}"], cache[f"a{k - 1}"])
            dz = da * slope  # (N, in)  (5.9)
    return grads


# --- Training -------------------------------------------------------------------------


def adam_step(params, grads, moments, step, lr):
    """Return params after step number ``step`` = 1, 2, ... of Adam (Kingma & Ba, 2015).

    ``moments`` starts as an empty dict and keeps two running means of each gradient.
    """
    moved = {}
    for key, grad in grads.items():
        m, v = moments.get(key, (0.0, 0.0))
        m, v = 0.9 * m + 0.1 * grad, 0.999 * v + 0.001 * grad**2
        moments[key] = m, v
        m_hat, v_hat = m / (1 - 0.9**step), v / (1 - 0.999**step)  # both began at 0
        moved[key] = params[key] - lr * m_hat / (np.sqrt(v_hat) + 1e-8)
    return moved


def is_progress_epoch(epoch, epochs):
    """Say whether this epoch is one of the ten or so that print a line."""
    return epoch in (1, epochs) or epoch % max(1, epochs // 10) == 0


def stop_if_diverged(value, epoch):
    """Raise FloatingPointError, with advice, when a loss is no longer finite."""
    if not np.isfinite(value):
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value}; try a smaller --lr")


def train(params, training, validation, args, rng, verbose=False):
    """Train with Adam on shuffled mini-batches; return params and history.

    The params returned are those of the epoch with the lowest validation loss.
    Raises FloatingPointError when the loss is no longer finite.
    """
    (X, y), moments, step = training, {}, 0
    history = {"loss": [], "validation": [], "kept": 0, "stopped": False}
    best, lowest = params, math.inf
    try:
        for epoch in range(1, args.epochs + 1):
            order = rng.permutation(len(X))
            for i in range(0, len(X), args.batch_size):
                batch, step = order[i : i + args.batch_size], step + 1
                cache = forward(params, X[batch], args.activation)
                grads = backward(params, cache, y[batch], args.activation)
                params = adam_step(params, grads, moments, step, args.lr)
            values = [float(loss(forward(params, inputs, args.activation), truth))
                      for inputs, truth in (training, validation)]
            stop_if_diverged(sum(values), epoch)
            history["loss"].append(values[0])
            history["validation"].append(values[1])
            if values[1] < lowest:
                best, lowest, history["kept"] = params, values[1], epoch
            if verbose and is_progress_epoch(epoch, args.epochs):
                print(f"{epoch:5d}   {values[0]:.4f}   {values[1]:10.4f}", flush=True)
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C; what was learnt so far is kept.")
        history["stopped"] = True
    return best, history


def fit_network(table, rows, args, rng, verbose=False):
    """Learn encoding and network from these rows; a tenth of them is for validation."""
    training, validation = hold_out(rows, table, 0.1, args.seed)
    X, y = table["X"], table["y"]
    encoder = make_encoder(table["kinds"]).fit(X[training])  # (5.1)
    center, scale = 0, 1
    if not table["classes"]:  # a number to predict is standardised, too
        center, scale = y[training].mean(), max(y[training].std(), 1e-300)
        y = (y - center) / scale
    parts = [(encoder.transform(X[part]), y[part]) for part in (training, validation)]
    sizes = [parts[0][0].shape[1], *args.hidden, len(table["classes"] or [0])]
    if verbose:
        print(f"\nNetwork {'-'.join(map(str, sizes))}, {args.activation}, Adam "
              f"{args.lr:g}, batch {args.batch_size}, seed {args.seed}: "
              f"{len(training):,} training, {len(validation):,} validation rows\n\n"
              "epoch     loss   validation")
    params, history = train(init_params(sizes, rng), *parts, args, rng, verbose)
    return {"params": params, "encoder": encoder, "activation": args.activation,
            "center": center, "scale": scale, "history": history}


def answers(model, X):
    """Return probabilities (N, K), or numbers (N, 1), for rows X of a table."""
    cache = forward(model["params"], model["encoder"].transform(X), model["activation"])
    return cache[f"a{len(cache) // 2}"] * model["scale"] + model["center"]


# --- Evaluation -----------------------------------------------------------------------


def judge(table, a, y):
    """Return the accuracy of the answers a (N, K), or R squared if they are numbers."""
    if table["classes"]:
        return float(np.mean(a.argmax(axis=1) == y))
    return float(1 - np.mean((a[:, 0] - y) ** 2) / max(np.var(y), 1e-300))  # (5.10)


def rival_scores(table, encoder, training, test, args, with_mlp):
    """Return the scores of scikit-learn's models on the same rows and encoding."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.preprocessing import StandardScaler

    shape = {"hidden_layer_sizes": args.hidden or [16], "activation": args.activation,
             "max_iter": 2000, "random_state": args.seed}
    if table["classes"]:
        models = {"majority": DummyClassifier(), "linear": LogisticRegression(),
                  "mlp": MLPClassifier(**shape)}
    else:
        mlp = TransformedTargetRegressor(MLPRegressor(**shape),
                                         transformer=StandardScaler())
        models = {"majority": DummyRegressor(), "linear": Ridge(), "mlp": mlp}
    y = table["y"]
    X, X_test = (encoder.transform(table["X"][rows]) for rows in (training, test))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an MLP that would like to train on
        return {name: float(model.fit(X, y[training]).score(X_test, y[test]))
                for name, model in models.items() if with_mlp or name != "mlp"}


def cross_validate(table, args, rng):
    """Return the scores by fold, ours and the rivals', and answers for every row.

    Each fold is tested by a network that has seen none of it, encoding included.
    """
    from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

    y, K = table["y"], len(table["classes"] or [0])
    splitter = RepeatedStratifiedKFold if table["classes"] else RepeatedKFold
    folds = min(args.folds, min(np.bincount(y)) if table["classes"] else len(y))
    splits = splitter(n_splits=folds, n_repeats=args.repeats, random_state=args.seed)
    scores, unseen = {"network": []}, np.zeros((len(y), K))
    for i, (training, test) in enumerate(splits.split(table["X"], y), 1):
        model = fit_network(table, training, args, rng)
        if model["history"]["stopped"]:
            break
        a = answers(model, table["X"][test])
        scores["network"].append(judge(table, a, y[test]))
        rivals = rival_scores(table, model["encoder"], training, test, args,
                              args.compare)
        for name, value in rivals.items():
            scores.setdefault(name, []).append(value)
        if i <= folds:
            unseen[test] = a
        if i % folds == 0:
            print(f"cross-validation, repeat {i // folds} of {args.repeats}: "
                  f"{np.mean(scores['network'][-folds:]):.4f}", flush=True)
    return scores, unseen if len(scores["network"]) >= folds else None


def permutation_importance(table, model, rows, rng, repeats=10):
    """Return how much the score falls when one column is shuffled: {name: (mean, sd)}.

    A column that the network does not use can be shuffled at no loss.
    """
    X, y = table["X"][rows], table["y"][rows]
    whole, falls = judge(table, answers(model, X), y), {}
    for j, name in enumerate(table["names"]):
        fall = []
        for _ in range(repeats):
            shuffled = X.copy()
            shuffled[:, j] = rng.permutation(X[:, j])
            fall.append(whole - judge(table, answers(model, shuffled), y))  # (5.11)
        falls[name] = float(np.mean(fall)), float(np.std(fall))
    return dict(sorted(falls.items(), key=lambda item: -item[1][0]))


def precision_and_recall(table, guess, y):
    """Return the confusion counts C[true, guessed] (K, K) and both shares by class."""
    K = len(table["classes"])
    counts = np.bincount(y * K + guess, minlength=K * K).reshape(K, K)
    right = np.diag(counts)
    return (counts, right / np.maximum(1, counts.sum(axis=0)),
            right / np.maximum(1, counts.sum(axis=1)))


def compare_encodings(args, rng):
    """Return the accuracy on 26 towns, half of them of class 1, for two encodings."""
    town = np.tile(np.arange(26), 10)
    y = rng.permutation(26)[town] % 2
    inputs = {"one_hot": np.eye(26)[town], "numbered": (town[:, None] - 12.5) / 7.5}
    scores = {}
    for name, X in inputs.items():
        start = init_params([X.shape[1], *args.hidden, 2], rng)
        params, _ = train(start, (X, y), (X, y), args, rng)
        cache = forward(params, X, args.activation)
        scores[name] = judge({"classes": "01"}, cache[f"a{len(cache) // 2}"], y)
    return scores


# --- Rows without a label -------------------------------------------------------------


def read_new_rows(path, table, rng):
    """Return header, rows and X (N, columns) of a file of rows to be judged."""
    names, rows, count = read_table(path, 10**6, rng)
    if count > len(rows):
        raise InputError(f"{path} has {count:,} rows; 1,000,000 can be judged at once")
    absent = [name for name in table["names"] if name not in names]
    if len(absent) == len(table["names"]):
        raise InputError(f"{path} has none of the columns {', '.join(absent)}")
    if absent:
        print(f"{path} lacks {', '.join(absent)}: filled in as missing values")
    X = np.empty((len(rows), len(table["names"])), dtype=object)
    for j, (name, kind) in enumerate(zip(table["names"], table["kinds"])):
        texts = [row[names.index(name)] for row in rows] if name in names else [""]
        if kind == "number":
            values = [to_number(text) for text in texts]
            if None in values:
                print(f"{path}, {name}: {texts[values.index(None)]!r} is no number")
            values = [math.nan if value is None else value for value in values]
        else:
            values = ["" if text.lower() in MISSING else text for text in texts]
            if unseen := set(values) - {"", *table["X"][:, j]}:
                print(f"{path}, {name}: {', '.join(sorted(unseen))[:60]!r} never seen "
                      "in training, so no column is 1")
        X[:, j] = values if name in names else values * len(rows)
    return names, rows, X


def write_answers(path, table, model, new):
    """Write the rows again with an answer, and the probability of each class."""
    names, rows, X = new
    a, classes = answers(model, X), table["classes"]
    extra = [f"p({label})" for label in classes or []]
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*names, f"predicted {table['target']}", *extra])
        for row, values in zip(rows, a):
            answer = ([classes[values.argmax()], *(f"{p:.4f}" for p in values)]
                      if classes else [f"{values[0]:.6g}"])
            writer.writerow([*row, *answer])


# --- Figures --------------------------------------------------------------------------


def class_colours(classes):
    """Return one colour for each class; after eight they begin again."""
    return [CLASS_COLOURS[k % len(CLASS_COLOURS)] for k in range(len(classes))]


def plot_data(table):
    """Draw each column, up to nine of them, by class or against the target."""
    count, y, classes = min(9, len(table["names"])), table["y"], table["classes"]
    columns = min(3, count)
    lines = math.ceil(count / columns)
    fig, axs = plt.subplots(lines, columns, figsize=(9, 0.8 + 2.2 * lines),
                            layout="constrained", squeeze=False)
    for j, ax in enumerate(axs.flat):
        if j >= count:
            ax.axis("off")
            continue
        values, place = table["X"][:, j], None
        if table["kinds"][j] == "category":
            labels, place = np.unique(values.astype(str), return_inverse=True)
            values = place
            ax.set_xticks(range(min(8, len(labels))),
                          [label[:12] or "missing" for label in labels[:8]])
        values = np.asarray(values, dtype=float)
        if not classes:
            jitter = 0 if place is None else 0.5 * np.sin(np.arange(len(y)) * 2.4) / 2
            ax.scatter(values + jitter, y, s=6, color=TRAIN_COLOUR, alpha=0.6)
            ax.set_ylabel(table["target"])
        else:
            low, high = np.nanmin(values), np.nanmax(values)
            bins = (np.linspace(low, high, 20) if place is None
                    else np.arange(-0.5, len(labels) + 0.5))
            ax.hist([values[y == k] for k in range(len(classes))], bins, stacked=True,
                    color=class_colours(classes), label=classes, rwidth=0.9)
            ax.set_ylabel("rows")
        ax.set_xlabel(table["names"][j])
    title = f"{table['rows']:,} rows, {len(table['names'])} columns to learn from"
    if classes:
        title += f": which {table['target']} is it?"
        if len(classes) <= 8:
            fig.legend(*axs[0, 0].get_legend_handles_labels(), ncols=4,
                       loc="outside lower center")
    fig.suptitle(title, fontsize=11, fontweight="bold")
    return fig


def plot_curves(history):
    """Draw the loss of both parts by epoch and mark the epoch that is kept."""
    fig, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
    for key, name, colour in (("loss", "training", TRAIN_COLOUR),
                              ("validation", "validation", VALIDATION_COLOUR)):
        ax.semilogy(range(1, len(history[key]) + 1), history[key], color=colour,
                    linewidth=2, label=name)
    kept = history["kept"]
    if kept:
        ax.axvline(kept, **TRUTH, linewidth=1, label="the epoch kept")
        ax.plot(kept, history["validation"][kept - 1], "o", color=VALIDATION_COLOUR)
    ax.set(xlabel="epoch", ylabel="loss",
           title=f"The validation loss is lowest in epoch {kept}: that network is kept")
    ax.legend()
    return fig


def plot_confusion(table, a, y, source):
    """Draw who was taken for whom; for a number, the answer against the truth."""
    fig, ax = plt.subplots(figsize=(8, 5.2), layout="constrained")
    if not table["classes"]:
        ax.scatter(y, a[:, 0], s=14, color=TEST_COLOUR, alpha=0.6)
        ax.axline((y.min(), y.min()), slope=1, **TRUTH)
        ax.set(xlabel=f"true {table['target']}", ylabel="the network's answer",
               title=f"R squared {judge(table, a, y):.3f} on {len(y):,} {source}")
        return fig
    counts, precision, recall = precision_and_recall(table, a.argmax(axis=1), y)
    names, share = table["classes"], counts / np.maximum(1, counts.sum(1))[:, None]
    ax.imshow(share, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    if len(names) <= 12:
        for (i, k), count in np.ndenumerate(counts):
            ax.text(k, i, f"{count}", ha="center", va="center",
                    color="black" if share[i, k] > 0.6 else "white", fontsize=13)
        ax.set_xticks(range(len(names)), [f"{name}\nprecision {value:.1%}" for
                                          name, value in zip(names, precision)])
        ax.set_yticks(range(len(names)), [f"{name}\nrecall {value:.1%}" for
                                          name, value in zip(names, recall)])
    ax.spines[:].set_visible(False)
    ax.set(xlabel="the network's answer", ylabel=f"true {table['target']}",
           title=f"{len(y) - np.trace(counts)} of {len(y):,} {source} wrong")
    return fig


def plot_importance(importance, measure):
    """Draw by how much the score falls when a column is shuffled."""
    names = list(importance)[:15][::-1]
    fig, ax = plt.subplots(figsize=(8, 1.6 + 0.38 * len(names)), layout="constrained")
    mean, sd = np.array([importance[name] for name in names]).T
    ax.barh(names, mean, xerr=sd, color=TEST_COLOUR, ecolor="#000000", capsize=3)
    ax.axvline(0, color="#000000", linewidth=0.8)
    ax.set(xlabel=f"{measure} lost on the test rows when the column is shuffled "
                  "(mean and s.d. of 10)",
           title=f"Shuffling {names[-1][:30]} costs most: {mean[-1]:.2f} of {measure}")
    return fig


def plot_regions(table, model, pair, score):
    """Draw the answers of a network that sees two columns only, and the rows."""
    fig, ax = plt.subplots(figsize=(8, 5.2), layout="constrained")
    X, y, classes = table["X"].astype(float), table["y"], table["classes"]
    low, high = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
    pad = 0.05 * (high - low)
    x1, x2 = np.meshgrid(*np.linspace(low - pad, high + pad, 300).T)
    a = answers(model, np.column_stack([x1.ravel(), x2.ravel()]).astype(object))
    if classes:
        colours = class_colours(classes)
        ax.imshow(a.argmax(axis=1).reshape(x1.shape), alpha=0.25, aspect="auto",
                  extent=[x1.min(), x1.max(), x2.min(), x2.max()], origin="lower",
                  cmap=ListedColormap(colours), vmin=-0.5, vmax=len(classes) - 0.5)
        for k, name in enumerate(classes):
            ax.scatter(*X[y == k].T, s=22, color=colours[k], edgecolor="white",
                       linewidth=0.5, label=name if k < 12 else None)
        fig.legend(loc="outside lower center", ncols=4)
        title = f"Two columns alone: {score:.1%} of the test rows right"
    else:
        colours = plt.Normalize(y.min(), y.max())
        ax.contourf(x1, x2, a.reshape(x1.shape), 12, cmap="viridis", norm=colours)
        dots = ax.scatter(*X.T, c=y, s=22, cmap="viridis", norm=colours,
                          edgecolor="white", linewidth=0.5)
        fig.colorbar(dots, ax=ax, label=table["target"])
        title = f"Two columns alone: R squared {score:.2f} on the test rows"
    ax.set(xlabel=pair[0], ylabel=pair[1], title=title)
    return fig


# --- Command line ---------------------------------------------------------------------


def number(kind, low, high):
    """Return an argparse type: an int or a float from ``low`` to ``high``."""

    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan  # lies in no interval
        if not low <= value <= high:
            noun = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(
                f"{text!r} is not {noun} from {low:g} to {high:g}")
        return value

    return parse


class Parser(argparse.ArgumentParser):
    """A parser with the flags of all ten scripts, whose errors are one sentence."""

    def __init__(self):
        super().__init__(description=__doc__, allow_abbrev=False,
                         formatter_class=argparse.RawDescriptionHelpFormatter)
        self.add_argument("--seed", type=number(int, 0, 2**32 - 1), default=0,
                          help="seed of all random numbers (default: %(default)s)")
        self.add_argument("--out", type=Path, metavar="DIR",
                          default=Path(__file__).resolve().parent / "output",
                          help="where to write (default: output/ beside this script)")
        self.add_argument("--no-show", action="store_true",
                          help="save the pictures, open no window")

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}\n")


def run_safely(story, args):
    """Call ``story(args)``; say what failed in one sentence; return the exit status."""
    sys.stdout.reconfigure(errors="replace")  # a console that lacks a letter shows "?"
    plt.rcParams.update(STYLE)
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            story(args)  # training looks for numbers that are not finite itself
        return 0
    except KeyboardInterrupt:
        status, message = 130, "stopped by Ctrl-C"
    except FloatingPointError as error:  # training diverged
        status, message = 1, error
    except (InputError, OSError, MemoryError) as error:
        status, message = 2, error
    print(f"{Path(__file__).name}: {message}", file=sys.stderr)
    return status


def make_folder(folder):
    """Create the folder, and prove before any work is done that it can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise InputError(f"cannot write to {folder} ({error.strerror}); choose another "
                         "folder with --out DIR") from None


def save_results(args, figures, metrics, others=()):
    """Write {name: Figure} and the metrics to ``args.out``, then open the windows.

    ``others`` names the files that the run has already written there.
    """
    for name, fig in figures.items():
        fig.savefig(args.out / f"{name}.png", dpi=150)
    settings = {k: v for k, v in vars(args).items() if k not in ("out", "no_show")}
    text = json.dumps({**metrics, "settings": settings}, indent=2,
                      default=lambda v: v.name if isinstance(v, Path) else v.tolist())
    (args.out / "metrics.json").write_text(text + "\n", encoding="utf-8")
    names = [*(f"{name}.png" for name in figures), *others, "metrics.json"]
    print(f"Wrote {', '.join(names)} to {args.out}")
    if not args.no_show and plt.gcf().canvas.required_interactive_framework:
        plt.show()
    plt.close("all")


def parse_args(argv=None):
    """Return the settings on the command line."""
    parser = Parser()
    flag = parser.add_argument
    flag("--csv", type=Path, metavar="FILE", help="a table (default: penguins.csv)")
    flag("--target", metavar="COLUMN", help="what to predict (penguins: species)")
    flag("--drop", nargs="+", default=[], metavar="COLUMN", help="columns to leave out")
    flag("--categorical", nargs="+", default=[], metavar="COLUMN",
         help="columns of numbers that are only names")
    flag("--predict", type=Path, metavar="NEW",
         help="rows without a label; the answers go to predictions.csv")
    flag("--hidden", nargs="*", type=number(int, 1, 1000), default=[16], metavar="H",
         help="sizes of the hidden layers, none for a linear model (default: 16)")
    flag("--activation", choices=list(HIDDEN), default="tanh")
    flag("--epochs", type=number(int, 1, 10_000), default=40,
         help="rounds through the training rows (default: %(default)s)")
    flag("--lr", type=number(float, 1e-9, 1e9), default=0.03,
         help="learning rate of Adam (default: %(default)s)")
    flag("--batch-size", type=number(int, 1, 100_000), default=64,
         help="rows in each step (default: %(default)s)")
    flag("--folds", type=number(int, 0, 100), default=10,
         help="of the cross-validation; 0 for none (default: %(default)s)")
    flag("--repeats", type=number(int, 1, 100), default=5,
         help="of the cross-validation (default: %(default)s)")
    flag("--max-rows", type=number(int, 50, 10**6), default=10_000,
         help="of a longer file, a random sample is used (default: %(default)s)")
    flag("--compare", action="store_true",
         help="scikit-learn's MLP in every fold, too: slow")
    args = parser.parse_args(argv)
    if args.folds == 1:
        parser.error("--folds must be 0 or at least 2")
    if args.csv and not args.target:
        parser.error("--csv FILE needs --target COLUMN: what is to be predicted")
    return args


def describe(table, path):
    """Print what was read, and what is done with each column."""
    print(f"{path.name}: {table['rows_in_file']:,} rows; {table['rows']:,} used, "
          f"{table['rows_with_missing']:,} of them with missing values")
    for name, (kind, remark) in table["remarks"].items():
        print(f"  {name[:24]:24}  {kind:8}  {remark}")
    if table["classes"]:
        sizes = [f"{c} {n}" for c, n in zip(table["classes"], np.bincount(table["y"]))]
        print(f"Target {table['target']}: {', '.join(sizes[:10])}")
    else:
        print(f"Target {table['target']}: a number, so this is regression")


def look_closer(table, model, test, args, rng, measure):
    """Return importance and the figure of a network on the two best number columns."""
    importance = permutation_importance(table, model, test, rng)
    ranked = [table["names"].index(name) for name in importance]
    pair = [j for j in ranked if table["kinds"][j] == "number"][:2]
    figures = {"importance": plot_importance(importance, measure)}
    if len(pair) == 2:
        two = table | {"X": table["X"][:, pair], "kinds": ["number"] * 2}
        rows = np.setdiff1d(np.arange(table["rows"]), test)
        small = fit_network(two, rows, args, rng)
        score = judge(two, answers(small, two["X"][test]), table["y"][test])
        figures["regions"] = plot_regions(two, small, [table["names"][j] for j in pair],
                                          score)
    return importance, figures


def report_folds(scores, measure):
    """Print and return mean and standard deviation over the folds, by model."""
    summary = {name: {"mean": float(np.mean(values)), "sd": float(np.std(values))}
               for name, values in scores.items() if values}
    for name, values in summary.items():
        print(f"  {name:10} {measure} {values['mean']:.4f} ± {values['sd']:.4f}")
    return summary


def learn_a_table(args):
    """Load, train, judge, draw and save."""
    rng, own = np.random.default_rng(args.seed), args.csv is None
    path, target = args.csv or PENGUINS, args.target or "species"
    drop = args.drop or (["year"] if own else [])
    table = load_data(path, target, drop, args.categorical, args.max_rows, rng)
    new = read_new_rows(args.predict, table, rng) if args.predict else None
    make_folder(args.out)
    describe(table, path)
    measure = "accuracy" if table["classes"] else "r2"
    rest, test = hold_out(np.arange(table["rows"]), table, 0.2, args.seed)
    model = fit_network(table, rest, args, rng, verbose=True)
    a, y = answers(model, table["X"][test]), table["y"][test]
    rivals = rival_scores(table, model["encoder"], rest, test, args, with_mlp=True)
    metrics = {f"test_{measure}": judge(table, a, y), f"baseline_{measure}":
               rivals["majority"], "test_rivals": rivals, "test_rows": len(test),
               "kept_epoch": model["history"]["kept"]}
    print(f"Epoch {metrics['kept_epoch']} kept. On {len(test):,} test rows: {measure} "
          f"{metrics[f'test_{measure}']:.4f}; "
          + ", ".join(f"{name} {value:.4f}" for name, value in rivals.items()) + "\n")
    source = "test rows"
    if args.folds and not model["history"]["stopped"]:
        scores, unseen = cross_validate(table, args, rng)
        metrics["cv"] = summary = report_folds(scores, measure)
        if unseen is not None:
            a, y, source = unseen, table["y"], "rows, each unseen in training,"
            metrics |= {"cv_mean": summary["network"]["mean"],
                        "cv_sd": summary["network"]["sd"]}
    if table["classes"]:
        counts, *shares = precision_and_recall(table, a.argmax(axis=1), y)
        metrics |= {"confusion": counts, "wrong": int(len(y) - np.trace(counts)),
                    "precision": dict(zip(table["classes"], shares[0])),
                    "recall": dict(zip(table["classes"], shares[1]))}
        for name, *both in list(zip(table["classes"], *shares))[:10]:
            print("  {:20} precision {:.4f}, recall {:.4f}".format(name[:20], *both))
    importance, closer = look_closer(table, model, test, args, rng, measure)
    metrics["encoding"] = compare_encodings(args, rng)
    print("Which of 26 towns: numbered, accuracy {numbered:.2f}; one-hot {one_hot:.2f}"
          .format(**metrics["encoding"]))
    figures = {"data": plot_data(table),
               "learning_curves": plot_curves(model["history"]),
               "confusion": plot_confusion(table, a, y, source), **closer}
    if new:
        write_answers(args.out / "predictions.csv", table, model, new)
    keys = ("classes", "rows", "rows_with_missing")
    metrics |= {"importance": importance, "features": table["names"],
                "inputs": len(model["params"]["W1"]), **{k: table[k] for k in keys}}
    save_results(args, figures, metrics, ["predictions.csv"] * bool(new))


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    return run_safely(learn_a_table, parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
