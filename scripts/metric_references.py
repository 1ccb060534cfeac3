#!/usr/bin/env python3
"""Writes tests/metrics/references.hpp: small sets and what scikit-learn, scipy and statsmodels give of them.

    pip install scikit-learn==1.5.2 scipy==1.17.1 statsmodels==0.15.0 rouge-score==0.1.2
    scripts/metric_references.py > tests/metrics/references.hpp
"""
import warnings

import numpy as np
import scipy.stats as st
import sklearn.metrics as M
from rouge_score import rouge_scorer
from scipy.special import expit, softmax
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LinearRegression
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

warnings.filterwarnings("ignore")
random = np.random.default_rng(11)


def text(value):
    value = float(value)
    if np.isinf(value):
        return "HUGE_VAL" if value > 0 else "-HUGE_VAL"
    return "NAN" if np.isnan(value) else repr(value)


def values(name, numbers):
    flat = np.asarray(numbers, dtype=float).ravel()
    print(f"inline const std::vector<double> {name}{{{', '.join(text(v) for v in flat)}}};")


def value(name, number):
    print(f"inline const double {name} = {text(number)};")


print("// Made by scripts/metric_references.py with scikit-learn 1.5.2, scipy, statsmodels and rouge_score. clang-format off")
print("#pragma once\n\n#include <cmath>\n#include <vector>\n\nnamespace gradus::references {\n")

# Two classes: logits with ties, and weights.
n = 24
y = random.integers(0, 2, n)
z = np.round(random.normal(size=n) * 2 + y, 1)
z[3] = z[7] = z[9] = 0.4
z2 = np.round(random.normal(size=n) * 2 + 1.5 * y, 1)
w = np.round(random.random(n) * 2, 2)
w[5] = 0
p, said = expit(z), (z > 0).astype(int)
values("binary_labels", y), values("binary_logits", z), values("second_logits", z2), values("binary_weights", w)
for name, weights in (("", None), ("_weighted", w)):
    a = dict(sample_weight=weights)
    value("accuracy" + name, M.accuracy_score(y, said, **a))
    value("balanced" + name, M.balanced_accuracy_score(y, said, **a))
    value("balanced_adjusted" + name, M.balanced_accuracy_score(y, said, adjusted=True, **a))
    for kind in ("binary", "macro", "micro", "weighted"):
        value(f"precision_{kind}{name}", M.precision_score(y, said, average=kind, **a))
        value(f"recall_{kind}{name}", M.recall_score(y, said, average=kind, **a))
        value(f"f2_{kind}{name}", M.fbeta_score(y, said, beta=2, average=kind, **a))
        value(f"jaccard_{kind}{name}", M.jaccard_score(y, said, average=kind, **a))
    value("specificity" + name, M.recall_score(y, said, pos_label=0, **a))
    value("mcc" + name, M.matthews_corrcoef(y, said, **a))
    value("kappa" + name, M.cohen_kappa_score(y, said, **a))
    value("log_loss" + name, M.log_loss(y, p, **a))
    value("brier" + name, M.brier_score_loss(y, p, **a))
    value("roc_auc" + name, M.roc_auc_score(y, z, **a))
    value("pr_auc" + name, M.average_precision_score(y, z, **a))
    for part, numbers in zip(("fpr", "tpr", "thresholds"), M.roc_curve(y, z, **a)):
        values(f"roc_{part}{name}", numbers)
    for part, numbers in zip(("precision", "recall", "thresholds"), M.precision_recall_curve(y, z, **a)):
        values(f"pr_{part}{name}", numbers)
for kind in ("uniform", "quantile"):
    observed, predicted = calibration_curve(y, p, n_bins=5, strategy=kind)
    values("calibration_observed_" + kind, observed), values("calibration_predicted_" + kind, predicted)

