#!/usr/bin/env python3
"""Rows of gradus_bench about sequences, in PyTorch 2 or JAX: gru256_t64_step_b32, bert_tiny_step, scan_grad_small,
generate_gpt_d384, embed_minilm_b1, embed_minilm_b32.

--list, or NAME -> NAME MEDIAN_US MIN_US RUNS. PEER=eager (default), compile (torch.compile), jax, ort (ONNX Runtime; the
embeddings alone). PEER_THREADS: threads, by default all. Needs torch and transformers, or jax and optax, or onnxruntime.
Weights are random: what they are does not change the time.
"""
import os
import sys
import time

peer = os.environ.get("PEER", "eager")
threads = int(os.environ.get("PEER_THREADS", os.cpu_count()))


def bench(name, step, seconds=2.0):
    for _ in range(3):
        step()
    times, start = [], time.perf_counter()
    while len(times) < 5 or (time.perf_counter() - start < seconds and len(times) < 20000):
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    times.sort()
    print(f"{name:28s} {times[len(times) // 2] * 1e6:12.2f} {times[0] * 1e6:12.2f} {len(times):8d}", flush=True)


def torch_rows():
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    maybe = torch.compile if peer == "compile" else (lambda f: f)

    def trainer(net, optimizer, loss, *data):
        objective = maybe(loss)

        def step():
            optimizer.zero_grad()
            value = objective(*data)
            value.backward()
            optimizer.step()
            return value.item()
        return step

    def gru():
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.gru, self.head = nn.GRU(64, 256, batch_first=True), nn.Linear(256, 10)

            def forward(self, x):
                return self.head(self.gru(x)[0][:, -1])
        net = Net()
        return trainer(net, torch.optim.Adam(net.parameters(), 1e-3, fused=True), lambda x, y: F.cross_entropy(net(x), y),
                       torch.rand(32, 64, 64), torch.randint(10, (32,)))

    def bert_tiny():
        from transformers import BertConfig, BertForMaskedLM
        net = BertForMaskedLM(BertConfig(hidden_size=128, num_hidden_layers=2, num_attention_heads=2, intermediate_size=512,
                                         attn_implementation="sdpa"))
        ids = torch.randint(30522, (16, 64))
        return trainer(net, torch.optim.AdamW(net.parameters(), 3e-4, fused=True), lambda x, y: net(x, labels=y).loss, ids, ids)

    def generate():
        from transformers import GPT2Config, GPT2LMHeadModel
        net = GPT2LMHeadModel(GPT2Config(vocab_size=96, n_positions=256, n_embd=384, n_layer=6, n_head=6, bos_token_id=0,
                                         eos_token_id=95)).eval()
        if peer == "compile":
            net.forward = torch.compile(net.forward)
        prompt = torch.ones(1, 64, dtype=torch.int64)

        def step():
            with torch.no_grad():
                return net.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=True, max_new_tokens=64,
                                    min_new_tokens=64, pad_token_id=0)
        return step

    def embed(batch):
        from transformers import BertConfig, BertModel
        net = BertModel(BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536,
                                   attn_implementation="sdpa")).eval()
        ids = torch.randint(1, 30522, (batch, 64))

        def mean(ids):
            h = net(ids, attention_mask=torch.ones_like(ids)).last_hidden_state
            return F.normalize(h.mean(1), dim=-1)
        call = maybe(mean)

        def step():
            with torch.no_grad():
                return call(ids)
        return step

    return {"gru256_t64_step_b32": gru, "bert_tiny_step": bert_tiny, "generate_gpt_d384": generate,
            "embed_minilm_b1": lambda: embed(1), "embed_minilm_b32": lambda: embed(32)}


def jax_rows():
    import jax
    import jax.numpy as jnp
    import optax
    key = jax.random.PRNGKey(0)

    def scan_grad():
        first = jax.random.uniform(key, (60,))
        forces = jax.random.uniform(key, (614,))

        def step(c, force):
            n = len(c)
            new = tuple(c[i] + 0.01 * ((c[(i + 1) % n] - c[i - 2]) * c[i - 1] - c[i] + force) for i in range(n))
            return new, c[0]

        def objective(c):
            last, seen = jax.lax.scan(step, c, forces)
            return jnp.sum(seen**2) + jnp.sum(jnp.stack(last)**2)
        call, c = jax.jit(jax.grad(objective)), tuple(first)
        return lambda: jax.block_until_ready(call(c))

    def gru():
        k = jax.random.split(key, 3)
        params = dict(w=jax.random.normal(k[0], (64, 768)) / 8, u=jax.random.normal(k[1], (256, 768)) / 16, b=jnp.zeros(768),
                      c=jnp.zeros(768), o=jax.random.normal(k[2], (256, 10)) / 16, d=jnp.zeros(10))

        def loss(p, x, y):
            xs = jnp.swapaxes(x @ p["w"] + p["b"], 0, 1)

            def cell(h, xt):
                z, r, g = jnp.split(xt, 3, -1)
                uz, ur, ug = jnp.split(h @ p["u"] + p["c"], 3, -1)
                z, r = jax.nn.sigmoid(z + uz), jax.nn.sigmoid(r + ur)
                return z * h + (1 - z) * jnp.tanh(g + r * ug), None
            h, _ = jax.lax.scan(cell, jnp.zeros((32, 256)), xs)
            return optax.softmax_cross_entropy_with_integer_labels(h @ p["o"] + p["d"], y).mean()
        optimizer = optax.adam(1e-3)
        state = [params, optimizer.init(params)]
        x, y = jax.random.uniform(key, (32, 64, 64)), jax.random.randint(key, (32,), 0, 10)

        def update(p, s):
            value, grads = jax.value_and_grad(loss)(p, x, y)
            changes, s = optimizer.update(grads, s, p)
            return optax.apply_updates(p, changes), s, value
        jitted = jax.jit(update, donate_argnums=(0, 1))

        def step():
            state[0], state[1], value = jitted(*state)
            return value.item()
        return step

    return {"scan_grad_small": scan_grad, "gru256_t64_step_b32": gru}


def ort_rows():
    """MODEL: an ONNX file of MiniLM's encoder, ids (N, T) -> (N, width), made by --export with torch."""
    import numpy as np
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])

    def embed(batch):
        ids = np.random.default_rng(0).integers(1, 30522, (batch, 64))
        return lambda: session.run(None, {"ids": ids})
    return {"embed_minilm_b1": lambda: embed(1), "embed_minilm_b32": lambda: embed(32)}


def export(path):
    import torch
    import torch.nn.functional as F
    from transformers import BertConfig, BertModel
    net = BertModel(BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536,
                               attn_implementation="eager")).eval()

    class Mean(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, ids):
            return F.normalize(self.net(ids, attention_mask=torch.ones_like(ids)).last_hidden_state.mean(1), dim=-1)
    torch.onnx.export(Mean(), (torch.ones(2, 64, dtype=torch.int64),), path, input_names=["ids"], output_names=["y"],
                      dynamic_axes={"ids": {0: "n"}, "y": {0: "n"}}, dynamo=False)


if len(sys.argv) == 3 and sys.argv[1] == "--export":
    export(sys.argv[2])
    sys.exit()
rows = {"jax": jax_rows, "ort": ort_rows}.get(peer, torch_rows)()
if "--list" in sys.argv:
    print("\n".join(rows))
    sys.exit()
for name in sys.argv[1:] or rows:
    bench(name, rows[name]())
