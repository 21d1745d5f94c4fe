/* The functions of _kernels.c, for one instruction set. Included once for each.
 *
 * The includer defines
 *   NAME(function)  the function's name with this instruction set as its suffix,
 *   LANES           floats in a vector register,
 *   TILE_ROWS       rows of the tile that a product keeps in registers.
 *
 * Tables are float32, a line per sample, a column per unit. Columns do not depend on
 * each other. So each function works on columns [first, last), and neither the split
 * nor the number of threads changes a bit of the result.
 */

/* e^x to 1e-7: x = n ln 2 + r, then a polynomial for e^r, then the exponent n. */
static inline float NAME(exponential)(float x)
{
    const float round = 12582912.0f; /* adding it leaves an integer in the low bits */
    x = x < ladder_limits[0] ? ladder_limits[0] : x;
    x = x > ladder_limits[1] ? ladder_limits[1] : x;
    float n = x * 1.44269504088896341f + round;
    union { float value; uint32_t bits; } power = {n};
    n -= round;
    float r = x - n * 0.693359375f;
    r -= n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    power.bits = (power.bits + 127) << 23;
    return p * power.value;
}

static inline float NAME(sigmoid)(float x)
{
    return 1.0f / (1.0f + NAME(exponential)(-x));
}

/* Add sums of a chunk of rows to the total: sums of many rows round less that way. */
static inline void NAME(flush)(float *total, float *chunk, long n)
{
    for (long j = 0; j < n; j++) {
        total[j] += chunk[j];
        chunk[j] = 0.0f;
    }
}

/* z_denoised = (z - mean) gate + mean, where mean and gate are
 * a1 sigmoid(a2 u + a3) + a4 u + a5, with five coefficients (lines of `a`) each. */
static void NAME(gaussian_forward)(const struct gaussian *t, long first, long last)
{
    const long w = t->width, n = last - first;
    const float *a = t->a + first;
    for (long i = 0; i < t->n_rows; i++) {
        const float *z = t->z + i * w + first, *u = t->u + i * w + first;
        float *restrict out = t->out + i * w + first;
        SIMD for (long j = 0; j < n; j++) {
            float mean = a[j] * NAME(sigmoid)(a[w + j] * u[j] + a[2 * w + j])
                         + (a[3 * w + j] * u[j] + a[4 * w + j]);
            float gate = a[5 * w + j] * NAME(sigmoid)(a[6 * w + j] * u[j] + a[7 * w + j])
                         + (a[8 * w + j] * u[j] + a[9 * w + j]);
            out[j] = (z[j] - mean) * gate + mean;
        }
    }
}

/* Derivatives: dz = d gate; dmean = d (1 - gate); dgate = d (z - mean); and through
 * mean and gate those by u and, summed over rows, by the coefficients. */
static void NAME(gaussian_backward)(const struct gaussian *t, long first, long last)
{
    const long w = t->width, n = last - first;
    const float *a = t->a + first;
    float sums[10][BLOCK] = {{0}}, totals[10][BLOCK] = {{0}};
    for (long i = 0; i < t->n_rows; i++) {
        const float *z = t->z + i * w + first, *u = t->u + i * w + first;
        const float *d = t->dout + i * w + first;
        float *restrict dz = t->dz + i * w + first, *restrict du = t->du + i * w + first;
        SIMD for (long j = 0; j < n; j++) {
            float s = NAME(sigmoid)(a[w + j] * u[j] + a[2 * w + j]);
            float r = NAME(sigmoid)(a[6 * w + j] * u[j] + a[7 * w + j]);
            float mean = a[j] * s + (a[3 * w + j] * u[j] + a[4 * w + j]);
            float gate = a[5 * w + j] * r + (a[8 * w + j] * u[j] + a[9 * w + j]);
            float dmean = d[j] - d[j] * gate, dgate = d[j] * (z[j] - mean);
            float dinner = dmean * (s - s * s), ginner = dgate * (r - r * r);
            dz[j] = d[j] * gate;
            du[j] = dinner * (a[j] * a[w + j]) + dmean * a[3 * w + j]
                    + ginner * (a[5 * w + j] * a[6 * w + j]) + dgate * a[8 * w + j];
            sums[0][j] += dmean * s;
            sums[1][j] += dinner * u[j];
            sums[2][j] += dinner;
            sums[3][j] += dmean * u[j];
            sums[4][j] += dmean;
            sums[5][j] += dgate * r;
            sums[6][j] += ginner * u[j];
            sums[7][j] += ginner;
            sums[8][j] += dgate * u[j];
            sums[9][j] += dgate;
        }
        if (i % CHUNK == CHUNK - 1 || i == t->n_rows - 1)
            for (int k = 0; k < 10; k++)
                NAME(flush)(totals[k], sums[k], n);
    }
    for (int k = 0; k < 10; k++) {
        const int is_inner = k % 5 == 1 || k % 5 == 2; /* these have the factor a1 */
        for (long j = 0; j < n; j++)
            t->da[k * w + first + j] = totals[k][j] * (is_inner ? a[k / 5 * 5 * w + j] : 1.0f);
    }
}

