//! Codes for texts: each distinct text gets a number, in order of first appearance, so that keys with texts become fixed words.

use super::{NO_ID, fixed::FixedTable};
use polars::prelude::IdxSize;
use polars_arrow::array::{Array, BinaryViewArray, Utf8ViewArray, View};
use xxhash_rust::xxh3::xxh3_64;

/// Texts and the code of each. Texts of up to 12 bytes are found by their view, one-byte ones by a small array.
pub struct TextCodes {
    count: u32,
    null: u32,
    /// Codes of the empty text (last) and of each one-byte text.
    tiny: Box<[u32; 257]>,
    short: FixedTable<2>,
    short_codes: Vec<u32>,
    long: LongTexts,
    places: Places,
}

impl TextCodes {
    /// No texts yet.
    pub fn new() -> TextCodes {
        TextCodes {
            count: 0,
            null: NO_ID,
            tiny: Box::new([NO_ID; 257]),
            short: FixedTable::new(),
            short_codes: Vec::new(),
            long: LongTexts::new(),
            places: Places::default(),
        }
    }

    /// How many codes are given.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// What the texts take, in bytes.
    pub fn bytes(&self) -> u64 {
        self.short.bytes()
            + self.short_codes.capacity() as u64 * 4
            + self.long.bytes.capacity() as u64
            + self.long.slots.capacity() as u64 * 8
            + self.long.entries.capacity() as u64 * 16
            + self.places.slots.capacity() as u64 * 16
    }

    fn take_code(&mut self) -> u32 {
        self.count += 1;
        self.count - 1
    }

    /// The code of every text, new ones for new texts; `fresh(row)` is called for each new code. NULL has a code too where
    /// `nulls` is set, otherwise NULL rows get [`NO_ID`].
    pub fn insert(&mut self, texts: &BinaryViewArray, nulls: bool, codes: &mut Vec<u32>, mut fresh: impl FnMut(usize)) {
        codes.reserve(texts.len());
        let mut last = (0u128, NO_ID);
        self.places.enter(texts);
        let all_valid = texts.null_count() == 0;
        for (row, view) in texts.views().iter().enumerate() {
            if all_valid && view.length == 1 && self.tiny[tiny_place(view)] != NO_ID {
                codes.push(self.tiny[tiny_place(view)]);
                continue;
            }
            let before = self.count;
            let code = if texts.is_null(row) {
                if nulls && self.null == NO_ID {
                    self.null = self.take_code();
                }
                if nulls { self.null } else { NO_ID }
            } else if !view.is_inline() {
                match self.places.find(view) {
                    NO_ID => {
                        let (code, new) = self.long.find_or_insert(texts.value(row), self.count);
                        self.count += new as u32;
                        self.places.remember(view, code);
                        code
                    }
                    code => code,
                }
            } else if view.length <= 1 {
                let place = tiny_place(view);
                if self.tiny[place] == NO_ID {
                    self.tiny[place] = self.take_code();
                }
                self.tiny[place]
            } else {
                let whole = view.as_u128();
                // Runs of one text are frequent in sorted data.
                if last.1 == NO_ID || last.0 != whole {
                    let (id, new) = self.short.find_or_insert(words(whole));
                    if new {
                        let code = self.take_code();
                        self.short_codes.push(code);
                    }
                    last = (whole, self.short_codes[id as usize]);
                }
                last.1
            };
            if self.count > before {
                fresh(row);
            }
            codes.push(code);
        }
    }

    /// The code of every text, [`NO_ID`] where it has none.
    pub fn find(&self, texts: &BinaryViewArray, codes: &mut Vec<u32>) {
        codes.reserve(texts.len());
        for (row, view) in texts.views().iter().enumerate() {
            codes.push(if texts.is_null(row) {
                self.null
            } else if !view.is_inline() {
                self.long.find(texts.value(row))
            } else if view.length <= 1 {
                self.tiny[tiny_place(view)]
            } else {
                match self.short.find(&words(view.as_u128())) {
                    NO_ID => NO_ID,
                    id => self.short_codes[id as usize],
                }
            });
        }
    }
}

