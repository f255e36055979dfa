"""Files that would hang a reader or fill the memory: each ends in time, with a message of its own."""

import os

import invented
import pytest
from mutants import in_time

from jaxmt.io import BadFile, read, read_modem_mask, read_modem_model, read_station_table, read_ws_model

LONG = 20_000
EDI = ">HEAD\n{}\n>FREQ // 1\n {}\n>TXR // 1\n 0.1\n>TXI // 1\n 0.1\n"
COPROD2 = (
    "Format: MT2DData_1.0\nReceiver Location (m): {n}\n"
    + "{places}Frequencies (Hz): {n}\n{frequencies}DataType: Impedance\nDataComp: 1\nZXY\nData Block: 1\n"
)
ENTITIES = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]><EM_TF>&b;</EM_TF>'
XML = '<?xml version="1.0"?><EM_TF>{}</EM_TF>'
TEXTS = {
    "blank_lines.txt": "\n" * LONG,
    "blank_lines_after.dat": "x" + " \n\t" * LONG + "x",
    "log.dat": "LOGE " * LONG + "\n" + "LOG" * LONG,
    "digits.edi": EDI.format("DATAID=A", "1" * LONG + "x"),
    "dots.edi": EDI.format("DATAID=A", "1." * LONG),
    "signs.edi": EDI.format("DATAID=A", "+1" * LONG + "x"),
    "word.edi": EDI.format("A" * LONG + "1", "x"),
    "words.edi": EDI.format("A " * LONG + "=", "x"),
    "blanks.edi": EDI.format("A" + " " * LONG + "b=", "x"),
    "quotes.edi": EDI.format('A="' * LONG, "x"),
    "keys.edi": EDI.format("A= " * LONG, "x"),
    "latitude.edi": EDI.format("LAT=" + "1" * LONG + "x", "1.0"),
    "latitude_blanks.edi": EDI.format("LAT=1" + " " * LONG + ":" + " " * LONG + "x", "1.0"),
    "elevation.edi": EDI.format("ELEV=" + "1" * LONG + " F" * LONG, "x"),
    "count.edi": EDI.format("DATAID=A", "1.0").replace("// 1", "// 999999999"),
    "blocks.edi": EDI.format("DATAID=A", "x") + ">ZXXR\n" * (LONG // 10),
    "twice.edi": EDI.format("DATAID=A", "1.0") + ">TXR // 1\n 0.1\n" * (LONG // 10) + "x",
    "spectra.edi": ">HEAD\n>=SPECTRASECT\n" + ">SPECTRA FREQ=1.0 // 1000000\n" * 100,
    "places.dat": COPROD2.format(n=12_000, places="1 0\n" * 12_000, frequencies="1\n" * 12_000),
    "integer.dat": "FORMAT: OCCAM2MTDATA_1.0\nTITLE: x\nSITES: " + "9" * LONG,
    "sites.dat": "FORMAT: OCCAM2MTDATA_1.0\nTITLE: x\nSITES: 99999\n" + "a\n" * LONG,
    "huge.dat": "100000 100000 8\nStation_Location: N-S\n1 2 3\n",
    "entities.xml": ENTITIES,
    "external.xml": '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><EM_TF>&a;</EM_TF>',
    "deep.xml": XML.format("<a>" * (LONG // 10)),
    "lines.xml": XML.format("<Notes>" + "&amp;\n" * 10 * LONG + "</Notes>"),
    "periods.xml": XML.format("<Data>" + '<Period value="1.0"/>' * (LONG // 10) + "</Data>"),
    "list.dat": "# a\n" * LONG + "> Full_Impedance\n" + "1" * LONG,
    "columns.dat": invented.modem("1" * LONG),
    "period.j": invented.jfile().replace("1.000000e-02", "1" * LONG),
    "rows.j": "ZXX\n999999\n" + "1 1 1 1\n" * LONG,
    "names.j": "a\n" * LONG + "ZXX\n1\n",
    "header.zmm": "TRANSFER FUNCTIONS IN MEASUREMENT COORDINATES\n" + " 1 0.0 0.0 a Hx\n" * LONG,
    "sensor.zmm": invented.zfile().replace("Z01  Hx", "Z01 " * LONG + "-"),
    "columns.avg": "Skp," * LONG + "\n$Rx.Cmp = Zxy\n" + "1," * LONG,
    "settings.avg": "$Rx.Cmp = Zxy\n" + "$" + "a." * LONG + "\n" + "$a=1\n" * LONG,
}


@pytest.mark.parametrize("name", TEXTS)
def test_each_is_one_fault_in_time(tmp_path, name):
    (tmp_path / name).write_text(TEXTS[name])
    (tmp_path / "zgood.j").write_text(invented.jfile())
    with in_time():
        reading = read(tmp_path)
    assert [site.name for site in reading.sites] == ["J01"]
    assert [fault.count(name) for fault in reading.faults] == ([] if name.endswith(".txt") else [1])
    assert all(len(fault) < 1000 for fault in reading.faults)
    with in_time(), pytest.raises(BadFile, match=name):
        read(tmp_path / name)


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (read_ws_model, "# a\n99999 99999 99999 0 LOGE\n1 1 1\n"),
        (read_ws_model, "# a\n" * LONG + "2 2 2 0 LOGE\n" + "1" * LONG + "x\n"),
        (read_modem_model, "999999 999999 LOGE\n1 1 1\n"),
        (read_modem_mask, "|\n" * 16 + "9999 9999 9999\n"),
        (read_station_table, "name,lat,lon\nA,12" + " " * LONG + "x,3\n"),
        (read_station_table, "name,lat,lon\nA,12 " + "1" * LONG + ",3\n"),
        (read_station_table, "name;lat;lon\nA;" + "1," * LONG + ";3\n"),
        (read_station_table, "name,lat,lon\n" + "A" * 10 * LONG + ",1,3\n"),
    ],
)
def test_models(tmp_path, reader, text):
    path = tmp_path / "model"
    path.write_text(text)
    with in_time(), pytest.raises(BadFile, match="model"):
        reader(path)


def test_a_long_list_is_read_in_linear_time(tmp_path):
    """Rows that take no time each: the square of their number would take minutes."""
    count = 10_000
    rows = "".join(f" 1 {k + 1} 2 45.0 1.0\n" for k in range(count))
    text = "FORMAT: OCCAM2MTDATA_1.0\nTITLE: x\nSITES: 1\nA\nOFFSETS (M):\n0.0\n"
    text += f"FREQUENCIES: {count}\n" + "".join(f"{1e-3 * (k + 1):.6f}\n" for k in range(count))
    (tmp_path / "a.dat").write_text(text + f"DATA BLOCKS: {count}\nSITE FREQ TYPE DATUM ERROR\n{rows}")
    with in_time(30.0):
        (line,) = read(tmp_path).lines.values()
    assert line.mask.sum() == count


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.edi")
    with in_time(), pytest.raises(BadFile, match="is a pipe or a device, not a file"):
        read(tmp_path / "pipe.edi")
    (tmp_path / "good.j").write_text(invented.jfile())
    assert len(read(tmp_path).sites) == 1
