//! Three charts for the paper on the price: forecasts beside what came, errors by window, and what operators gain. SVG, as text.

use super::{
    backtest::{Backtest, Mode},
    daily::{Daily, Date, ether},
    simulate::{Chance, Model, Operator, returns},
};
use eyre::{Result, eyre};
use guardian_protocol::{FORECAST_DAYS, Winsorizing, mean_of_last};
use plotters::{
    chart::SeriesLabelPosition,
    coord::{Shift, types::RangedCoordf64},
    prelude::*,
};
use std::ops::Range;

const SIZE: (u32, u32) = (960, 480);
const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(38, 50, 56);
const GRID: RGBColor = RGBColor(226, 230, 233);
/// Told apart without red and green (Okabe and Ito).
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Line = Vec<(f64, f64)>;

/// What a chart is called, and its axes.
struct Frame<'a> {
    title: &'a str,
    x: (&'a str, Range<f64>),
    y: (&'a str, Range<f64>),
    x_label: &'a dyn Fn(&f64) -> String,
}

/// Each day's total, and the forecasts that were made for it before.
///
/// # Errors
/// If there are fewer days than a forecast needs, or drawing fails.
pub fn forecasts(daily: &Daily) -> Result<String> {
    let days = daily.days();
    let x = |day: usize| days.get(day).map_or(0.0, |day| day.date.number() as f64);
    let came: Line = days.iter().map(|day| (day.date.number() as f64, ether(day.total))).collect();
    let of = |winsorizing: Winsorizing| -> Line {
        let cut = winsorizing.apply(&daily.totals());
        let forecast = |day: usize| mean_of_last(cut.get(..day)?, FORECAST_DAYS).map(|mean| (x(day), ether(mean)));
        (FORECAST_DAYS + winsorizing.reach()..days.len()).filter_map(forecast).collect()
    };
    let (first, last) =
        came.first().zip(came.last()).filter(|(first, last)| first.0 < last.0).ok_or_else(|| eyre!("no days"))?;
    let most = came.iter().map(|(_, total)| *total).fold(0.0, f64::max);
    draw(|area| {
        let mut chart = framed(
            area,
            &Frame {
                title: "What builders paid proposers each day, and what was forecast the day before",
                x: ("", first.0..last.0),
                y: ("ETH a day, whole network", 0.0..most * 1.05),
                x_label: &|x| date(*x),
            },
        )?;
        line(&mut chart, "came", came.clone(), INK.mix(0.6).stroke_width(1))?;
        line(&mut chart, "SMA(8), days not cut down", of(Winsorizing::Raw), COLOURS[1].stroke_width(2))?;
        line(&mut chart, "SMA(8), reccap: what is signed", of(Winsorizing::Reccap), COLOURS[0].stroke_width(3))?;
        labelled(&mut chart, SeriesLabelPosition::UpperLeft)
    })
}

/// The error of a mean of k days, for each k, with the interval of the research's mode.
///
/// # Errors
/// If drawing fails.
pub fn errors(found: &Backtest) -> Result<String> {
    let of = |mode: &Mode| -> Line { mode.sma_rmse_by_window.iter().map(|(&k, &rmse)| (k as f64, rmse)).collect() };
    let modes = &found.modes;
    let lines =
        [("raw", of(&modes.raw)), ("incl (the research)", of(&modes.incl)), ("reccap (signed)", of(&modes.reccap))];
    let interval = modes.incl.confidence_95.sma.iter().map(|(&k, &[low, high])| (k as f64, low, high));
    let (low, high): (Line, Line) = interval.map(|(k, low, high)| ((k, low), (k, high))).unzip();
    let most = high.iter().chain(lines.iter().flat_map(|(_, line)| line)).map(|(_, y)| *y).fold(0.0, f64::max);
    let (first, last) = (found.first_origin.as_str(), found.last_origin.as_str());
    let ema = modes.incl.ema_best_rmse;
    draw(|area| {
        let mut chart = framed(
            area,
            &Frame {
                title: &format!("Error of the mean of the last k days, {first} to {last}"),
                x: ("k, days", 1.0..30.0),
                y: ("root mean squared error, ETH a day", 0.0..most * 1.05),
                x_label: &|x| format!("{x:.0}"),
            },
        )?;
        let band: Line = low.iter().copied().chain(high.iter().rev().copied()).collect();
        chart
            .draw_series([Polygon::new(band, COLOURS[1].mix(0.12).filled())])?
            .label("95 % of block-bootstrap draws, incl")
            .legend(|(x, y)| Rectangle::new([(x, y - 5), (x + 20, y + 5)], COLOURS[1].mix(0.12).filled()));
        for ((name, points), colour) in lines.iter().zip([INK, COLOURS[1], COLOURS[0]]) {
            line(&mut chart, name, points.clone(), colour.stroke_width(2))?;
        }
        line(&mut chart, "best exponential mean, incl", vec![(1.0, ema), (30.0, ema)], COLOURS[2].stroke_width(1))?;
        labelled(&mut chart, SeriesLabelPosition::LowerRight)
    })
}

/// How returns of operators of three sizes are distributed over a year, one panel for each model.
///
/// # Errors
/// If drawing fails.
pub fn gains(models: &[(&str, &Model)], discount: u16, chance: Chance) -> Result<String> {
    let quantiles: Vec<f64> = (0..=200).map(|at| f64::from(at) / 200.0).collect();
    draw(|area| {
        for (panel, (name, model)) in area.split_evenly((1, models.len().max(1))).iter().zip(models) {
            let mut chart = framed(
                panel,
                &Frame {
                    title: name,
                    x: ("return, % a year", -45.0..75.0),
                    y: ("part of operators with less, %", 0.0..100.0),
                    x_label: &|x| format!("{x:.0}"),
                },
            )?;
            chart.draw_series(LineSeries::new([(0.0, 0.0), (0.0, 100.0)], INK.stroke_width(1)))?;
            for (validators, colour) in [1, 5, 20].into_iter().zip(COLOURS) {
                let found = returns(model, Operator { validators, days: 365 }, discount, chance, &quantiles);
                let points: Line = found.into_iter().zip(quantiles.iter().map(|part| part * 100.0)).collect();
                let inside = points.into_iter().filter(|(x, _)| (-45.0..=75.0).contains(x)).collect();
                let plural = if validators == 1 { "" } else { "s" };
                line(&mut chart, &format!("{validators} validator{plural}"), inside, colour.stroke_width(2))?;
            }
            labelled(&mut chart, SeriesLabelPosition::LowerRight)?;
        }
        Ok(())
    })
}

fn date(x: f64) -> String {
    Date::from_number(x as u64).to_string()
}

fn draw(onto: impl FnOnce(&Area<'_>) -> Result<()>) -> Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        onto(&area)?;
        area.present()?;
    }
    Ok(text)
}

fn framed<'a, 'b>(area: &'a Area<'b>, frame: &Frame<'_>) -> Result<Chart<'a, 'b>> {
    let mut chart = ChartBuilder::on(area)
        .caption(frame.title, (FONT, 18, &INK))
        .margin(14)
        .x_label_area_size(42)
        .y_label_area_size(62)
        .build_cartesian_2d(frame.x.1.clone(), frame.y.1.clone())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style((FONT, 13, &INK))
        .axis_desc_style((FONT, 14, &INK))
        .x_labels(10)
        .y_labels(8)
        .x_desc(frame.x.0)
        .y_desc(frame.y.0)
        .x_label_formatter(frame.x_label)
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    Ok(chart)
}

fn line(chart: &mut Chart<'_, '_>, name: &str, points: Line, style: ShapeStyle) -> Result<()> {
    chart
        .draw_series(LineSeries::new(points, style))?
        .label(name)
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], style));
    Ok(())
}

fn labelled<'a, 'b: 'a>(chart: &mut Chart<'a, 'b>, position: SeriesLabelPosition) -> Result<()> {
    chart
        .configure_series_labels()
        .position(position)
        .background_style(WHITE.mix(0.85))
        .border_style(GRID)
        .label_font((FONT, 14, &INK))
        .draw()?;
    Ok(())
}