fn words(whole: u128) -> [u64; 2] {
    [whole as u64, (whole >> 64) as u64]
}

fn tiny_place(view: &View) -> usize {
    if view.length == 0 { 256 } else { view.prefix.to_le_bytes()[0] as usize }
}

/// Codes of long texts by the place they lie at, for columns that come from a dictionary: there the same text is the same
/// place again and again, and is known without being read.
#[derive(Default)]
struct Places {
    /// No texts, and the memory that the places are in: held, so that no other gets its address.
    memory: Option<BinaryViewArray>,
    /// A text's buffer and offset, its length, its code; empty where nothing is gained. A place has one slot, the last wins.
    slots: Vec<(u64, u32, u32)>,
    hits: usize,
    misses: usize,
}

/// Places that are remembered: their slots stay in the second-level cache.
const PLACES: usize = 1 << 14;
/// Fewer rows than this are not worth the slots.
const WORTH_PLACES: usize = 4096;
/// After so many misses it is looked at whether there were at least as many hits.
const TRIAL: usize = 4096;

impl Places {
    /// The texts of the next calls lie in the memory of `texts`.
    fn enter(&mut self, texts: &BinaryViewArray) {
        let memory = texts.data_buffers();
        let same = |known: &BinaryViewArray| {
            known.data_buffers().as_ptr() == memory.as_ptr() && known.data_buffers().len() == memory.len()
        };
        if memory.is_empty() || self.memory.as_ref().is_some_and(same) {
            return;
        }
        let gave_up = self.misses >= TRIAL && self.hits < self.misses;
        if gave_up || texts.len() < WORTH_PLACES {
            (self.memory, self.slots) = (None, Vec::new());
            return;
        }
        self.memory = Some(texts.clone().sliced(0, 0));
        self.slots.clear();
    }

    fn slot(view: &View) -> (u64, usize) {
        let place = u64::from(view.buffer_idx) << 32 | u64::from(view.offset);
        (place, (place.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 50) as usize)
    }

    /// The code of the text at a place, [`NO_ID`] if it is not known.
    #[inline(always)]
    fn find(&mut self, view: &View) -> u32 {
        let (place, slot) = Places::slot(view);
        match self.slots.get(slot) {
            Some(known) if known.2 != NO_ID && known.0 == place && known.1 == view.length => {
                self.hits += 1;
                known.2
            }
            _ => NO_ID,
        }
    }

    #[inline(always)]
    fn remember(&mut self, view: &View, code: u32) {
        if self.memory.is_none() {
            return;
        }
        // Where all texts are short, nobody comes here.
        if self.slots.is_empty() {
            self.slots.resize(PLACES, (0, 0, NO_ID));
        }
        let (place, slot) = Places::slot(view);
        let Some(known) = self.slots.get_mut(slot) else { return };
        *known = (place, view.length, code);
        self.misses += 1;
        if self.misses.is_multiple_of(TRIAL) && self.hits < self.misses {
            (self.memory, self.slots) = (None, Vec::new());
        }
    }
}

/// After so many rows it is looked at whether half of them had a text that was there before.
const TRIAL_ROWS: usize = 16 * 1024;

/// The rows that bring a text for the first time, and for each row which of those has its text; None where texts hardly ever
/// come again. Texts at two places count as two, whatever they say: they are not read.
pub fn distinct_places(texts: &Utf8ViewArray) -> Option<(Vec<IdxSize>, Vec<IdxSize>)> {
    let mut known = FixedTable::<2>::new();
    let (mut first, mut places) = (Vec::new(), Vec::with_capacity(texts.len()));
    for (row, view) in texts.views().iter().enumerate() {
        let (place, new) = match texts.is_null(row) {
            true => known.find_or_insert_null(),
            false => known.find_or_insert(words(view.as_u128())),
        };
        if new {
            first.push(row as IdxSize);
        }
        places.push(place as IdxSize);
        if row + 1 == TRIAL_ROWS && first.len() * 2 > TRIAL_ROWS {
            return None;
        }
    }
    Some((first, places))
}

