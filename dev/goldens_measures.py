# Check values for dev/test_measures.h, by the packages that the field measures with (dev/requirements.txt).
#     oracle/bin/python dev/goldens_measures.py [FOLDER of evaluate.py of github.com/filipradenovic/revisitop]
# Inputs are formulas that the test repeats. What is printed stands in the test.
import re, sys
import numpy as np
import torch
from nltk.translate.bleu_score import corpus_bleu
from scipy.spatial.transform import Rotation
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mean_absolute_percentage_error, root_mean_squared_error
from sklearn.neighbors import KNeighborsClassifier
from torchmetrics.classification import MulticlassJaccardIndex


def wave(n, m, a, b):  # [n][m]
    i, j = np.arange(n)[:, None], np.arange(m)[None, :]
    return np.sin(a * i + b * j + .1 * i * j)


# answers: the rows of test_score_rows
rows = [("the red box", ["red box", "the red box"]), ("Red box!", ["a red box."]),
        ("the the the the", ["the cat sat", "the the mat is red"]), ("2.1 m", ["2.1 m"]), ("about 7 feet", ["2.1 m"]),
        ("no idea", ["2.1 m"]), ("no", ["yes"]), ("it's on the left, near it", ["left of it, it's near", "on the left"]),
        ("-3", ["-4"]), ("12 o'clock", ["1 o'clock"]), ("3rd", ["3"]), (".5", ["0.6"])]
words = lambda s: re.findall(r"(?:(?<![\w'])[+-](?=\.?\d))?(?:[a-z0-9']|\.(?=\d))+", s.lower())
bleu = lambda rows: corpus_bleu([[words(a) for a in t] for _, t in rows], [words(p) for p, _ in rows], weights=(1,))
print("BLEU-1 of all, of the second:", bleu(rows), bleu(rows[1:2]))

# classes: 60 rows of 5 features, 3 classes; standardised, as batch normalisation does
x = wave(60, 5, .7, 1.3).astype(np.float32).astype(np.float64)
y = (7 * np.arange(60) // 4 + (x[:, 0] > 0)) % 3
u = (x - x.mean(0)) / x.std(0)
fit = LogisticRegression(C=1 / (2 * 60 * .01), tol=1e-10, max_iter=1000).fit(u, y)
print("logits of the first row, mean removed:", (fit.decision_function(u[:1]) - fit.decision_function(u[:1]).mean())[0])
near = KNeighborsClassifier(7, metric="cosine", weights=lambda d: np.exp((1 - d) / .07)).fit(x[:40], y[:40])
print("20 rows by 7 neighbours:", "".join(map(str, near.predict(x[40:]))))

# bins of depth: the loss and its gradient by autograd at a given map
w = torch.tensor(wave(4, 5, 1.1, .4), requires_grad=True)
z = torch.tensor(1.5 + wave(60, 1, .3, 0)[:, 0])
p = torch.relu(torch.tensor(u) @ w.T + .2) + .1
g = torch.log((p * torch.linspace(.5, 4, 4)).sum(1) / p.sum(1)) - torch.log(z)
loss = (g ** 2).mean() - .85 * g.mean() ** 2
loss.backward()
print("bins, loss and gradient at [0][0], [2][3]:", loss.item(), w.grad[0, 0].item(), w.grad[2, 3].item())

# pixels
grid = torch.tensor(wave(3, 3, 2.1, .9))[None, None]
up = torch.nn.functional.interpolate(grid, size=(7, 10), mode="bilinear", align_corners=False)[0, 0]
print("bilinear at (0,0), (3,4), (6,9), (2,8):", *[up[r, c].item() for r, c in ((0, 0), (3, 4), (6, 9), (2, 8))])

# labels: 2 pictures of 50 pixels, 6 labels of which 4 is never there and never said; 0 is ignored
is_ = torch.tensor((np.arange(100) * 7 // 3) % 5)          # 0 .. 4: ignored, 1 .. 4
said = torch.tensor((np.arange(100) * 5 // 2) % 4 + 1)     # 1 .. 4
keep = is_ > 0
print("mIoU of labels that are there:", MulticlassJaccardIndex(6, average="macro")(said[keep], is_[keep]).item())

# depth
t, d = 2 + wave(6, 8, .5, .8), 2 + .9 * wave(6, 8, .55, .75)
t[0, :3] = 0
known = t > 0
print("RMSE, relative:", root_mean_squared_error(t[known], d[known]), mean_absolute_percentage_error(t[known], d[known]))

# a motion: 9 points, turned by a quarter, moved and disturbed
p = wave(9, 3, .9, 1.4)
q = p @ np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1.]]) + .1 * wave(9, 3, 2.3, .6) + np.array([1, 2, 3])
m = Rotation.align_vectors(q - q.mean(0), p - p.mean(0))[0].as_matrix()
print("motion:", *m.ravel(), *(q.mean(0) - m @ p.mean(0)))

# retrieval: 6 queries of 40 pictures; every third is easy, hard, junk or nothing by a formula
if len(sys.argv) > 1:
    sys.path.insert(0, sys.argv[1])
    np.in1d = np.isin
    from evaluate import compute_map
    score = wave(6, 40, 1.7, 2.3)
    kind = (np.arange(6)[:, None] * 5 + np.arange(40)[None, :] * 3) % 7     # 0 easy, 1, 2 hard, 3 junk
    kind[5][kind[5] == 0] = 3                                           # a query without easy ones
    ranks = np.argsort(-score, axis=1).T
    for name, ok, junk in (("easy", [0], [1, 2, 3]), ("medium", [0, 1, 2], [3]), ("hard", [1, 2], [0, 3])):
        gnd = [{"ok": np.flatnonzero(np.isin(k, ok)), "junk": np.flatnonzero(np.isin(k, junk))} for k in kind]
        print("mAP", name, compute_map(ranks, gnd)[0])
