//! The merge rules of `MERGE.md`, held against histories of tabs, phones, lost requests and wrong clocks.

use notes::{Key, Register, Replica, Sheet, Tick, TickClock};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const DEVICES: usize = 4;
const KEYS: [&str; 3] = ["row.a.teacher", "row.a.pos", "close.advice"];

/// One thing that happens while teachers write.
#[derive(Debug, Clone)]
enum Step {
    /// A device writes into a field; its wall clock shows this many milliseconds, whatever it showed before.
    Write { device: usize, key: usize, wall_ms: u64 },
    /// A copy of everything `from` has is put away, to arrive later or several times or never.
    Send { from: usize },
    /// The copy number `copy` (of those put away so far) arrives.
    Arrive { copy: usize, at: usize },
    /// Only the register of one key arrives.
    ArrivePart { copy: usize, at: usize, key: usize },
    /// The page is closed and opened again: only what is on the disk is left.
    Restart { device: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..DEVICES, 0..KEYS.len(), 0..2_000_u64)
            .prop_map(|(device, key, wall_ms)| Step::Write { device, key, wall_ms }),
        2 => (0..DEVICES).prop_map(|from| Step::Send { from }),
        3 => (any::<prop::sample::Index>(), 0..DEVICES)
            .prop_map(|(copy, at)| Step::Arrive { copy: copy.index(1_000), at }),
        2 => (any::<prop::sample::Index>(), 0..DEVICES, 0..KEYS.len())
            .prop_map(|(copy, at, key)| Step::ArrivePart { copy: copy.index(1_000), at, key }),
        1 => (0..DEVICES).prop_map(|device| Step::Restart { device }),
    ]
}

struct Device {
    replica: Replica,
    sheet: Sheet,
    clock: TickClock,
    /// What an all-knowing observer knows this device to have read or written, by key.
    knows: BTreeMap<usize, BTreeSet<u64>>,
}

/// All devices, copies under way, and who wrote what knowing what.
struct World {
    devices: Vec<Device>,
    copies: Vec<(Sheet, BTreeMap<usize, BTreeSet<u64>>)>,
    /// For each thing written: its key and what its writer knew under that key.
    written: Vec<(usize, BTreeSet<u64>)>,
}

fn key(index: usize) -> Key {
    KEYS[index].parse().expect("a key")
}

impl World {
    fn new() -> Self {
        let device = |number: usize| Device {
            replica: format!("device{number:02}").parse().expect("eight characters"),
            sheet: Sheet::default(),
            clock: TickClock::default(),
            knows: BTreeMap::new(),
        };
        Self { devices: (0..DEVICES).map(device).collect(), copies: Vec::new(), written: Vec::new() }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Write { device, key: index, wall_ms } => {
                let device = &mut self.devices[device];
                let number = self.written.len() as u64;
                let known = device.knows.entry(index).or_default();
                self.written.push((index, known.clone()));
                known.insert(number);
                let mut register = device.sheet.registers().get(&key(index)).cloned().unwrap_or_default();
                register.write(device.clock.tick(wall_ms).by(device.replica), json!(number));
                device.sheet.join(&key(index), &register);
            }
            Step::Send { from } => {
                let device = &self.devices[from];
                self.copies.push((device.sheet.clone(), device.knows.clone()));
            }
            Step::Arrive { copy, at } => {
                let Some((sheet, knows)) = self.copies.get(copy % self.copies.len().max(1)).cloned() else {
                    return;
                };
                self.arrive(at, &sheet, &knows);
            }
            Step::ArrivePart { copy, at, key: index } => {
                let Some((sheet, knows)) = self.copies.get(copy % self.copies.len().max(1)) else { return };
                let part = sheet.registers().get(&key(index)).map(|register| (key(index), register.clone()));
                let knows = knows.iter().filter(|(known, _)| **known == index);
                let knows = knows.map(|(index, known)| (*index, known.clone())).collect();
                let part: Sheet = part.into_iter().collect();
                self.arrive(at, &part, &knows);
            }
            Step::Restart { device } => {
                let device = &mut self.devices[device];
                let json = serde_json::to_string(&device.sheet).expect("a sheet is JSON");
                device.sheet = serde_json::from_str(&json).expect("it was written by us");
                device.clock = TickClock::default();
                for register in device.sheet.registers().values() {
                    device.clock.hear(register.newest().expect("it was written"));
                }
            }
        }
    }

    fn arrive(&mut self, at: usize, sheet: &Sheet, knows: &BTreeMap<usize, BTreeSet<u64>>) {
        let device = &mut self.devices[at];
        for register in sheet.registers().values() {
            device.clock.hear(register.newest().expect("it was written"));
        }
        device.sheet.join_all(sheet);
        for (index, known) in knows {
            device.knows.entry(*index).or_default().extend(known);
        }
    }

    /// What must stand under a key in the end: everything written that nobody who knew it wrote over.
    fn must_stand(&self, index: usize) -> BTreeSet<u64> {
        let all: Vec<(u64, &BTreeSet<u64>)> = (0_u64..)
            .zip(&self.written)
            .filter(|(_, (of, _))| *of == index)
            .map(|(number, (_, known))| (number, known))
            .collect();
        let replaced: BTreeSet<u64> = all.iter().flat_map(|(_, known)| known.iter().copied()).collect();
        all.into_iter().map(|(number, _)| number).filter(|number| !replaced.contains(number)).collect()
    }
}

