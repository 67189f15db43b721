# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=2.0", "matplotlib>=3.9", "scikit-learn>=1.5"]
# ///
"""What does it take to get from a CSV file to a network whose answers one can trust?

    table -> X = a0 (N, D) -> W1 (D, 16) -> tanh -> a1 -> W2 (16, K) -> a2 (N, K)

N rows; numbers are standardised, categories become one column per value, D in all. With
K classes a2 is their probabilities, by softmax; to predict a number, K = 1 and a2 is
the weighted sum itself. A loop over layers allows any depth. (5.1) is in README.md.

    python custom_dataset_ann.py                          the penguins
    python custom_dataset_ann.py --target body_mass_g     a number: regression
    python custom_dataset_ann.py --csv FILE --target COLUMN --predict NEW.csv
"""

import argparse
import csv
import io
import json
import math
import re
import sys
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.ticker import LogFormatter

CLASS_COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7",
                 "#56B4E9", "#D55E00", "#F0E442", "#000000"]  # Okabe & Ito
TRAIN_COLOUR, VALIDATION_COLOUR, TEST_COLOUR = "#56B4E9", "#D55E00", "#009E73"
STYLE = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold"}


class InputError(ValueError):
    """Bad input that the user can mend; the message is one sentence that says how."""


# --- Data -----------------------------------------------------------------------------

PENGUINS = Path(__file__).resolve().parent / "penguins.csv"
MISSING = {"", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-", "."}
MAX_CATEGORIES = 30  # columns for one category; its rare values share the last
NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d*)?|\.\d+)(e\+?\d\d?|e-\d+)?", re.IGNORECASE)
UNIT = re.compile(r"^([+-]?)\s?[$\u20ac\u00a3]\s?|\s?[%$\u20ac\u00a3]$")  # $, euro, pound
# Numbers whose comma or points show that the comma is decimal, as all of these do:
# 12,5 and 0,125 (no thousands), 1.234,567 and 1.234.567 (points between thousands).
DECIMAL_COMMA = re.compile(r"[+-]?(\d+,(?!\d{3}$)\d+|0,\d+|\d+(\.\d{3})+,\d+"
                           r"|\d+(\.\d{3}){2,})")


def find_decimal(texts):
    """Return the decimal mark of a column: a comma if one of its numbers shows it."""
    comma = any(DECIMAL_COMMA.fullmatch(UNIT.sub(r"\1", text)) for text in texts)
    return "," if comma else "."


def read_numbers(texts, decimal=None):
    """Return the texts of a column as floats (N,), NaN for what is no finite number.

    1,234.5 and 1 234.5 are numbers; signs of money and % are passed over. ``decimal``
    is the decimal mark, "." or ","; if it is None, the column itself shows it.
    """
    decimal = decimal or find_decimal(texts)
    between = "." if decimal == "," else ","  # may stand between thousands
    thousands = re.compile(rf"(?<=\d)[{between}'\s](?=\d{{3}}(?!\d))")
    numbers = []
    for text in texts:
        text = UNIT.sub(r"\1", text).replace("\N{MINUS SIGN}", "-")
        text = thousands.sub("", text).replace(decimal, ".")
        numbers.append(float(text) if NUMBER.fullmatch(text) else math.nan)
    return np.array(numbers)


def find_delimiter(lines):
    """Return what splits the first line into many cells and the others into as many."""
    scores = {}
    for delimiter in ",;\t|":
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        scores[delimiter] = (widths[0] - 1) * widths.count(widths[0])
    return max(scores, key=scores.get)


