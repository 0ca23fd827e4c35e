//! Equal work on several threads, which end before the call does. How many is the caller's decision: this crate knows neither
//! the machine nor a runtime.

use std::{num::NonZeroUsize, thread};

/// `f` of each of at most `workers` consecutive parts of `items`, in order; no part is empty. The calling thread does the first.
pub(super) fn in_parts<'a, T: Sync, R: Send>(
    workers: NonZeroUsize,
    items: &'a [T],
    f: impl Fn(&'a [T]) -> R + Sync,
) -> Vec<R> {
    let mut parts = items.chunks(items.len().div_ceil(workers.get()).max(1));
    let Some(first) = parts.next() else { return Vec::new() };
    thread::scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(|| f(part))).collect();
        let mut results = vec![f(first)];
        for other in others {
            match other.join() {
                Ok(result) => results.push(result),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    })
}

/// `f` of each item, in order.
pub(super) fn map<'a, T: Sync, R: Send>(
    workers: NonZeroUsize,
    items: &'a [T],
    f: impl Fn(&'a T) -> R + Sync,
) -> Vec<R> {
    in_parts(workers, items, |part| part.iter().map(&f).collect::<Vec<R>>()).into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once_and_in_order() {
        for count in 0..20u32 {
            let items: Vec<u32> = (0..count).collect();
            for workers in 1..8 {
                let workers = NonZeroUsize::new(workers).unwrap();
                assert_eq!(map(workers, &items, |item| item + 1), (1..=count).collect::<Vec<_>>());
                let parts = in_parts(workers, &items, <[u32]>::to_vec);
                assert!(parts.len() <= workers.get() && parts.iter().all(|part| !part.is_empty()));
                assert_eq!(parts.concat(), items);
            }
        }
    }
}
