"""Neighbours for a measurement, and ways to run a program with fewer processors. Used by compare.py and neighbours.py."""
import contextlib, os, pathlib, shlex, shutil, signal, subprocess, sys, time

ROOT = pathlib.Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def compilers(count):
    """`count` loops of the compiler over a file of this project: short processes that come and go. The same as gradus_bench --beside."""
    compiler = os.environ.get("CXX") or shutil.which("c++") or sys.exit("--beside needs a compiler: there is no c++")
    source = shlex.quote(str(ROOT))
    loop = f"while :; do {compiler} -std=c++20 -O2 -I {source} -c {source}/gradus/array/shape.cpp -o /dev/null || exit 1; done"
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # Groups of their own, to be ended by; not sessions, to which Linux gives shares of the processors (sched_autogroup) however many threads they have.
    loops = [subprocess.Popen(["/bin/sh", "-c", loop], process_group=0, **quiet) for _ in range(count)]
    try:
        if loops:
            time.sleep(1)
            if any(each.poll() is not None for each in loops):
                sys.exit(f"a neighbour ended at once; it runs: {loop}")
        yield
    finally:
        for each in loops:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.pid, signal.SIGKILL)
            each.wait()


@contextlib.contextmanager
def quota(processors):
    """A function for Popen's preexec_fn that gives the process a share of the processors, by a control group; None where that is not allowed."""
    first, second = pathlib.Path("/sys/fs/cgroup/cpu"), pathlib.Path("/sys/fs/cgroup")
    old = (first / "cpu.cfs_quota_us").exists()
    group = (first if old else second) / f"gradus-{os.getpid()}"
    try:
        group.mkdir()
        period = 100000
        if old:
            (group / "cpu.cfs_period_us").write_text(str(period))
            (group / "cpu.cfs_quota_us").write_text(str(int(processors * period)))
        else:
            (group / "cpu.max").write_text(f"{int(processors * period)} {period}")
    except OSError:
        with contextlib.suppress(OSError):
            group.rmdir()
        yield None
        return
    try:
        yield lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
    finally:
        for _ in range(50):  # the last process may still be leaving
            try:
                group.rmdir()
                break
            except OSError:
                time.sleep(0.1)
