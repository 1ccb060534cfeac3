#!/usr/bin/env python3
"""How workloads of gradus_bench bear neighbours and odd numbers of processors. One line a workload; times are in microseconds, x is a factor.

  quiet          the median (and mean) on all processors
  beside N       mean and 99th percentile while N loops of a compiler run, as factors of the quiet mean and median
  threads x 2    twice as many threads as processors, as a factor of quiet
  on one core    as many threads as processors, all on one core, as a factor of one thread there
  quota          with a share of the processors (default half of them) and the number of threads that Gradus chooses then, as a factor of quiet

    bench/neighbours.py [--bench build/bench/gradus_bench] [--beside 3] [--quota 1.0] [--rounds 3] [WORKLOAD...]
"""
import argparse, os, statistics, subprocess, sys

from load import compilers, quota

USUAL = ["cnn_infer_b1", "cnn_infer_b128", "cnn_step_b128", "resnet18_step_b8", "resnet18_infer_b1", "mlp_step_b128", "mlp_step_b512", "vae_step_b128",
         "elementwise_chain_4m", "matmul_256", "matmul_1024", "softmax_4096x1024", "add_2x2"]


def run(name, threads=None, cores=None, enter=None):
    """Median, mean and 99th percentile: of each the median round."""
    env = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    if threads:
        env["OMP_NUM_THREADS"] = str(threads)

    def before():
        if cores:
            os.sched_setaffinity(0, cores)
        if enter:
            enter()

    rounds = []
    for _ in range(args.rounds):
        out = subprocess.run([args.bench, name], capture_output=True, text=True, env=env, preexec_fn=before)
        line = [line.split() for line in out.stdout.splitlines() if line.startswith(name + " ")]
        if not line:
            sys.exit(f"{args.bench} gave no figure for {name}: {out.stdout[-300:]} {out.stderr[-300:]}")
        rounds.append([float(line[0][column]) for column in (1, 6, 7)])
    return [statistics.median(each) for each in zip(*rounds)]


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--bench", default="build/bench/gradus_bench")
parser.add_argument("--beside", type=int, default=3)
parser.add_argument("--quota", type=float, default=0)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("workloads", nargs="*", default=USUAL)
args = parser.parse_args()
cores = sorted(os.sched_getaffinity(0))
share = args.quota or len(cores) / 2

print(f"{'workload':24s} {'quiet':>10s} {'mean':>10s}   {f'beside {args.beside}: mean':>16s} {'x':>6s} {'99 %':>10s} {'x':>6s}   {'threads x 2':>11s}"
      f" {'on one core':>12s} {f'quota {share:g}':>10s}")
for name in args.workloads:
    median, mean, _ = run(name)
    with compilers(args.beside):
        busy = run(name)
    many = run(name, threads=2 * len(cores))
    one, crowded = run(name, threads=1, cores=cores[:1]), run(name, threads=len(cores), cores=cores[:1])
    with quota(share) as enter:
        limited = run(name, enter=enter) if enter else None
    print(f"{name:24s} {median:10.1f} {mean:10.1f}   {busy[1]:16.1f} {busy[1] / mean:6.2f} {busy[2]:10.1f} {busy[2] / median:6.2f}   {many[0] / median:11.2f}"
          f" {crowded[0] / one[0]:12.2f} " + (f"{limited[1] / mean:10.2f}" if limited else f"{'-':>10s}"), flush=True)
