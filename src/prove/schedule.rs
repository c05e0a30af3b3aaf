//! When what strikes: decided before a world begins.

use jiff::Timestamp;

use super::{
    dice::Dice,
    nemesis::Nemesis,
    shape::ZONE_CHANGES,
    strikes::Strike,
    world::{Event, World},
};

impl World {
    /// Decides when what strikes.
    pub fn plan_strikes(&mut self) {
        let mut dice = Dice::of(self.shape.seed, "strikes");
        let span = i64::try_from(self.shape.span.as_millis()).unwrap_or(i64::MAX);
        let large = if self.shape.large { 4.0 } else { 1.0 };
        for nemesis in Nemesis::ALL {
            let strength = self.shape.fate.of(*nemesis);
            if strength <= 0.0 {
                continue;
            }
            let times = 1 + dice.below((strength * large * 3.0).ceil() as u64);
            for _ in 0..times {
                let at = dice.between(span / 40, span * 9 / 10);
                let later = |dice: &mut Dice, low: f64, high: f64| at + (dice.spread(low, high) * 1_000.0) as i64;
                match nemesis {
                    Nemesis::Outage => {
                        let side = dice.pick(&["arm", "halo", "entra"]).copied().unwrap_or("halo");
                        let secs = dice.spread(60.0, 4.0 * 3_600.0) as i64;
                        self.later(at, Event::Strike(Strike::Outage(side, secs)));
                    }
                    Nemesis::PageCap => {
                        let cap = if self.shape.large { dice.between(20, 50) } else { dice.between(1, 7) };
                        let until = later(&mut dice, 300.0, 6.0 * 3_600.0);
                        self.later(at, Event::Strike(Strike::Pages(usize::try_from(cap).ok())));
                        self.later(until, Event::Strike(Strike::Pages(None)));
                    }
                    Nemesis::TokenDeath => self.later(at, Event::Strike(Strike::Tokens)),
                    Nemesis::SecretChange => {
                        let until = later(&mut dice, 60.0, 3.0 * 3_600.0);
                        self.later(at, Event::Strike(Strike::Secret));
                        self.later(until, Event::Strike(Strike::SecretEntered));
                    }
                    Nemesis::ClockForward | Nemesis::ClockBack => {
                        let by = if *nemesis == Nemesis::ClockForward { 3_600_000 } else { -3_600_000 };
                        let until = later(&mut dice, 30.0, 3.0 * 3_600.0);
                        self.later(at, Event::Strike(Strike::Clock(by)));
                        self.later(until, Event::Strike(Strike::Clock(0)));
                    }
                    Nemesis::Crash => {
                        // Several in a row: an installation that comes up is the weakest.
                        for n in 0..1 + dice.below(4) {
                            let fuse = dice.spread(1.0, 60.0) as i64;
                            let after = at + i64::try_from(n).unwrap_or(0) * dice.between(1_000, 60_000);
                            self.later(after, Event::Strike(Strike::Fuse(fuse)));
                        }
                    }
                    Nemesis::Restore => {
                        let until = later(&mut dice, 600.0, 24.0 * 3_600.0).min(span * 19 / 20);
                        self.later(at, Event::Strike(Strike::Backup));
                        self.later(until, Event::Strike(Strike::DiskLost));
                    }
                    Nemesis::TwoInstances => {
                        let until = later(&mut dice, 300.0, 3.0 * 3_600.0);
                        self.later(at, Event::Strike(Strike::Copied));
                        self.later(until, Event::Strike(Strike::CopyEnds));
                    }
                    Nemesis::FullDisk => {
                        let pages = dice.below(6) as u32;
                        let until = later(&mut dice, 30.0, 1_800.0);
                        self.later(at, Event::Strike(Strike::DiskFull(pages)));
                        self.later(until, Event::Strike(Strike::DiskFree));
                    }
                    _ => {}
                }
            }
        }
        self.plan_copy_that_writes();
        let ends = self.calm_from();
        let zone = |text: &&str| text.parse::<Timestamp>().is_ok_and(|at| at >= self.shape.begins && at <= ends);
        if ZONE_CHANGES.iter().any(zone) {
            self.coverage.struck(Nemesis::SummerTime);
        }
    }
}
