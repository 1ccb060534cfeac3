#!/usr/bin/env python3
"""Runs two benchmark programs in turn, workload by workload, and prints the ratio THEIRS/OURS (above 1: ours is faster).

Both programs answer `--list` with one workload name a line, and `NAME` with one line: NAME MEDIAN_US MIN_US RUNS (ours adds more columns).
Each round runs theirs, then ours; the ratio of medians is taken inside a round, and the median round is printed. Several peers: repeat --theirs;
the fastest of them in each round counts, and is named. --beside N lets N loops of a compiler run at the same time, for both sides, and prints
our mean and 99th percentile too.

    bench/compare.py --ours build/bench/gradus_bench --theirs OTHER/gradus_bench [--only SUBSTRING] [--rounds 3] [--threads 2] [--beside 3]
"""
import argparse, math, os, shlex, statistics, subprocess, sys

from load import compilers


def names(program):
    return subprocess.run(shlex.split(program) + ["--list"], capture_output=True, text=True, check=True, env=env).stdout.split()


def figures(program, name):
    out = subprocess.run(shlex.split(program) + [name], capture_output=True, text=True, env=env)
    for line in out.stdout.splitlines():
        part = line.split()
        if part and part[0] == name:
            return [float(number) for number in part[1:]]
    sys.exit(f"{program} gave no figure for {name}: {out.stdout[-300:]} {out.stderr[-300:]}")


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--ours", required=True)
parser.add_argument("--theirs", required=True, action="append", help="a program, or a command in quotes; several: the fastest of them counts")
parser.add_argument("--only", default="")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--threads", default=str(len(os.sched_getaffinity(0))))
parser.add_argument("--beside", type=int, default=0, metavar="N")
args = parser.parse_args()
# The strongest setting of a peer: all cores, and OpenBLAS's AVX-512 kernels, which it does not pick by itself on newer processors.
env = dict(os.environ, OMP_NUM_THREADS=args.threads, PEER_THREADS=args.threads)
for name in ("OPENBLAS_L2_SIZE", "OPENBLAS_CORETYPE"):
    env.pop(name, None)
if "avx512bw" in open("/proc/cpuinfo").read():
    env["OPENBLAS_CORETYPE"] = "SKYLAKEX"

ours, theirs = names(args.ours), {program: names(program) for program in args.theirs}
known = list(dict.fromkeys(name for program in theirs.values() for name in program))
logs = []
tail = f" {'our mean':>10s} {'our 99 %':>10s}" if args.beside else ""
print(f"{'workload':32s} {'theirs us':>12s} {'ours us':>12s} {'ratio':>7s}  (min-max over {args.rounds} rounds){tail}")
with compilers(args.beside):
    for name in (name for name in known if name in ours and args.only in name):
        rounds, winners = [], set()
        for _ in range(args.rounds):
            their_time, winner = min((figures(program, name)[0], program) for program, has in theirs.items() if name in has)
            winners.add(os.path.basename(winner.split()[-1]))
            rounds.append((their_time, figures(args.ours, name)))
        ratios = sorted(time / own[0] for time, own in rounds)
        ratio = statistics.median(ratios)
        logs.append(math.log(ratio))
        line = f"{name:32s} {statistics.median(time for time, _ in rounds):12.2f} {statistics.median(own[0] for _, own in rounds):12.2f} {ratio:7.2f}"
        line += f"  ({ratios[0]:.2f}-{ratios[-1]:.2f})"
        if args.beside:
            line += "".join(f" {statistics.median(own[column] for _, own in rounds):10.0f}" for column in (5, 6))
        print(line + (f"  {' '.join(sorted(winners))}" if len(theirs) > 1 else ""), flush=True)
missing = [name for name in known if name not in ours and args.only in name]
if missing:
    print("not in ours:", " ".join(missing))
if logs:
    print(f"geometric mean of {len(logs)} ratios: {math.exp(sum(logs) / len(logs)):.2f}")