def read_table(path, max_rows, rng):
    """Return {name of a column: array of its texts} and how many rows the file has.

    A missing value is "". Of a longer file a random sample of ``max_rows`` is kept.
    Raises InputError.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text(encoding="latin-1")  # in which any byte is a character
    lines = [line for line in text[:65536].split("\n") if line.strip()][:50]
    if not lines or "\0" in text:
        raise InputError(f"{path} is empty or no text: save it as CSV in UTF-8")
    try:
        rows = np.loadtxt(io.StringIO(text), dtype=object, comments=None, quotechar='"',
                          delimiter=find_delimiter(lines), ndmin=2)
    except ValueError as error:  # a row is longer or shorter than those above
        raise InputError(f"{path}: {error}".partition(";")[0]) from None
    names = [name.strip() or f"column {i}" for i, name in enumerate(rows[0], 1)]
    rows, count = rows[1:], len(rows) - 1
    if len(names) == 1 or count == 0:
        raise InputError(f"{path} must hold two columns, with , ; | or a tab between, "
                         "and rows below their names")
    for name, value in zip(names, read_numbers(names, decimal=".")):
        if math.isfinite(value) or names.count(name) > 1:
            raise InputError(f"{path}: the first line must give each column a name of "
                             f"its own, but holds {name!r}")
    if count > max_rows:
        rows = rows[np.sort(rng.choice(count, max_rows, replace=False))]
    for row in rows:
        row[:] = ["" if cell.strip().lower() in MISSING else cell.strip()
                  for cell in row]
    return dict(zip(names, rows.T)), count


def judge_column(texts, numbers, rows_in_file, as_category):
    """Return what a column is, "number", "category" or "left out", and a remark."""
    filled = texts != ""
    distinct = len(set(texts[filled]))
    if distinct < 2:
        return "left out", "one value in every row" if distinct else "empty"
    like_an_id = distinct > max(20, 0.9 * filled.sum())
    if as_category or np.isfinite(numbers).sum() < 0.9 * filled.sum():
        kind, remark = "category", f"one-hot, {distinct} values"
        if distinct > MAX_CATEGORIES:
            remark += ", the rare ones in one column"
    else:
        kind, remark, filled = "number", "standardised", ~np.isnan(numbers)
        whole = np.all(numbers[filled] % 1 == 0)  # measurements may all differ, too
        like_an_id &= whole and np.ptp(numbers[filled]) < 2 * rows_in_file
    if like_an_id and not as_category:
        return "left out", "suspicious: a value for nearly each row, like an ID or date"
    gaps = texts[~filled]
    if len(gaps):
        remark += f"; {len(gaps)} missing"
    if any(gaps):
        remark += f", texts like {max(gaps)[:20]!r} among them"
    return kind, remark


def encode_target(labels, numbers, args):
    """Return y (N,) and the class names, or None for a number. Raises InputError."""
    many_numbers = np.isfinite(numbers).all() and len(set(numbers)) > 20
    if many_numbers and args.target not in args.categorical:
        return numbers, None
    classes, y, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) < 2 or sizes.min() < 8:
        rare = f"{sizes.min()} of {classes[sizes.argmin()]!r}" if len(sizes) else "none"
        raise InputError(f"the target {args.target!r} must hold a number in every row, "
                         "over 20 different ones, or two classes or more with at least "
                         f"8 rows of each; it has {rare}")
    return y, classes.tolist()


def load_data(args, rng):
    """Read a table, say what is done with each column, and return it as a dict.

    X (N, columns) holds numbers and texts; y (N,) class numbers, or floats if the
    target is a number of more than 20 values and not --categorical. Raises InputError.
    """
    columns, count = read_table(args.csv, args.max_rows, rng)
    for name in [args.target, *args.drop, *args.categorical]:
        if name not in columns:
            raise InputError(f"{args.csv} has no column {name!r}; it has "
                             f"{', '.join(columns)}")
    labelled = columns[args.target] != ""
    kinds, decimals, X, report = {}, {}, [], ""
    for name, texts in columns.items():
        texts = texts[labelled]
        decimals[name] = find_decimal(texts)
        numbers = read_numbers(texts, decimals[name])
        if name == args.target:
            y, classes = encode_target(texts, numbers, args)
            kind, remark = "target", ", ".join(classes or ["a number: regression"])[:60]
        elif name in args.drop:
            kind, remark = "left out", "as --drop says"
        else:
            kind, remark = judge_column(texts, numbers, count, name in args.categorical)
        if kind in ("number", "category"):
            kinds[name] = kind
            X.append(numbers if kind == "number" else texts)
        report += f"\n  {name[:24]:24}  {kind:8}  {remark}"
    if not X:
        raise InputError(f"{args.csv} has no column left to learn {args.target!r} from")
    X = np.stack(X, axis=1).astype(object)
    gaps = int(np.any((X == "") | (X != X), axis=1).sum())  # only NaN is not itself
    print(f"{args.csv.name}: {count:,} rows; {len(y):,} used, {gaps:,} of them with "
          f"missing values{report}")
    return {"X": X, "y": y, "kinds": kinds, "decimals": decimals, "target": args.target,
            "classes": classes, "outputs": len(classes) if classes else 1,
            "measure": "accuracy" if classes else "r2",
            "rows": len(y), "rows_with_missing": gaps}


def read_new_rows(path, table, rng):
    """Return {name: texts} and X (N, columns) of a file of rows to be predicted."""
    columns, count = read_table(path, math.inf, rng)
    if not columns.keys() & table["kinds"].keys():
        raise InputError(f"{path} has none of the columns {', '.join(table['kinds'])}")
    X = []
    for (name, kind), known in zip(table["kinds"].items(), table["X"].T):
        if name not in columns:
            print(f"{path.name} has no {name}: filled in like missing values")
        values = texts = columns.get(name, np.full(count, "", dtype=object))
        unknown = set(texts) - {"", *known}  # categories that training has not seen
        if kind == "number":
            values = read_numbers(texts, table["decimals"][name])
            unknown = set(texts[np.isnan(values)]) - {""}
        if unknown:
            print(f"{path.name}, {name}: unknown {', '.join(sorted(unknown))[:60]}")
        X.append(values)
    return columns, np.stack(X, axis=1).astype(object)


def make_encoder(kinds):
    """Return what turns rows of numbers and texts into a matrix, not yet fitted."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    number = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True),
                           StandardScaler())
    category = make_pipeline(
        SimpleImputer(missing_values="", strategy="most_frequent",
                      keep_empty_features=True),
        OneHotEncoder(handle_unknown="infrequent_if_exist",
                      max_categories=MAX_CATEGORIES))
    is_number = np.array(list(kinds.values())) == "number"
    return make_column_transformer((number, is_number), (category, ~is_number),
                                   sparse_threshold=0)


