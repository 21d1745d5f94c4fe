/* The functions that dominate a training step on CPU; see _kernels.py, which calls them.
 *
 * Plain C without a dependence on torch or Python. The functions themselves are in
 * _kernels_body.h, which is compiled for each instruction set; when the library is
 * first used, it takes the best one that this processor has. Threads are OpenMP's,
 * where the compiler has it.
 */

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#define EXPORT __attribute__((visibility("default")))
#define PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define SIMD PRAGMA(clang loop vectorize(enable))
#define UNROLL PRAGMA(unroll)
#else
#define SIMD PRAGMA(GCC ivdep)
#define UNROLL PRAGMA(GCC unroll 16)
#endif

#define BLOCK 64            /* columns of a table that are worked on together */
#define CHUNK 64            /* rows that are summed before their sum is added to others */
#define DRAWS 8192          /* random numbers from one generator */
#define PARALLEL_FROM 32768 /* entries from which threads pay */
#define DEPTH 256           /* of the blocks that products are made of */
#define PACKED_ROWS 120
#define PACKED_COLUMNS 512

/* Of arguments of e^x. Not constant: else the compiler makes cases of all that follows. */
float ladder_limits[2] = {-87.0f, 88.0f};

/* The structures are those of _kernels.py, field by field. */

struct gaussian {
    int64_t n_rows, width, columns; /* columns: the first ones, for which it is done */
    const float *z, *u, *a; /* a: (10, width) */
    float *out;             /* forward */
    const float *dout;      /* backward */
    float *dz, *du, *da;
};

struct normalize {
    int64_t n_rows[3], width, columns; /* labeled, unlabeled, clean */
    float epsilon, slope;     /* slope: h = act(a) = a where a > 0, else slope a */
    const float *z_pre, *noise, *beta, *gamma;
    float *z, *h, *means, *inverse_stds; /* h may be NULL; the last two: (3, width) */
    float *std;                          /* of clean rows; may be NULL */
    const float *dh, *dz_corrupted, *dz_clean, *dmean, *dstd; /* each may be NULL */
    float *dz_pre, *dbeta, *dgamma;
    const float *zeros, *ones; /* set here */
    int64_t add;               /* add dbeta and dgamma to what is there */
};

/* An activation alone: z + noise, and h = act(gamma (z + noise + beta)). */
struct activate {
    int64_t n_rows, width;
    float slope;
    const float *z, *noise, *beta, *gamma; /* the last two may be NULL */
    float *z_noisy, *h;
    const float *dh;
    float *dz, *dbeta, *dgamma; /* the last two may be NULL */
    int64_t add;                /* add the derivatives to what is there */
};

/* Perturbations of one length, row by row. */
struct perturb {
    int64_t n_rows, n_columns, norm; /* norm: 1, 2, or 0 for the largest entry */
    float length;
    const float *gradient, *start; /* gradient may be NULL */
    float *direction, *out;
};

struct cost {
    int64_t n_rows, width;
    int64_t denoised_row, clean_row, ddenoised_row, dclean_row; /* from row to row */
    float least_std, scale;
    const float *z_denoised, *z_clean, *mean, *std; /* the last two may be NULL */
    float *sums, *cost;
    float *dz_denoised, *dz_clean, *dmean, *dstd;
    int64_t n_observed; /* if not 0: entries that count, at the input; others are NaN */
};

struct adam {
    int64_t n;
    const int64_t *sizes;
    float *const *parameters, *const *means, *const *squares;
    const float *const *gradients;
    float step_size, inverse_root, beta1, beta2, epsilon;
};

struct noise {
    int64_t n;
    uint64_t seed;
    float std;
    float *out;
};

struct product {
    int64_t n_members, m, n, k;
    const float *a, *b; /* (n_members, m, k), (n_members, k, n), with these strides */
    int64_t a_member, a_row, a_column, b_member, b_row, b_column;
    float *c; /* (n_members, m, n), a step of 1 from column to column */
    int64_t c_member, c_row, add; /* add: to what is in c */
};

struct input {
    int64_t n_rows, n_columns, n_members;
    const float *x, *noise; /* noise may be NULL */
    float *out;
};

struct impute {
    int64_t n_rows, n_columns, n_members, n_denoising;
    const float *x;                              /* (n_rows, n_columns) with NaN */
    const float *reconstruction;                 /* of all members, or NULL: 0 */
    const float *lowest, *highest; /* of all members' columns; may be NULL */
    float *out;                                  /* of all members */
};

