//! Folders become tables, files become rows; what is wrong with a file is told with its name and line.

use faultlab::catalog::generated::Generated;
use faultlab::catalog::{
    Catalog, ChangeKind, ColumnTest, DataSource, Format, PieceReader, ScanRequest, Table, TableRef, TableSource,
    group_pieces, may_match,
};
use faultlab::journal::{ErrorCode, TaskError};
use faultlab::sql::{Diagnostic, Value};
use polars::prelude::*;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(folder.path(), name, text);
    }
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn open(folder: &TempDir) -> (Catalog, Vec<Diagnostic>) {
    Catalog::open(vec![DataSource::Folder(folder.path().to_path_buf())])
}

fn table(folder: &TempDir, name: &str) -> TableRef {
    open(folder).0.table(&name.split('.').map(String::from).collect::<Vec<_>>()).unwrap()
}

/// `a BIGINT, b VARCHAR`
fn schema(table: &Table) -> String {
    let columns: Vec<_> = table.columns.iter().map(|column| format!("{} {}", column.name, column.dtype)).collect();
    columns.join(", ")
}

fn everything(table: &Table) -> ScanRequest {
    let columns: Vec<_> = (0..table.columns.len()).map(|index| (index, format!("c{index}"))).collect();
    ScanRequest { output: (0..columns.len()).collect(), filter_columns: Vec::new(), columns }
}

fn read(table: &Table, request: &ScanRequest) -> Result<Vec<DataFrame>, TaskError> {
    let mut batches = Vec::new();
    for piece in table.pieces().unwrap() {
        let mut reader = PieceReader::open(table, &piece, request)?;
        while let Some(batch) = reader.next(None)? {
            batches.push(batch);
        }
    }
    Ok(batches)
}

/// Rows of all batches, values joined by `|`.
fn rows(batches: &[DataFrame]) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.height() {
            let value = |column: &Column| match column.get(row).unwrap() {
                AnyValue::Null => "NULL".to_string(),
                AnyValue::String(text) => text.to_string(),
                AnyValue::StringOwned(text) => text.to_string(),
                other => other.to_string(),
            };
            rows.push(batch.columns().iter().map(value).collect::<Vec<_>>().join("|"));
        }
    }
    rows
}

fn write_parquet(folder: &Path, name: &str, mut frame: DataFrame, row_group: usize) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = fs::File::create(path).unwrap();
    ParquetWriter::new(file).with_row_group_size(Some(row_group)).finish(&mut frame).unwrap();
}

fn numbers(count: i64) -> DataFrame {
    let ids: Vec<i64> = (0..count).collect();
    let names: Vec<Option<String>> = ids.iter().map(|id| (id % 3 != 0).then(|| format!("name {id}"))).collect();
    DataFrame::new(ids.len(), vec![Column::new("id".into(), ids), Column::new("name".into(), names)]).unwrap()
}

#[test]
fn a_csv_file_is_detected_over_all_its_rows() {
    let late =
        format!("id,code,day,ok,price\n{}100000,x7,13/02/2024,false,2.5\n", "1,2,01/02/2024,true,1\n".repeat(5_000));
    let folder = folder(&[("late.csv", &late)]);
    let table = table(&folder, "late");
    assert_eq!(schema(&table), "id BIGINT, code VARCHAR, day DATE, ok BOOLEAN, price DOUBLE");
    assert_eq!(table.rows, 5_001);
    let Format::Csv(dialect) = &table.format else { panic!("not CSV") };
    assert_eq!(dialect.date_formats, [(2, "%d/%m/%Y".to_string())]);
    assert!(table.pieces().unwrap().len() > 1);
    let rows = rows(&read(&table, &everything(&table)).unwrap());
    assert_eq!(rows.len(), 5_001);
    assert_eq!((rows[0].as_str(), rows[5_000].as_str()), ("1|2|19754|true|1.0", "100000|x7|19766|false|2.5"));
}

