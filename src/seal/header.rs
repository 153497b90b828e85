//! The first 18 bytes of every card: which share of which quorum it is, in the clear.

use super::CardError;
use crate::share::{QuorumId, Scheme};
use crate::wire::Reader;

const VERSION: u8 = 1;
const KIND_SHARE: u8 = 1;

/// Which share of which quorum, and what is needed to meet it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardHeader {
    quorum: QuorumId,
    generation: u16,
    index: u8,
    scheme: Scheme,
}

impl CardHeader {
    /// Length in bytes: version 1, kind 1, quorum id 10, generation 2, index 1, threshold 1,
    /// shares 1, seal 1.
    pub const LENGTH: usize = 18;

    /// The header of share `index`; `None` when the scheme has no such share or the generation is 0.
    #[must_use]
    pub fn new(quorum: QuorumId, generation: u16, index: u8, scheme: Scheme) -> Option<Self> {
        let exists = generation > 0 && index > 0 && index <= scheme.count();
        exists.then_some(Self { quorum, generation, index, scheme })
    }

    /// The quorum.
    #[must_use]
    pub const fn quorum(&self) -> QuorumId {
        self.quorum
    }

    /// The number of this set of cards, from 1.
    #[must_use]
    pub const fn generation(&self) -> u16 {
        self.generation
    }

    /// The share, 1 to N.
    #[must_use]
    pub const fn index(&self) -> u8 {
        self.index
    }

    /// M of N.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(super) fn bytes(&self, seal: u8) -> [u8; Self::LENGTH] {
        let [g1, g2] = self.generation.to_be_bytes();
        let [q0, q1, q2, q3, q4, q5, q6, q7, q8, q9] = *self.quorum.as_bytes();
        let (m, n) = (self.scheme.threshold(), self.scheme.count());
        [VERSION, KIND_SHARE, q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, g1, g2, self.index, m, n, seal]
    }

    pub(super) fn read_version(reader: &mut Reader<'_>) -> Result<(), CardError> {
        match reader.u8("version")? {
            VERSION => Ok(()),
            found => Err(CardError::Version { found }),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<(Self, u8), CardError> {
        Self::read_version(reader)?;
        match reader.u8("kind")? {
            KIND_SHARE => {}
            found => return Err(CardError::Kind { found }),
        }
        let quorum = QuorumId::from_bytes(reader.array("quorum id")?);
        let generation = reader.u16("generation")?;
        let index = reader.u8("index")?;
        let [threshold, count] = reader.array("threshold")?;
        let scheme = Scheme::new(threshold.into(), count.into()).map_err(|_| reader.refuse("threshold"))?;
        let seal = reader.u8("seal")?;
        let header = Self::new(quorum, generation, index, scheme).ok_or_else(|| reader.refuse("index"))?;
        Ok((header, seal))
    }
}