/// Texts of more than 12 bytes, copied into one buffer.
struct LongTexts {
    /// Upper half: a tag from the hash; lower half: entry + 1, or 0 for a free slot.
    slots: Vec<u64>,
    entries: Vec<LongText>,
    bytes: Vec<u8>,
}

struct LongText {
    end: u64,
    code: u32,
}

impl LongTexts {
    fn new() -> LongTexts {
        LongTexts { slots: vec![0; 16], entries: Vec::new(), bytes: Vec::new() }
    }

    fn text(&self, entry: usize) -> &[u8] {
        let start = if entry == 0 { 0 } else { self.entries[entry - 1].end as usize };
        &self.bytes[start..self.entries[entry].end as usize]
    }

    /// The entry of a text, or the free slot where it belongs.
    fn place(&self, text: &[u8], hash: u64) -> Result<usize, usize> {
        let mask = self.slots.len() - 1;
        let mut place = hash as usize & mask;
        loop {
            let slot = self.slots[place];
            if slot == 0 {
                return Err(place);
            }
            let entry = (slot as u32 as usize).wrapping_sub(1);
            if slot >> 32 == hash >> 32 && self.text(entry) == text {
                return Ok(entry);
            }
            place = (place + 1) & mask;
        }
    }

    fn find(&self, text: &[u8]) -> u32 {
        self.place(text, xxh3_64(text)).map_or(NO_ID, |entry| self.entries[entry].code)
    }

    /// The code of a text: `code` if it is new (then also true).
    fn find_or_insert(&mut self, text: &[u8], code: u32) -> (u32, bool) {
        let hash = xxh3_64(text);
        match self.place(text, hash) {
            Ok(entry) => (self.entries[entry].code, false),
            Err(place) => {
                self.bytes.extend_from_slice(text);
                self.entries.push(LongText { end: self.bytes.len() as u64, code });
                self.slots[place] = ((hash >> 32) << 32) | self.entries.len() as u64;
                if self.entries.len() * 2 > self.slots.len() {
                    self.grow();
                }
                (code, true)
            }
        }
    }

    #[cold]
    fn grow(&mut self) {
        let capacity = self.slots.len() * 4;
        let mut slots = vec![0u64; capacity];
        for entry in 0..self.entries.len() {
            let hash = xxh3_64(self.text(entry));
            let mut place = hash as usize & (capacity - 1);
            while slots[place] != 0 {
                place = (place + 1) & (capacity - 1);
            }
            slots[place] = ((hash >> 32) << 32) | (entry as u64 + 1);
        }
        self.slots = slots;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_stands_for_its_text_only_in_its_own_memory() {
        let texts = |letter: &str| {
            let values: Vec<String> = (0..WORTH_PLACES).map(|i| format!("{letter} longer text {}", i % 3)).collect();
            BinaryViewArray::from_slice(values.iter().map(Some).collect::<Vec<_>>())
        };
        let mut codes = TextCodes::new();
        for (letter, first) in [("a", 0), ("b", 3), ("a", 0)] {
            let array = texts(letter);
            for _ in 0..2 {
                let mut found = Vec::new();
                codes.insert(&array, true, &mut found, |_| {});
                assert_eq!(found[..4], [first, first + 1, first + 2, first]);
            }
        }
    }

    #[test]
    fn texts_of_every_length_share_one_row_of_codes() {
        let long = "a text of more than twelve bytes";
        let texts =
            BinaryViewArray::from_slice([Some("bb"), Some(""), Some("x"), None, Some(long), Some("bb"), Some(long)]);
        let mut codes = TextCodes::new();
        let (mut found, mut fresh) = (Vec::new(), Vec::new());
        codes.insert(&texts, true, &mut found, |row| fresh.push(row));
        assert_eq!(found, [0, 1, 2, 3, 4, 0, 4]);
        assert_eq!(fresh, [0, 1, 2, 3, 4]);
        let mut again = Vec::new();
        codes.find(&BinaryViewArray::from_slice([Some("y"), Some(long), None, Some("bc")]), &mut again);
        assert_eq!(again, [NO_ID, 4, 3, NO_ID]);
    }
}
