# What scikit-learn makes of small tables: writes tests/preprocess/scikit_learn.json. Needs scikit-learn (made with 1.5.2).
#   python3 scripts/scikit_learn_reference.py tests/preprocess/scikit_learn.json
import json, sys, warnings
import numpy as np
warnings.filterwarnings("ignore")
from sklearn.impute import SimpleImputer, KNNImputer
from sklearn.preprocessing import *
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer, HashingVectorizer, CountVectorizer
from sklearn.feature_extraction import FeatureHasher
rng = np.random.default_rng(7)
n = 12
a = np.round(rng.normal(3, 2, n), 3); b = np.round(rng.exponential(10, n), 3); c = np.round(rng.integers(0, 4, n).astype(float), 0)
d = np.full(n, 5.0)
X = np.column_stack([a, b, c, d])
Xm = X.copy(); Xm[1, 0] = np.nan; Xm[4, 1] = np.nan; Xm[4, 2] = np.nan; Xm[9, 2] = np.nan; Xm[10,0]=np.nan
out = {}
out["X"] = X.tolist(); out["mask"] = [[1,0],[4,1],[4,2],[9,2],[10,0]]
Y = np.round(rng.normal(3, 3, (3, 4)), 2); Y[0,3]=5; out["Y"] = Y.tolist()
def tr(name, t, fit=X, use=Y):
    t.fit(fit); out[name] = np.asarray(t.transform(use)).tolist()
tr("standard", StandardScaler()); tr("standard_missing", StandardScaler(), Xm)
tr("minmax", MinMaxScaler(feature_range=(-1, 2))); tr("minmax_clip", MinMaxScaler(clip=True))
tr("robust", RobustScaler()); tr("robust_missing", RobustScaler(), Xm)
for norm in ["l1", "l2", "max"]: tr("unit_" + norm, Normalizer(norm=norm))
for cols, name in [([0,1,2],"power")]:
    t = PowerTransformer().fit(X[:, :3]); out[name] = t.transform(Y[:, :3]).tolist(); out["power_lambda"] = t.lambdas_.tolist()
    t = PowerTransformer(method="box-cox").fit(X[:, 1:2]); out["boxcox"] = t.transform(np.abs(Y[:, 1:2])+.1).tolist(); out["boxcox_lambda"] = t.lambdas_.tolist()
tr("quantile", QuantileTransformer(n_quantiles=12)); tr("quantile5", QuantileTransformer(n_quantiles=5)); tr("quantile_normal", QuantileTransformer(n_quantiles=12, output_distribution="normal"))
for s in ["mean", "median", "most_frequent"]: tr("impute_" + s, SimpleImputer(strategy=s), Xm, Xm)
tr("knn", KNNImputer(n_neighbors=3), Xm[:, :3], Xm[:, :3]); tr("knn_distance", KNNImputer(n_neighbors=3, weights="distance"), Xm[:, :3], Xm[:, :3])
tr("poly", PolynomialFeatures(3, include_bias=False), X[:, :2], Y[:, :2]); tr("poly_inter", PolynomialFeatures(3, include_bias=False, interaction_only=True), X[:, :3], Y[:, :3])
t = PCA(2).fit(X); out["pca"] = t.transform(Y).tolist(); out["pca_var"] = t.explained_variance_.tolist(); out["pca_components"]=t.components_.tolist()
t = PCA(2, whiten=True).fit(X); out["pca_white"] = t.transform(Y).tolist()
cat = np.array(["u","v","v","w","u","x","v","u","w","v","u","u"]); num = np.round(b,2); cls = (a>3).astype(int); out["cat"]=cat.tolist(); out["num"]=num.tolist(); out["cls"]=cls.tolist()
t = TargetEncoder(target_type="continuous").fit(cat[:,None], num); out["target"] = t.encodings_[0].tolist()
t = TargetEncoder(target_type="continuous", smooth=3.0).fit(cat[:,None], num); out["target3"] = t.encodings_[0].tolist()
t = TargetEncoder(target_type="binary").fit(cat[:,None], cls); out["target_binary"] = t.encodings_[0].tolist()
texts = ["The cat sat on the mat.", "A dog, a cat and a fox!", "fox fox fox runs_away", "", "the dog sat"]
out["texts"] = texts
t = TfidfVectorizer().fit(texts); out["tfidf_terms"] = t.get_feature_names_out().tolist(); out["tfidf"] = t.transform(texts).toarray().tolist()
t = TfidfVectorizer(ngram_range=(1,2), max_features=6, sublinear_tf=True, norm=None).fit(texts); out["tfidf2_terms"] = t.get_feature_names_out().tolist(); out["tfidf2"] = t.transform(texts).toarray().tolist()
t = HashingVectorizer(n_features=8); out["hashing"] = t.transform(texts).toarray().tolist()
h = FeatureHasher(8, input_type="string"); out["feature_hasher"] = h.transform([["colour=" + x, "size=" + y] for x, y in [("red","S"),("blue","M"),("green","L")]]).toarray().tolist()
t = OneHotEncoder(min_frequency=2, handle_unknown="infrequent_if_exist", sparse_output=False).fit(cat[:,None]); out["onehot_names"]=t.get_feature_names_out().tolist(); out["onehot"]=t.transform(np.array([["u"],["x"],["zzz"]])).tolist()
json.dump(out, open(sys.argv[1], "w"))
