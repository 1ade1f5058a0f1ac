"""reference_field.py: what toy models of Spa3R and Spa3-VLM compute, from scratch in PyTorch; for reference.py.

Refuses: to use any code of ours or of the papers' authors. Written from their equations, one scene and one
sequence at a time, with dense masks and complete matrices, so that nothing of our batching is repeated here.
Names are those of reference.py's file behind "f."; V is a variant:
    a   LayerNorm of q and k in global blocks, one asymmetric pass, context cameras in the encoder (PRoPE)
    b   RMSNorm, the context has a pass of its own, RoPE2D in the encoder
f.in.pixels  [views, H, W, 3]; f.in.pose [views, 9]: T, quaternion (any length), fields of view down, across
f.in.scene   [views]; f.in.context [views]; f.in.row, f.in.depth: image tokens with known depth
f.V.frame.L.out, global: [views of all passes * (1 + registers + patches), C], a context pass first
f.V.pose     [rounds, views, 9]; f.V.fenc.L.out [scenes * (registers + latents + context patches), W]
f.V.fdec.L.out [views * (registers + latents + patches), W]; f.V.{geo,sem,probe,geometry,seen}
f.V.T.loss, f.V.T.grad.NAME  of task T: agg (aggregator's step; b: some tensors), field (Spa3R's; a only)
"""
import torch
from torch.nn import functional as F

PATCH, GRID, GW, GH, C, ENC_HEADS, MLP = 4, 3, 3, 2, 16, 2, 12
AGG_LAYERS, AGG_HEADS, REGISTERS, ROUNDS, W, FIELD_LAYERS, FIELD_HEADS, FIELD_MLP = 2, 2, 2, 2, 32, 1, 2, 12
LATENTS, FIELD_REGISTERS, D, LLM_HEADS = 5, 2, 16, 2
SCENES = ((1, 0, 1, 0), (1,))  # of every scene's views: context?
N = GW * GH
CELLS = [(y, x) for y in range(GH) for x in range(GW)]


