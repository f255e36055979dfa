"""EMTF XML: units, signs, axes, covariances; published files against copies in other formats."""

import numpy as np
import pytest

from jaxmt.conventions import MU_0, OHM_PER_PRACTICAL
from jaxmt.io import BadFile, read_emtf_site, read_modem_sites
from jaxmt.processing import phase_tensor, rotate

Z = np.array([[1 + 1j, 10 + 12j], [-9 - 11j, 2 - 1j]])
S = np.array([[2.0, 0.5 + 0.1j], [0.5 - 0.1j, 3.0]])
N = np.array([[0.01, 0.002 - 0.001j], [0.002 + 0.001j, 0.02]])
T = np.array([[0.1 + 0.2j, 0.3 - 0.1j]])


def block(name, matrix, rows, columns, attributes="", form="{0.real!r} {0.imag!r}"):
    values = "".join(
        f'<value output="{o}" input="{i}">{form.format(complex(matrix[a, b]))}</value>\n'
        for a, o in enumerate(rows)
        for b, i in enumerate(columns)
    )
    return f"<{name} {attributes}>\n{values}</{name}>\n"


def document(
    z=Z, t=T, sign="exp(+ i\\omega t)", units="[mV/km]/[nT]", orientation=None, layout="", var=True, s=S
):
    h, e = ("Hx", "Hy"), ("Ex", "Ey")
    orientation = orientation or '<Orientation angle_to_geographic_north="0.0">orthogonal</Orientation>'
    body = block("Z", z, e, h, f'units="{units}"')
    if var:
        body += block("Z.VAR", np.real(np.outer(np.diag(N), np.diag(s))), e, h, form="{0.real!r}")
    body += block("Z.INVSIGCOV", s, h, h) + block("Z.RESIDCOV", N, e, e)
    body += block("T", t, ("Hz",), h) + block("T.INVSIGCOV", s, h, h)
    body += block("T.RESIDCOV", np.array([[1e-4]]), ("Hz",), ("Hz",))
    return f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<EM_TF><Site><Id>A1</Id>
<Location><Latitude>-0.5</Latitude><Longitude>243.5</Longitude><Elevation>12.5</Elevation>
<Declination epoch="1995.0">16.2</Declination></Location>
{orientation}
<DataQualityNotes><Rating>4</Rating></DataQualityNotes></Site>
<ProcessingInfo><SignConvention>{sign}</SignConvention></ProcessingInfo>
{layout}
<Data count="2">
<Period value="10.0" units="secs">{body}</Period>
<Period value="1.0" units="secs">{body}</Period>
</Data></EM_TF>
"""


def site_of(folder, text=None, **options):
    path = folder / "site.xml"
    path.write_text(document(**options) if text is None else text, encoding="latin-1")
    return read_emtf_site(path)


def test_units_places_and_covariances(tmp_path):
    site = site_of(tmp_path)
    assert (site.name, site.latitude, site.longitude, site.elevation) == ("A1", -0.5, -116.5, 12.5)
    assert (site.declination, site.rating) == (16.2, 4.0)
    np.testing.assert_array_equal(site.frequencies, [1.0, 0.1])
    # One multiplication by the unit; rounding only.
    np.testing.assert_allclose(site.z[0], Z * OHM_PER_PRACTICAL, rtol=1e-15)
    sigma = np.sqrt(np.real(np.outer(np.diag(N), np.diag(S))) / 2)
    np.testing.assert_allclose(site.z_error[0], sigma * OHM_PER_PRACTICAL, rtol=1e-14)
    covariance = np.asarray(site.z_covariance) / OHM_PER_PRACTICAL**2
    # Cov(Zxy, conj Zyx) = N_xy S_xy: of the row of Ex and of Ey, of Hx against Hy.
    assert covariance[0, 0, 1, 1, 0] == pytest.approx(N[0, 1] * S[0, 1], rel=1e-14)
    assert np.asarray(site.tipper_covariance)[0, 0, 1] == pytest.approx(1e-4 * S[1, 0], rel=1e-14)
    np.testing.assert_allclose(site.tipper_error[0], np.sqrt(1e-4 * np.real(np.diag(S)) / 2), rtol=1e-14)
    assert "stated" in site.routine[0]


def test_variances_follow_from_the_covariances(tmp_path):
    with_var, without = site_of(tmp_path), site_of(tmp_path, var=False)
    # VAR_ij = N_ii S_jj; rounding only.
    np.testing.assert_allclose(without.z_error, with_var.z_error, rtol=1e-14)


@pytest.mark.parametrize(
    ("units", "ohm"), [("[V/m]/[T]", MU_0), ("Ohm", 1.0), ("[mV/km]/[nT]", OHM_PER_PRACTICAL)]
)
def test_units(tmp_path, units, ohm):
    np.testing.assert_allclose(site_of(tmp_path, units=units).z[0], Z * ohm, rtol=1e-15)


def test_the_other_time_dependence_is_converted(tmp_path):
    site = site_of(tmp_path, z=Z.conj(), t=T.conj(), s=S, sign="exp(- i\\omega t)")
    np.testing.assert_allclose(site.z[0], Z * OHM_PER_PRACTICAL, rtol=1e-15)
    np.testing.assert_allclose(site.tipper[0], T[0], rtol=1e-15)
    assert "conjugated" in site.notes[0]
    # Without a statement the quadrants decide: four of four here.
    again = site_of(tmp_path, z=Z.conj(), t=T.conj(), sign="")
    np.testing.assert_array_equal(again.z, site.z)


def test_orthogonal_axes_are_not_turned_twice(tmp_path):
    layout = """<SiteLayout><InputChannels><Magnetic name="Hx" orientation="16.2"/>