def hold_out(rows, table, share, seed):
    """Split row numbers in two, the second part ``share`` of them, classes in ratio."""
    from sklearn.model_selection import train_test_split

    size = max(math.ceil(share * len(rows)), table["outputs"])
    return train_test_split(rows, test_size=size, random_state=seed,
                            stratify=table["y"][rows] if table["classes"] else None)


# --- Model ----------------------------------------------------------------------------


def init_params(sizes, rng):
    """Return zero biases and Glorot's random weights for layers of these sizes."""
    params = {}
    for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:]), 1):
        scale = math.sqrt(2 / (n_in + n_out))
        params[f"W{k}"] = rng.normal(scale=scale, size=(n_in, n_out))  # (5.5)
        params[f"b{k}"] = np.zeros(n_out)
    return params


def log_softmax(z):
    """Return log(softmax(z)) along the last axis, exact where softmax underflows."""
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def forward(params, X):
    """Return the cache a0 = X (N, D), z1, a1, ..., zL, aL (N, K), the answers."""
    cache, depth = {"a0": X}, len(params) // 2
    for k in range(1, depth + 1):
        z = cache[f"a{k - 1}"] @ params[f"W{k}"] + params[f"b{k}"]  # (N, n_k)  (5.2)
        if k < depth:
            a = np.tanh(z)  # (N, n_k)
        else:
            a = np.exp(log_softmax(z)) if z.shape[1] > 1 else z  # (N, K)  (5.3)
        cache[f"z{k}"], cache[f"a{k}"] = z, a
    return cache


# --- Loss and gradients ---------------------------------------------------------------


def loss(cache, y):
    """Return the cross-entropy of classes y (N,), or half the mean squared error."""
    z = cache[f"z{len(cache) // 2}"]  # (N, K)
    if z.shape[1] > 1:
        return -np.mean(log_softmax(z)[np.arange(len(y)), y])  # (5.4)
    return 0.5 * np.mean((z[:, 0] - y) ** 2)  # (5.6)