struct softmax {
    int64_t n_rows, n_members, n_classes; /* columns: network by network */
    const float *logits, *dproba;
    float *proba, *dlogits;
    const int64_t *y;
    const float *weight; /* may be NULL */
    float smoothing, scale, *cost; /* cost may be NULL in a divergence */
    const float *others;           /* logits */
};

struct functions {
    void (*gaussian_forward)(const struct gaussian *, long, long);
    void (*gaussian_backward)(const struct gaussian *, long, long);
    void (*normalize_forward)(const struct normalize *, long, long);
    void (*normalize_backward)(const struct normalize *, long, long);
    void (*activate_forward)(const struct activate *, long, long);
    void (*activate_backward)(const struct activate *, long, long);
    void (*perturb)(const struct perturb *, long, long);
    void (*cost_forward)(const struct cost *, long, long);
    void (*cost_backward)(const struct cost *, long, long);
    void (*adam)(const struct adam *, long, long);
    void (*noise)(const struct noise *, long, long);
    void (*product)(const struct product *, long, long, long, float *);
};

#define NAME(function) function##_default
#define LANES 4
#define TILE_ROWS 4
#include "_kernels_body.h"
#undef NAME
#undef LANES
#undef TILE_ROWS

#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_VARIANTS 1

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define NAME(function) function##_avx2
#define LANES 8
#define TILE_ROWS 6
#include "_kernels_body.h"
#undef NAME
#undef LANES
#undef TILE_ROWS
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,fma,prefer-vector-width=512")
#endif
#define NAME(function) function##_avx512
#define LANES 16
#define TILE_ROWS 12
#include "_kernels_body.h"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

static const struct functions *functions = &functions_default;

/* Take the functions for an instruction set: 0 default, 1 AVX2, 2 AVX-512. Returns
 * whether this processor has it. */
EXPORT int ladder_select(int instruction_set)
{
#ifdef HAS_VARIANTS
    __builtin_cpu_init();
    if (instruction_set == 1) {
        if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
            return 0;
        functions = &functions_avx2;
        return 1;
    }
    if (instruction_set == 2) {
        if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512vl")
            || !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512bw"))
            return 0;
        functions = &functions_avx512;
        return 1;
    }
#endif
    if (instruction_set)
        return 0;
    functions = &functions_default;
    return 1;
}

EXPORT int ladder_has_openmp(void)
{
#ifdef _OPENMP
    return 1;
#else
    return 0;
#endif
}

/* Call `function` for [first, last) in steps, from several threads if that pays. */
#define IN_STEPS(function, task, n_columns, step, n_entries)                              \
    do {                                                                                  \
        const long n_ = (n_columns), step_ = (step), n_steps_ = (n_ + step_ - 1) / step_; \
        const int threads_ = (n_entries) < PARALLEL_FROM ? 1 : n_threads;                 \
        (void)threads_;                                                                   \
        FOR_THREADS for (long i_ = 0; i_ < n_steps_; i_++)                                \
            functions->function(task, i_ * step_, n_ - i_ * step_ < step_ ? n_ : (i_ + 1) * step_); \
    } while (0)
#ifdef _OPENMP
#define FOR_THREADS PRAGMA(omp parallel for num_threads(threads_) if (threads_ > 1) schedule(static))
#else
#define FOR_THREADS
#endif

/* Few columns are worked on in smaller blocks, so that all threads have some. */
static long block(long width, int n_threads)
{
    return width >= BLOCK * n_threads ? BLOCK : BLOCK / 4;
}

EXPORT void ladder_gaussian_forward(const struct gaussian *t, int n_threads)
{
    IN_STEPS(gaussian_forward, t, t->columns, block(t->width, n_threads), t->n_rows * t->width);
}

EXPORT void ladder_gaussian_backward(const struct gaussian *t, int n_threads)
{
    IN_STEPS(gaussian_backward, t, t->columns, block(t->width, n_threads), t->n_rows * t->width);
}

static float zeros[BLOCK], ones[BLOCK];

static void fill(struct normalize *t)
{
    for (int i = 0; i < BLOCK; i++)
        ones[i] = 1.0f;
    t->zeros = zeros;
    t->ones = ones;
}

EXPORT void ladder_normalize_forward(struct normalize *t, int n_threads)
{
    fill(t);
    const long n_rows = t->n_rows[0] + t->n_rows[1] + t->n_rows[2];
    IN_STEPS(normalize_forward, t, t->columns, block(t->width, n_threads), n_rows * t->width);
}

