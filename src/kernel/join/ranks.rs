//! An index of integer keys: one bit per value of their range, and how many bits stand before each word of them.
//!
//! Some 12 bytes for 64 values, so that it stays in cache where a hash table would not, and a key that is not there costs one look.

use crate::kernel::keys::NO_ID;

/// Distinct integers; the id of each is its rank among them.
pub struct Ranks {
    least: i64,
    bits: Vec<u64>,
    before: Vec<u32>,
    len: u32,
}

/// A range may have this many values per row.
const VALUES_PER_ROW: u64 = 256;
/// And it may always have this many.
const VALUES: u64 = 1 << 21;

impl Ranks {
    /// An index for `rows` values between `least` and `greatest`, None where they are too far apart. `each` calls its argument with
    /// every value.
    pub fn new<E>(
        least: i64,
        greatest: i64,
        rows: usize,
        each: impl FnOnce(&mut dyn FnMut(i64)) -> Result<(), E>,
    ) -> Result<Option<Ranks>, E> {
        let range = greatest.abs_diff(least);
        if greatest < least || range >= VALUES.max(rows as u64 * VALUES_PER_ROW) {
            return Ok(None);
        }
        let mut bits = vec![0u64; range as usize / 64 + 1];
        each(&mut |value| {
            let place = value.abs_diff(least);
            bits[place as usize / 64] |= 1 << (place % 64);
        })?;
        let (mut before, mut len) = (Vec::with_capacity(bits.len()), 0);
        for word in &bits {
            before.push(len);
            len += word.count_ones();
        }
        Ok(Some(Ranks { least, bits, before, len }))
    }

    /// How many distinct values there are.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// What the index takes, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bits.capacity() as u64 * 8 + self.before.capacity() as u64 * 4
    }

    /// The id of a value, or [`NO_ID`].
    #[inline(always)]
    pub fn find(&self, value: i64) -> u32 {
        // Values below the least wrap around to places beyond the last bit that is set.
        let place = value.wrapping_sub(self.least) as u64;
        let (word, bit) = (place / 64, 1u64 << (place % 64));
        match self.bits.get(word as usize) {
            Some(bits) if bits & bit != 0 => self.before[word as usize] + (bits & (bit - 1)).count_ones(),
            _ => NO_ID,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranks(values: &[i64]) -> Option<Ranks> {
        let (least, greatest) = (*values.iter().min().unwrap(), *values.iter().max().unwrap());
        let each = |put: &mut dyn FnMut(i64)| -> Result<(), ()> {
            values.iter().for_each(|value| put(*value));
            Ok(())
        };
        Ranks::new(least, greatest, values.len(), each).unwrap()
    }

    #[test]
    fn an_id_is_a_rank() {
        let ranks = ranks(&[700, -3, 64, 700, 0]).unwrap();
        assert_eq!([-3, 0, 64, 700].map(|value| ranks.find(value)), [0, 1, 2, 3]);
        assert_eq!([-4, 1, 63, 701, 70_000, i64::MIN, i64::MAX].map(|value| ranks.find(value)), [NO_ID; 7]);
        assert_eq!(ranks.len(), 4);
    }

    #[test]
    fn ranges_at_the_ends_of_the_type_do_not_meet() {
        let ends = ranks(&[i64::MAX - 10, i64::MAX]).unwrap();
        assert_eq!((ends.find(i64::MAX), ends.find(i64::MIN), ends.find(i64::MIN + 53)), (1, NO_ID, NO_ID));
        assert!(ranks(&[i64::MIN, i64::MAX]).is_none());
        assert!(ranks(&[0, 1 << 22]).is_none());
    }
}