# Four classes, of which one has neither targets nor predictions in `rare`.
c = 4
my = np.r_[0, 1, 2, 3, random.integers(0, c, 16)]
mz = np.round(random.normal(size=(20, c)) + np.eye(c)[my], 2)
mw = np.round(random.random(20) + 0.1, 2)
mp, ms = softmax(mz, axis=1), mz.argmax(1)
ry = np.where(my == 2, 1, my)
rz = mz.copy()
rz[:, 2] = -9
rs = rz.argmax(1)
values("class_labels", my), values("class_logits", mz), values("class_weights", mw), values("class_probabilities", mp)
values("rare_labels", ry), values("rare_logits", rz)
value("rare_f1_macro", M.f1_score(ry, rs, average="macro"))
for name, weights in (("", None), ("_weighted", mw)):
    a = dict(sample_weight=weights)
    for kind in ("macro", "micro", "weighted"):
        value(f"class_precision_{kind}{name}", M.precision_score(my, ms, average=kind, **a))
        value(f"class_f1_{kind}{name}", M.f1_score(my, ms, average=kind, **a))
    value("class_balanced" + name, M.balanced_accuracy_score(my, ms, **a))
    value("class_mcc" + name, M.matthews_corrcoef(my, ms, **a))
    for kind in (None, "linear", "quadratic"):
        value(f"class_kappa_{kind or 'none'}{name}", M.cohen_kappa_score(my, ms, weights=kind, **a))
    value("class_log_loss" + name, M.log_loss(my, mp, **a))
    value("class_brier" + name, np.average(((mp - np.eye(c)[my]) ** 2).sum(1), weights=weights))
    value("ovr_macro" + name, M.roc_auc_score(my, mp, multi_class="ovr", **a))
    value("ovr_weighted" + name, M.roc_auc_score(my, mp, multi_class="ovr", average="weighted", **a))
    value("class_pr" + name, M.average_precision_score(np.eye(c)[my], mp, **a))
    value("top_2" + name, M.top_k_accuracy_score(my, mz, k=2, **a))
value("ovo_macro", M.roc_auc_score(my, mp, multi_class="ovo"))
value("ovo_weighted", M.roc_auc_score(my, mp, multi_class="ovo", average="weighted"))

# Several labels.
ly = random.integers(0, 2, (7, 3))
ly[2] = 0
lz = np.round(random.normal(size=(7, 3)), 2)
lz[2] = -1
ls = (lz > 0).astype(int)
lw = np.round(random.random(7) + 0.1, 2)
values("label_targets", ly), values("label_logits", lz), values("label_weights", lw)
value("hamming", M.hamming_loss(ly, ls, sample_weight=lw)), value("subset", M.accuracy_score(ly, ls, sample_weight=lw))
for kind in ("samples", "macro", "micro", "weighted"):
    value(f"label_jaccard_{kind}", M.jaccard_score(ly, ls, average=kind, zero_division=1, sample_weight=lw))
    value(f"label_f1_{kind}", M.f1_score(ly, ls, average=kind, zero_division=1, sample_weight=lw))

# Numbers: two columns, the second far from 0.
t = np.round(random.normal(size=(11, 2)) + [2, 1000], 3)
o = np.round(t + random.normal(size=(11, 2)), 3)
rw = np.round(random.random(11), 2)
pt, po = np.round(np.abs(t), 3), np.round(np.abs(o) + 0.1, 3)
values("targets", t), values("outputs", o), values("number_weights", rw), values("positive_targets", pt), values("positive_outputs", po)
for name, weights in (("", None), ("_weighted", rw)):
    a = dict(sample_weight=weights)
    value("mae" + name, M.mean_absolute_error(t, o, **a)), value("mse" + name, M.mean_squared_error(t, o, **a))
    value("rmse" + name, M.root_mean_squared_error(t, o, **a)), value("r2" + name, M.r2_score(t, o, **a))
    value("explained" + name, M.explained_variance_score(t, o, **a))
    value("mape" + name, M.mean_absolute_percentage_error(t, o, **a))
    value("median_error" + name, M.median_absolute_error(t, o, **a))
    value("pinball" + name, M.mean_pinball_loss(t, o, alpha=0.3, **a))
    value("msle" + name, M.mean_squared_log_error(pt, po, **a))
    for power in (-1, 0, 1, 1.5, 2, 3):
        number = M.mean_tweedie_deviance(pt[:, 0], po[:, 0], power=power, **a)
        value(f"tweedie_{str(power).replace('-', 'm').replace('.', '_')}{name}", number)

# Rankings with ties.
rel = np.array([[3, 0, 1, 2, 0], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 1, 1, 0, 1]], dtype=float)
score = np.array([[1, 1, 0.5, 0.2, 0.2], [1, 2, 3, 4, 5], [1, 1, 1, 1, 1], [0.3, 0.2, 0.2, 0.1, 0]])
values("relevances", rel), values("ranking_scores", score)
value("ndcg", M.ndcg_score(rel, score)), value("ndcg_3", M.ndcg_score(rel, score, k=3)), value("dcg_2", M.dcg_score(rel, score, k=2))

