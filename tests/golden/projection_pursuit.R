# SPDX-License-Identifier: Apache-2.0
# Rscript tests/golden/projection_pursuit.R: writes pursuit_values.inc and rock.csv beside itself. R's own ppr() and
# supsmu(), the smoothing spline by dense linear algebra from its definition, and R's rock data. Made with R 4.2.2.

here <- dirname(sub('--file=', '', grep('--file=', commandArgs(FALSE), value = TRUE)))
out <- file(file.path(here, 'pursuit_values.inc'), 'w')
say <- function(...) cat(..., '\n', file = out, sep = '')
row_of <- function(values, digits, suffix)
  paste0(formatC(values, digits = digits, format = 'g', flag = '#'), suffix, collapse = ', ')
array_of <- function(name, values, type = 'double', digits = 12) {
  lines <- strwrap(row_of(values, digits, if (type == 'float') 'F' else ''), width = 116)
  say('inline constexpr ', type, ' ', name, '[]{\n    ', paste(lines, collapse = '\n    '), '};')
}

say('// SPDX-License-Identifier: Apache-2.0\n// Made by projection_pursuit.R; do not edit.')

# --- rock: 48 rows of area / 10000, perimeter / 10000, shape; the target is log(perm)
rock1 <- data.frame(area = rock$area / 10000, peri = rock$peri / 10000, shape = rock$shape, log_perm = log(rock$perm))
write.csv(signif(rock1, 9), file.path(here, 'rock.csv'), row.names = FALSE, quote = FALSE)
rock1 <- read.csv(file.path(here, 'rock.csv'))
array_of('kRockInputs', t(as.matrix(rock1[, 1:3])), 'float', 9)
array_of('kRockTargets', rock1$log_perm, 'float', 9)

# The least that ppr() reaches with so many terms, whatever its other settings.
least <- function(formula, data, terms, ...) {
  best <- NULL
  for (most in c(terms, 5)) for (level in 2:3) {
    fit <- ppr(formula, data = data, nterms = terms, max.terms = most, optlevel = level, ...)
    rss <- sum((model.response(model.frame(formula, data)) - fitted(fit))^2)
    if (is.null(best) || rss < best$rss) best <- list(rss = rss, fit = fit)
  }
  best
}
rss_of <- function(...) sapply(1:3, function(terms) least(log_perm ~ area + peri + shape, rock1, terms, ...)$rss)
array_of('kRockSupsmu', rss_of(sm.method = 'supsmu'))
array_of('kRockSupsmuBass5', rss_of(sm.method = 'supsmu', bass = 5))
array_of('kRockSupsmuSpan3', rss_of(sm.method = 'supsmu', span = 0.3))
array_of('kRockSpline5', rss_of(sm.method = 'spline', df = 5))
array_of('kRockSpline3', rss_of(sm.method = 'spline', df = 3))

# ppr()'s search for the degrees of freedom ends early: what a spline along its direction needs for its residual.
spline_matrix <- function(x, w, lambda) {
  n <- length(x); h <- diff(x); q <- matrix(0, n, n - 2); r <- matrix(0, n - 2, n - 2)
  for (j in 1:(n - 2)) {
    q[j:(j + 2), j] <- c(1 / h[j], -1 / h[j] - 1 / h[j + 1], 1 / h[j + 1])
    r[j, j] <- (h[j] + h[j + 1]) / 3
    if (j < n - 2) r[j, j + 1] <- r[j + 1, j] <- h[j + 1] / 6
  }
  solve(diag(w) + lambda * q %*% solve(r, t(q)), diag(w))
}
smooth_exactly <- function(x, y, w, df) {
  excess <- function(e) sum(diag(spline_matrix(x, w, exp(e)))) - df
  c(spline_matrix(x, w, exp(uniroot(excess, c(-30, 10), tol = 1e-13)$root)) %*% y)
}
realised <- function(fit, x, y, df) {
  v <- c(as.matrix(x) %*% fit$alpha)
  rss <- function(d) {
    spline <- smooth.spline(v, y, df = d, all.knots = TRUE, control.spar = list(tol = 1e-10))
    sum((y - predict(spline, v)$y)^2)
  }
  uniroot(function(d) rss(d) - sum((y - fitted(fit))^2), c(df - 0.5, df + 5))$root
}
rock_fit <- function(df)
  ppr(log_perm ~ area + peri + shape, data = rock1, nterms = 1, sm.method = 'spline', df = df)
