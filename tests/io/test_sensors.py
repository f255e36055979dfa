"""Sensors of any azimuth in ModEM lists and EMTF XML: turned to the axes, errors with them."""

import invented
import numpy as np
import pytest
from invented import FREQUENCIES, TIPPER, assert_invented, impedance, site_of, write

from jaxmt.conventions import OHM_PER_PRACTICAL
from jaxmt.io import BadFile, read_emtf_site, read_modem_sites


@pytest.mark.parametrize(
    "columns", ["", "0", "0.0 90.0", "0.0 90.0 0.0", "0.000 90.000 0.000 90.000", "360 90 0 450"]
)
def test_sensors_along_the_axes_of_a_list_change_nothing(tmp_path, columns):
    site = site_of(tmp_path, invented.modem(columns))
    np.testing.assert_array_equal(site.z, site_of(tmp_path, invented.modem()).z)
    assert_invented(site)


@pytest.mark.parametrize(
    ("columns", "electric", "magnetic"),
    [
        ("13 103 13 103", (13, 103), (13, 103)),
        ("13", (13, 103), (13, 103)),
        ("13 100", (13, 103), (13, 100)),
        ("13 100 20", (20, 110), (13, 100)),
        ("-13 70 33 140", (33, 140), (-13, 70)),
    ],
)
def test_sensors_of_a_list_are_turned(tmp_path, columns, electric, magnetic):
    """ModEM counts azimuths from the orientation of the header and completes those that lack."""
    text = invented.modem(columns, electric=electric, magnetic=magnetic, orientation="7.0")
    with pytest.warns(UserWarning, match="orientation 7"):
        site = site_of(tmp_path, text)
    np.testing.assert_array_equal(site.azimuth, 7.0)
    assert_invented(site)
    # Independent errors of equal size stay equal under a rotation.
    if columns.startswith("13 103"):
        np.testing.assert_allclose(site.z_error, OHM_PER_PRACTICAL, rtol=1e-12)


def test_off_diagonal_elements_keep_the_axes_of_their_sensors(tmp_path):
    """Without Zxx and Zyy nothing can be turned; the azimuth says where the axes are."""
    text = invented.modem("13", electric=(13, 103), magnetic=(13, 103)).replace(
        "Full_Imp", "Off_Diagonal_Imp"
    )
    rows = [line for line in text.splitlines() if "ZXX" not in line and "ZYY" not in line]
    site = site_of(tmp_path, "\n".join(rows) + "\n")
    np.testing.assert_array_equal(site.azimuth, 13.0)
    np.testing.assert_allclose(site.z[:, 0, 1], rotate_invented(13)[:, 0, 1], rtol=1e-9)


def rotate_invented(angle):
    e = invented.vectors(angle, angle + 90)
    return e @ impedance() @ e.T


@pytest.mark.parametrize("mark", ["1.0E+13", "2.0E+15", "0.0"])
def test_marks_of_no_error_in_a_list(tmp_path, mark):
    site = site_of(tmp_path, invented.modem("0 90 0 90", error=mark))
    assert np.isnan(site.z_error).all()
    assert_invented(site)


def test_sensors_of_a_list_that_cannot_be_turned(tmp_path):
    with pytest.raises(BadFile, match=r"line 9: two sensors of S1 point the same way"):
        read_modem_sites(write(tmp_path, invented.modem("10 10 0 90")))
    with pytest.raises(BadFile, match="line 9: malformed row .* up to four azimuths"):
        read_modem_sites(write(tmp_path, invented.modem("1 2 3 4 5")))


XML = """<?xml version="1.0"?><EM_TF><Site><Id>A</Id><Location><Elevation units="{unit}">518</Elevation>
</Location>{orientation}</Site>{layout}<Data>{periods}</Data></EM_TF>"""
LAYOUT = """<SiteLayout><InputChannels><Magnetic name="Hx" orientation="13"/><Magnetic name="Hy"
orientation="103"/></InputChannels><OutputChannels><Electric name="Ex" orientation="13"/>
<Electric name="Ey" orientation="103"/></OutputChannels></SiteLayout>"""


def xml(sensors=True, **parts):
    z, t = between_13() if sensors else (impedance(), TIPPER)
    periods = ""
    for k, f in enumerate(FREQUENCIES):
        values = zip((*z[k].ravel() / OHM_PER_PRACTICAL, *t), PAIRS, strict=True)
        rows = [
            f'<value output="{e}" input="{h}">{v.real:.12e} {v.imag:.12e}</value>' for v, (e, h) in values
        ]
        periods += f'<Period value="{1 / f}"><Z units="[mV/km]/[nT]">{"".join(rows[:4])}</Z>'
        periods += f"<T>{''.join(rows[4:])}</T></Period>"
    return XML.format(**{"unit": "meters", "orientation": "", "layout": LAYOUT, "periods": periods} | parts)


PAIRS = [(e, h) for e in ("Ex", "Ey", "Hz") for h in ("Hx", "Hy")]


def between_13():
    return invented.between((13, 103), (13, 103))


def test_without_an_orientation_the_axes_are_those_of_the_sensors(tmp_path):
    """As EMTF-FCU reads such files; without a layout, too, north and east are all that is left."""
    assert_invented(site_of(tmp_path, xml()))
    assert_invented(site_of(tmp_path, xml(False, layout="")))
    orthogonal = '<Orientation angle_to_geographic_north="0.0">orthogonal</Orientation>'
    assert_invented(site_of(tmp_path, xml(False, orientation=orthogonal)))


def test_elevations_in_feet_of_xml(tmp_path):
    site = site_of(tmp_path, xml(unit="feet"))
    assert site.elevation == pytest.approx(518 * 0.3048, rel=1e-12)
    with pytest.raises(BadFile, match="unknown unit 'furlong' of the elevation"):
        read_emtf_site(write(tmp_path, xml(unit="furlong")))


def test_a_list_that_may_be_cut_off_says_so(tmp_path):
    """A header states how many stations there are; the file of half a transfer holds fewer."""
    text = invented.modem().replace("> 3 1", "> 3 7")
    assert "states 7 stations, the file holds 1" in site_of(tmp_path, text).notes[0]
    assert not site_of(tmp_path, invented.modem()).notes