#[test]
fn csv_files_of_all_shapes() {
    let cases = [
        ("empty", "", "column0 VARCHAR", 0),
        ("header_only", "a,b\n", "a VARCHAR, b VARCHAR", 0),
        ("bom", "\u{feff}a,b\r\n1,x\r\n", "a BIGINT, b VARCHAR", 1),
        ("no_header", "1,2\n3,4", "column0 BIGINT, column1 BIGINT", 2),
        ("semicolons", "a;b\n1,5;2\n", "a VARCHAR, b BIGINT", 1),
        ("quotes", "a,b\n\"x\n,\"\"y\"\"\",1\n,2\n", "a VARCHAR, b BIGINT", 2),
        ("nulls", "a,b\nNA,1\n3,\n", "a BIGINT, b BIGINT", 2),
    ];
    for (name, text, expected, count) in cases {
        let folder = folder(&[(&format!("{name}.csv"), text)]);
        let table = table(&folder, name);
        assert_eq!((schema(&table).as_str(), table.rows), (expected, count), "{name}");
        assert_eq!(rows(&read(&table, &everything(&table)).unwrap()).len() as u64, count, "{name}");
    }
    let folder = folder(&[("quotes.csv", "a,b\n\"x\n,\"\"y\"\"\",1\n,2\n")]);
    let table = table(&folder, "quotes");
    assert_eq!(rows(&read(&table, &everything(&table)).unwrap()), ["x\n,\"y\"|1", "NULL|2"]);
}

#[test]
fn bad_lines_are_told_with_their_place() {
    let folder = folder(&[("ragged.csv", "a,b\n1,2\n3\n"), ("open.csv", "a,b\n1,\"x\n"), ("good.csv", "a\n1\n")]);
    let (catalog, problems) = open(&folder);
    assert_eq!(problems.len(), 2);
    let error = catalog.table(&["ragged".into()]).unwrap_err();
    assert_eq!(error.code, ErrorCode::BadData);
    assert!(error.message.ends_with("ragged.csv, line 3: 1 value where the first line has 2"), "{error}");
    assert!(catalog.table(&["open".into()]).unwrap_err().message.contains("line 2"));
    assert_eq!(catalog.tables().len(), 1);
}

#[test]
fn json_lines_are_detected_over_all_their_rows() {
    let text = "{\"a\":1,\"d\":\"2024-01-01\",\"s\":\"x\"}\n{\"s\":\"7\",\"a\":1.5,\"o\":{\"k\":[1]}}\n\n{\"b\":true,\"a\":null}";
    let folder = folder(&[("events.ndjson", text)]);
    let table = table(&folder, "events");
    assert_eq!(schema(&table), "a DOUBLE, d DATE, s VARCHAR, o VARCHAR, b BOOLEAN");
    let rows = rows(&read(&table, &everything(&table)).unwrap());
    assert_eq!(rows, ["1.0|19723|x|NULL|NULL", "1.5|NULL|7|{\"k\":[1]}|NULL", "NULL|NULL|NULL|NULL|true"]);
}

#[test]
fn folders_are_tables_or_schemas() {
    let folder = folder(&[
        ("orders.csv", "a\n1\n"),
        ("raw/transactions.csv", "t\n1\n"),
        ("raw/events.ndjson", "{\"e\":1}\n"),
        ("sales/part-0.csv", "x,y\n1,2\n"),
        ("sales/part-1.csv", "x,y\n1.5,\n"),
        ("README.md", "not data"),
    ]);
    let (catalog, problems) = open(&folder);
    assert!(problems.is_empty(), "{problems:?}");
    let names: Vec<_> = catalog.tables().iter().map(|table| table.display_name()).collect();
    assert_eq!(names, ["orders", "sales", "raw.events", "raw.transactions"]);
    assert_eq!(catalog.schemas(), ["main", "raw"]);
    let sales = catalog.table(&["SALES".into()]).unwrap();
    assert_eq!((schema(&sales).as_str(), sales.files.len()), ("x DOUBLE, y BIGINT", 2));
    assert_eq!(rows(&read(&sales, &everything(&sales)).unwrap()), ["1.0|2", "1.5|NULL"]);
    let error = catalog.table(&["transactions".into()]).unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("did you mean \"raw.transactions\"?"));
    assert_eq!(catalog.table(&["row".into(), "x".into()]).unwrap_err().code, ErrorCode::SchemaNotFound);
}

