//! Payload that costs nothing until somebody needs its bytes (DESIGN §4).

use std::sync::Arc;

use faultwire_base::StreamId;

/// The data of a segment or datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// That many zero octets.
    Zeros {
        /// Number of octets.
        len: u32,
    },
    /// Octets `offset..offset + len` of a generated stream.
    Generated {
        /// Which stream.
        stream: StreamId,
        /// Offset of the first octet in the stream.
        offset: u64,
        /// Number of octets.
        len: u32,
    },
    /// Octets `start..start + len` of shared immutable bytes.
    Bytes {
        /// The bytes, shared.
        bytes: Arc<[u8]>,
        /// First octet in `bytes`.
        start: u32,
        /// Number of octets.
        len: u32,
    },
}

impl Payload {
    /// No data.
    pub const EMPTY: Self = Self::Zeros { len: 0 };

    /// Shared bytes as a whole.
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        let len = u32::try_from(bytes.len()).expect("a payload is shorter than 4 GiB");
        Self::Bytes { bytes, start: 0, len }
    }

    /// Number of octets.
    #[inline]
    pub fn len(&self) -> u32 {
        match *self {
            Self::Zeros { len } | Self::Generated { len, .. } | Self::Bytes { len, .. } => len,
        }
    }

    /// Whether there is no octet.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Octets `from..from + len` of this payload, without copying.
    #[inline]
    pub fn slice(&self, from: u32, len: u32) -> Self {
        assert!(u64::from(from) + u64::from(len) <= u64::from(self.len()), "slice past the end of a payload");
        match *self {
            Self::Zeros { .. } => Self::Zeros { len },
            Self::Generated { stream, offset, .. } => {
                Self::Generated { stream, offset: offset + u64::from(from), len }
            }
            Self::Bytes { ref bytes, start, .. } => {
                Self::Bytes { bytes: Arc::clone(bytes), start: start + from, len }
            }
        }
    }

    /// Appends `next` if both together are one payload of the same kind without a copy; otherwise says `false` and
    /// changes nothing.
    #[inline]
    pub fn try_append(&mut self, next: &Self) -> bool {
        let Some(total) = self.len().checked_add(next.len()) else { return false };
        match (&mut *self, next) {
            (_, other) if other.is_empty() => true,
            (this, other) if this.is_empty() => {
                *this = other.clone();
                true
            }
            (Self::Zeros { len }, Self::Zeros { .. }) => {
                *len = total;
                true
            }
            (
                Self::Generated { stream, offset, len },
                Self::Generated { stream: next_stream, offset: next_offset, .. },
            ) if stream == next_stream && *offset + u64::from(*len) == *next_offset => {
                *len = total;
                true
            }
            (Self::Bytes { bytes, start, len }, Self::Bytes { bytes: next_bytes, start: next_start, .. })
                if Arc::ptr_eq(bytes, next_bytes) && *start + *len == *next_start =>
            {
                *len = total;
                true
            }
            _ => false,
        }
    }

    /// Appends the octets to `out`.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Zeros { len } => out.resize(out.len() + len as usize, 0),
            Self::Generated { stream, offset, len } => {
                write_generated(stream, offset, len as usize, out);
            }
            Self::Bytes { ref bytes, start, len } => {
                out.extend_from_slice(&bytes[start as usize..(start + len) as usize]);
            }
        }
    }

    /// The octets.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(self.len() as usize);
        self.write_to(&mut octets);
        octets
    }

    /// Joins pieces of any kinds into one payload; copies only if they can't be joined as they are.
    pub fn join(pieces: &[Self]) -> Self {
        let mut joined = Self::EMPTY;
        if pieces.iter().all(|piece| joined.try_append(piece)) {
            return joined;
        }
        let mut octets = Vec::new();
        pieces.iter().for_each(|piece| piece.write_to(&mut octets));
        Self::from_bytes(octets)
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// The octet of `stream` at `offset`: one byte of a mixed word per eight octets (SplitMix64's finalizer).
pub fn generated_octet(stream: StreamId, offset: u64) -> u8 {
    generated_word(stream, offset >> 3)[(offset & 7) as usize]
}

/// Octets `8 * index..8 * index + 8` of `stream`.
#[inline]
fn generated_word(stream: StreamId, index: u64) -> [u8; 8] {
    let mut word = stream.0 ^ index.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^= word >> 31;
    word.to_le_bytes()
}

/// Appends `len` octets of `stream` from `offset` on, a word at a time.
fn write_generated(stream: StreamId, offset: u64, len: usize, out: &mut Vec<u8>) {
    let end = out.len() + len;
    out.reserve(len);
    let mut skip = (offset & 7) as usize;
    let mut index = offset >> 3;
    while out.len() < end {
        let word = generated_word(stream, index);
        let last = word.len().min(skip + end - out.len());
        out.extend_from_slice(&word[skip..last]);
        skip = 0;
        index = index.wrapping_add(1);
    }
}
