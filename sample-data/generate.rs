//! Makes the sample data again: `cargo run --release --example generate-sample-data`.
//!
//! The same program makes the same bytes: the only randomness is a small generator with a fixed seed, and dates end at
//! [`TODAY`], which `faultlab.toml` gives to the session as its clock. Values are invented, shaped like a retailer's:
//! most orders come from one region, a few customers order most, money has two digits, and some values are NULL.

use faultlab::catalog::plain_columns::{ColumnData, write_parquet};
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const SEED: u64 = 20_260_630;
/// 2026-06-30, in days since 1970-01-01.
const TODAY: i32 = 20_634;

const CUSTOMERS: usize = 20_000;
const ORDERS: usize = 120_000;
const SALES: usize = 48_000;
const SALES_FILES: usize = 6;
const PRODUCTS: usize = 400;
const TRANSACTIONS: usize = 60_000;
const EVENTS: usize = 6_000;
const SHIPMENTS: usize = 10_000;
/// One scan task reads this many rows (`scan_task_rows` in `faultlab.toml`): `orders` makes 24 tasks.
const ROW_GROUP_ROWS: usize = 5_000;

/// Regions by their share of the customers, in percent.
const REGIONS: [(&str, u64); 6] = [("US", 45), ("EU", 22), ("UK", 12), ("APAC", 11), ("LATAM", 7), ("MEA", 3)];
const CUSTOMER_TYPES: [(&str, u64); 4] = [("consumer", 62), ("business", 25), ("education", 9), ("government", 4)];
const FIRST_NAMES: [&str; 32] = [
    "Ada", "Amara", "Ben", "Carla", "Chen", "Dana", "Diego", "Elif", "Emma", "Farah", "Felix", "Grace", "Hana", "Ivan",
    "Jonas", "Kira", "Lars", "Leila", "Luca", "Maya", "Mei", "Nadia", "Noah", "Olga", "Omar", "Priya", "Rosa", "Sam",
    "Sofía", "Tariq", "Yuki", "Zoë",
];
const LAST_NAMES: [&str; 32] = [
    "Adams", "Bauer", "Brown", "Costa", "Diaz", "Dubois", "Evans", "Fischer", "García", "Haddad", "Ito", "Jensen",
    "Kaya", "Khan", "Kim", "Kowalski", "Li", "Martin", "Mensah", "Miller", "Nguyen", "Novak", "O'Brien", "Okafor",
    "Patel", "Rossi", "Santos", "Silva", "Smith", "Tanaka", "Wang", "Weber",
];

/// A small generator of random numbers (splitmix64), so that no crate's next version changes the data.
struct Random(u64);