def backward(params, cache, y):
    """Return the gradient of the loss for each array in params."""
    N, depth, grads = len(y), len(params) // 2, {}
    a = cache[f"a{depth}"]
    truth = np.eye(a.shape[1])[y] if a.shape[1] > 1 else y[:, None]  # (N, K)
    dz = (a - truth) / N  # (N, K)  (5.7): one formula for classes and for numbers
    for k in range(depth, 0, -1):
        grads[f"W{k}"] = cache[f"a{k - 1}"].T @ dz  # (n_{k-1}, n_k)  (5.8)
        grads[f"b{k}"] = dz.sum(axis=0)  # (n_k,)
        if k > 1:
            da = dz @ params[f"W{k}"].T  # (N, n_{k-1})
            dz = da * (1 - cache[f"a{k - 1}"] ** 2)  # (N, n_{k-1})  (5.9)
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
    """Raise FloatingPointError, with advice, when a loss has exploded."""
    if not abs(value) < 1e9:  # nan, too
        raise FloatingPointError(f"training diverged in epoch {epoch}: the loss is "
                                 f"{value:.3g}; try a smaller --lr")


def train(params, training, validation, args, rng, verbose=False):
    """Train with Adam on shuffled mini-batches; return params and history.

    The params returned are those of the epoch with the lowest validation loss.
    Raises FloatingPointError when the loss is no longer finite.
    """
    (X, y), best, moments, step = training, params, {}, 0
    history = {"loss": [], "validation": [], "kept": 0}
    try:
        for epoch in range(1, args.epochs + 1):
            order = rng.permutation(len(X))
            for i in range(0, len(X), args.batch_size):
                batch, step = order[i : i + args.batch_size], step + 1
                grads = backward(params, forward(params, X[batch]), y[batch])
                params = adam_step(params, grads, moments, step, args.lr)
            for key, (rows, truth) in (("loss", training), ("validation", validation)):
                history[key].append(loss(forward(params, rows), truth))
                stop_if_diverged(history[key][-1], epoch)
            if history["validation"][-1] == min(history["validation"]):
                best, history["kept"] = params, epoch
            if verbose and is_progress_epoch(epoch, args.epochs):
                print(f"{epoch:5d}   {history['loss'][-1]:.4f}   "
                      f"{history['validation'][-1]:10.4f}", flush=True)
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C; what was learnt so far is kept.")
    return best, history


def fit_network(table, rows, args, rng, verbose=False):
    """Learn encoding and network from these rows; a tenth of them is for validation."""
    training, validation = hold_out(rows, table, 0.1, args.seed)
    X, y, center, scale = table["X"], table["y"], 0, 1
    encoder = make_encoder(table["kinds"]).fit(X[training])  # (5.1)
    if not table["classes"]:  # a number to predict is standardised, too
        center, scale = y[training].mean(), y[training].std()
        y = (y - center) / scale
    parts = [(encoder.transform(X[part]), y[part]) for part in (training, validation)]
    sizes = [parts[0][0].shape[1], *args.hidden, table["outputs"]]
    if verbose:
        print(f"\nNetwork {'-'.join(map(str, sizes))}, tanh, Adam {args.lr:g}, batch "
              f"{args.batch_size}, seed {args.seed}: {len(training):,} training, "
              f"{len(validation):,} validation rows\n\nepoch     loss   validation")
    params, history = train(init_params(sizes, rng), *parts, args, rng, verbose)
    return {"params": params, "encoder": encoder, "center": center, "scale": scale,
            "history": history}


def predict_rows(model, X):
    """Return probabilities (N, K), or numbers (N, 1), for rows X of a table."""
    cache = forward(model["params"], model["encoder"].transform(X))
    return cache[f"a{len(cache) // 2}"] * model["scale"] + model["center"]


# --- Evaluation -----------------------------------------------------------------------


def grade(table, a, y):
    """Return the accuracy of the answers a (N, K), or R squared if they are numbers."""
    if table["classes"]:
        return float(np.mean(a.argmax(axis=1) == y))
    return float(1 - np.mean((a[:, 0] - y) ** 2) / max(np.var(y), 1e-300))  # (5.10)


