//! A hash table from keys of `N` words to dense ids: open addressing, ids in order of first appearance.

use super::NO_ID;
use crate::kernel::mix::fold;

const SEED: u64 = 0x2D35_8DCC_AA6C_78A5;
const FACTOR: u64 = 0x8BB8_4B93_962E_ACC9;

/// Keys of `N` words and the id of each.
pub struct FixedTable<const N: usize> {
    /// Upper half: a tag from the hash; lower half: id + 1, or 0 for a free slot.
    slots: Vec<u64>,
    keys: Vec<[u64; N]>,
    /// The id that stands for NULL and is in no slot.
    unmapped: u32,
}

impl<const N: usize> FixedTable<N> {
    /// An empty table.
    pub fn new() -> FixedTable<N> {
        FixedTable { slots: vec![0; 16], keys: Vec::new(), unmapped: NO_ID }
    }

    /// How many ids are given.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// What the table takes, in bytes.
    pub fn bytes(&self) -> u64 {
        (self.slots.capacity() * 8 + self.keys.capacity() * 8 * N) as u64
    }

    // Not the hash of the exchange: the rows of one partition would share its leading bits.
    #[inline(always)]
    fn hash(key: &[u64; N]) -> u64 {
        let mut hash = SEED;
        for word in key {
            hash = fold(hash ^ word, FACTOR);
        }
        hash
    }

    /// The id of a key, or [`NO_ID`].
    #[inline(always)]
    pub fn find(&self, key: &[u64; N]) -> u32 {
        let hash = Self::hash(key);
        let mask = self.slots.len() - 1;
        let tag = hash >> 32;
        let mut place = hash as usize & mask;
        loop {
            let slot = self.slots[place];
            if slot == 0 {
                return NO_ID;
            }
            if slot >> 32 == tag {
                let id = slot as u32 - 1;
                if self.keys[id as usize] == *key {
                    return id;
                }
            }
            place = (place + 1) & mask;
        }
    }

    /// The id of a key, a new one if it was not there, and whether it is new.
    #[inline(always)]
    pub fn find_or_insert(&mut self, key: [u64; N]) -> (u32, bool) {
        let hash = Self::hash(&key);
        let mask = self.slots.len() - 1;
        let tag = hash >> 32;
        let mut place = hash as usize & mask;
        loop {
            let slot = self.slots[place];
            if slot == 0 {
                break;
            }
            if slot >> 32 == tag {
                let id = slot as u32 - 1;
                if self.keys[id as usize] == key {
                    return (id, false);
                }
            }
            place = (place + 1) & mask;
        }
        let id = self.keys.len() as u32;
        self.keys.push(key);
        self.slots[place] = (tag << 32) | (id as u64 + 1);
        if self.keys.len() * 2 > self.slots.len() {
            self.grow();
        }
        (id, true)
    }

    /// The id of NULL, and whether it is new.
    pub fn find_or_insert_null(&mut self) -> (u32, bool) {
        if self.unmapped != NO_ID {
            return (self.unmapped, false);
        }
        self.unmapped = self.keys.len() as u32;
        self.keys.push([0; N]);
        (self.unmapped, true)
    }

    /// The id of NULL, or [`NO_ID`].
    pub fn find_null(&self) -> u32 {
        self.unmapped
    }

    #[cold]
    fn grow(&mut self) {
        let capacity = self.slots.len() * 4;
        let mask = capacity - 1;
        self.slots.clear();
        self.slots.resize(capacity, 0);
        for (id, key) in self.keys.iter().enumerate() {
            if id as u32 == self.unmapped {
                continue;
            }
            let hash = Self::hash(key);
            let mut place = hash as usize & mask;
            while self.slots[place] != 0 {
                place = (place + 1) & mask;
            }
            self.slots[place] = ((hash >> 32) << 32) | (id as u64 + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_dense_in_order_of_first_appearance() {
        let mut table = FixedTable::<2>::new();
        for round in 0..2 {
            for key in 0..1000u64 {
                assert_eq!(table.find_or_insert([key * 7, key]), (key as u32, round == 0));
            }
        }
        assert_eq!(table.find(&[7, 1]), 1);
        assert_eq!(table.find(&[7, 2]), NO_ID);
    }

    #[test]
    fn null_has_an_id_of_its_own_that_survives_growth() {
        let mut table = FixedTable::<1>::new();
        assert_eq!(table.find_null(), NO_ID);
        assert_eq!(table.find_or_insert_null(), (0, true));
        for key in 0..100u64 {
            assert_eq!(table.find_or_insert([key]), (key as u32 + 1, true));
        }
        assert_eq!(table.find_or_insert_null(), (0, false));
        assert_eq!(table.find(&[0]), 1);
    }
}