impl Random {
    /// A stream of its own for each table: adding rows to one leaves the others as they are.
    fn for_table(table: u64) -> Random {
        Random(SEED.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ table.wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..bound`.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// A number in `0.0..1.0`.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True once in `times`.
    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn pick_weighted<'a>(&mut self, choices: &[(&'a str, u64)]) -> &'a str {
        let mut point = self.next() % choices.iter().map(|(_, weight)| weight).sum::<u64>();
        for (choice, weight) in choices {
            if point < *weight {
                return choice;
            }
            point -= weight;
        }
        choices[0].0
    }

    /// Money in cents: mostly small, sometimes large. Only products of uniform numbers, which every machine rounds alike.
    fn cents(&mut self, least: i64, spread: i64) -> i64 {
        let uniform = self.unit();
        least + (uniform * uniform * uniform * spread as f64) as i64
    }

    /// The index of a customer; the first percent of them (in a fixed shuffle) makes a fifth of the choices.
    fn customer(&mut self) -> usize {
        let uniform = self.unit();
        let rank = ((uniform * uniform * uniform) * CUSTOMERS as f64) as usize;
        (rank * 7_919 + 4_241) % CUSTOMERS
    }
}

/// What other tables need to know of a customer; its id is its index plus one.
struct Customer {
    kind: &'static str,
    region: Option<&'static str>,
    signup: i32,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sample-data");
    fs::create_dir_all(folder.join("sales"))?;
    fs::create_dir_all(folder.join("raw"))?;

    let customers = write_customers(&folder)?;
    write_orders(&folder, &customers)?;
    let prices = write_products(&folder)?;
    write_sales(&folder, &prices)?;
    write_transactions(&folder, &customers)?;
    write_shipments(&folder)?;
    write_events(&folder)?;
    Ok(())
}

fn write_customers(folder: &Path) -> Result<Vec<Customer>, Box<dyn Error>> {
    let mut random = Random::for_table(1);
    let mut customers = Vec::with_capacity(CUSTOMERS);
    let (mut ids, mut names, mut kinds, mut regions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut countries, mut signups, mut limits, mut newsletters) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for index in 0..CUSTOMERS {
        let kind = random.pick_weighted(&CUSTOMER_TYPES);
        let region = random.pick_weighted(&REGIONS);
        let country = random.pick(countries_of(region));
        let name = format!("{} {}", random.pick(&FIRST_NAMES), random.pick(&LAST_NAMES));
        // Customers came faster and faster: the square root of a uniform number.
        let signup = TODAY - 3_650 + (random.unit().sqrt() * 3_600.0) as i32;
        let region = (!random.one_in(150)).then_some(region);
        ids.push(Some(index as i64 + 1));
        names.push(Some(name));
        kinds.push(Some(kind.to_string()));
        regions.push(region.map(str::to_string));
        countries.push((!random.one_in(60)).then(|| country.to_string()));
        signups.push(Some(signup));
        limits.push((kind != "consumer").then(|| 100_000 * (1 + random.below(50) as i64)));
        newsletters.push((!random.one_in(12)).then(|| random.one_in(3)));
        customers.push(Customer { kind, region, signup });
    }
    let columns = vec![
        ("customer_id", ColumnData::Int64(ids)),
        ("name", ColumnData::Text(names)),
        ("customer_type", ColumnData::Text(kinds)),
        ("region", ColumnData::Text(regions)),
        ("country", ColumnData::Text(countries)),
        ("signup_date", ColumnData::Date(signups)),
        ("credit_limit", decimal(limits)),
        ("newsletter", ColumnData::Boolean(newsletters)),
    ];
    write_parquet(&folder.join("customers.parquet"), &columns, ROW_GROUP_ROWS)?;
    Ok(customers)
}

/// Orders of the last two years, by date. `order_value` is what the goods cost, `sales` what remains after the discount,
/// `amount` what the customer was asked to pay, with tax and shipping.
fn write_orders(folder: &Path, customers: &[Customer]) -> Result<(), Box<dyn Error>> {
    let mut random = Random::for_table(2);
    let (mut ids, mut buyers, mut kinds, mut regions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut dates, mut amounts, mut values, mut sales) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for index in 0..ORDERS {
        let date = TODAY - 729 + (index * 730 / ORDERS) as i32;
        // Nobody orders before having signed up.
        let mut buyer = random.customer();
        while customers[buyer].signup > date {
            buyer = random.customer();
        }
        let customer = &customers[buyer];
        let elsewhere = random.pick_weighted(&REGIONS);
        let region = if random.one_in(12) { elsewhere } else { customer.region.unwrap_or(elsewhere) };
        let largest = match customer.kind {
            "consumer" => 60_000,
            "education" => 250_000,
            "government" => 600_000,
            _ => 900_000,
        };
        let value = random.cents(499, largest);
        let discount =
            value * random.pick_weighted(&[("0", 70), ("5", 14), ("10", 11), ("20", 5)]).parse::<i64>()? / 100;
        let shipping = if value > 5_000 { 0 } else { 495 };
        let tax = (value - discount) * 8 / 100;
        // Guests have no customer id, a cancelled order has no sales, a few are not priced yet.
        let guest = random.one_in(80);
        let cancelled = random.one_in(40);
        let unpriced = random.one_in(150);
        ids.push(Some(100_000 + index as i64));
        buyers.push((!guest).then_some(buyer as i64 + 1));
        kinds.push(Some(customer.kind.to_string()));
        regions.push(Some(region.to_string()));
        dates.push(Some(date));
        amounts.push((!unpriced).then_some(value - discount + shipping + tax));
        values.push((!unpriced).then_some(value));
        sales.push((!unpriced && !cancelled).then_some(value - discount));
    }
    let columns = vec![
        ("order_id", ColumnData::Int64(ids)),
        ("customer_id", ColumnData::Int64(buyers)),
        ("customer_type", ColumnData::Text(kinds)),
        ("region", ColumnData::Text(regions)),
        ("order_date", ColumnData::Date(dates)),
        ("amount", decimal(amounts)),
        ("order_value", decimal(values)),
        ("sales", decimal(sales)),
    ];
    Ok(write_parquet(&folder.join("orders.parquet"), &columns, ROW_GROUP_ROWS)?)
}

/// The catalogue, as somebody's spreadsheet would export it. Returns the list prices in cents, by product.
fn write_products(folder: &Path) -> Result<Vec<i64>, Box<dyn Error>> {
    let mut random = Random::for_table(3);
    let categories = [
        ("Kitchen", ["Kettle", "Toaster", "Chef's Knife", "Pan, 28 cm"]),
        ("Office", ["Desk Lamp", "Notebook, A5", "Stapler", "Monitor Arm"]),
        ("Garden", ["Hose", "Trowel", "Planter", "Watering Can"]),
        ("Audio", ["Headphones", "Speaker", "Microphone", "Turntable"]),
        ("Travel", ["Suitcase", "Backpack", "Adapter", "Travel Mug"]),
    ];
    let materials = ["Steel", "Oak", "Bamboo", "Carbon", "Cotton", "Ceramic", "Recycled"];
    let mut text = String::from("product_id,product_name,category,list_price,cost,weight_kg,discontinued,introduced\n");
    let mut prices = Vec::with_capacity(PRODUCTS);
    for index in 0..PRODUCTS {
        let (category, things) = categories[random.below(categories.len())];
        let mut name = format!("{} {}", random.pick(&materials), random.pick(&things));
        if random.one_in(10) {
            name.push_str(" \"Pro\"");
        }
        let price = random.cents(599, 40_000) / 10 * 10 + 9;
        let cost = price * (45 + random.below(30) as i64) / 100;
        let weight = if random.one_in(25) { String::new() } else { format!("{:.3}", random.unit() * 9.0 + 0.05) };
        let introduced = iso_date(TODAY - 2_500 + random.below(2_400) as i32);
        let discontinued = random.one_in(9);
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let name = if name.contains([',', '"']) { quoted } else { name };
        writeln!(
            text,
            "{},{name},{category},{},{},{weight},{discontinued},{introduced}",
            index + 1,
            money(price),
            money(cost)
        )?;
        prices.push(price);
    }
    fs::write(folder.join("products.csv"), text)?;
    Ok(prices)
}

/// Sales in the shops over the last year, up to and including today, in part files as a nightly job would leave them.
fn write_sales(folder: &Path, prices: &[i64]) -> Result<(), Box<dyn Error>> {
    let mut random = Random::for_table(4);
    let per_file = SALES / SALES_FILES;
    for file in 0..SALES_FILES {
        let (mut ids, mut dates, mut times, mut stores) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut regions, mut products, mut quantities) = (Vec::new(), Vec::new(), Vec::new());
        let (mut unit_prices, mut discounts, mut revenues) = (Vec::new(), Vec::new(), Vec::new());
        for index in file * per_file..(file + 1) * per_file {
            let date = TODAY - 364 + (index * 365 / SALES) as i32;
            let second_of_day = 8 * 3_600 + random.below(12 * 3_600) as i64;
            let region = random.pick_weighted(&REGIONS);
            let product = random.below(PRODUCTS).min(random.below(PRODUCTS));
            let quantity = 1 + random.below(6).min(random.below(6)) as i32;
            let percent = [0, 0, 0, 5, 10, 25][random.below(6)];
            let price = prices[product];
            let returned = random.one_in(60);
            ids.push(Some(index as i64 + 1));
            dates.push(Some(date));
            times.push(Some((i64::from(date) * 86_400 + second_of_day) * 1_000_000));
            stores.push((!random.one_in(20)).then(|| format!("{region}-{:02}", 1 + random.below(8))));
            regions.push(Some(region.to_string()));
            products.push(Some(product as i32 + 1));
            quantities.push(Some(quantity));
            unit_prices.push(Some(price));
            discounts.push((percent > 0).then_some(f64::from(percent) / 100.0));
            revenues.push((!returned).then_some(price * i64::from(quantity) * i64::from(100 - percent) / 100));
        }
        let columns = vec![
            ("sale_id", ColumnData::Int64(ids)),
            ("date", ColumnData::Date(dates)),
            ("sold_at", ColumnData::Timestamp(times)),
            ("store", ColumnData::Text(stores)),
            ("region", ColumnData::Text(regions)),
            ("product_id", ColumnData::Int32(products)),
            ("quantity", ColumnData::Int32(quantities)),
            ("unit_price", decimal(unit_prices)),
            ("discount", ColumnData::Double(discounts)),
            ("revenue", decimal(revenues)),
        ];
        write_parquet(&folder.join(format!("sales/part-{file}.parquet")), &columns, per_file / 2)?;
    }
    Ok(())
}

/// What the pipeline exercises load: one row for a customer and a day, over the last half year.
fn write_transactions(folder: &Path, customers: &[Customer]) -> Result<(), Box<dyn Error>> {
    let mut random = Random::for_table(5);
    let (mut ids, mut buyers, mut regions, mut dates) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut amounts, mut revenues, mut orders) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..TRANSACTIONS {
        let buyer = random.customer();
        let amount = random.cents(250, 120_000);
        let refunded = random.one_in(35);
        ids.push(Some(1_000_000 + index as i64 * 3));
        buyers.push((!random.one_in(90)).then_some(buyer as i64 + 1));
        regions.push(customers[buyer].region.map(str::to_string));
        dates.push(Some(TODAY - 179 + (index * 180 / TRANSACTIONS) as i32));
        amounts.push((!random.one_in(200)).then_some(amount));
        revenues.push(Some(if refunded { -amount } else { amount * 93 / 100 }));
        orders.push(Some(1 + random.below(4).min(random.below(4)) as i32));
    }
    let columns = vec![
        ("transaction_id", ColumnData::Int64(ids)),
        ("customer_id", ColumnData::Int64(buyers)),
        ("region", ColumnData::Text(regions)),
        ("date", ColumnData::Date(dates)),
        ("amount", decimal(amounts)),
        ("revenue", decimal(revenues)),
        ("orders", ColumnData::Int32(orders)),
    ];
    Ok(write_parquet(&folder.join("raw/transactions.parquet"), &columns, ROW_GROUP_ROWS)?)
}

/// A carrier's export: text that has to be read as numbers, dates and times, with empty fields and quoted remarks.
fn write_shipments(folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut random = Random::for_table(6);
    let remarks = ["", "", "", "", "left at door", "\"fragile, this side up\"", "\"said \"\"call first\"\"\""];
    let mut text = String::from("shipment_id,order_id,carrier,shipped_at,delivered_on,weight_kg,remark\n");
    for index in 0..SHIPMENTS {
        let shipped = TODAY - 89 + (index * 90 / SHIPMENTS) as i32;
        let second_of_day = 6 * 3_600 + random.below(14 * 3_600) as i64;
        let delivered = shipped + 1 + random.below(7) as i32;
        let delivered = if delivered > TODAY { String::new() } else { iso_date(delivered) };
        let order = 100_000 + ORDERS - 15_000 + random.below(15_000);
        let carrier = random.pick(&["DHL", "UPS", "FedEx", "Royal Mail", "Colissimo"]);
        let weight = random.cents(20, 2_500);
        let remark = random.pick(&remarks);
        writeln!(
            text,
            "{},{order},{carrier},{},{delivered},{},{remark}",
            index + 1,
            iso_timestamp(shipped, second_of_day),
            money(weight)
        )?;
    }
    Ok(fs::write(folder.join("raw/shipments.csv"), text)?)
}

/// Clicks on the web site: one JSON object a line, where some keys are missing and some values are null.
fn write_events(folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut random = Random::for_table(7);
    let kinds = [("view", 70), ("search", 14), ("add_to_cart", 10), ("checkout", 4), ("error", 2)];
    let mut text = String::new();
    for index in 0..EVENTS {
        let day = TODAY - 6 + (index * 7 / EVENTS) as i32;
        let second_of_day = (index % (EVENTS / 7 + 1)) as i64 * 86_399 * 7 / EVENTS as i64 + random.below(60) as i64;
        let kind = random.pick_weighted(&kinds);
        write!(
            text,
            "{{\"event_id\": {}, \"event_time\": \"{}\", \"kind\": \"{kind}\"",
            index + 1,
            iso_timestamp(day, second_of_day.min(86_399))
        )?;
        let customer = if random.one_in(3) { "null".to_string() } else { (random.customer() + 1).to_string() };
        write!(text, ", \"customer_id\": {customer}")?;
        if kind != "error" {
            write!(text, ", \"page\": \"/product/{}\"", 1 + random.below(PRODUCTS))?;
        }
        write!(text, ", \"milliseconds\": {:.1}", random.cents(120, 90_000) as f64 / 10.0)?;
        write!(text, ", \"mobile\": {}", random.one_in(2))?;
        if kind == "search" {
            let words = ["kettle", "desk lamp", "café mug", "\\\"oak\\\" planter", "head\\u0070hones"];
            write!(text, ", \"words\": \"{}\"", random.pick(&words))?;
        }
        text.push_str("}\n");
    }
    Ok(fs::write(folder.join("raw/events.ndjson"), text)?)
}

/// A DECIMAL(12,2) column from cents.
fn decimal(cents: Vec<Option<i64>>) -> ColumnData {
    ColumnData::Decimal { precision: 12, scale: 2, values: cents }
}

fn money(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn countries_of(region: &str) -> &'static [&'static str] {
    match region {
        "US" => &["United States"],
        "EU" => &["Germany", "France", "Italy", "Spain", "Netherlands", "Poland", "Sweden"],
        "UK" => &["United Kingdom"],
        "APAC" => &["Japan", "India", "Australia", "Singapore", "South Korea"],
        "LATAM" => &["Brazil", "Mexico", "Chile", "Argentina"],
        _ => &["Türkiye", "Egypt", "Kenya", "South Africa", "United Arab Emirates"],
    }
}

fn iso_date(days: i32) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

fn iso_timestamp(days: i32, second_of_day: i64) -> String {
    let (hour, minute, second) = (second_of_day / 3_600, second_of_day / 60 % 60, second_of_day % 60);
    format!("{} {hour:02}:{minute:02}:{second:02}", iso_date(days))
}

/// Days since 1970-01-01 as year, month and day, after Howard Hinnant's `civil_from_days`.
fn civil(days: i32) -> (i32, i32, i32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i32::from(month <= 2), month, day)
}