def rival_scores(table, splits, args, names):
    """Return {name: scores} of scikit-learn's models, one for each (training, test)."""
    from sklearn import dummy, linear_model, neural_network
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import scale

    y, encoder, scores = table["y"], make_encoder(table["kinds"]), {}
    mlp = {"hidden_layer_sizes": args.hidden, "activation": "tanh", "max_iter": 2000,
           "random_state": args.seed}
    if table["classes"]:
        models = {"majority": dummy.DummyClassifier(),
                  "linear": linear_model.LogisticRegression(),
                  "mlp": neural_network.MLPClassifier(**mlp)}
    else:
        y = scale(y)  # for the MLP; R squared stays as it is
        models = {"majority": dummy.DummyRegressor(), "linear": linear_model.Ridge(),
                  "mlp": neural_network.MLPRegressor(**mlp)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an MLP that would like to train on
        for name in names:
            scores[name] = cross_val_score(make_pipeline(encoder, models[name]),
                                           table["X"], y, cv=splits)
    return scores


def cross_validate(table, args, rng):
    """Return {model: scores by fold}, and what networks predict for rows not seen."""
    from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

    X, y, classes = table["X"], table["y"], table["classes"]
    folds = min(args.folds, np.bincount(y).min() if classes else len(y))
    splitter = RepeatedStratifiedKFold if classes else RepeatedKFold
    splits = splitter(n_splits=folds, n_repeats=args.repeats, random_state=args.seed)
    scores, unseen = [], np.zeros((len(y), table["outputs"]))
    for training, test in splits.split(X, y):
        model = fit_network(table, training, args, rng)
        if len(model["history"]["loss"]) < args.epochs:  # Ctrl-C
            return {}, None
        a = predict_rows(model, X[test])
        scores.append(grade(table, a, y[test]))
        if len(scores) <= folds:  # the first repeat tests each row once
            unseen[test] = a
        if len(scores) % folds == 0:
            print(f"cross-validation, repeat {len(scores) // folds} of {args.repeats}: "
                  f"{np.mean(scores[-folds:]):.4f}", flush=True)
    rivals = ["majority", "linear"] + ["mlp"] * args.compare
    return {"network": scores, **rival_scores(table, splits, args, rivals)}, unseen


def permutation_importance(table, model, rows, rng, repeats=10):
    """Return {name: (mean, sd)} of the fall in score when a column is shuffled."""
    X, y = table["X"][rows], table["y"][rows]
    whole, falls = grade(table, predict_rows(model, X), y), {}
    for j, name in enumerate(table["kinds"]):
        fall, shuffled = [], X.copy()
        for _ in range(repeats):
            shuffled[:, j] = rng.permutation(X[:, j])
            score = grade(table, predict_rows(model, shuffled), y)
            fall.append(whole - score)  # (5.11)
        falls[name] = np.mean(fall), np.std(fall)
    return dict(sorted(falls.items(), key=lambda item: -item[1][0]))


def compare_encodings(args, rng):
    """Return the accuracy on 26 towns, half of them of class 1, by kind of encoding."""
    town, scores = np.tile(np.arange(26), 10), {}
    table = {"X": town[:, None].astype(str).astype(object), "classes": ["0", "1"],
             "outputs": 2, "y": rng.permutation(26)[town] % 2}
    for kind in ("number", "category"):
        table["kinds"] = {"town": kind}
        model = fit_network(table, np.arange(260), args, rng)
        scores[kind] = grade(table, predict_rows(model, table["X"]), table["y"])
    return scores


def rate_classes(classes, y, guess):
    """Return the confusion matrix, and precision and recall of each class."""
    confusion = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(confusion, (y, guess), 1)  # row: true class, column: predicted class
    right = confusion.diagonal()
    precision = right / np.maximum(confusion.sum(axis=0), 1)  # 0 if never predicted
    recall = right / confusion.sum(axis=1)
    return {"precision": dict(zip(classes, precision)),
            "recall": dict(zip(classes, recall)),
            "confusion": confusion, "wrong": np.sum(guess != y)}


def evaluate(table, model, rest, test, args):
    """Return the scores on rows that took no part in training, for metrics.json."""
    y, folds, measure = table["y"][test], {}, table["measure"]
    a, rivals = predict_rows(model, table["X"][test]), ["majority", "linear", "mlp"]
    scores = {"network": [grade(table, a, y)],
              **rival_scores(table, [(rest, test)], args, rivals)}
    if args.folds > 1 and len(model["history"]["loss"]) == args.epochs:  # no Ctrl-C
        folds, unseen = cross_validate(table, args, np.random.default_rng(args.seed))
    if folds:  # they test all rows, not a fifth
        a, y = unseen, table["y"]
    metrics = {f"test_{measure}": scores["network"][0], "test_rows": len(test),
               f"baseline_{measure}": scores["majority"][0], "test_scores": scores,
               "cv": {name: (np.mean(v), np.std(v)) for name, v in folds.items()}}
    metrics["cv_mean"], metrics["cv_sd"] = metrics["cv"].get("network", (None, None))
    if table["classes"]:
        metrics |= rate_classes(table["classes"], y, a.argmax(axis=1))
    return metrics


def print_scores(metrics, measure):
    """Print a line for each model and for each class."""
    print(f"\n{measure:8}   {metrics['test_rows']:5,} test rows   folds: mean     s.d.")
    for name, (score,) in metrics["test_scores"].items():
        line = f"{name:8}   {score:15.4f}"
        if name in metrics["cv"]:
            line += "   {:11.4f}   {:.4f}".format(*metrics["cv"][name])
        print(line)
    for name, precision in metrics.get("precision", {}).items():
        print(f"{name[:20]:20}   precision {precision:.4f}, "
              f"recall {metrics['recall'][name]:.4f}")


# --- Figures --------------------------------------------------------------------------


def plot_data(table):
    """Draw the first nine columns, by class or against the number to predict."""
    y, classes, kinds = table["y"], table["classes"], list(table["kinds"].items())[:9]
    lines = math.ceil(len(kinds) / 3)
    fig, axs = plt.subplots(lines, 3, figsize=(9, 0.8 + 2.2 * lines), squeeze=False,
                            layout="constrained")
    for ax, (name, kind), values in zip(axs.flat, kinds, table["X"].T):
        bins = 20
        if kind == "category":
            labels, values = np.unique(values.astype(str), return_inverse=True)
            bins = np.arange(len(labels) + 1) - 0.5
            names = [label[:10] or "missing" for label in labels]
            if len(names) > 8:
                names = []  # they would overlap
            ax.set_xticks(range(len(names)), names, rotation=90 if names[3:] else 0)
        if classes:
            parts = [values[y == k].astype(float) for k in range(len(classes))]
            ax.hist(parts, bins, stacked=True, rwidth=0.9,
                    label=[name[:15] for name in classes],
                    color=np.resize(CLASS_COLOURS, len(classes)))
        else:
            ax.scatter(values.astype(float), y, s=6, color=TRAIN_COLOUR, alpha=0.6)
        ax.set(xlabel=name[:30], ylabel="rows" if classes else table["target"][:25])
    for ax in axs.flat[len(kinds):]:
        ax.remove()
    title = f"always saying {y.mean():.4g}, the mean, explains nothing"
    if classes:
        most = np.bincount(y).argmax()
        title = f"always saying {classes[most]} is right for {np.mean(y == most):.1%}"
        fig.legend(*axs[0, 0].get_legend_handles_labels(), ncols=4,
                   loc="outside lower center")
    fig.suptitle(f"{len(y):,} rows: {title}", fontsize=11, fontweight="bold")
    return fig


def plot_curves(history):
    """Draw the loss of both parts by epoch and mark the epoch that is kept."""
    fig, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
    epochs, kept = range(1, len(history["loss"]) + 1), history["kept"]
    ax.semilogy(epochs, history["loss"], color=TRAIN_COLOUR, label="training")
    ax.semilogy(epochs, history["validation"], "o-", color=VALIDATION_COLOUR,
                markevery=[kept - 1], label="validation (dot: the epoch kept)")
    ax.yaxis.set_major_formatter(LogFormatter())
    ax.yaxis.set_minor_formatter(LogFormatter())
    ax.set(xlabel="epoch", ylabel="loss", title="The network with the lowest "
           f"validation loss is kept: epoch {kept} of {len(epochs)}")
    ax.legend()
    return fig


def plot_confusion(table, metrics):
    """Draw which class was predicted for which; metrics are those of evaluate."""
    counts, K = metrics["confusion"], table["outputs"]
    fig, ax = plt.subplots(figsize=(max(8, 2 + K / 4), max(5.2, 2 + K / 5)),
                           layout="constrained")
    share = counts / counts.sum(axis=1, keepdims=True)
    ax.imshow(np.where(counts > 0, share, np.nan), vmin=0, vmax=1, aspect="auto")
    for (i, k), count in np.ndenumerate(counts):
        ax.text(k, i, f"{count or ''}", ha="center", va="center",
                fontsize=13 if K < 9 else 9, color="wk"[int(share[i, k] >= 0.6)])
    end_of_name = "\n" if K < 6 else " "
    for axis, key in ((ax.xaxis, "precision"), (ax.yaxis, "recall")):
        axis.set_ticks(range(K), [f"{name[:15]}{end_of_name}{key} {value:.1%}"
                                  for name, value in metrics[key].items()])
    ax.tick_params(axis="x", rotation=0 if K < 6 else 90)
    ax.set(xlabel=f"predicted {table['target']}", ylabel=f"true {table['target']}",
           title=f"{metrics['wrong']} of {counts.sum():,} rows taken for another class")
    return fig


def plot_importance(table, importance):
    """Draw by how much the score falls when a column is shuffled."""
    names, measure = list(importance)[:15][::-1], table["measure"]
    fig, ax = plt.subplots(figsize=(8, 1.6 + 0.38 * len(names)), layout="constrained")
    mean, sd = np.array([importance[name] for name in names]).T
    ax.barh(names, mean, xerr=sd, color=TEST_COLOUR, capsize=3)
    ax.set(xlabel=f"{measure} lost on the test rows (mean and s.d. of 10 shuffles)",
           title=f"Shuffling {names[-1][:30]} costs most: {mean[-1]:.2f} of {measure}")
    return fig


def plot_regions(table, model, score):
    """Draw the probabilities by a network that sees two columns only, and the rows."""
    fig, ax = plt.subplots(figsize=(8, 5.2), layout="constrained")
    X, y, classes = table["X"].astype(float), table["y"], table["classes"]
    low, high = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
    pad = 0.05 * (high - low)
    grid = np.stack(np.meshgrid(*np.linspace(low - pad, high + pad, 300).T), axis=-1)
    colours = np.array([to_rgb(c) for c in np.resize(CLASS_COLOURS, len(classes))])
    a = predict_rows(model, grid.reshape(-1, 2).astype(object))
    blend = 1 - 0.4 * (1 - a @ colours)  # pale, and mixed where the network doubts
    ax.imshow(blend.reshape(300, 300, 3), origin="lower", aspect="auto",
              extent=[*grid[0, [0, -1], 0], *grid[[0, -1], 0, 1]])
    for k, name in enumerate(classes):
        ax.scatter(*X[y == k].T, s=24, color=colours[k], label=name[:15], linewidth=0.8,
                   edgecolor="white")
    wrong = predict_rows(model, table["X"]).argmax(axis=1) != y
    ax.scatter(*X[wrong].T, s=24, facecolor="none", edgecolor="black", label="wrong",
               linewidth=0.8)
    fig.legend(loc="outside lower center", ncols=4)
    ax.set(xlabel=list(table["kinds"])[0], ylabel=list(table["kinds"])[1],
           title=f"Two columns alone: {score:.1%} of the test rows right")
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
    flag("--csv", type=Path, default=PENGUINS, metavar="FILE",
         help="a table whose first line names the columns")
    flag("--target", default="species", metavar="COLUMN", help="what to predict")
    flag("--drop", nargs="+", metavar="COLUMN", help="columns to leave out")
    flag("--categorical", nargs="+", default=[], metavar="COLUMN",
         help="columns of numbers that are only names")
    flag("--predict", type=Path, metavar="FILE",
         help="rows without a label; the answers go to predictions.csv")
    flag("--hidden", nargs="*", type=number(int, 1, 1000), default=[16], metavar="H",
         help="sizes of the hidden layers (default: 16); none for a linear model")
    flag("--compare", action="store_true", help="scikit-learn's MLP in all folds: slow")
    for name, kind, low, high, default, text in (
            ("--epochs", int, 1, 10_000, 40, "passes over the training rows"),
            ("--lr", float, 1e-9, 1e9, 0.03, "learning rate of Adam"),
            ("--batch-size", int, 1, 100_000, 64, "rows in each step"),
            ("--folds", int, 0, 100, 10, "of the cross-validation; 0 or 1 for none"),
            ("--repeats", int, 1, 100, 5, "of the cross-validation"),
            ("--max-rows", int, 50, 10**6, 10_000, "taken at random of a longer file")):
        flag(name, type=number(kind, low, high), default=default,
             help=f"{text} (default: {default:,})")
    args = parser.parse_args(argv)
    if not args.drop:  # the year of an expedition is no trait of a penguin
        args.drop = ["year"] if args.csv == PENGUINS else []
    return args


def look_at_two(table, importance, rest, test, args, rng):
    """Return the figure of a network that sees the two most important numbers only."""
    pair = [name for name in importance if table["kinds"][name] == "number"][:2]
    places = [list(table["kinds"]).index(name) for name in pair]
    two = table | {"X": table["X"][:, places], "kinds": dict.fromkeys(pair, "number")}
    model = fit_network(two, rest, args, rng)
    score = grade(two, predict_rows(model, two["X"][test]), two["y"][test])
    return plot_regions(two, model, score)


def write_predictions(path, table, model, columns, X):
    """Write the rows again with an answer, and the probability of each class."""
    a, classes = predict_rows(model, X), table["classes"]
    guess = np.array(classes)[a.argmax(axis=1)] if classes else a[:, 0]
    columns = {**columns, f"predicted {table['target']}": guess}
    if classes:
        columns |= {f"p({name})": p for name, p in zip(classes, a.round(4).T)}
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *zip(*columns.values())])


