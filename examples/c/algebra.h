/* Vectors and matrices of floats, the matrices stored row by row. */

#ifndef ALGEBRA_H
#define ALGEBRA_H

#include <math.h>
#include <stddef.h>

/* sum += v */
static inline void add(float *sum, const float *v, size_t length)
{
    for (size_t i = 0; i < length; i++)
        sum[i] += v[i];
}

/* sum += M v */
static inline void add_product(float *sum, const float *M, const float *v, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            sum[i] += M[i * columns + j] * v[j];
}

/* sum += M^T v */
static inline void add_transposed_product(float *sum, const float *M, const float *v, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            sum[j] += M[i * columns + j] * v[i];
}

/* M += u v^T */
static inline void add_outer(float *M, const float *u, const float *v, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            M[i * columns + j] += u[i] * v[j];
}

/* From logits to y_hat, in place; the logarithm of y_hat[y]. */
static inline float softmax(float *z, size_t classes, int y)
{
    float largest = z[0], total = 0, chosen;

    for (size_t k = 1; k < classes; k++)
        largest = fmaxf(largest, z[k]);
    chosen = z[y] - largest;
    for (size_t k = 0; k < classes; k++) {
        z[k] = expf(z[k] - largest);
        total += z[k];
    }
    for (size_t k = 0; k < classes; k++)
        z[k] /= total;
    return chosen - logf(total);
}

#endif
