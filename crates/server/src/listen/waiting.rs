//! TCP connections that have not said yet what they are: how many one address may have, and who goes when there are too many.
//!
//! Whoever speaks is out of here within a round trip. So when an address has too many, its oldest silent one goes and the newest gets
//! its chance: a flood pushes out itself, and the classrooms behind the same address still come through.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// Silent connections of one address at most; browsers open some in advance.
const PER_ADDRESS: usize = 256;
/// Silent connections of everybody at most. Full: the address that has the most loses its oldest.
const TOTAL: usize = 4_096;

#[derive(Debug, Default)]
struct Inner {
    of: HashMap<IpAddr, VecDeque<(u64, CancellationToken)>>,
    total: usize,
    next: u64,
}

/// All connections that have not said what they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiting(Arc<Mutex<Inner>>);

/// One connection's place among them; leaves when dropped.
pub(crate) struct Place {
    address: IpAddr,
    number: u64,
    waiting: Waiting,
    /// Cancelled when it has to go.
    pub(crate) evicted: CancellationToken,
}

impl Waiting {
    /// One more of `address`. Somebody else may have to go for it.
    pub(crate) fn enter(&self, address: IpAddr) -> Place {
        let evicted = CancellationToken::new();
        let mut inner = self.lock();
        let number = inner.next;
        inner.next += 1;
        inner.of.entry(address).or_default().push_back((number, evicted.clone()));
        inner.total += 1;
        if inner.of.get(&address).is_some_and(|own| own.len() > PER_ADDRESS) {
            inner.evict(address);
        } else if inner.total > TOTAL {
            let busiest = inner.of.iter().max_by_key(|(_, connections)| connections.len());
            if let Some(busiest) = busiest.map(|(address, _)| *address) {
                inner.evict(busiest);
            }
        }
        Place { address, number, waiting: self.clone(), evicted }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn evict(&mut self, address: IpAddr) {
        let oldest = self.of.get_mut(&address).and_then(VecDeque::pop_front);
        if let Some((_, evicted)) = oldest {
            metrics::counter!("nhipcau_connections_evicted_total").increment(1);
            evicted.cancel();
            self.total -= 1;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.waiting.lock();
        let Entry::Occupied(mut own) = inner.of.entry(self.address) else { return };
        let before = own.get().len();
        own.get_mut().retain(|(number, _)| *number != self.number);
        let left = own.get().len();
        if left == 0 {
            own.remove();
        }
        inner.total -= before - left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u16) -> IpAddr {
        IpAddr::from([10, 0, (last >> 8) as u8, last as u8])
    }

    #[test]
    fn a_flood_of_silent_connections_pushes_out_itself_and_the_classroom_behind_it_is_heard() {
        let waiting = Waiting::default();
        let flood: Vec<_> = (0..5_000).map(|_| waiting.enter(ip(1))).collect();
        let classroom = waiting.enter(ip(1));
        assert!(!classroom.evicted.is_cancelled());
        assert_eq!(flood.iter().filter(|place| !place.evicted.is_cancelled()).count(), PER_ADDRESS - 1);
        drop((flood, classroom));
        let inner = waiting.lock();
        assert!(inner.of.is_empty() && inner.total == 0, "{inner:?}");
    }

    #[test]
    fn many_addresses_together_are_bounded_and_the_busiest_pays() {
        let waiting = Waiting::default();
        let botnet: Vec<_> =
            (0..100).flat_map(|n| std::iter::repeat_n(ip(n), 60)).map(|ip| waiting.enter(ip)).collect();
        let school = waiting.enter(ip(2_000));
        assert_eq!(waiting.lock().total, TOTAL);
        assert!(!school.evicted.is_cancelled());
        drop(botnet);
        assert_eq!(waiting.lock().total, 1);
    }
}