/* One part of rows: its mean and 1 / standard deviation, with epsilon added to the
 * variance; then z = (z_pre - mean) / std + noise and h = act(gamma (z + beta)). */
static void NAME(normalize_forward)(const struct normalize *t, long first, long last)
{
    const long w = t->width, n = last - first;
    long start = 0;
    for (int part = 0; part < 3; start += t->n_rows[part++]) {
        const long rows = t->n_rows[part];
        if (!rows)
            continue;
        const float *x = t->z_pre + start * w + first;
        float *mean = t->means + part * w + first, *inverse = t->inverse_stds + part * w + first;
        float sums[BLOCK] = {0}, totals[BLOCK] = {0};
        for (long i = 0; i < rows; i++) {
            SIMD for (long j = 0; j < n; j++)
                sums[j] += x[i * w + j];
            if (i % CHUNK == CHUNK - 1 || i == rows - 1)
                NAME(flush)(totals, sums, n);
        }
        for (long j = 0; j < n; j++) {
            mean[j] = totals[j] / rows;
            totals[j] = 0.0f;
        }
        for (long i = 0; i < rows; i++) {
            SIMD for (long j = 0; j < n; j++) {
                float deviation = x[i * w + j] - mean[j];
                sums[j] += deviation * deviation;
            }
            if (i % CHUNK == CHUNK - 1 || i == rows - 1)
                NAME(flush)(totals, sums, n);
        }
        for (long j = 0; j < n; j++)
            inverse[j] = 1.0f / sqrtf(totals[j] / rows + t->epsilon);
        if (part == 2 && t->std)
            for (long j = 0; j < n; j++)
                t->std[first + j] = sqrtf(totals[j] / rows + t->epsilon);
        const float *beta = t->beta ? t->beta + first : t->zeros;
        const float *gamma = t->gamma ? t->gamma + first : t->ones;
        for (long i = 0; i < rows; i++) {
            const long at = (start + i) * w + first;
            const float *noise = part < 2 && t->noise ? t->noise + at : t->zeros;
            float *restrict z = t->z + at;
            SIMD for (long j = 0; j < n; j++)
                z[j] = (x[i * w + j] - mean[j]) * inverse[j] + noise[j];
            if (t->h) {
                float *restrict h = t->h + at;
                const float slope = t->slope;
                SIMD for (long j = 0; j < n; j++) {
                    float value = gamma[j] * (z[j] + beta[j]);
                    h[j] = value > 0.0f ? value : slope * value;
                }
            }
        }
    }
}

/* Derivatives of that. With x = (z_pre - mean) / std, and dz that of z:
 * dz_pre = (dz - mean(dz) - x mean(dz x)) / std, means over the rows of the part;
 * for clean rows, + (dmean + x dstd) / rows for the statistics that were returned. */