EXPORT void ladder_normalize_backward(struct normalize *t, int n_threads)
{
    fill(t);
    const long n_rows = t->n_rows[0] + t->n_rows[1] + t->n_rows[2];
    IN_STEPS(normalize_backward, t, t->columns, block(t->width, n_threads), n_rows * t->width);
}

EXPORT void ladder_activate_forward(const struct activate *t, int n_threads)
{
    IN_STEPS(activate_forward, t, t->width, block(t->width, n_threads), t->n_rows * t->width);
}

EXPORT void ladder_activate_backward(const struct activate *t, int n_threads)
{
    IN_STEPS(activate_backward, t, t->width, block(t->width, n_threads), t->n_rows * t->width);
}

EXPORT void ladder_perturb(const struct perturb *t, int n_threads)
{
    IN_STEPS(perturb, t, t->n_rows, CHUNK / 4, t->n_rows * t->n_columns);
}

/* Mean of the squared errors. */
EXPORT void ladder_cost_forward(const struct cost *t, int n_threads)
{
    IN_STEPS(cost_forward, t, t->width, block(t->width, n_threads), t->n_rows * t->width);
    double total = 0.0;
    for (long j = 0; j < t->width; j++)
        total += t->sums[j];
    *t->cost = total / (t->n_observed ? t->n_observed : t->n_rows * t->width);
}

EXPORT void ladder_cost_backward(const struct cost *t, int n_threads)
{
    IN_STEPS(cost_backward, t, t->width, block(t->width, n_threads), t->n_rows * t->width);
}

EXPORT void ladder_adam(const struct adam *t, int n_threads)
{
    long n_entries = 0;
    for (long k = 0; k < t->n; k++)
        n_entries += t->sizes[k];
    IN_STEPS(adam, t, t->n, 1, n_entries);
}

EXPORT void ladder_noise(const struct noise *t, int n_threads)
{
    IN_STEPS(noise, t, (t->n + DRAWS - 1) / DRAWS, 1, t->n);
}

/* Returns 0 if there is no memory. */
EXPORT int ladder_product(const struct product *t, int n_threads)
{
    if (!t->k && !t->add) /* a sum of nothing */
        for (long i = 0; i < t->n_members; i++)
            for (long j = 0; j < t->m; j++)
                memset(t->c + i * t->c_member + j * t->c_row, 0, sizeof(float) * t->n);
    /* rows are split where networks cannot be shared out evenly */
    long splits = 1;
    if (t->n_members * t->m * t->n * t->k < PARALLEL_FROM * 8)
        n_threads = 1;
    while (t->n_members * splits % n_threads && splits < n_threads)
        splits++;
    const long rows = (t->m + splits - 1) / splits;
    const int threads_ = n_threads;
    int done = 1;
    (void)threads_;
    FOR_THREADS for (long i = 0; i < t->n_members * splits; i++)
    {
        const long first = i % splits * rows, last = first + rows < t->m ? first + rows : t->m;
        float *buffer = malloc(sizeof(float) * DEPTH * (PACKED_ROWS + PACKED_COLUMNS));
        if (buffer && first < last)
            functions->product(t, i / splits, first, last, buffer);
        if (!buffer)
            done = 0;
        free(buffer);
    }
    return done;
}

/* The input of all networks side by side: x once for each, plus noise. */
EXPORT void ladder_input(const struct input *t, int n_threads)
{
    (void)n_threads;
    for (long i = 0; i < t->n_rows * t->n_members; i++) {
        const float *x = t->x + i / t->n_members * t->n_columns;
        const float *noise = t->noise ? t->noise + i * t->n_columns : NULL;
        float *out = t->out + i * t->n_columns;
        for (long j = 0; j < t->n_columns; j++)
            out[j] = x[j] + (noise ? noise[j] : 0.0f);
    }
}

/* The columns of all members, with missing entries replaced: by the reconstruction of
 * the member, and in members without denoising costs by the mean of the others'. */
EXPORT void ladder_impute(const struct impute *t, int n_threads)
{
    (void)n_threads;
    const long n = t->n_columns;
    for (long i = 0; i < t->n_rows; i++)
        for (long k = 0; k < t->n_members; k++) {
            const float *x = t->x + i * n;
            const long of_row = i * t->n_members * n;
            float *out = t->out + of_row + k * n;
            for (long j = 0; j < n; j++) {
                if (x[j] == x[j]) {
                    out[j] = x[j];
                    continue;
                }
                float value = 0.0f;
                if (t->reconstruction && k < t->n_denoising)
                    value = t->reconstruction[of_row + k * n + j];
                else if (t->reconstruction) {
                    for (long other = 0; other < t->n_denoising; other++)
                        value += t->reconstruction[of_row + other * n + j];
                    value /= t->n_denoising;
                }
                if (t->lowest && value < t->lowest[k * n + j])
                    value = t->lowest[k * n + j];
                if (t->highest && value > t->highest[k * n + j])
                    value = t->highest[k * n + j];
                out[j] = value;
            }
        }
}