#[test]
fn files_are_read_by_pattern() {
    let folder = folder(&[("a-1.csv", "x\n1\n"), ("a-2.csv", "x\n2\n"), ("b.txt", "")]);
    let (catalog, _) = open(&folder);
    let pattern = |end: &str| folder.path().join(end).display().to_string();
    assert_eq!(catalog.files(&pattern("a-*.csv")).unwrap().rows, 2);
    assert_eq!(catalog.files(&pattern("a-3.csv")).unwrap_err().code, ErrorCode::FileNotFound);
    assert_eq!(catalog.files(&pattern("z*.csv")).unwrap_err().code, ErrorCode::FileNotFound);
    assert_eq!(catalog.files(&pattern("b.txt")).unwrap_err().code, ErrorCode::NotSupported);
}

#[test]
fn parquet_is_read_in_two_phases() {
    let folder = tempfile::tempdir().unwrap();
    write_parquet(folder.path(), "t.parquet", numbers(1_000), 100);
    let table = table(&folder, "t");
    assert_eq!(schema(&table), "id BIGINT, name VARCHAR");
    let statistics = &table.columns[0].statistics;
    assert_eq!((statistics.min.clone(), statistics.max.clone()), (Some(Value::Int(0)), Some(Value::Int(999))));
    assert_eq!(table.columns[1].statistics.nulls, Some(334));
    let groups = group_pieces(table.pieces().unwrap(), 250, u64::MAX);
    assert_eq!(groups.len(), 5);
    let request =
        ScanRequest { columns: vec![(1, "c7".into()), (0, "c3".into())], filter_columns: vec![1], output: vec![0, 1] };
    let mut found = Vec::new();
    for piece in groups.iter().flatten() {
        let mut reader = PieceReader::open(&table, piece, &request).unwrap();
        let mut filter =
            |batch: &DataFrame| Ok(batch.column("c3")?.i64()?.iter().map(|v| v.map(|v| v % 400 < 2)).collect());
        while let Some(batch) = reader.next(Some(&mut filter)).unwrap() {
            found.push(batch);
        }
    }
    assert_eq!(rows(&found), ["NULL|0", "name 1|1", "name 400|400", "name 401|401", "name 800|800", "NULL|801"]);
    let pieces = table.pieces().unwrap();
    let kept = |test: ColumnTest| pieces.iter().filter(|piece| may_match(&table, piece, 0, &test)).count();
    assert_eq!(kept(ColumnTest::Equal(Value::Int(150))), 1);
    assert_eq!(kept(ColumnTest::GreaterOrEqual(Value::Int(899))), 2);
    assert_eq!(kept(ColumnTest::Less(Value::Int(0))), 0);
    assert_eq!(kept(ColumnTest::IsNull), 0);
}

#[test]
fn a_scan_of_no_columns_counts() {
    let folder = tempfile::tempdir().unwrap();
    write_parquet(folder.path(), "t.parquet", numbers(10), 4);
    let table = table(&folder, "t");
    let batches = read(&table, &ScanRequest::default()).unwrap();
    assert_eq!(batches.iter().map(DataFrame::height).sum::<usize>(), 10);
}

#[test]
fn torn_and_changed_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    write_parquet(folder.path(), "t.parquet", numbers(1_000), 100);
    let path = folder.path().join("t.parquet");
    let table = table(&folder, "t");
    let piece = table.pieces().unwrap().remove(0);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let Err(error) = PieceReader::open(&table, &piece, &everything(&table)) else { panic!("opened a changed file") };
    assert_eq!(error.code(), ErrorCode::SourceChanged);
    let (catalog, problems) = open(&folder);
    assert_eq!(problems[0].code, ErrorCode::BadData);
    assert!(catalog.table(&["t".into()]).unwrap_err().message.contains("t.parquet is not a complete Parquet file"));
    assert!(catalog.tables().is_empty());
}

#[test]
fn changes_are_noticed() {
    let folder = folder(&[("a.csv", "x\n1\n"), ("b.csv", "x\n1\n")]);
    let (catalog, _) = open(&folder);
    assert!(catalog.refresh().is_empty());
    write(folder.path(), "a.csv", "x\n1\n22\n");
    write(folder.path(), "c.csv", "x\n1\n");
    fs::remove_file(folder.path().join("b.csv")).unwrap();
    let mut changes: Vec<_> = catalog.refresh().into_iter().map(|change| (change.table, change.kind)).collect();
    changes.sort_by(|left, right| left.0.cmp(&right.0));
    let expected =
        [("a".into(), ChangeKind::Changed), ("b".into(), ChangeKind::Gone), ("c".into(), ChangeKind::Appeared)];
    assert_eq!(changes, expected);
    assert_eq!(catalog.table(&["a".into()]).unwrap().rows, 2);
}