static void NAME(normalize_backward)(const struct normalize *t, long first, long last)
{
    const long w = t->width, n = last - first;
    const float *beta = t->beta ? t->beta + first : t->zeros;
    const float *gamma = t->gamma ? t->gamma + first : t->ones;
    const float slope = t->slope;
    float dbeta[BLOCK] = {0}, dgamma[BLOCK] = {0};
    long start = 0;
    for (int part = 0; part < 3; start += t->n_rows[part++]) {
        const long rows = t->n_rows[part];
        if (!rows)
            continue;
        const float *mean = t->means + part * w + first, *inverse = t->inverse_stds + part * w + first;
        /* sums over a chunk, then over all: of dcost/d(z + beta), of it times
         * (z + beta), of dz and of dz x */
        float sums[4][BLOCK] = {{0}}, totals[4][BLOCK] = {{0}};
        const float *other = part == 1 ? t->dz_corrupted : part == 2 ? t->dz_clean : NULL;
        for (long i = 0; i < rows; i++) {
            const long at = (start + i) * w + first;
            const float *x = t->z_pre + at, *z = t->z + at;
            const float *dz_other = other ? other + i * w + first : t->zeros;
            float *restrict out = t->dz_pre + at;
            if (t->dh && t->h) {
                const float *dh = t->dh + at, *h = t->h + at;
                SIMD for (long j = 0; j < n; j++) {
                    float d = h[j] > 0.0f ? dh[j] : slope * dh[j];
                    sums[1][j] += d * (z[j] + beta[j]);
                    d *= gamma[j];
                    sums[0][j] += d;
                    out[j] = d + dz_other[j];
                }
            } else {
                SIMD for (long j = 0; j < n; j++)
                    out[j] = dz_other[j];
            }
            SIMD for (long j = 0; j < n; j++) {
                sums[2][j] += out[j];
                sums[3][j] += out[j] * ((x[j] - mean[j]) * inverse[j]);
            }
            if (i % CHUNK == CHUNK - 1 || i == rows - 1)
                for (int k = 0; k < 4; k++)
                    NAME(flush)(totals[k], sums[k], n);
        }
        float constant[BLOCK], factor[BLOCK];
        for (long j = 0; j < n; j++) {
            dbeta[j] += totals[0][j];
            dgamma[j] += totals[1][j];
            constant[j] = -totals[2][j] / rows * inverse[j];
            factor[j] = -totals[3][j] / rows * inverse[j];
            if (part == 2 && t->dmean)
                constant[j] += t->dmean[first + j] / rows;
            if (part == 2 && t->dstd)
                factor[j] += t->dstd[first + j] / rows;
            factor[j] *= inverse[j];
        }
        for (long i = 0; i < rows; i++) {
            const long at = (start + i) * w + first;
            const float *x = t->z_pre + at;
            float *restrict out = t->dz_pre + at;
            SIMD for (long j = 0; j < n; j++)
                out[j] = out[j] * inverse[j] + constant[j] + factor[j] * (x[j] - mean[j]);
        }
    }
    for (long j = 0; j < n; j++) {
        if (t->dbeta)
            t->dbeta[first + j] = dbeta[j] + (t->add ? t->dbeta[first + j] : 0.0f);
        if (t->dgamma)
            t->dgamma[first + j] = dgamma[j] + (t->add ? t->dgamma[first + j] : 0.0f);
    }
}

/* z + noise, and h = act(gamma (z + noise + beta)). */
static void NAME(activate_forward)(const struct activate *t, long first, long last)
{
    const long w = t->width, n = last - first;
    const float slope = t->slope;
    float beta[BLOCK], gamma[BLOCK];
    for (long j = 0; j < n; j++) {
        beta[j] = t->beta ? t->beta[first + j] : 0.0f;
        gamma[j] = t->gamma ? t->gamma[first + j] : 1.0f;
    }
    for (long i = 0; i < t->n_rows; i++) {
        const long at = i * w + first;
        const float *z = t->z + at, *noise = t->noise + at;
        float *restrict z_noisy = t->z_noisy + at, *restrict h = t->h + at;
        SIMD for (long j = 0; j < n; j++) {
            z_noisy[j] = z[j] + noise[j];
            float value = gamma[j] * (z_noisy[j] + beta[j]);
            h[j] = value > 0.0f ? value : slope * value;
        }
    }
}