/* Class probabilities e^logit / sum. */
EXPORT void ladder_softmax_forward(const struct softmax *t, int n_threads)
{
    (void)n_threads;
    for (long i = 0; i < t->n_rows * t->n_members; i++) {
        const float *logits = t->logits + i * t->n_classes;
        float *proba = t->proba + i * t->n_classes, highest = logits[0], sum = 0.0f;
        for (long j = 1; j < t->n_classes; j++)
            highest = logits[j] > highest ? logits[j] : highest;
        for (long j = 0; j < t->n_classes; j++) {
            proba[j] = expf(logits[j] - highest);
            sum += proba[j];
        }
        for (long j = 0; j < t->n_classes; j++)
            proba[j] /= sum;
    }
}

/* dlogits = p (dp - sum(dp p)). */
EXPORT void ladder_softmax_backward(const struct softmax *t, int n_threads)
{
    (void)n_threads;
    for (long i = 0; i < t->n_rows * t->n_members; i++) {
        const float *proba = t->proba + i * t->n_classes, *dproba = t->dproba + i * t->n_classes;
        float *dlogits = t->dlogits + i * t->n_classes, sum = 0.0f;
        for (long j = 0; j < t->n_classes; j++)
            sum += dproba[j] * proba[j];
        for (long j = 0; j < t->n_classes; j++)
            dlogits[j] = proba[j] * (dproba[j] - sum);
    }
}

/* Mean of weight * -sum(target log p), where target is 1 - smoothing for the class y,
 * plus smoothing / n_classes for each; and `scale` times its derivative,
 * weight (p - target) / rows. */
EXPORT void ladder_cross_entropy(const struct softmax *t, int n_threads)
{
    ladder_softmax_forward(t, n_threads);
    const long n = t->n_rows * t->n_members;
    const float of_each = t->smoothing / t->n_classes;
    double total = 0.0;
    for (long i = 0; i < n; i++) {
        const float *logits = t->logits + i * t->n_classes, *proba = t->proba + i * t->n_classes;
        const int64_t y = t->y[i / t->n_members];
        const float weight = t->weight ? t->weight[i / t->n_members] : 1.0f;
        /* log of the sum of e^logit, from the most probable class */
        long best = 0;
        for (long j = 1; j < t->n_classes; j++)
            best = logits[j] > logits[best] ? j : best;
        const double log_sum = logits[best] - log(proba[best]);
        double cost = (1.0 - t->smoothing) * (log_sum - logits[y]);
        for (long j = 0; j < t->n_classes; j++) {
            const float target = of_each + (j == y ? 1.0f - t->smoothing : 0.0f);
            cost += of_each * (log_sum - logits[j]);
            t->dlogits[i * t->n_classes + j] = t->scale * weight / n * (proba[j] - target);
        }
        total += weight * cost;
    }
    *t->cost = total / n;
}

/* Mean over rows of KL(p || q), where p is of the other logits and q of these; and
 * `scale` times its derivative by the logits of q, (q - p) / rows. */
EXPORT void ladder_divergence(const struct softmax *t, int n_threads)
{
    (void)n_threads;
    const long n = t->n_rows * t->n_members, n_classes = t->n_classes;
    double total = 0.0;
    for (long i = 0; i < n; i++) {
        const float *logits[2] = {t->others + i * n_classes, t->logits + i * n_classes};
        float *dlogits = t->dlogits + i * n_classes, log_sum[2];
        for (int k = 0; k < 2; k++) {
            float highest = logits[k][0], sum = 0.0f;
            for (long j = 1; j < n_classes; j++)
                highest = logits[k][j] > highest ? logits[k][j] : highest;
            for (long j = 0; j < n_classes; j++)
                sum += expf(logits[k][j] - highest);
            log_sum[k] = highest + logf(sum);
        }
        for (long j = 0; j < n_classes; j++) {
            const float log_p = logits[0][j] - log_sum[0], log_q = logits[1][j] - log_sum[1];
            const float p = expf(log_p);
            total += p * (log_p - log_q);
            dlogits[j] = t->scale / n * (expf(log_q) - p);
        }
    }
    if (t->cost)
        *t->cost = total / n;
}
