import numpy as np
import pytest
from identities import of_kind, present

from jaxmt import CloudTransport, ComponentTransport, HandOver, Huber, LeastSquares
from jaxmt.misfit import MISFITS, AbstractMisfit, named
from jaxmt.transport import Relaxed


def test_every_name_makes_a_misfit_with_a_label_of_its_own():
    names = "cloud components graph l2 huber student sliding paired cloud-l2"
    assert set(MISFITS) == set(names.split())
    assert all(isinstance(named(name), AbstractMisfit) for name in MISFITS)
    assert len({entry.label for entry in MISFITS.values()}) == len(MISFITS)
    assert named("cloud-l2") == HandOver(CloudTransport(), LeastSquares())


def test_settings_take_the_place_of_defaults():
    assert named("huber", threshold=2) == Huber(2.0)
    assert isinstance(of_kind(Huber, named("huber", threshold=2)).threshold, float)
    settings = {"start_blur": 0.1, "final_blur": None, "components": ["phase_xy"], "max_sweeps": 5}
    assert named("components", **settings) == ComponentTransport(CloudTransport(**settings))
    cloud = of_kind(CloudTransport, named("cloud", marginals=Relaxed(0.1, 0.1)))
    assert cloud.marginals == Relaxed(0.1, 0.1)
    cloud = of_kind(CloudTransport, named("cloud", correlation=[[1, 0], [0, 1]]))
    np.testing.assert_array_equal(present(cloud.correlation), np.eye(2), strict=True)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("clod", {}, r"no misfit 'clod'; did you mean 'cloud'\? Choose out of cloud, components, graph"),
        ("6-D", {}, r"no misfit '6-D'. Choose out of cloud"),
        ("cloud", {"start_blurr": 0.1}, r"'cloud' has no setting 'start_blurr'; did you mean 'start_blur'"),
        ("l2", {"decay": 0.9}, r"'l2' has no setting 'decay'. Choose out of phase_weight\."),
        ("cloud", {"decay": "fast"}, r"'decay' of the misfit 'cloud' must be a number. Got 'fast'"),
        ("cloud", {"decay": True}, r"must be a number. Got True"),
        ("cloud", {"max_sweeps": 2.5}, r"'max_sweeps' .* must be a whole number. Got 2.5"),
        ("cloud", {"final_blur": "small"}, r"must be a number or None. Got 'small'"),
        ("cloud", {"components": "phase_xy"}, r"must be a list of names or None. Got 'phase_xy'"),
        ("cloud", {"point_errors": 1}, r"must be true or false. Got 1"),
        ("cloud", {"marginals": "relaxed"}, r"must be a `AbstractMarginals`. Got 'relaxed'"),
        ("cloud", {"decay": 1.5}, r"decay=...\)` must lie in \(0, 1\]. Got 1.5"),
    ],
)
def test_what_is_wrong_is_named(name, settings, message):
    with pytest.raises(ValueError, match=message) as caught:
        named(name, **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", MISFITS)
def test_long_steps_solve_plans_to_the_end(name):
    made = named(name).for_long_steps()
    assert type(made) is type(named(name))
    cloud = {
        "cloud": made,
        "components": getattr(made, "cloud", None),
        "sliding": made,
        "paired": getattr(made, "cloud", None),
        "cloud-l2": getattr(made, "first", None),
    }
    if name in cloud:
        assert (cloud[name].max_sweeps, cloud[name].decay) == (200, 0.7)
    else:
        assert made == named(name)