/* Derivatives of h by z, beta and gamma. */
static void NAME(activate_backward)(const struct activate *t, long first, long last)
{
    const long w = t->width, n = last - first;
    const float slope = t->slope;
    float beta[BLOCK], gamma[BLOCK], sums[2][BLOCK] = {{0}}, totals[2][BLOCK] = {{0}};
    for (long j = 0; j < n; j++) {
        beta[j] = t->beta ? t->beta[first + j] : 0.0f;
        gamma[j] = t->gamma ? t->gamma[first + j] : 1.0f;
    }
    for (long i = 0; i < t->n_rows; i++) {
        const long at = i * w + first;
        const float *z_noisy = t->z_noisy + at, *h = t->h + at, *dh = t->dh + at;
        float *restrict dz = t->dz + at;
        SIMD for (long j = 0; j < n; j++) {
            float d = h[j] > 0.0f ? dh[j] : slope * dh[j];
            sums[1][j] += d * (z_noisy[j] + beta[j]);
            d *= gamma[j];
            sums[0][j] += d;
            dz[j] = d + (t->add ? dz[j] : 0.0f);
        }
        if (i % CHUNK == CHUNK - 1 || i == t->n_rows - 1)
            for (int k = 0; k < 2; k++)
                NAME(flush)(totals[k], sums[k], n);
    }
    for (long j = 0; j < n; j++) {
        if (t->dbeta)
            t->dbeta[first + j] = totals[0][j] + (t->add ? t->dbeta[first + j] : 0.0f);
        if (t->dgamma)
            t->dgamma[first + j] = totals[1][j] + (t->add ? t->dgamma[first + j] : 0.0f);
    }
}

/* Largest absolute value. */
static inline float NAME(largest)(const float *x, long n)
{
    float lanes[LANES] = {0}, largest = 0.0f;
    long j = 0;
    for (; j + LANES <= n; j += LANES)
        SIMD for (int k = 0; k < LANES; k++)
            lanes[k] = fabsf(x[j + k]) > lanes[k] ? fabsf(x[j + k]) : lanes[k];
    for (int k = 0; k < LANES; k++)
        largest = lanes[k] > largest ? lanes[k] : largest;
    for (; j < n; j++)
        largest = fabsf(x[j]) > largest ? fabsf(x[j]) : largest;
    return largest;
}

/* Sum of absolute values, or of squares. */
static inline float NAME(sum_of)(const float *x, long n, int squares)
{
    float lanes[LANES] = {0}, sum = 0.0f;
    long j = 0;
    for (; j + LANES <= n; j += LANES)
        SIMD for (int k = 0; k < LANES; k++)
            lanes[k] += squares ? x[j + k] * x[j + k] : fabsf(x[j + k]);
    for (int k = 0; k < LANES; k++)
        sum += lanes[k];
    for (; j < n; j++)
        sum += squares ? x[j] * x[j] : fabsf(x[j]);
    return sum;
}

/* For rows [first, last): the direction becomes that of the gradient, unless this is 0;
 * then its length is 1, and out = start + length direction. */
static void NAME(perturb)(const struct perturb *t, long first, long last)
{
    const long n = t->n_columns;
    for (long i = first; i < last; i++) {
        float *d = t->direction + i * n, *out = t->out + i * n;
        const float *gradient = t->gradient ? t->gradient + i * n : d, *start = t->start + i * n;
        float largest = NAME(largest)(gradient, n);
        if (largest == 0.0f) {
            gradient = d;
            largest = NAME(largest)(d, n);
        }
        /* first by the largest entry: squares of small numbers would be 0 */
        const float factor = 1.0f / (largest > 1.17549435e-38f ? largest : 1.17549435e-38f);
        SIMD for (long j = 0; j < n; j++)
            d[j] = factor * gradient[j];
        float size = 1.0f;
        if (t->norm == 1)
            size = NAME(sum_of)(d, n, 0);
        if (t->norm == 2)
            size = sqrtf(NAME(sum_of)(d, n, 1));
        const float inverse = 1.0f / (size > 1e-12f ? size : 1e-12f);
        SIMD for (long j = 0; j < n; j++) {
            d[j] *= inverse;
            out[j] = start[j] + t->length * d[j];
        }
    }
}

/* A row of z, with what makes no error where z is missing. At the input alone, so
 * mean is 0 and std is 1. */
static const float *NAME(observed)(const float *z, const float *denoised, float *filled, long n)
{
    for (long j = 0; j < n; j++)
        filled[j] = z[j] == z[j] ? z[j] : denoised[j];
    return filled;
}

/* Sum over rows, by column, of error squared; error = (z_denoised - mean - std z) / d,
 * where d is std, but at least `least_std`. At the input, mean is 0 and std is 1. */
