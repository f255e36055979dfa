import numpy as np
import pytest
from identities import present

from jaxmt import Ending, Knee, Stopping


def history(nrms, roughness=None, factor=1.0):
    roughness = np.ones(len(nrms)) if roughness is None else roughness
    return {"nrms": list(nrms), "roughness": list(roughness), "regularization_factor": [factor] * len(nrms)}


def test_the_target_ends_an_inversion():
    rules = Stopping(target=1.2, patience=5)
    assert rules.is_last(history([3.0, 1.3])) is None
    stop = present(rules.is_last(history([3.0, 1.3, 1.2])))
    assert stop.ending is Ending.TARGET
    assert stop.message == "reached the target nRMS of 1.2 in 2 iterations"


def test_so_many_steps_end_an_inversion():
    rules = Stopping(max_iterations=2)
    assert rules.is_spent(2) is None
    assert present(rules.is_spent(3)).ending is Ending.ITERATIONS
    assert present(rules.is_spent(3)).message == "stopped after 2 iterations above the target nRMS of 1.05"


def test_no_progress_ends_an_inversion():
    rules = Stopping(patience=2, progress=0.1)
    # From the lowest before the last two, 5, a tenth is 0.5.
    assert rules.is_last(history([9.0, 5.0, 6.0, 4.4])) is None
    stop = present(rules.is_last(history([9.0, 5.0, 6.0, 4.6])))
    assert stop.ending is Ending.STALLED
    assert "the last 2 lowered it by less than 10%" in stop.message


def elastic(elasticity, count=9, growth=1.3):
    """nRMS and roughness with a constant elasticity."""
    roughness = growth ** np.arange(count)
    return 9.0 * roughness**-elasticity, roughness


def test_the_knee_ends_an_inversion_and_goes_back():
    rules = Stopping(target=1.0, patience=4, progress=0.001)
    nrms, roughness = elastic(0.19)
    assert rules.is_last(history(nrms[:4], roughness[:4])) is None
    stop = present(rules.is_last(history(nrms[:5], roughness[:5])))
    assert stop.ending is Ending.KNEE
    assert stop.back_to == 0
    assert rules.is_last(history(nrms[:8], roughness[:8])) is None
    assert present(rules.is_last(history(nrms, roughness))).back_to == 4
    assert [k for k in range(9) if rules.keeps(k)] == [0, 2, 4, 6, 8]
    assert rules.is_last(history(*elastic(0.21))) is None
    # Twice as rough, it would be at the target.
    assert rules.is_last(history(nrms[:5] / nrms[4] * 2**0.18, roughness[:5])) is None


def test_the_knee_needs_roughness_that_grows_and_counts():
    rules = Stopping(target=1.0, patience=4, progress=0.001)
    nrms, roughness = elastic(0.19, 5)
    # 1.1^4 is less than 1.5.
    assert rules.is_last(history(*elastic(0.19, 5, 1.1))) is None
    assert rules.is_last(history(nrms, roughness, factor=0.0)) is None
    assert rules.is_last(history(nrms, 0 * roughness)) is None
    for other in (rules.filled(10, has_cells=False), Stopping(patience=4, progress=0.001, knee=None)):
        assert other.is_last(history(nrms, roughness)) is None
        assert not other.keeps(0)
    strict = Stopping(target=1.0, patience=4, progress=0.001, knee=Knee(elasticity=0.1))
    assert strict.is_last(history(nrms, roughness)) is None


def test_an_optimiser_lends_its_patience():
    assert Stopping().filled(7, has_cells=True).patience == 7
    assert Stopping(patience=3).filled(7, has_cells=True).patience == 3
    assert Stopping().is_last(history([9.0] * 200)) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Stopping(target=0.0), r"target=...\)` must be a positive nRMS. Got 0.0"),
        (lambda: Stopping(max_iterations=0), r"max_iterations=...\)` must be at least 1. Got 0"),
        (lambda: Stopping(patience=0), r"Stopping\(patience=...\)` must be at least 1 iteration. Got 0"),
        (lambda: Stopping(progress=1.0), r"Stopping\(progress=...\)` must lie in \(0, 1\). Got 1.0"),
        (lambda: Knee(elasticity=0.0), r"Knee\(elasticity=...\)` must be positive.*Got 0.0"),
        (lambda: Knee(growth=1.0), r"Knee\(growth=...\)` must be a finite factor above 1. Got 1.0"),
    ],
)
def test_bad_rules_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
