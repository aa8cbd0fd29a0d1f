//! How much work goes into one submission, on adapters from a snail to a hare.

use std::collections::VecDeque;
use std::time::Duration;

use gpu_mlp::engine::Pace;

/// Launches of a step, in operations: two large products, and small change.
const STEP: [u64; 6] = [30_000_000, 500_000, 40_000, 500_000, 20_000_000, 600_000];
const SLOTS: usize = 64;

/// Submissions of `steps` steps on an adapter with so many operations a second at each moment: what each takes. As
/// the engine has it, two are under way before the first is waited for.
fn submissions(pace: &mut Pace, steps: usize, speed: impl Fn(f64) -> f64) -> Vec<Duration> {
    let (mut taken, mut under_way, mut now) = (Vec::new(), VecDeque::new(), 0.0);
    let mut wait = |pace: &mut Pace, under_way: &mut VecDeque<u64>, most: usize| {
        while under_way.len() > most {
            let cost = under_way.pop_front().unwrap();
            let took = cost as f64 / speed(now);
            now += took;
            taken.push(Duration::from_secs_f64(took));
            pace.learn(cost, taken[taken.len() - 1]);
        }
    };
    let mut done = 0;
    while done < steps {
        wait(pace, &mut under_way, 1);
        let now = pace.steps(STEP.iter().sum()).min(SLOTS).min(steps - done);
        let launches: Vec<u64> = (0..now).flat_map(|_| STEP).collect();
        let mut submitted = 0;
        while submitted < launches.len() {
            wait(pace, &mut under_way, 1);
            let part = pace.parts(launches[submitted..].iter().copied())[0];
            under_way.push_back(launches[submitted..submitted + part].iter().sum());
            submitted += part;
        }
        done += now;
    }
    wait(pace, &mut under_way, 0);
    taken
}

#[test]
fn no_submission_is_too_long_on_any_adapter() {
    // From where the largest launch alone takes 55 ms up to a million times as fast.
    for factor in [1.0, 1.7, 3.0, 10.0, 100.0, 1e4, 1e6] {
        let speed = 30e6 / 0.055 * factor;
        let mut pace = Pace::default();
        let taken = submissions(&mut pace, 3000, |_| speed);
        let longest = taken.iter().max().unwrap();
        assert!(*longest <= Pace::LONGEST / 2, "{factor}: {longest:?}");
        let step = STEP.iter().sum::<u64>() as f64 / speed;
        // Once it has learned, submissions are as long as they should be, or as all slots allow.
        let late = &taken[taken.len() / 2..];
        let usual = late.iter().sum::<Duration>().as_secs_f64() / late.len() as f64;
        assert!(usual >= f64::min(0.014, 63.0 * step), "{factor}: {usual}");
    }
}

#[test]
fn an_adapter_that_slows_down_is_followed() {
    let fast = 30e9;
    for slower in [2.0, 4.0, 20.0] {
        let taken =
            submissions(&mut Pace::default(), 20_000, |now| if now < 2.0 { fast } else { fast / slower });
        let too_long = taken.iter().filter(|took| **took > Pace::LONGEST).count();
        // Those that were under way when it happened.
        assert!(too_long <= if slower > 4.0 { 2 } else { 0 }, "{slower}: {too_long}");
        let faster =
            submissions(&mut Pace::default(), 20_000, |now| if now < 2.0 { fast / slower } else { fast });
        assert!(*faster.iter().max().unwrap() <= Pace::LONGEST);
        assert!(faster[faster.len() - 2] > Duration::from_millis(14), "it makes use of the speed");
    }
}

#[test]
fn one_hiccup_is_forgotten() {
    let mut pace = Pace::default();
    submissions(&mut pace, 3000, |_| 30e9);
    pace.learn(30_000_000, Duration::from_secs(3));
    let taken = submissions(&mut pace, 3000, |_| 30e9);
    assert!(taken[taken.len() / 2] > Duration::from_millis(14), "{:?}", taken[taken.len() / 2]);
}

#[test]
fn work_is_cut_where_the_budget_ends() {
    let mut pace = Pace::default();
    assert_eq!(pace.parts([5, 5, 5]), [1, 1, 1], "at first nothing is known");
    pace.learn(5, Duration::from_millis(1));
    assert_eq!(pace.parts([5, 5, 5]), [2, 1]);
    assert_eq!(pace.parts([50, 5, 5, 50]), [1, 2, 1], "what alone is too much goes alone");
    assert_eq!(pace.parts([]), Vec::<usize>::new());
    assert_eq!((pace.steps(3), pace.steps(100)), (3, 1));
    pace.learn(10, Duration::from_millis(45));
    assert_eq!(pace.steps(5), 2, "as long as it should be");
    pace.learn(10, Duration::from_millis(120));
    assert_eq!(pace.steps(1), 5);
}