static void NAME(cost_forward)(const struct cost *t, long first, long last)
{
    const long n = last - first;
    float filled[BLOCK], divisor[BLOCK], share[BLOCK], mean[BLOCK], sums[BLOCK] = {0}, totals[BLOCK] = {0};
    for (long j = 0; j < n; j++) {
        const float std = t->std ? t->std[first + j] : 1.0f;
        mean[j] = t->mean ? t->mean[first + j] : 0.0f;
        divisor[j] = std < t->least_std ? t->least_std : std;
        share[j] = std / divisor[j];
        divisor[j] = 1.0f / divisor[j];
    }
    for (long i = 0; i < t->n_rows; i++) {
        const float *denoised = t->z_denoised + i * t->denoised_row + first;
        const float *clean = t->z_clean + i * t->clean_row + first;
        if (t->n_observed)
            clean = NAME(observed)(clean, denoised, filled, n);
        SIMD for (long j = 0; j < n; j++) {
            float error = (denoised[j] - mean[j]) * divisor[j] - clean[j] * share[j];
            sums[j] += error * error;
        }
        if (i % CHUNK == CHUNK - 1 || i == t->n_rows - 1)
            NAME(flush)(totals, sums, n);
    }
    for (long j = 0; j < n; j++)
        t->sums[first + j] = totals[j];
}

/* Derivatives of `scale` / 2 times the sum of all squares. */
static void NAME(cost_backward)(const struct cost *t, long first, long last)
{
    const long n = last - first;
    float filled[BLOCK], divisor[BLOCK], share[BLOCK], mean[BLOCK], follows[BLOCK];
    float sums[2][BLOCK] = {{0}}, totals[2][BLOCK] = {{0}};
    for (long j = 0; j < n; j++) {
        const float std = t->std ? t->std[first + j] : 1.0f;
        mean[j] = t->mean ? t->mean[first + j] : 0.0f;
        follows[j] = std >= t->least_std; /* d error / dstd = -(z + error) / d, else -z / d */
        divisor[j] = std < t->least_std ? t->least_std : std;
        share[j] = std / divisor[j];
        divisor[j] = 1.0f / divisor[j];
    }
    for (long i = 0; i < t->n_rows; i++) {
        const float *denoised = t->z_denoised + i * t->denoised_row + first;
        const float *clean = t->z_clean + i * t->clean_row + first;
        float *restrict ddenoised = t->dz_denoised + i * t->ddenoised_row + first;
        if (t->n_observed)
            clean = NAME(observed)(clean, denoised, filled, n);
        SIMD for (long j = 0; j < n; j++) {
            float error = (denoised[j] - mean[j]) * divisor[j] - clean[j] * share[j];
            ddenoised[j] = error * t->scale * divisor[j];
            sums[0][j] += ddenoised[j];
            sums[1][j] += ddenoised[j] * (clean[j] + error * follows[j]);
        }
        if (t->dz_clean) {
            float *restrict dclean = t->dz_clean + i * t->dclean_row + first;
            SIMD for (long j = 0; j < n; j++) {
                float error = (denoised[j] - mean[j]) * divisor[j] - clean[j] * share[j];
                dclean[j] = -error * t->scale * share[j];
            }
        }
        if (i % CHUNK == CHUNK - 1 || i == t->n_rows - 1)
            for (int k = 0; k < 2; k++)
                NAME(flush)(totals[k], sums[k], n);
    }
    for (long j = 0; j < n; j++) {
        if (t->dmean)
            t->dmean[first + j] = -totals[0][j];
        if (t->dstd)
            t->dstd[first + j] = -totals[1][j];
    }
}

/* Adam: m and v are moving means of the gradient and of its square;
 * parameter -= lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon). */
static void NAME(adam)(const struct adam *t, long first, long last)
{
    for (long k = first; k < last; k++) {
        float *restrict p = t->parameters[k], *restrict m = t->means[k], *restrict v = t->squares[k];
        const float *g = t->gradients[k];
        const float step = t->step_size, root = t->inverse_root, epsilon = t->epsilon;
        const float c1 = 1.0f - t->beta1, c2 = 1.0f - t->beta2, b2 = t->beta2;
        SIMD for (long j = 0; j < t->sizes[k]; j++) {
            m[j] += c1 * (g[j] - m[j]);
            v[j] = b2 * v[j] + c2 * (g[j] * g[j]);
            p[j] -= step * m[j] / (sqrtf(v[j]) * root + epsilon);
        }
    }
}

