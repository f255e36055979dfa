import chores
import pytest

from jaxmt import run_tasks

distributed = pytest.importorskip("distributed", reason="needs the extra `cluster`")


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_of_two_workers_of_which_one_is_killed(tmp_path):
    """Dask gives what a dead worker left to another; the numbers are those of this process."""
    numbers = {f"task {k}": float(k) for k in range(6)}
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        squares = run_tasks(chores.square, numbers, tmp_path / "squares", client.get_executor()).require()
        lived = run_tasks(
            chores.die_in_the_first_worker, numbers, tmp_path / "lived", client.get_executor(pure=False)
        )
    assert (tmp_path / "lived" / "killed").exists()
    assert not lived.failed
    assert set(lived.done) == set(numbers)
    assert [found["square"] for found in squares.done.values()] == [k * k for k in range(6)]
    assert all(found["x64"] for found in squares.done.values())