# Tests.
a, b = said == y, (z2 > 0).astype(int) == y
table = [[(a & b).sum(), (a & ~b).sum()], [(~a & b).sum(), (~a & ~b).sum()]]
for name, exact in (("exact", True), ("chi", False)):
    result = mcnemar(table, exact=exact)
    value(f"mcnemar_{name}_statistic", result.statistic), value(f"mcnemar_{name}_p", result.pvalue)
wins = [[(x[y == 1][:, None] > x[y == 0]) + 0.5 * (x[y == 1][:, None] == x[y == 0]) for x in (z, z2)]][0]
cov = np.cov([v.mean(1) for v in wins]) / (y == 1).sum() + np.cov([v.mean(0) for v in wins]) / (y == 0).sum()
difference, deviation = wins[0].mean() - wins[1].mean(), np.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1])
value("delong_difference", difference), value("delong_z", difference / deviation)
value("delong_p", 2 * st.norm.sf(abs(difference / deviation))), value("delong_lower", difference - st.norm.ppf(0.975) * deviation)
value("delong_error", np.sqrt(cov[0, 0]))
first, second = np.array([0.91, 0.85, 0.88, 0.9, 0.79, 0.93]), np.array([0.88, 0.86, 0.8, 0.85, 0.75, 0.9])
values("fold_first", first), values("fold_second", second)
signs = st.permutation_test((first, second), lambda u, v, axis: np.mean(u - v, axis=axis), permutation_type="samples", vectorized=True)
value("signs_p", signs.pvalue)
d = first - second
tt = d.mean() / np.sqrt((1 / 6 + 20 / 100) * d.var(ddof=1))
value("t_statistic", tt), value("t_p", 2 * st.t.sf(abs(tt), 5))
value("t_lower", d.mean() - st.t.ppf(0.975, 5) * d.mean() / tt)
for hits, tries in ((8, 10), (0, 7), (7, 7), (1370, 1628)):
    values(f"wilson_{hits}_{tries}", np.clip(proportion_confint(hits, tries, method="wilson"), 0, 1))
    low, high = proportion_confint(hits, tries, method="beta")
    values(f"exact_{hits}_{tries}", [0 if hits == 0 else low, 1 if hits == tries else high])
x = np.round(random.normal(size=(9, 2)) * [1, 100] + [0, 1000], 2)
values("features", x), values("linear_fit", LinearRegression().fit(x, t[:9]).predict(x))
values("standard_residuals", np.sort(((t - o).ravel() - (t - o).mean()) / (t - o).ravel().std(ddof=1)))
values("residual_shape", [(t - o).mean(), (t - o).ravel().std(ddof=1), st.skew((t - o).ravel()), st.kurtosis((t - o).ravel())])
values("normal_points", st.norm.ppf((np.arange(22) + 0.5) / 22))

# BCa bounds of given resamples (Efron 1987), some of which equal the value.
draws, left_out, whole = np.round(random.normal(size=60) + 0.2, 1), random.exponential(size=12), 0.3
middle = st.norm.ppf(((draws < whole).mean() + (draws <= whole).mean()) / 2)
apart = left_out.mean() - left_out
speed = (apart**3).sum() / (6 * (apart**2).sum() ** 1.5)
shifted = [middle + st.norm.ppf(q) for q in (0.05, 0.95)]
shares = [st.norm.cdf(middle + s / (1 - speed * s)) for s in shifted]
values("bca_draws", draws), values("bca_left_out", left_out)
values("bca_bounds", np.percentile(draws, [100 * s for s in shares])), values("percentile_bounds", np.percentile(draws, [5, 95]))

# Texts.
scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"])
for name, found, wanted in (
    ("plain", "The cat sat on the mat.", "the Cat was on a mat, on the floor"),
    ("lines", "a b c d\ne f g a\n\nh", "a c b d\nf e a g h\na a"),
    ("none", "--", "words"),
):
    s = scorer.score(wanted, found)
    values("rouge_" + name, [[s[k].precision, s[k].recall, s[k].fmeasure] for k in ("rouge1", "rouge2", "rougeL", "rougeLsum")])
print("\n}  // namespace gradus::references")
