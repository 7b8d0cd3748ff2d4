//! Error against costs: which designs are worth a look.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas};
use super::font::Font;
use super::{MARGIN, Picture, WIDTH};

/// Groups of points, from those that were trained least to those that were trained most: colours
/// that the colour-blind can distinguish (Okabe & Ito, "Color Universal Design", 2008).
const COLOURS: [&str; 5] = ["#bbbbbb", "#56b4e9", "#0072b2", "#009e73", "#d55e00"];
const FRONT: &str = "#000000";
const LIMIT: &str = r##"stroke="#d55e00" stroke-width="1.5" stroke-dasharray="6 4""##;

/// Where panels are, in pixels.
const LEFT: f64 = 66.0;
const TOP: f64 = 104.0;
const HEIGHT: f64 = 320.0;
const BETWEEN: f64 = 26.0;

/// A design.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The share of the validation examples that are classified wrongly, 0 to 1.
    pub error: f64,
    /// One a panel.
    pub costs: Vec<f64>,
    /// Which group it is of.
    pub group: usize,
}

/// A cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// What it is called, with its unit.
    pub name: String,
    /// The most that there is.
    pub limit: Option<f64>,
}

/// What is drawn.
pub struct Pareto<'a> {
    /// The title.
    pub title: &'a str,
    /// The costs.
    pub panels: &'a [Panel],
    /// What the groups are called; those without a name are not in the legend.
    pub groups: &'a [String],
    /// All designs.
    pub points: &'a [Point],
    /// Which of them is marked, and as what.
    pub marked: &'a [(usize, &'a str)],
    /// What a reader must know of groups and limits.
    pub note: &'a str,
}

/// Draws it.
pub fn draw(pareto: &Pareto<'_>) -> Picture {
    let Pareto {
        title,
        panels,
        groups,
        points,
        marked,
        note,
    } = *pareto;
    let mut canvas = Canvas::default();
    let fitted = Font::TITLE.fitted(title, WIDTH - 2.0 * MARGIN);
    canvas.text((MARGIN, 36.0), Anchor::Start, Font::TITLE, &fitted);
    legend(&mut canvas, groups);
    let errors = points.iter().map(|point| 100.0 * point.error);
    let upright = Axis::around(errors, [TOP + HEIGHT, TOP]);
    let count = panels.len().max(1) as f64;
    let width = (WIDTH - LEFT - MARGIN - (count - 1.0) * BETWEEN) / count;
    for (index, panel) in panels.iter().enumerate() {
        let left = LEFT + index as f64 * (width + BETWEEN);
        let costs = points.iter().map(|point| point.costs[index]);
        let across = Axis::around(costs.chain(panel.limit), [left, left + width]);
        grid(&mut canvas, &upright, &across, (left, width), index == 0);
        if let Some(limit) = panel.limit {
            let x = across.place(limit);
            canvas.line((x, TOP), (x, TOP + HEIGHT), LIMIT);
        }
        let place = |point: &Point| {
            let x = across.place(point.costs[index]);
            (x, upright.place(100.0 * point.error))
        };
        // Those that were trained most on top.
        let mut order: Vec<&Point> = points.iter().collect();
        order.sort_by_key(|point| point.group);
        for point in order {
            canvas.disc(
                place(point),
                3.5,
                COLOURS[point.group.min(COLOURS.len() - 1)],
            );
        }
        canvas.polyline(&steps(points, index, place), FRONT, 1.4);
        for (at, name) in marked {
            if let Some(point) = points.get(*at) {
                mark(&mut canvas, place(point), name, left + width);
            }
        }
        let below = (left + width / 2.0, TOP + HEIGHT + 38.0);
        let name = Font::PLAIN.fitted(&panel.name, width);
        canvas.text(below, Anchor::Middle, Font::PLAIN, &name);
    }
    let middle = TOP + HEIGHT / 2.0;
    canvas.text_upwards(
        (20.0, middle),
        Anchor::Middle,
        Font::PLAIN,
        "validation error (%)",
    );
    let foot = TOP + HEIGHT + 64.0;
    let lines = [
        "A dot is a network. Further down it is right more often, further left it takes less. The black line joins those that no other one beats in both.",
        note,
    ];
    for (row, line) in lines.into_iter().enumerate() {
        let place = (MARGIN, foot + 16.0 * row as f64);
        canvas.text(place, Anchor::Start, Font::FAINT, line);
    }
    canvas.finish(WIDTH, foot + 32.0, title)
}

