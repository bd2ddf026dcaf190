//! The gamma function and its logarithm.
//!
//! Source: the Lanczos approximation with 13 terms and g = 6.0246800407767296 (Boost's `lanczos13m53`), which is good to the
//! last few bits of a double; beyond 20 the logarithm is Stirling's series.

use std::f64::consts::PI;

const NUMERATOR: [f64; 13] = [
    23_531_376_880.410_76,
    42_919_803_642.649_1,
    35_711_959_237.355_67,
    17_921_034_426.037_21,
    6_039_542_586.352_028,
    1_439_720_407.311_721_6,
    248_874_557.862_054_17,
    31_426_415.585_400_194,
    2_876_370.628_935_372_4,
    186_056.265_395_223_5,
    8_071.672_002_365_816,
    210.824_277_751_579_34,
    2.506_628_274_631_000_2,
];
const DENOMINATOR: [f64; 13] = [
    0.0,
    39_916_800.0,
    120_543_840.0,
    150_917_976.0,
    105_258_076.0,
    45_995_730.0,
    13_339_535.0,
    2_637_558.0,
    357_423.0,
    32_670.0,
    1_925.0,
    66.0,
    1.0,
];
/// g - 1/2.
const SHIFT: f64 = 5.524_680_040_776_73;

/// The rational function of the approximation; for large `x` in powers of 1/x, which do not overflow.
fn lanczos(x: f64) -> f64 {
    let (mut above, mut below) = (0.0, 0.0);
    if x < 8.0 {
        for i in (0..13).rev() {
            above = above * x + NUMERATOR[i];
            below = below * x + DENOMINATOR[i];
        }
    } else {
        for i in 0..13 {
            above = above / x + NUMERATOR[i];
            below = below / x + DENOMINATOR[i];
        }
    }
    above / below
}

/// The gamma function: infinite at 0, NaN at whole numbers below.
pub(super) fn gamma(x: f64) -> f64 {
    if x == 0.0 {
        return f64::INFINITY.copysign(x);
    }
    if x == x.floor() {
        return match x {
            ..0.0 => f64::NAN,
            // Whole numbers are exact.
            ..24.0 => (2..x as u64).map(|factor| factor as f64).product(),
            _ => of_positive(x),
        };
    }
    if x < 0.0 {
        // Reflection.
        return if x < -184.0 { 0.0 } else { PI / ((x * PI).sin() * of_positive(1.0 - x)) };
    }
    of_positive(x)
}

fn of_positive(x: f64) -> f64 {
    if x > 171.7 {
        return f64::INFINITY;
    }
    let base = x + SHIFT;
    // In two steps: the power alone would overflow before the product does.
    let half = base.powf(x / 2.0 - 0.25);
    lanczos(x) * (-base).exp() * half * half
}

/// The logarithm of the absolute value of the gamma function.
pub(super) fn log_gamma(x: f64) -> f64 {
    if x.is_infinite() {
        return f64::INFINITY;
    }
    if x <= 0.0 && x == x.floor() {
        return f64::INFINITY;
    }
    if x < -20.0 {
        return (PI / (x * PI).sin().abs()).ln() - log_gamma(1.0 - x);
    }
    if x < 20.0 {
        return gamma(x).abs().ln();
    }
    let square = x * x;
    let series = (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * square)) / square) / square) / x;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln() + series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        for (x, expected) in
            [(0.5, PI.sqrt()), (5.0, 24.0), (-1.5, 2.363_271_801_207_355), (170.5, 5.562_092_414_56e305)]
        {
            assert!((gamma(x) / expected - 1.0).abs() < 1e-9, "gamma({x}) = {}", gamma(x));
        }
        assert!((log_gamma(100.0) - 359.134_205_369_575_45).abs() < 1e-11);
        assert_eq!(log_gamma(-1.0), f64::INFINITY);
        assert!(gamma(-1.0).is_nan());
    }
}