fn standing(sheet: &Sheet, index: usize) -> BTreeSet<u64> {
    let register = sheet.registers().get(&key(index));
    register.into_iter().flat_map(|register| &register.heads).filter_map(|head| head.value.as_u64()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_network_does_every_copy_ends_the_same_and_no_word_is_lost(
        steps in prop::collection::vec(step(), 1..120),
        last_order in Just((0..DEVICES).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let mut world = World::new();
        for step in &steps {
            world.run(step);
        }
        // In the end everybody hears of everybody, in any order, twice.
        for &from in last_order.iter().chain(&last_order) {
            world.run(&Step::Send { from });
            let last = world.copies.len() - 1;
            for at in 0..DEVICES {
                let (sheet, knows) = world.copies[last].clone();
                world.arrive(at, &sheet, &knows);
            }
        }
        for device in &world.devices[1..] {
            prop_assert_eq!(&device.sheet, &world.devices[0].sheet);
        }
        for index in 0..KEYS.len() {
            prop_assert_eq!(standing(&world.devices[0].sheet, index), world.must_stand(index));
        }
        for register in world.devices[0].sheet.registers().values() {
            prop_assert_eq!(register.clone().checked(), Ok(register.clone()));
        }
    }

    #[test]
    fn joining_is_commutative_associative_and_idempotent(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new();
        for step in &steps {
            world.run(step);
        }
        let [one, two, three] = [0, 1, 2].map(|device: usize| world.devices[device].sheet.clone());
        let joined = |left: &Sheet, right: &Sheet| {
            let mut sheet = left.clone();
            sheet.join_all(right);
            sheet
        };
        prop_assert_eq!(joined(&one, &two), joined(&two, &one));
        prop_assert_eq!(joined(&joined(&one, &two), &three), joined(&one, &joined(&two, &three)));
        let both = joined(&one, &two);
        prop_assert_eq!(&joined(&both, &one), &both);
        prop_assert_eq!(&joined(&both, &both), &both);
    }
}

/// Forty rows typed offline on a laptop, and a phone that goes on where it stood.
#[test]
fn forty_rows_typed_without_network_are_all_there_once_and_in_order() {
    let mut laptop = Sheet::default();
    let (replica, mut clock): (Replica, _) = ("laptop00".parse().expect("eight"), TickClock::default());
    let mut put = |sheet: &mut Sheet, key: &str, value: Value, wall: u64| {
        let key: Key = key.parse().expect("a key");
        let mut register = sheet.registers().get(&key).cloned().unwrap_or_default();
        register.write(clock.tick(wall).by(replica), value);
        sheet.join(&key, &register);
    };
    for row in 0..40_u64 {
        // The laptop's clock is set back by an hour in the middle.
        let wall = 1_700_000_000_000 + row * 1_000 - if row > 20 { 3_600_000 } else { 0 };
        let at = 1_700_000_000_000 + row * 15_000;
        put(&mut laptop, &format!("row.r{row:02}.at"), json!({"ms": at, "q": "held"}), wall);
        put(&mut laptop, &format!("row.r{row:02}.pos"), json!(format!("{at}")), wall);
        for text in ["Th", "Thảo", "Thảo luận"] {
            put(&mut laptop, &format!("row.r{row:02}.pupils"), json!(format!("{text} {row}")), wall);
        }
    }
    let mut server = Sheet::default();
    let registers: Vec<(Key, Register)> =
        laptop.registers().iter().map(|(key, register)| (key.clone(), register.clone())).collect();
    // Every request is sent twice, the later ones first.
    for (key, register) in registers.iter().rev().chain(registers.iter()) {
        server.join(key, register);
    }
    let view = server.view();
    let texts: Vec<_> = view.rows.iter().map(|row| row.pupils.clone()).collect();
    let expected: Vec<_> = (0..40).map(|row| format!("Thảo luận {row}")).collect();
    assert_eq!(texts, expected);
    assert!(view.rows.iter().all(|row| row.siblings.is_empty()));
    assert_eq!(server, laptop);
    assert!(Tick::new(1_700_000_039_000, 0) > Tick::new(1_700_000_000_000, 0));
}
