"""The data set over all runs, queried with DuckDB by the queries of the documentation, and read by geopandas."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import shapely
from test_catalogue_files import PROVENANCE, make_aurora

from mars_aurora.catalogue import geographic
from mars_aurora.catalogue.dataset import DATASET, replace_files
from mars_aurora.catalogue.write import write_products
from mars_aurora.night import Night
from mars_aurora.run.identity import Identity, choose_files, describe_rank
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.storage import FolderStorage

duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")
pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")

DOCS = Path(__file__).parents[3] / "docs/how-to/query-all-runs.md"
MARCH_MS, APRIL_MS = 1_648_760_000_000, 1_648_800_000_000  # 2022-03-31, 2022-04-01
IDENTITY = Identity("EMM/EMUS", start_ms=MARCH_MS, integrations=90, swath="1of3", level="l2b", version=(1, 0, 4, 0))


def make_record(name: str, outcome: Outcome = Outcome.AURORA, **changes: object) -> Record:
    night = Night(100, 1e6, 1.0, 2.0)
    return Record(name, outcome, auroras=1, level="l2b", identity=replace(IDENTITY, **changes), night=night)


def write_run(root: Path, run_id: str, created_utc: str, records: list[Record]) -> None:
    found = [
        make_aurora(
            name=record.name,
            start_utc="2022-04-01T08:00:00" if record.identity.start_ms == APRIL_MS else "2022-03-31T20:53:20",
        )
        for record in records
        if record.outcome is Outcome.AURORA
    ]
    replace_files(FolderStorage(root), run_id, created_utc, records, found)


def read_query(language: str) -> str:
    """Return the query of the documentation."""
    return re.search(rf"```{language}\n(.*?)```", DOCS.read_text(), re.DOTALL)[1]


def query(root: Path) -> list[tuple[str, str]]:
    """Return run and name of each detection that counts."""
    text = read_query("sql").replace("out/dataset", str(root / DATASET).rstrip("/"))
    return duckdb.sql(text).project("run_id, name").order("ALL").fetchall()


def list_files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.parquet"))


def test_each_run_has_a_file_for_each_month(tmp_path: Path):
    write_run(tmp_path, "r", "2026-01-01", [make_record("a.fits"), make_record("b.fits", start_ms=APRIL_MS)])
    assert list_files(tmp_path) == [
        f"dataset/{table}/month={month}/r.parquet"
        for table in ("detections", "observations")
        for month in ("2022-03", "2022-04")
    ]
    assert query(tmp_path) == [("r", "a.fits"), ("r", "b.fits")]


def test_repeated_run_replaces_its_files_and_no_others(tmp_path: Path):
    write_run(tmp_path, "q", "2026-01-01", [make_record("q.fits", integrations=7)])
    write_run(tmp_path, "r", "2026-01-01", [make_record("a.fits"), make_record("b.fits", start_ms=APRIL_MS)])
    write_run(tmp_path, "r", "2026-01-02", [make_record("a.fits", Outcome.NO_AURORA)])
    assert list_files(tmp_path) == [
        "dataset/detections/month=2022-03/q.parquet",
        "dataset/observations/month=2022-03/q.parquet",
        "dataset/observations/month=2022-03/r.parquet",
    ]
    assert query(tmp_path) == [("q", "q.fits")]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"version": (1, 0, 5, 0)}, {}),
        ({}, {"level": "l2a"}),
        ({"version": (1, 0, 10, 0)}, {"version": (1, 0, 9, 0)}),
        ({"version": (1, 0, 5, 0), "start_ms": MARCH_MS + 90, "swath": ""}, {}),
    ],
)
def test_observation_in_several_runs_counts_once_as_in_a_ledger(tmp_path: Path, better: dict, worse: dict):
    records = make_record("new.fits", **better), make_record("old.fits", **worse)
    used = choose_files({record.name: record.identity for record in records})
    assert used == {"new.fits": "new.fits", "old.fits": "new.fits"}
    write_run(tmp_path, "first", "2026-01-01", [records[0]])
    write_run(tmp_path, "second", "2026-01-02", [records[1]])
    assert query(tmp_path) == [("first", "new.fits")]


def test_detections_of_an_older_version_do_not_count_where_the_newer_has_none(tmp_path: Path):
    write_run(tmp_path, "first", "2026-01-01", [make_record("new.fits", Outcome.NO_AURORA, version=(1, 0, 5, 0))])
    write_run(tmp_path, "second", "2026-01-02", [make_record("old.fits")])
    assert query(tmp_path) == []


def test_same_file_counts_as_the_latest_run_measured_it(tmp_path: Path):
    for run_id, created in (("b", "2026-01-01"), ("a", "2026-01-02"), ("c", "2025-12-31")):
        write_run(tmp_path, run_id, created, [make_record("x.fits")])
    assert query(tmp_path) == [("a", "x.fits")]


def test_other_swaths_and_times_are_other_observations(tmp_path: Path):
    records = [
        make_record("a.fits"),
        make_record("b.fits", swath="2of3"),
        make_record("c.fits", start_ms=MARCH_MS + 300),
    ]
    write_run(tmp_path, "r", "2026-01-01", records[:1])
    write_run(tmp_path, "s", "2026-01-01", records[1:])
    assert query(tmp_path) == [("r", "a.fits"), ("s", "b.fits"), ("s", "c.fits")]


def test_ranks_sort_as_the_ledger_ranks_files():
    versions: Iterable[tuple[int, ...]] = [(), (0, 0, 0, -1), (1, 0, 4, 0), (1, 0, 4, 1), (1, 0, 10, 0), (2, 0, 0, 0)]
    ranks = [
        describe_rank(name, replace(IDENTITY, level=level, version=version))
        for level in ("other", "l2a", "l3disk", "l2b")
        for version in versions
        for name in ("x.fits", "emm_emu_l2b_20220331t212107_0191_os2_sw1of3_r_v01-04.fits.gz")
    ]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize("table", ["observations", "detections"])
def test_athena_is_given_columns_of_the_data_set_with_their_types(tmp_path: Path, table: str):
    from pyarrow import parquet  # noqa: PLC0415 -- installed with the extra

    declared = re.search(rf"CREATE EXTERNAL TABLE {table} \((.*?)\)\n", DOCS.read_text(), re.DOTALL)[1]
    columns = dict(column.replace("`", "").split() for column in declared.split(","))
    write_run(tmp_path, "r", "2026-01-01", [make_record("a.fits")])
    (path,) = tmp_path.glob(f"dataset/{table}/*/*.parquet")
    schema = parquet.read_schema(path)
    types = {"string": "string", "int64": "bigint", "double": "double", "binary": "binary"}
    assert columns.items() <= {field.name: types[str(field.type)] for field in schema}.items()
    assert table == "detections" or columns.keys() == set(schema.names)


def test_geopandas_reads_the_data_set(tmp_path: Path):
    geopandas = pytest.importorskip("geopandas", reason="the extra 'maps' is not installed")
    write_run(tmp_path, "r", "2026-01-01", [make_record("a.fits"), make_record("b.fits", start_ms=APRIL_MS)])
    write_run(tmp_path, "s", "2026-01-02", [make_record("a.fits")])
    used: dict = {}
    code = read_query("python").replace("out/dataset", str(tmp_path / "dataset"))
    exec(code, used)  # noqa: S102 -- the example of the documentation
    frame = used["detections"]
    assert isinstance(frame, geopandas.GeoDataFrame)
    assert sorted(zip(frame["run_id"], frame["name"], strict=True)) == [("r", "b.fits"), ("s", "a.fits")]
    assert frame.crs.ellipsoid.semi_major_metre == 3_396_190
    assert shapely.area(frame.geometry.array).tolist() == [50.0, 50.0]


def test_run_adds_its_files_to_the_data_set_unless_the_extra_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    record = make_record("a.fits")
    rows = [record], [make_aurora(name="a.fits")], PROVENANCE
    write_products(RunKeys("r"), *rows, FolderStorage(tmp_path / "with"))
    assert "dataset/detections/month=2022-03/r.parquet" in list_files(tmp_path / "with")
    monkeypatch.setattr(geographic, "is_installed", lambda _suffix: False)
    write_products(RunKeys("r"), *rows, FolderStorage(tmp_path / "without"))
    assert list_files(tmp_path / "without") == []
