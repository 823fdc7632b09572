//! One value of a sheet and how two copies of it become one.
//!
//! A register is a multi-value register with a version vector (a dotted version vector set; Preguiça et al.,
//! "Dotted Version Vectors", 2012). Joining is commutative, associative and idempotent: the order, the number and the
//! ways in which copies meet make no difference, which is what makes retries, reloads and two tabs harmless.

use crate::{Replica, Stamp, Tick};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Something written that nothing known has replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "(Stamp, Value)", into = "(Stamp, Value)")]
pub struct Head {
    /// When and where.
    pub stamp: Stamp,
    /// What.
    pub value: Value,
}

impl From<(Stamp, Value)> for Head {
    fn from((stamp, value): (Stamp, Value)) -> Self {
        Self { stamp, value }
    }
}

impl From<Head> for (Stamp, Value) {
    fn from(head: Head) -> Self {
        (head.stamp, head.value)
    }
}

/// One value with everything needed to merge it. One head is the usual case; two mean that two replicas wrote
/// without knowing of each other, and neither text is thrown away.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Register {
    /// What stands, oldest stamp first.
    pub heads: Vec<Head>,
    /// For each replica the newest of its ticks that is here or was replaced.
    pub seen: BTreeMap<Replica, Tick>,
}

/// Why a register from outside cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// It holds nothing.
    #[error("a register needs at least one head")]
    Empty,
    /// A head that its own version vector does not know.
    #[error("the head {stamp} is newer than what its register has seen of that replica")]
    UnseenHead {
        /// The head.
        stamp: Stamp,
    },
    /// Two heads of one replica, or one twice: a replica's later writing replaces its earlier one.
    #[error("two heads of the replica {replica}")]
    TwoHeads {
        /// The replica.
        replica: Replica,
    },
    /// More replicas than a sheet ever has.
    #[error("{found} replicas; at most {max}", max = Register::REPLICAS_MAX)]
    TooManyReplicas {
        /// How many.
        found: usize,
    },
}

impl Register {
    /// Replicas one register knows at most. A browser takes up its old replicas again, so a teacher with a laptop, a
    /// phone and a few tabs needs a handful.
    pub const REPLICAS_MAX: usize = 64;

    /// Writes a value: it replaces everything known here.
    pub fn write(&mut self, stamp: Stamp, value: Value) {
        let seen = self.seen.entry(stamp.replica()).or_insert(stamp.tick());
        *seen = (*seen).max(stamp.tick());
        self.heads = vec![Head { stamp, value }];
    }

    /// The value that stands: the one written last.
    pub fn value(&self) -> Option<&Value> {
        self.heads.last().map(|head| &head.value)
    }

    /// What else was written without knowledge of [`Register::value`], newest first.
    pub fn siblings(&self) -> impl Iterator<Item = &Head> {
        self.heads.iter().rev().skip(1)
    }

    /// The newest tick in it.
    pub fn newest(&self) -> Option<Tick> {
        self.seen.values().max().copied()
    }

    /// Takes in another copy. `true` when that changed this one.
    ///
    /// A head stays if the other copy has it too or has never seen it; what the other copy has seen and no longer
    /// holds was replaced.
    pub fn join(&mut self, other: &Register) -> bool {
        let kept_here =
            self.heads.iter().filter(|head| other.holds(head.stamp) || !other.has_seen(head.stamp));
        let new_there = other.heads.iter().filter(|head| !self.has_seen(head.stamp));
        let mut heads: Vec<Head> = kept_here.chain(new_there).cloned().collect();
        heads.sort_by_key(|head| head.stamp);
        let mut seen = self.seen.clone();
        for (&replica, &tick) in &other.seen {
            let known = seen.entry(replica).or_insert(tick);
            *known = (*known).max(tick);
        }
        let joined = Self { heads, seen };
        let changed = *self != joined;
        *self = joined;
        changed
    }

    fn holds(&self, stamp: Stamp) -> bool {
        self.heads.iter().any(|head| head.stamp == stamp)
    }

    fn has_seen(&self, stamp: Stamp) -> bool {
        self.seen.get(&stamp.replica()).is_some_and(|&tick| tick >= stamp.tick())
    }

    /// Judges a register that came from outside and puts its heads in order.
    ///
    /// # Errors
    /// [`RegisterError`]: no page of ours writes such a thing.
    pub fn checked(mut self) -> Result<Self, RegisterError> {
        if self.heads.is_empty() {
            return Err(RegisterError::Empty);
        }
        if self.seen.len() > Self::REPLICAS_MAX {
            return Err(RegisterError::TooManyReplicas { found: self.seen.len() });
        }
        self.heads.sort_by_key(|head| head.stamp);
        for (index, head) in self.heads.iter().enumerate() {
            if !self.has_seen(head.stamp) {
                return Err(RegisterError::UnseenHead { stamp: head.stamp });
            }
            let replica = head.stamp.replica();
            if self.heads[..index].iter().any(|earlier| earlier.stamp.replica() == replica) {
                return Err(RegisterError::TwoHeads { replica });
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stamp(millis: u64, replica: &str) -> Stamp {
        Tick::new(millis, 0).by(replica.parse().expect("eight characters"))
    }

    fn written(millis: u64, replica: &str, text: &str) -> Register {
        let mut register = Register::default();
        register.write(stamp(millis, replica), json!(text));
        register
    }

    #[test]
    fn two_tabs_that_did_not_hear_of_each_other_lose_no_word() {
        let mut laptop = written(1_000, "laptop00", "Giao nhiệm vụ");
        let phone = written(2_000, "phone000", "Chia nhóm");
        assert!(laptop.join(&phone));
        assert_eq!(laptop.value(), Some(&json!("Chia nhóm")));
        let others: Vec<_> = laptop.siblings().map(|head| &head.value).collect();
        assert_eq!(others, [&json!("Giao nhiệm vụ")]);
    }

    #[test]
    fn writing_after_reading_both_settles_it_everywhere() {
        let mut laptop = written(1_000, "laptop00", "Giao nhiệm vụ");
        let mut phone = written(2_000, "phone000", "Chia nhóm");
        laptop.join(&phone);
        laptop.write(stamp(3_000, "laptop00"), json!("Giao nhiệm vụ, chia nhóm"));
        assert!(phone.join(&laptop));
        assert_eq!(phone, laptop);
        assert_eq!(phone.siblings().count(), 0);
    }

    #[test]
    fn a_request_that_is_repeated_much_later_brings_nothing_back() {
        let old = written(1_000, "laptop00", "Giao");
        let mut here = old.clone();
        here.write(stamp(2_000, "laptop00"), json!("Giao nhiệm vụ"));
        let now = here.clone();
        assert!(!here.join(&old));
        assert_eq!(here, now);
    }

    #[test]
    fn a_register_no_page_writes_is_refused() {
        let good = written(1_000, "laptop00", "a");
        assert_eq!(Register::default().checked(), Err(RegisterError::Empty));
        let unseen = Register { seen: BTreeMap::new(), ..good.clone() };
        assert!(matches!(unseen.checked(), Err(RegisterError::UnseenHead { .. })));
        let twice = Register { heads: vec![good.heads[0].clone(), good.heads[0].clone()], ..good.clone() };
        assert!(matches!(twice.checked(), Err(RegisterError::TwoHeads { .. })));
        let mut crowded = good;
        for number in 0..Register::REPLICAS_MAX {
            let replica = format!("r{number:07}").parse().expect("eight characters");
            crowded.seen.insert(replica, Tick::new(1, 0));
        }
        assert_eq!(crowded.checked(), Err(RegisterError::TooManyReplicas { found: 65 }));
    }
}