def names():
    """{name: shape} of every parameter that is needed."""
    table = {}

    def block(tower, layers, c, mlp, heads, qk=0, scaled=0):
        for i in range(layers):
            for part, shape in dict(norm1_w=(c,), norm1_b=(c,), q_w=(c, c), q_b=(c,), k_w=(c, c), k_b=(c,),
                                    v_w=(c, c), v_b=(c,), o_w=(c, c), o_b=(c,), norm2_w=(c,), norm2_b=(c,),
                                    up_w=(mlp, c), up_b=(mlp,), down_w=(c, mlp), down_b=(c,)).items():
                table[f"{tower}.{i}.{part}"] = shape
            for part in ("qnorm", "knorm"):
                table.update({f"{tower}.{i}.{part}_{s}": (c // heads,) for s in "wb"[:qk]})
            table.update({f"{tower}.{i}.{s}": (c,) for s in ("scale1", "scale2")[:2 * scaled]})

    def mlp(name, out, hidden, c):
        table.update({name + "w1": (hidden, c), name + "b1": (hidden,), name + "w2": (out, hidden), name + "b2": (out,)})

    def linear(name, out, c):
        table.update({name + "_w": (out, c), name + "_b": (out,)})

    def norm(name, c):
        table.update({name + "_w": (c,), name + "_b": (c,)})
    linear("enc.patch", C, 3 * PATCH * PATCH), norm("enc.norm", C)
    table |= {"enc.cls": (C,), "enc.pos": (1 + GRID * GRID, C), "agg.tokens": (2 * (1 + REGISTERS), C)}
    block("enc", 1, C, MLP, ENC_HEADS), block("frame", AGG_LAYERS, C, MLP, AGG_HEADS, 2, 1)
    block("global", AGG_LAYERS, C, MLP, AGG_HEADS, 2, 1), block("camera", 1, 2 * C, 2 * MLP, AGG_HEADS, 0, 1)
    norm("agg.norm", 2 * C), mlp("agg.geo_", 4, MLP, 2 * C), norm("cam.token_norm", 2 * C), norm("cam.norm", 2 * C)
    table["cam.empty"] = (9,)
    linear("cam.pose", 2 * C, 9), linear("cam.mod", 6 * C, 2 * C), mlp("cam.", 9, C, 2 * C)
    linear("field.proj", W, 2 * C), linear("field.ray", W, 3), norm("field.enc_norm", W), norm("field.dec_norm", W)
    table |= {"field.tokens": (FIELD_REGISTERS + LATENTS, W), "field.registers": (FIELD_REGISTERS, W)}
    block("fenc", FIELD_LAYERS, W, FIELD_MLP, FIELD_HEADS, 1), block("fdec", FIELD_LAYERS, W, FIELD_MLP, FIELD_HEADS, 1)
    for name, out in (("geo", 2 * C), ("sem", C), ("probe", 1)):
        mlp(f"field.{name}_", out, FIELD_MLP, W)
    linear("proj.1", D, C), linear("proj.2", D, D), mlp("adapt.latent_", D, D, W), mlp("adapt.", D, D // 4, D)
    for name in ("q", "k", "v", "o", "gate"):
        linear("adapt." + name, D, D)
    norm("adapt.qnorm", D // LLM_HEADS), norm("adapt.knorm", D // LLM_HEADS), norm("adapt.norm", D)
    for k in ("w", "b"):  # our projector's names
        table["proj." + k + "1"], table["proj." + k + "2"] = table.pop("proj.1_" + k), table.pop("proj.2_" + k)
    return table


def turn_pairs(x, angle, sign):
    """Lane i of x [.., 2m] and lane i + m, by angle [.., m]."""
    a, b = x.chunk(2, -1)
    c, s = angle.cos(), sign * angle.sin()
    return torch.cat([a * c - b * s, b * c + a * s], -1)


def rope2d(x, cells):
    """x [n, heads, d]; cells [n] of (y, x), one-based, (0, 0) for special tokens."""
    quarter = x.shape[-1] // 4
    f = 100 ** (-torch.arange(quarter).double() / quarter)
    at = torch.tensor(cells).double()
    y, z = x.chunk(2, -1)
    return torch.cat([turn_pairs(y, at[:, :1, None] * f, 1), turn_pairs(z, at[:, 1:, None] * f, 1)], -1)


def prope(x, matrix, cells, back):
    """Rows with a camera: x's first half by a matrix [n, 4, 4] in fours, the rest by x, then by y (zero-based)."""
    d = x.shape[-1]
    first = torch.einsum("nij,nhgj->nhgi", matrix, x[..., :d // 2].unflatten(-1, (-1, 4))).flatten(-2)
    f = 100 ** (-torch.arange(d // 8).double() / (d // 8))
    at = torch.tensor(cells).double()
    u, v = x[..., d // 2:].chunk(2, -1)
    sign = 1 if back else -1
    return torch.cat([first, turn_pairs(u, at[:, 1:, None] * f, sign), turn_pairs(v, at[:, :1, None] * f, sign)], -1)


def attend(q, k, v, mask=None):
    """[n, heads, d] each."""
    score = torch.einsum("qhd,khd->hqk", q, k) / q.shape[-1] ** 0.5
    if mask is not None:
        score = score.masked_fill(~mask, -torch.inf)
    return torch.einsum("hqk,khd->qhd", score.softmax(-1), v)


def layer_norm(p, name, x, eps):
    return F.layer_norm(x, x.shape[-1:], p[name + "_w"], p[name + "_b"], eps)


def head_norm(p, name, x, kind, eps):
    if kind == "ln":
        return layer_norm(p, name, x, eps)
    return x if kind is None else x * (x.square().mean(-1, keepdim=True) + eps) ** -0.5 * p[name + "_w"]


def block(p, name, x, heads, eps, kind=None, qk_eps=1e-5, cells=None, cameras=None, mask=None):
    """One sequence x [n, c]. cameras [n, 4, 4]: PRoPE, else cells alone: RoPE2D."""
    def linear(part, y):
        return F.linear(y, p[f"{name}.{part}_w"], p[f"{name}.{part}_b"])
    n1 = layer_norm(p, name + ".norm1", x, eps)
    q, k, v = (linear(part, n1).unflatten(-1, (heads, -1)) for part in "qkv")
    q, k = head_norm(p, name + ".qnorm", q, kind, qk_eps), head_norm(p, name + ".knorm", k, kind, qk_eps)
    if cameras is not None:
        inverse = torch.linalg.inv(cameras)
        q, k = prope(q, cameras.mT, cells, False), prope(k, inverse, cells, False)
        o = prope(attend(q, k, prope(v, inverse, cells, False), mask), cameras, cells, True)
    else:
        if cells is not None:
            q, k = rope2d(q, cells), rope2d(k, cells)
        o = attend(q, k, v, mask)
    y = linear("o", o.flatten(1))
    x = x + y * p.get(name + ".scale1", 1.0)
    y = linear("down", F.gelu(linear("up", layer_norm(p, name + ".norm2", x, eps))))
    return x + y * p.get(name + ".scale2", 1.0)


def mlp(p, name, x):
    return F.linear(F.gelu(F.linear(x, p[name + "w1"], p[name + "b1"])), p[name + "w2"], p[name + "b2"])


def linear(p, name, x):
    return F.linear(x, p[name + "_w"], p[name + "_b"])


def encode(p, pixels):
    """[views, H, W, 3] to patch features [views, N, C], behind the final norm."""
    out = []
    for image in pixels:
        patches = image.unflatten(0, (GH, PATCH)).unflatten(2, (GW, PATCH)).permute(0, 2, 4, 1, 3).reshape(N, -1)
        at = torch.tensor([1 + y * GRID + x for y, x in CELLS])
        x = torch.cat([(p["enc.cls"] + p["enc.pos"][0])[None], linear(p, "enc.patch", patches) + p["enc.pos"][at]])
        out.append(layer_norm(p, "enc.norm", block(p, "enc.0", x, ENC_HEADS, 1e-6), 1e-6)[1:])
    return torch.stack(out)


def aggregate(p, views, context, kind, saved):
    """Patch features [V, N, C] in any order that begins with the first view: frame | global features
    [V, 1 + registers + N, 2C]. A context view sees context, others see all."""
    special, V = 1 + REGISTERS, len(views)
    tokens = p["agg.tokens"].unflatten(0, (2, special))
    x = torch.stack([torch.cat([tokens[min(v, 1)], f]) for v, f in enumerate(views)])
    cells = [(0, 0)] * special + [(y + 1, x + 1) for y, x in CELLS]
    seen = torch.tensor([[not context[i] or context[j] for j in range(V)] for i in range(V)]).bool()
    mask = seen.repeat_interleave(special + N, 0).repeat_interleave(special + N, 1)
    for i in range(AGG_LAYERS):
        frame = torch.stack([block(p, f"frame.{i}", f, AGG_HEADS, 1e-5, "ln", 1e-5, cells) for f in x])
        x = block(p, f"global.{i}", frame.flatten(0, 1), AGG_HEADS, 1e-5, kind, 1e-5 if kind == "ln" else 1.2e-7,
                  cells * V, mask=mask).unflatten(0, (V, -1))
        saved.setdefault(f"frame.{i}.out", []).append(frame.flatten(0, 1))
        saved.setdefault(f"global.{i}.out", []).append(x.flatten(0, 1))
    return torch.cat([frame, x], -1)


def camera_head(p, feature):
    """Camera tokens [V, 2C] of a scene: the pose after every round [rounds, V, 9]."""
    t, pose, out = layer_norm(p, "cam.token_norm", feature, 1e-5), None, []
    for _ in range(ROUNDS):
        m = linear(p, "cam.pose", p["cam.empty"].expand(len(t), 9) if pose is None else pose.detach())
        shift, scale, gate = linear(p, "cam.mod", F.silu(m)).chunk(3, -1)
        u = t + gate * (F.layer_norm(t, t.shape[-1:], eps=1e-6) * (1 + scale) + shift)
        u = layer_norm(p, "cam.norm", block(p, "camera.0", u, AGG_HEADS, 1e-5), 1e-5)
        step = mlp(p, "cam.", u)
        pose = step if pose is None else pose.detach() + step
        out.append(pose)
    return torch.stack(out)


def rigid(e):
    """World-to-camera 4x4 of a pose encoding."""
    i, j, k, r = e[3:7] / e[3:7].norm()
    rotation = torch.stack([1 - 2 * (j * j + k * k), 2 * (i * j - k * r), 2 * (i * k + j * r), 2 * (i * j + k * r),
                            1 - 2 * (i * i + k * k), 2 * (j * k - i * r), 2 * (i * k - j * r), 2 * (j * k + i * r),
                            1 - 2 * (i * i + j * j)]).reshape(3, 3)
    m = torch.eye(4)
    m[:3, :3], m[:3, 3] = rotation, e[:3]
    return m


def quaternion(m):
    w = (1 + m[0, 0] + m[1, 1] + m[2, 2]).sqrt() / 2
    return torch.stack([m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], 4 * w * w]) / (4 * w)


class Cameras:
    """Of one scene, in the first view's frame: pose encodings, PRoPE's matrices, rays, points at depths."""

    def __init__(self, poses):
        first = torch.linalg.inv(rigid(poses[0]))
        self.e = [rigid(p) @ first for p in poses]
        self.encoding = torch.stack([torch.cat([e[:3, 3], quaternion(e), p[7:]]) for e, p in zip(self.e, poses)])
        self.focal = [(GW * PATCH / 2 / torch.tan(p[8] / 2), GH * PATCH / 2 / torch.tan(p[7] / 2)) for p in poses]
        self.matrix = []
        for e, (fx, fy) in zip(self.e, self.focal):
            k = torch.eye(4)
            k[0, 0], k[1, 1] = fx / (GW * PATCH), fy / (GH * PATCH)
            self.matrix.append(k @ e)

    def direction(self, v, cell):
        fx, fy = self.focal[v]
        return torch.stack([((cell[1] + .5) - GW / 2) * PATCH / fx, ((cell[0] + .5) - GH / 2) * PATCH / fy, torch.tensor(1.0)])

    def rays(self, v):
        d = torch.stack([self.direction(v, c) for c in CELLS])
        return d / d.norm(dim=-1, keepdim=True)

    def geometry(self, v, cell, depth):
        point = torch.linalg.inv(self.e[v]) @ torch.cat([self.direction(v, cell) * depth, torch.ones(1)])
        return torch.cat([depth[None], point[:3]])


def latents_of(p, context, matrices, with_cameras, saved):
    """Context features [views, N, 2C] of a scene to its latents."""
    special = FIELD_REGISTERS + LATENTS
    x = torch.cat([p["field.tokens"], linear(p, "field.proj", context.flatten(0, 1))])
    base = 0 if with_cameras else 1
    cells = [(0, 0)] * special + [(y + base, z + base) for _ in context for y, z in CELLS]
    cameras = torch.stack([torch.eye(4)] * special + [m for m in matrices for _ in CELLS]) if with_cameras else None
    for i in range(FIELD_LAYERS):
        x = block(p, f"fenc.{i}", x, FIELD_HEADS, 1e-6, "rms", 1.2e-7, cells, cameras)
        saved.setdefault(f"fenc.{i}.out", []).append(x)
    return layer_norm(p, "field.enc_norm", x, 1e-6)[FIELD_REGISTERS:special]


def decode(p, latents, rays, matrix, saved):
    """One view's features [N, W]."""
    special = FIELD_REGISTERS + LATENTS
    x = torch.cat([p["field.registers"], latents, linear(p, "field.ray", rays)])
    cameras = torch.stack([torch.eye(4)] * special + [matrix] * N)
    for i in range(FIELD_LAYERS):
        x = block(p, f"fdec.{i}", x, FIELD_HEADS, 1e-6, "rms", 1.2e-7, [(0, 0)] * special + CELLS, cameras)
        saved.setdefault(f"fdec.{i}.out", []).append(x)
    return layer_norm(p, "field.dec_norm", x, 1e-6)[special:]


def adapter(p, x, z):
    g = mlp(p, "adapt.latent_", z)
    q, k, v = (linear(p, "adapt." + n, y).unflatten(-1, (LLM_HEADS, -1)) for n, y in (("q", x), ("k", g), ("v", g)))
    a = attend(head_norm(p, "adapt.qnorm", q, "ln", 1e-5), head_norm(p, "adapt.knorm", k, "ln", 1e-5), v).flatten(1)
    a = layer_norm(p, "adapt.norm", linear(p, "adapt.o", a), 1e-5)
    return x + mlp(p, "adapt.", a) * torch.sigmoid(linear(p, "adapt.gate", a))


def feature_loss(p, t):
    return F.smooth_l1_loss(p, t) + (1 - F.cosine_similarity(p, t, dim=-1)).mean()


def run(p, inputs, variant):
    """Losses of both tasks and everything on the way, the scenes of a batch one by one."""
    saved, part, kind = {}, {}, "ln" if variant == "a" else "rms"
    feature = encode(p, inputs["pixels"])
    for s, context in enumerate(SCENES):
        at = [v for v in range(len(inputs["scene"])) if inputs["scene"][v] == s]
        views, cameras = feature[at], Cameras([inputs["pose"][v] for v in at])
        order = sorted(range(len(at)), key=lambda v: not context[v])
        inside = [v for v in order if context[v]]
        if variant == "a":
            out = aggregate(p, views[order], [context[v] for v in order], kind, saved)
            all_views, read = out[[order.index(v) for v in range(len(at))]], out[:len(inside)]
        else:  # where all is context there is one pass
            read = aggregate(p, views[inside], [1] * len(inside), kind, saved)
            all_views = read if len(inside) == len(at) else aggregate(p, views, [1] * len(at), kind, saved)
        patches = all_views[:, 1 + REGISTERS:]
        pose = camera_head(p, all_views[:, 0])
        z = latents_of(p, read[:, 1 + REGISTERS:].detach(), [cameras.matrix[v] for v in inside], variant == "a", saved)
        y = torch.stack([decode(p, z, cameras.rays(v), cameras.matrix[v], saved) for v in range(len(at))])
        x = mlp(p, "proj.", views.flatten(0, 1))
        new = dict(pose=pose, pose_target=cameras.encoding.expand(ROUNDS, -1, -1), geo=mlp(p, "field.geo_", y),
                   sem=mlp(p, "field.sem_", y), geo_target=patches.detach(), sem_target=views.detach(),
                   seen=adapter(p, x, z), probe=[], depth=[], geometry=[], geometry_target=[])
        for row, depth in zip(inputs["row"].tolist(), inputs["depth"]):
            if row // N not in at:
                continue
            v, cell = at.index(row // N), row % N
            new["probe"].append(mlp(p, "field.probe_", y[v, cell].detach()))
            new["depth"].append(depth[None])
            new["geometry"].append(mlp(p, "agg.geo_", layer_norm(p, "agg.norm", patches[v, cell], 1e-5)))
            new["geometry_target"].append(cameras.geometry(v, CELLS[cell], depth))
        for key, value in new.items():
            value = torch.stack(value) if isinstance(value, list) else value
            part[key] = torch.cat([part[key], value], 1 if key.startswith("pose") else 0) if key in part else value
    aggregator = F.smooth_l1_loss(part["geometry"], part["geometry_target"])
    for k in range(ROUNDS):
        aggregator = aggregator + .6 ** (ROUNDS - 1 - k) * F.smooth_l1_loss(part["pose"][k], part["pose_target"][k])
    field = feature_loss(part["geo"], part["geo_target"]) + feature_loss(part["sem"], part["sem_target"])
    field = field + F.smooth_l1_loss(part["probe"], part["depth"])
    out = {k: torch.cat(v) for k, v in saved.items()}
    out |= {k: part[k].reshape(-1, part[k].shape[-1]) for k in ("pose", "geo", "sem", "probe", "seen", "geometry")}
    return dict(agg=aggregator, field=field), out


def goldens():
    """{name: tensor} for the file."""
    torch.manual_seed(21)
    p = {}
    for name, shape in names().items():
        small = len(shape) == 1 or name in ("enc.pos", "agg.tokens", "field.tokens", "field.registers")
        x = torch.randn(shape) * (.3 if small else shape[-1] ** -.5)
        p[name] = (x + ("norm" in name and name.endswith("w"))).float().double().requires_grad_()
    views = sum(map(len, SCENES))
    pose = torch.cat([torch.randn(views, 3) * .5, torch.randn(views, 3) * .2, torch.ones(views, 1),
                      .9 + .05 * torch.randn(views, 1), 1.1 + .05 * torch.randn(views, 1)], 1)
    inputs = dict(pixels=torch.rand(views, GH * PATCH, GW * PATCH, 3) * 2 - 1, pose=pose,
                  scene=torch.tensor([s for s, c in enumerate(SCENES) for _ in c]),
                  context=torch.tensor([x for c in SCENES for x in c]),
                  row=torch.arange(0, views * N, 2), depth=.5 + torch.rand(views * N // 2) * 2)
    inputs = {k: v.float().double() if v.is_floating_point() else v for k, v in inputs.items()}
    out = {"f." + k: v.detach() for k, v in p.items()} | {"f.in." + k: v for k, v in inputs.items()}
    for variant in "ab":
        losses, saved = run(p, inputs, variant)
        out |= {f"f.{variant}.{k}": v.detach() for k, v in saved.items()}
        for task, loss in losses.items():
            out[f"f.{variant}.{task}.loss"] = loss.detach()[None]
            wanted = {"afield": ("field.", "fenc.", "fdec."), "bagg": ("global.",),
                      "aagg": ("frame.", "global.", "camera.", "agg.", "cam.")}.get(variant + task, ())
            of = [k for k in p if k.startswith(wanted)]
            grads = torch.autograd.grad(loss, [p[k] for k in of], allow_unused=True, retain_graph=True) if of else ()
            out |= {f"f.{variant}.{task}.grad.{k}": g for k, g in zip(of, grads) if g is not None}
    return out
