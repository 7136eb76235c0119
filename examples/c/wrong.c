/* The same as right.c, with a mistake in it. */

#include "rnn.h"

#include <string.h>

#include "algebra.h"

static float forward(const struct rnn *net, const float *x, const int *y, size_t steps, struct memory *room)
{
    const size_t inputs = net->inputs, units = net->units, classes = net->classes;
    float loss = 0;

    memset(room->h, 0, units * sizeof *room->h);
    for (size_t t = 0; t < steps; t++) {
        const float *before = room->h + t * units;
        float *h = room->h + (t + 1) * units, *y_hat = room->y_hat + t * classes;

        memcpy(h, net->b, units * sizeof *h);
        add_product(h, net->W, x + t * inputs, units, inputs);
        add_product(h, net->H, before, units, units);
        for (size_t i = 0; i < units; i++)
            h[i] = tanhf(h[i]);

        memcpy(y_hat, net->c, classes * sizeof *y_hat);
        add_product(y_hat, net->V, h, classes, units);
        loss -= softmax(y_hat, classes, y[t]) / steps;
    }
    return loss;
}

float backprop(const struct rnn *net, const float *x, const int *y, size_t steps, struct memory *room,
               struct rnn *grad)
{
    const size_t inputs = net->inputs, units = net->units, classes = net->classes;
    const float loss = forward(net, x, y, steps, room);
    float *delta = room->delta, *carried = room->carried;

    memset(carried, 0, units * sizeof *carried);
    for (size_t t = steps - 1; t > 0; t--) {
        const float *before = room->h + t * units, *h = room->h + (t + 1) * units;
        float *error = room->y_hat + t * classes;

        error[y[t]] -= 1;
        for (size_t k = 0; k < classes; k++)
            error[k] /= steps;
        add_outer(grad->V, error, h, classes, units);
        add(grad->c, error, classes);

        memcpy(delta, carried, units * sizeof *delta);
        add_transposed_product(delta, net->V, error, classes, units);
        for (size_t i = 0; i < units; i++)
            delta[i] *= 1 - h[i] * h[i];
        add_outer(grad->H, delta, before, units, units);
        add_outer(grad->W, delta, x + t * inputs, units, inputs);
        add(grad->b, delta, units);

        memset(carried, 0, units * sizeof *carried);
        add_transposed_product(carried, net->H, delta, units, units);
    }
    return loss;
}
