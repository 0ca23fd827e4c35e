//! The minimum of a smooth function of a few variables, without derivatives: the simplex method of Nelder and Mead.

/// Where it was found, and how low it is there.
#[derive(Clone, Debug)]
pub(super) struct Minimum {
    pub(super) point: Vec<f64>,
    pub(super) value: f64,
}

/// Rounds after which the best so far is taken.
const ROUNDS: usize = 400;

/// A local minimum near `start`.
pub(super) fn minimum(function: &impl Fn(&[f64]) -> f64, start: &[f64]) -> Minimum {
    let at = |point: Vec<f64>| Minimum { value: function(&point), point };
    let mut corners = vec![at(start.to_vec())];
    for axis in 0..start.len() {
        let step = |(at, &x): (usize, &f64)| if at == axis { x + 0.25 } else { x };
        corners.push(at(start.iter().enumerate().map(step).collect()));
    }
    for _ in 0..ROUNDS {
        corners.sort_by(|one, other| one.value.total_cmp(&other.value));
        let (Some(best), Some(worst)) = (corners.first().cloned(), corners.pop()) else { break };
        let Some(second) = corners.last().map(|corner| corner.value) else { return worst };
        if worst.value - best.value < 1e-9 && distance(&worst.point, &best.point) < 1e-5 {
            corners.push(worst);
            break;
        }
        let centre = centre(&corners);
        let towards = |factor: f64| {
            at(centre.iter().zip(&worst.point).map(|(centre, worst)| centre + factor * (centre - worst)).collect())
        };
        let reflected = towards(1.0);
        let next = if reflected.value < best.value {
            let expanded = towards(2.0);
            if expanded.value < reflected.value { expanded } else { reflected }
        } else if reflected.value < second {
            reflected
        } else if reflected.value < worst.value {
            towards(0.5)
        } else {
            towards(-0.5)
        };
        if next.value < worst.value {
            corners.push(next);
        } else {
            // Nothing better on the line: draw everything towards the best.
            corners.push(worst);
            for corner in corners.iter_mut().skip(1) {
                let shrunk = corner.point.iter().zip(&best.point).map(|(x, best)| (x + best) / 2.0).collect();
                *corner = at(shrunk);
            }
        }
    }
    corners.sort_by(|one, other| one.value.total_cmp(&other.value));
    corners.into_iter().next().unwrap_or(Minimum { point: start.to_vec(), value: f64::INFINITY })
}

fn centre(corners: &[Minimum]) -> Vec<f64> {
    let mut sum = vec![0.0; corners.first().map_or(0, |corner| corner.point.len())];
    for corner in corners {
        for (sum, x) in sum.iter_mut().zip(&corner.point) {
            *sum += x / corners.len() as f64;
        }
    }
    sum
}

fn distance(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bottom_of_rosenbrock_s_valley_is_found() {
        let valley = |point: &[f64]| (1.0 - point[0]).powi(2) + 100.0 * (point[1] - point[0] * point[0]).powi(2);
        let found = minimum(&valley, &[-1.2, 1.0]);
        assert!(found.value < 1e-8 && distance(&found.point, &[1.0, 1.0]) < 1e-3, "{found:?}");
        assert_eq!(minimum(&|_: &[f64]| 7.0, &[]).value, 7.0);
    }
}