<Magnetic name="Hy" orientation="106.2"/></InputChannels><OutputChannels>
<Electric name="Ex" orientation="16.2"/><Electric name="Ey" orientation="106.2"/>
</OutputChannels></SiteLayout>"""
    site = site_of(tmp_path, layout=layout)
    np.testing.assert_array_equal(site.azimuth, 0.0)
    np.testing.assert_allclose(site.z[0], Z * OHM_PER_PRACTICAL, rtol=1e-15)
    stated = '<Orientation angle_to_geographic_north="16.2">orthogonal</Orientation>'
    turned = rotate(site_of(tmp_path, orientation=stated), -16.2)
    sensors = site_of(tmp_path, layout=layout, orientation="<Orientation>sitelayout</Orientation>")
    # Orthogonal sensors at 16.2 degrees: the same rotation, to rounding.
    np.testing.assert_allclose(sensors.z, turned.z, rtol=1e-12)
    np.testing.assert_allclose(sensors.tipper, turned.tipper, rtol=1e-12)
    np.testing.assert_allclose(
        np.asarray(sensors.z_covariance), np.asarray(turned.z_covariance), rtol=1e-12, atol=1e-22
    )
    np.testing.assert_allclose(sensors.tipper_error, turned.tipper_error, rtol=1e-12)
    skewed = layout.replace("106.2", "90.0")
    bent = site_of(tmp_path, layout=skewed, orientation="<Orientation>sitelayout</Orientation>")
    angles = np.deg2rad([16.2, 90.0])
    sensor = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # e = Z h with e = M e_geo and h = M h_geo.
    np.testing.assert_allclose(sensor @ bent.z[0], Z * OHM_PER_PRACTICAL @ sensor, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("</EM_TF>", ""), "line .*: no element found; the file is damaged"),
        (("<Site>", "<Site"), "line 2"),
        (("EM_TF", "EM_XX"), "line 2: the root is <EM_XX>; expected <EM_TF>"),
        (("<EM_TF>", "<!DOCTYPE a [<!ENTITY b 'c'>]><EM_TF>"), "document type declaration; remove it"),
        (("12.0</value>", "12.0x</value>"), "line 12: <Z> holds '10.0 12.0x'; expected one or two numbers"),
        (('output="Ex" input="Hy"', 'output="Ex" input="Hx"'), "states Ex, Hx twice"),
        (('output="Ex" input="Hy"', 'output="Ez" input="Hy"'), "relates channels other than"),
        (('value="10.0"', 'value="ten"'), "line 10: the period is"),
        (('value="10.0"', 'value="1.0"'), "the period 1 s occurs twice"),
        (("[mV/km]/[nT]", "furlong"), "unknown unit 'furlong'"),
        (("-0.5<", "95.0<"), "<Latitude> holds '95.0'; expected a number up to 90"),
        (("Period", "Perios"), "holds no <Data><Period>"),
    ],
)
def test_errors_at_the_door(tmp_path, change, message):
    text = document()
    assert change[0] in text
    with pytest.raises(BadFile, match=message):
        site_of(tmp_path, text=text.replace(*change))


def test_what_does_not_change_the_values(tmp_path):
    expected = site_of(tmp_path)
    for old, new in (("value", "Value"), ("<Site>", "<Notes>A & B</Notes><Site>"), ("\n", "\r\n")):
        text = document().replace(f"<{old} ", f"<{new} ").replace(f"</{old}>", f"</{new}>")
        site = site_of(tmp_path, text=text.replace(old, new) if old != "value" else text)
        np.testing.assert_array_equal(site.z_covariance, expected.z_covariance)


def test_missing_values(tmp_path):
    site = site_of(tmp_path, text=document().replace("10.0 12.0", "NaN NaN", 1))
    np.testing.assert_array_equal(np.isnan(site.z[:, 0, 1]), [False, True])


def test_published_stations_agree_with_their_copy(data_folder):
    folder = data_folder / "cascadia_modem"
    copies = {site.name: site for site in read_modem_sites(folder / "cascad_noerrfl.dat")}
    files = sorted((folder / "xml").glob("*.xml"))
    assert len(files) == 20
    for file in files:
        site = read_emtf_site(file)
        copy = copies[site.name]
        assert site.frequencies.size == 30
        assert site.rating in (3.0, 4.0, 5.0)
        # VAR_ij = N_ii S_jj, of numbers printed with 7 digits.
        of_covariance = np.sqrt(np.real(np.einsum("fijij->fij", np.asarray(site.z_covariance))) / 2)
        np.testing.assert_allclose(site.z_error, of_covariance, rtol=2e-6)
        at = np.argmin(np.abs(np.log(site.frequencies[:, None] / copy.frequencies)), axis=0)
        exists = np.isfinite(copy.z)
        assert exists.any()
        # Five digits of the largest element are printed; errors likewise.
        scale = np.abs(site.z[at]).max(axis=(1, 2), keepdims=True) * np.ones((2, 2))
        np.testing.assert_allclose(((site.z[at] - copy.z) / scale)[exists], 0.0, atol=2e-4)
        np.testing.assert_allclose(site.z_error[at][exists], copy.z_error[exists], rtol=2e-3)
        assert np.isfinite(phase_tensor(site).beta_error).sum() >= 25