#[test]
fn a_folder_has_settings() {
    let folder = folder(&[("faultlab.toml", "today = 2026-06-30\nscan_task_rows = 5000\n"), ("a.csv", "x\n1\n")]);
    let (catalog, _) = open(&folder);
    let settings = &catalog.folder_settings()[0];
    assert_eq!(settings.today(), Some("2026-06-30"));
    assert!(settings.settings().contains(&("scan_task_rows".into(), "5000".into())));
}

#[test]
fn the_sample_data_is_in_the_binary() {
    let (embedded, problems) = Catalog::open(vec![DataSource::Embedded]);
    assert!(problems.is_empty(), "{problems:?}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data");
    let (on_disk, _) = Catalog::open(vec![DataSource::Folder(root)]);
    let names = |catalog: &Catalog| catalog.tables().iter().map(|t| (t.display_name(), t.rows)).collect::<Vec<_>>();
    assert_eq!(names(&embedded), names(&on_disk));
    assert!(embedded.folder_settings()[0].today().is_some());
    for table in embedded.tables() {
        let batches = read(&table, &everything(&table)).unwrap();
        assert_eq!(batches.iter().map(DataFrame::height).sum::<usize>() as u64, table.rows, "{}", table.name);
    }
}

#[test]
fn generated_tables_are_made_once() {
    let cache = tempfile::tempdir().unwrap();
    let name = |text: &str| text.split('/').map(str::to_string).collect::<Vec<_>>();
    let generated = Generated::new(cache.path().to_path_buf());
    let nation = generated.table(&name("tpch/tiny/nation")).unwrap().unwrap();
    assert_eq!((nation.rows, nation.columns.len()), (25, 4));
    // However the scale factor is written, it is one table.
    let first = generated.table(&name("TPCDS/sf0_01/Store")).unwrap().unwrap();
    let file = first.files[0].path.clone();
    let made = std::fs::metadata(&file).unwrap().modified().unwrap();
    for schema in ["tpcds/sf0.01/store", "tpcds/tiny/store"] {
        let again = Generated::new(cache.path().to_path_buf()).table(&name(schema)).unwrap().unwrap();
        assert_eq!(again.files[0].path, file, "{schema}");
        assert_eq!(std::fs::metadata(&again.files[0].path).unwrap().modified().unwrap(), made, "{schema}");
    }
    let types: Vec<String> = first.columns.iter().map(|c| format!("{} {}", c.name, c.dtype)).collect();
    for column in ["s_store_sk INTEGER", "s_rec_start_date DATE", "s_gmt_offset DECIMAL(5,2)", "s_zip VARCHAR"] {
        assert!(types.iter().any(|known| known == column), "{column} in {types:?}");
    }
    for (wrong, code) in [
        ("tpch/sf1/linitem", ErrorCode::TableNotFound),
        ("tpch/sf/lineitem", ErrorCode::SchemaNotFound),
        ("tpch/sf0/lineitem", ErrorCode::SchemaNotFound),
        ("tpch/lineitem", ErrorCode::SchemaNotFound),
    ] {
        assert_eq!(generated.table(&name(wrong)).unwrap().unwrap_err().code, code, "{wrong}");
    }
    assert!(generated.table(&name("orders")).is_none());
}

#[test]
fn a_generated_table_that_is_stopped_leaves_nothing() {
    let cache = tempfile::tempdir().unwrap();
    let mut generated = Generated::new(cache.path().to_path_buf());
    generated.watch(Arc::new(|progress| progress.rows == 0));
    let name = ["tpch", "sf0_1", "partsupp"].map(str::to_string);
    assert_eq!(generated.table(&name).unwrap().unwrap_err().code, ErrorCode::UserCanceled);
    let left = std::fs::read_dir(cache.path().join("tpch-4").join("sf0_1")).unwrap().count();
    assert_eq!(left, 0);
}
