//! Writes the TPC-H tables: `cargo run --release --example generate-tpch -- FOLDER SCALE_FACTOR [ROW_GROUP_ROWS]`.

use faultlab::catalog::generated::{Benchmark, write_tables};
use std::error::Error;
use std::path::PathBuf;

const USAGE: &str = "usage: generate-tpch FOLDER SCALE_FACTOR [ROW_GROUP_ROWS]";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or(USAGE)?);
    let scale_factor: f64 = arguments.next().ok_or(USAGE)?.parse()?;
    let row_group_rows: usize = arguments.next().map_or(Ok(122_880), |text| text.parse())?;
    std::fs::create_dir_all(&folder)?;
    write_tables(Benchmark::TpcH, &folder, scale_factor, row_group_rows)?;
    Ok(())
}
