/* An RNN with one hidden layer: h = tanh(W x + H h + b), y_hat = softmax(V h + c). Matrices are stored row by row. */

#ifndef RNN_H
#define RNN_H

#include <stddef.h>

struct rnn {
    size_t inputs, units, classes;
    float *H; /* units x units */
    float *W; /* units x inputs */
    float *b; /* units */
    float *V; /* classes x units */
    float *c; /* classes */
};

/* What backprop works in. */
struct memory {
    float *h;       /* (steps + 1) x units: the states, the initial one first */
    float *y_hat;   /* steps x classes */
    float *delta;   /* units */
    float *carried; /* units */
};

/*
 * The mean loss over the steps of one sequence: x is steps x inputs, y holds the class of each step. The gradients are
 * added to grad.
 */
float backprop(const struct rnn *net, const float *x, const int *y, size_t steps, struct memory *room,
               struct rnn *grad);

#endif
