//! Errors of forecasts, and what becomes of them: a forecast less what came.

/// Of each day.
pub(super) fn errors(forecasts: &[f64], came: &[f64]) -> Vec<f64> {
    forecasts.iter().zip(came).map(|(forecast, came)| forecast - came).collect()
}

/// The root of the mean of the squares; not a number if there are none.
pub(super) fn rmse(errors: impl IntoIterator<Item = f64>) -> f64 {
    let (count, squares) =
        errors.into_iter().fold((0.0, 0.0), |(count, sum), error: f64| (count + 1.0, sum + error * error));
    (squares / count).sqrt()
}

/// The least of `values`, and where it stands.
pub(super) fn least(values: impl IntoIterator<Item = f64>) -> Option<(usize, f64)> {
    values.into_iter().enumerate().min_by(|(_, one), (_, other)| one.total_cmp(other))
}