array_of('kRealised', sapply(c(5, 3), function(df) realised(rock_fit(df), rock1[, 1:3], rock1$log_perm, df)),
         digits = 6)

# --- smoothers
x <- c(0.1, 0.15, 0.3, 0.32, 0.5, 0.75, 0.8, 1.2, 1.3, 1.35, 1.6, 1.9, 2.0, 2.4, 2.45, 2.5, 2.9, 3.0, 3.3, 3.7,
       3.75, 3.9, 4.4, 4.5, 4.55, 4.8, 5.0, 5.3, 5.6, 6.0)
y <- round(sin(2 * x) + 0.3 * cos(9 * x), 6)
w <- rep(c(1, 2, 0.5), 10)
one <- rep(1, length(x))
array_of('kCurveX', x); array_of('kCurveY', y); array_of('kCurveWeights', w)
for (df in c(3, 5, 12)) array_of(paste0('kSpline', df), smooth_exactly(x, y, one, df))
array_of('kSplineWeighted', smooth_exactly(x, y, w, 7))
array_of('kSmoothSpline5', smooth.spline(x, y, df = 5, all.knots = TRUE, control.spar = list(tol = 1e-10))$y)
array_of('kSupsmu', supsmu(x, y)$y)
array_of('kSupsmuBass5', supsmu(x, y, bass = 5)$y)
array_of('kSupsmuSpan3', supsmu(x, y, span = 0.3)$y)
array_of('kSupsmuWeighted', supsmu(x, y, wt = w)$y)

# --- ridge functions without noise; the same numbers as test::Numbers, whose values are exact in float32
numbers <- function(count, seed) {
  values <- numeric(count)
  for (i in seq_len(count)) {
    seed <- (seed * 1664525 + 1013904223) %% 2^32
    values[i] <- floor(seed / 256) * 2^-23 - 1
  }
  values
}
angle <- function(a, b) acos(min(1, abs(sum(a * b)) / sqrt(sum(a^2) * sum(b^2)))) * 180 / pi
d <- as.data.frame(matrix(numbers(150 * 4, 7), ncol = 4, byrow = TRUE))
one_direction <- c(1, 2, -1, 0.5); other <- c(1, -1, 0, 2)
p <- as.matrix(d) %*% one_direction; q <- as.matrix(d) %*% other
d$wave <- 2 * p / (1 + p^2); d$both <- d$wave + q^2 / 4; d$square <- q^2
wave <- least(wave ~ V1 + V2 + V3 + V4, d, 1, sm.method = 'spline', df = 10)
both <- least(both ~ V1 + V2 + V3 + V4, d, 2, sm.method = 'spline', df = 10)
square <- least(square ~ V1 + V2 + V3 + V4, d, 1, sm.method = 'supsmu')
array_of('kRidgeRealised', realised(wave$fit, d[, 1:4], d$wave, 10), digits = 6)
array_of('kRidgeResiduals', c(wave$rss, both$rss, square$rss))
say('// angles of ppr() in degrees: ', paste(round(c(angle(wave$fit$alpha, one_direction),
    sort(apply(both$fit$alpha, 2, function(a) min(angle(a, one_direction), angle(a, other)))),
    angle(square$fit$alpha, other)), 3), collapse = ', '))
two <- ppr(cbind(wave, square) ~ V1 + V2 + V3 + V4, data = d, nterms = 2, max.terms = 2, sm.method = 'spline', df = 10)
array_of('kTwoOutputs', sum((as.matrix(d[, c('wave', 'square')]) - fitted(two))^2))
close(out)
