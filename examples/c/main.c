/*
 * Asks backprop what each line of standard input asks, and answers in a line; docs/protocol.md describes both. It needs
 * no JSON library: the keys of a request come in a fixed order, so that it is one number after the other.
 */

#define _POSIX_C_SOURCE 200809L /* getline */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rnn.h"

enum { LARGEST = 1 << 12 }; /* width, or number of steps */

static void fail(const char *why)
{
    fprintf(stderr, "rnn: %s\n", why);
    exit(EXIT_FAILURE);
}

static float *zeros(size_t count)
{
    float *array = calloc(count, sizeof *array);

    if (!array)
        fail("out of memory");
    return array;
}

static struct rnn zero_rnn(size_t inputs, size_t units, size_t classes)
{
    return (struct rnn){
        .inputs = inputs,
        .units = units,
        .classes = classes,
        .H = zeros(units * units),
        .W = zeros(units * inputs),
        .b = zeros(units),
        .V = zeros(classes * units),
        .c = zeros(classes),
    };
}

static void free_rnn(struct rnn *net)
{
    free(net->H);
    free(net->W);
    free(net->b);
    free(net->V);
    free(net->c);
}

/* Reading: `at` moves through a line, and never beyond its end. */

/* How many entries the list behind a key has. */
static size_t length(const char *line, const char *key)
{
    const char *at = strstr(line, key);
    size_t entries = 1;

    if (!at)
        return 0;
    for (at += strlen(key); *at && *at != ']'; at++)
        entries += *at == ',';
    return entries;
}

/* Why a request cannot be answered, or NULL. */
static const char *refusal(const char *line)
{
    if (length(line, "\"d\":[") != 3)
        return "one hidden layer only";
    if (length(line, "\"x_shape\":[") != 2)
        return "one sequence at a time";
    if (strstr(line, "\"b_ih\":"))
        return "one bias only";
    if (strstr(line, "\"h0\":"))
        return "h(0) is zero";
    if (strstr(line, "\"y\":[["))
        return "y is to hold classes";
    return NULL;
}

static double next(const char **at)
{
    const char *start = *at + strcspn(*at, "-0123456789");
    char *end;
    const double value = strtod(start, &end);

    if (end == start)
        fail("a request ends too early");
    *at = end;
    return value;
}

static size_t next_integer(const char **at, size_t least, size_t most)
{
    const double value = next(at);

    if (!(value >= least && value <= most))
        fail("a size or a class is out of range");
    return (size_t)value;
}

static void next_array(const char **at, float *array, size_t count)
{
    for (size_t i = 0; i < count; i++)
        array[i] = (float)next(at);
}

/* Writing: 17 digits keep any float. */

static void print_vector(const char *name, const float *v, size_t length)
{
    printf("%s[", name);
    for (size_t i = 0; i < length; i++)
        printf("%s%.17g", i > 0 ? "," : "", (double)v[i]);
    printf("]");
}

static void print_matrix(const char *name, const float *M, size_t rows, size_t columns)
{
    printf("%s[", name);
    for (size_t i = 0; i < rows; i++)
        print_vector(i > 0 ? "," : "", M + i * columns, columns);
    printf("]");
}

static void print_answer(unsigned long id, float loss, const struct rnn *grad)
{
    printf("{\"id\":%lu,\"loss\":%.17g,\"grads\":[{", id, (double)loss);
    print_matrix("\"H\":", grad->H, grad->units, grad->units);
    print_matrix(",\"W\":", grad->W, grad->units, grad->inputs);
    print_vector(",\"b\":", grad->b, grad->units);
    print_matrix("},{\"W\":", grad->V, grad->classes, grad->units);
    print_vector(",\"b\":", grad->c, grad->classes);
    printf("}]}\n");
}

/* A request that is not refused: its numbers come in a fixed order. */
static void answer(const char *at, unsigned long id)
{
    const size_t inputs = next_integer(&at, 1, LARGEST);
    const size_t units = next_integer(&at, 1, LARGEST);
    const size_t classes = next_integer(&at, 1, LARGEST);
    const size_t steps = next_integer(&at, 1, LARGEST);
    struct rnn net = zero_rnn(inputs, units, classes), grad = zero_rnn(inputs, units, classes);
    struct memory room = {
        .h = zeros((steps + 1) * units),
        .y_hat = zeros(steps * classes),
        .delta = zeros(units),
        .carried = zeros(units),
    };
    float *x = zeros(steps * inputs);
    int *y = calloc(steps, sizeof *y);

    if (!y)
        fail("out of memory");
    next(&at); /* the inputs again: x_shape is [steps, inputs] */
    next_array(&at, net.H, units * units);
    next_array(&at, net.W, units * inputs);
    next_array(&at, net.b, units);
    next_array(&at, net.V, classes * units);
    next_array(&at, net.c, classes);
    next_array(&at, x, steps * inputs);
    for (size_t t = 0; t < steps; t++)
        y[t] = (int)next_integer(&at, 0, classes - 1);

    print_answer(id, backprop(&net, x, y, steps, &room, &grad), &grad);

    free_rnn(&net);
    free_rnn(&grad);
    free(room.h);
    free(room.y_hat);
    free(room.delta);
    free(room.carried);
    free(x);
    free(y);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0) {
        const char *at = line, *why = refusal(line);
        unsigned long id;

        next(&at); /* the version of the protocol */
        id = (unsigned long)next_integer(&at, 0, 1UL << 31);
        if (why)
            printf("{\"id\":%lu,\"error\":\"%s\"}\n", id, why);
        else
            answer(at, id);
        fflush(stdout);
    }
    free(line);
    return 0;
}