/* log(x) of x in (0, 1], to 1e-7. */
static inline float NAME(logarithm)(float x)
{
    union { float value; uint32_t bits; } u = {x};
    uint32_t shifted = u.bits - 0x3f3504f3u; /* of sqrt(1/2) */
    float e = (float)((int32_t)shifted >> 23);
    u.bits = (shifted & 0x007fffffu) + 0x3f3504f3u;
    float r = u.value - 1.0f, s = r * r;
    float p = 7.0376836292e-2f;
    p = p * r - 1.1514610310e-1f;
    p = p * r + 1.1676998740e-1f;
    p = p * r - 1.2420140846e-1f;
    p = p * r + 1.4249322787e-1f;
    p = p * r - 1.6668057665e-1f;
    p = p * r + 2.0000714765e-1f;
    p = p * r - 2.4999993993e-1f;
    p = p * r + 3.3333331174e-1f;
    p = p * r * s + e * -2.12194440e-4f - 0.5f * s;
    return r + p + e * 0.693359375f;
}

/* Standard normal numbers times `std`, by Box and Muller, from 2 x 16 generators
 * xoshiro128++ (Blackman, Vigna, 2021). Each block of DRAWS numbers starts with states
 * of its own, so that blocks can be drawn in any order. */
static void NAME(noise)(const struct noise *t, long first, long last)
{
    for (long block = first; block < last; block++) {
        uint32_t state[4][32];
        uint64_t seed = t->seed + (uint64_t)block * 0xd1342543de82ef95u;
        for (int k = 0; k < 4; k++)
            for (int j = 0; j < 32; j++) { /* splitmix64 */
                uint64_t x = seed += 0x9e3779b97f4a7c15u;
                x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
                x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
                state[k][j] = (uint32_t)((x ^ (x >> 31)) >> 32);
            }
        const long start = block * DRAWS, n = t->n - start < DRAWS ? t->n - start : DRAWS;
        for (long i = 0; i < n; i += 32) {
            uint32_t random[32];
            float values[32];
            SIMD for (int j = 0; j < 32; j++) {
                uint32_t a = state[0][j], b = state[1][j], c = state[2][j], d = state[3][j];
                uint32_t sum = a + d;
                random[j] = ((sum << 7) | (sum >> 25)) + a;
                c ^= a;
                d ^= b;
                state[1][j] = b ^ c;
                state[0][j] = a ^ d;
                state[2][j] = c ^ (b << 9);
                state[3][j] = (d << 11) | (d >> 21);
            }
            SIMD for (int j = 0; j < 16; j++) {
                /* of 32 random bits, u in (0, 1]: so the tail is that of 2^-32 */
                float u = ((float)(int32_t)(random[j] >> 8) + (float)(int32_t)(random[j] & 255) * 0.00390625f + 0.00390625f) * 5.9604645e-8f;
                float radius = t->std * sqrtf(-2.0f * NAME(logarithm)(u));
                /* an angle in [-pi/4, pi/4), and by two other bits the quadrant */
                float x = ((float)((int32_t)random[16 + j] >> 8) + 0.5f) * 9.362675707309822e-08f;
                float s = x * x;
                float sine = ((-1.9515295891e-4f * s + 8.3321608736e-3f) * s - 1.6666654611e-1f) * s * x + x;
                float cosine = ((2.443315711809948e-5f * s - 1.388731625493765e-3f) * s + 4.166664568298827e-2f) * s * s - 0.5f * s + 1.0f;
                cosine = random[16 + j] & 2 ? -cosine : cosine;
                values[j] = radius * (random[16 + j] & 1 ? sine : cosine);
                values[16 + j] = radius * (random[16 + j] & 1 ? cosine : sine);
            }
            for (long j = 0; j < 32 && i + j < n; j++)
                t->out[start + i + j] = values[j];
        }
    }
}

/* ------------------------------------------------------------------ products */

typedef float NAME(vector) __attribute__((vector_size(4 * LANES), aligned(4)));

/* A tile of TILE_ROWS x 2 LANES: the sum over k of a column of `a` times a row of `b`,
 * both packed so that these lie one after the other. */
