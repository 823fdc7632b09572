//! Counts what each address holds, so that one cannot hold everything.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// How many connections each address holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection's place among those of its address; given back when dropped.
pub(crate) struct Seat {
    address: IpAddr,
    seats: Seats,
}

impl Seats {
    /// One more for `address`; `None` when it holds `most` already.
    pub(crate) fn take(&self, address: IpAddr, most: usize) -> Option<Seat> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Seat { address, seats: self.clone() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut held = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_hold_every_connection_and_gets_its_seats_back() {
        let seats = Seats::default();
        let (school, flood) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let held: Vec<_> = (0..3).filter_map(|_| seats.take(flood, 2)).collect();
        assert_eq!(held.len(), 2);
        assert!(seats.take(school, 2).is_some());
        drop(held);
        assert!(seats.0.lock().expect("not poisoned").is_empty(), "an address that left costs no memory");
    }
}