def learn_a_table(args):
    """Load, train, judge, draw and save."""
    rng = np.random.default_rng(args.seed)
    table = load_data(args, rng)
    new = read_new_rows(args.predict, table, rng) if args.predict else None
    make_folder(args.out)
    rest, test = hold_out(np.arange(table["rows"]), table, 0.2, args.seed)
    model = fit_network(table, rest, args, rng, verbose=True)
    metrics = evaluate(table, model, rest, test, args)
    print_scores(metrics, table["measure"])
    importance = permutation_importance(table, model, test, rng)
    figures = {"data": plot_data(table),
               "learning_curves": plot_curves(model["history"]),
               "importance": plot_importance(table, importance)}
    if table["classes"]:
        figures["confusion"] = plot_confusion(table, metrics)
        if list(table["kinds"].values()).count("number") > 1:
            figures["regions"] = look_at_two(table, importance, rest, test, args, rng)
    encoding = compare_encodings(args, rng)
    print("26 towns learnt by heart: accuracy {number:.2f} if numbered, {category:.2f} "
          "if one-hot".format(**encoding))
    if new:
        write_predictions(args.out / "predictions.csv", table, model, *new)
    metrics |= {"importance": importance, "features": list(table["kinds"]),
                "encoding": encoding, "kept_epoch": model["history"]["kept"],
                **{key: table[key] for key in ("classes", "rows", "rows_with_missing")}}
    save_results(args, figures, metrics, ["predictions.csv"] * bool(new))


def main(argv=None):
    """Run the lesson from the command line; return the exit status."""
    args = parse_args(argv)
    with plt.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a letter the font lacks is a box
        return run_safely(learn_a_table, args)  # and a $ in a name is only a $


if __name__ == "__main__":
    sys.exit(main())