static void NAME(tile)(long depth, const float *a, const float *b, float *c, long c_row, int add)
{
    NAME(vector) sums[TILE_ROWS][2];
    UNROLL for (int i = 0; i < TILE_ROWS; i++)
        sums[i][0] = sums[i][1] = (NAME(vector)){0};
    for (long k = 0; k < depth; k++) {
        const NAME(vector) left = *(const NAME(vector) *)b, right = *(const NAME(vector) *)(b + LANES);
        UNROLL for (int i = 0; i < TILE_ROWS; i++) {
            sums[i][0] += a[i] * left;
            sums[i][1] += a[i] * right;
        }
        a += TILE_ROWS;
        b += 2 * LANES;
    }
    UNROLL for (int i = 0; i < TILE_ROWS; i++) {
        NAME(vector) *out = (NAME(vector) *)(c + i * c_row);
        out[0] = add ? out[0] + sums[i][0] : sums[i][0];
        out[1] = add ? out[1] + sums[i][1] : sums[i][1];
    }
}

/* Copy a matrix to panels of `size` columns, each with its rows one after the other;
 * the last one is filled up with 0. */
static void NAME(pack)(const float *from, long rows, long row, long columns, long column, long size, float *to)
{
    for (long start = 0; start < columns; start += size, to += rows * size) {
        const long n = columns - start < size ? columns - start : size;
        const float *panel = from + start * column;
        if (n < size)
            memset(to, 0, sizeof(float) * rows * size);
        if (column == 1)
            for (long k = 0; k < rows; k++)
                for (long j = 0; j < n; j++)
                    to[k * size + j] = panel[k * row + j];
        else if (row == 1)
            for (long j = 0; j < n; j++)
                for (long k = 0; k < rows; k++)
                    to[k * size + j] = panel[j * column + k];
        else
            for (long k = 0; k < rows; k++)
                for (long j = 0; j < n; j++)
                    to[k * size + j] = panel[k * row + j * column];
    }
}

/* c = a b for one network of t, rows [first, last) of a. */
static void NAME(product)(const struct product *t, long network, long first, long last, float *buffer)
{
    enum { WIDTH = 2 * LANES, ROWS = PACKED_ROWS / TILE_ROWS * TILE_ROWS };
    const float *a = t->a + network * t->a_member, *b = t->b + network * t->b_member;
    float *c = t->c + network * t->c_member, *packed_a = buffer, *packed_b = buffer + PACKED_ROWS * DEPTH;
    float corner[TILE_ROWS * WIDTH];
    for (long j0 = 0; j0 < t->n; j0 += PACKED_COLUMNS) {
        const long columns = t->n - j0 < PACKED_COLUMNS ? t->n - j0 : PACKED_COLUMNS;
        for (long k0 = 0; k0 < t->k; k0 += DEPTH) {
            const long depth = t->k - k0 < DEPTH ? t->k - k0 : DEPTH;
            NAME(pack)(b + k0 * t->b_row + j0 * t->b_column, depth, t->b_row, columns, t->b_column, WIDTH, packed_b);
            for (long i0 = first; i0 < last; i0 += ROWS) {
                const long rows = last - i0 < ROWS ? last - i0 : ROWS;
                NAME(pack)(a + i0 * t->a_row + k0 * t->a_column, depth, t->a_column, rows, t->a_row, TILE_ROWS, packed_a);
                for (long j = 0; j < columns; j += WIDTH)
                    for (long i = 0; i < rows; i += TILE_ROWS) {
                        const int add = k0 > 0 || t->add;
                        float *out = c + (i0 + i) * t->c_row + j0 + j;
                        const float *left = packed_a + i * depth, *right = packed_b + j * depth;
                        if (i + TILE_ROWS <= rows && j + WIDTH <= columns) {
                            NAME(tile)(depth, left, right, out, t->c_row, add);
                            continue;
                        }
                        NAME(tile)(depth, left, right, corner, WIDTH, 0);
                        for (long r = 0; r < TILE_ROWS && i + r < rows; r++)
                            for (long s = 0; s < WIDTH && j + s < columns; s++)
                                out[r * t->c_row + s] = corner[r * WIDTH + s] + (add ? out[r * t->c_row + s] : 0.0f);
                    }
            }
        }
    }
}

static const struct functions NAME(functions) = {
    NAME(gaussian_forward), NAME(gaussian_backward), NAME(normalize_forward),
    NAME(normalize_backward), NAME(activate_forward), NAME(activate_backward),
    NAME(perturb), NAME(cost_forward), NAME(cost_backward), NAME(adam),
    NAME(noise), NAME(product),
};