fn legend(canvas: &mut Canvas, groups: &[String]) {
    let mut x = MARGIN;
    let named = groups.iter().enumerate();
    for (group, name) in named.filter(|(_, name)| !name.is_empty()) {
        canvas.disc((x + 4.0, 62.0), 4.0, COLOURS[group.min(COLOURS.len() - 1)]);
        canvas.text((x + 13.0, 66.0), Anchor::Start, Font::PLAIN, name);
        x += 13.0 + Font::PLAIN.width(name) + 22.0;
    }
}

fn grid(
    canvas: &mut Canvas,
    upright: &Axis,
    across: &Axis,
    (left, width): (f64, f64),
    is_first: bool,
) {
    const LINE: &str = r##"stroke="#dcdcdc""##;
    for tick in upright.ticks(22.0, false) {
        canvas.line((left, tick.place), (left + width, tick.place), LINE);
        if is_first {
            let place = (left - 7.0, tick.place + 4.0);
            canvas.text(place, Anchor::End, Font::FAINT, &tick.text);
        }
    }
    for tick in across.ticks(56.0, false) {
        canvas.line((tick.place, TOP), (tick.place, TOP + HEIGHT), LINE);
        let place = (tick.place, TOP + HEIGHT + 18.0);
        canvas.text(place, Anchor::Middle, Font::FAINT, &tick.text);
    }
    canvas.rectangle(
        (left, TOP),
        (width, HEIGHT),
        r##"fill="none" stroke="#999""##,
    );
}

/// The least error that can be had for so much of that cost, as steps.
fn steps(points: &[Point], cost: usize, place: impl Fn(&Point) -> (f64, f64)) -> Vec<(f64, f64)> {
    let mut order: Vec<&Point> = points.iter().collect();
    order.sort_by(|one, other| {
        let by_cost = one.costs[cost].total_cmp(&other.costs[cost]);
        by_cost.then(one.error.total_cmp(&other.error))
    });
    let mut least = f64::INFINITY;
    let mut line: Vec<(f64, f64)> = Vec::new();
    for point in order {
        if point.error >= least {
            continue;
        }
        least = point.error;
        let (x, y) = place(point);
        if let Some(&(_, above)) = line.last() {
            line.push((x, above));
        }
        line.push((x, y));
    }
    line
}

fn mark(canvas: &mut Canvas, (x, y): (f64, f64), name: &str, right: f64) {
    canvas.element(
        "path",
        format_args!(
            r##"transform="translate({x:.1} {y:.1})" d="M0,-7 L7,0 L0,7 L-7,0 Z" fill="none" stroke="#000" stroke-width="1.8""##
        ),
    );
    let (anchor, x) = match x + 12.0 + Font::BOLD.width(name) > right {
        true => (Anchor::End, x - 11.0),
        false => (Anchor::Start, x + 11.0),
    };
    canvas.text((x, y - 6.0), anchor, Font::BOLD, name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_goes_down_in_steps_through_the_best() {
        let point = |error, cost| Point {
            error,
            costs: vec![cost],
            group: 0,
        };
        let points = [
            point(0.5, 3.0),
            point(0.2, 5.0),
            point(0.4, 4.0),
            point(0.3, 9.0),
        ];
        let line = steps(&points, 0, |point| (point.costs[0], point.error));
        assert_eq!(
            line,
            [(3.0, 0.5), (4.0, 0.5), (4.0, 0.4), (5.0, 0.4), (5.0, 0.2)]
        );
    }

    #[test]
    fn a_picture_of_nothing_and_of_much_is_well_formed() {
        let panels = [Panel {
            name: "flash (B)".to_owned(),
            limit: Some(100.0),
        }];
        let groups = ["a".to_owned()];
        for count in [0, 1, 300] {
            let points: Vec<Point> = (0..count)
                .map(|it| Point {
                    error: 1.0 / (1.0 + f64::from(it)),
                    costs: vec![f64::from(it * it)],
                    group: it as usize % 7,
                })
                .collect();
            let picture = draw(&Pareto {
                title: "<&>",
                panels: &panels,
                groups: &groups,
                points: &points,
                marked: &[(0, "own"), (1000, "none")],
                note: "",
            });
            assert!(roxmltree::Document::parse(picture.svg()).is_ok());
        }
    }
}
