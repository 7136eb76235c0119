// A deep RNN and its backpropagation through time: tanh, softmax, the mean loss over the steps of one sequence.
// It reads requests from standard input, a JSON object in each line, and answers likewise.

import { createInterface } from "node:readline";

const zeros = (length) => new Array(length).fill(0);
const zerosLike = (array) => array.map((entry) => (Array.isArray(entry) ? zerosLike(entry) : 0));
const add = (u, v) => u.map((value, i) => value + v[i]);
const times = (u, v) => u.map((value, i) => value * v[i]);
const multiply = (M, v) => M.map((row) => row.reduce((sum, entry, j) => sum + entry * v[j], 0));
const transpose = (M) => M[0].map((_, j) => M.map((row) => row[j]));
const addOuter = (M, u, v) => M.map((row, i) => row.map((entry, j) => entry + u[i] * v[j]));

const tanh = (z) => z.map(Math.tanh);
const tanhPrime = (z) => z.map((value) => 1 - Math.tanh(value) ** 2);

function softmax(z) {
  const largest = Math.max(...z);
  const e = z.map((value) => Math.exp(value - largest));
  const total = e.reduce((sum, value) => sum + value);
  return e.map((value) => value / total);
}

class Recurrent {
  constructor({ H, W, b }) {
    Object.assign(this, { H, W, b });
  }

  forward(inputs) {
    this.inputs = inputs;
    this.z = [];
    this.h = [zeros(this.b.length)]; // h[t] is the state before step t
    inputs.forEach((x, t) => {
      this.z[t] = add(add(multiply(this.H, this.h[t]), multiply(this.W, x)), this.b);
      this.h[t + 1] = tanh(this.z[t]);
    });
    return this.h.slice(1);
  }

  // From the errors that arrive at the states: the gradients, and the errors that go down.
  backward(arriving) {
    const [Ht, Wt] = [transpose(this.H), transpose(this.W)];
    let [dH, dW, db] = [zerosLike(this.H), zerosLike(this.W), zerosLike(this.b)];
    let carried = zeros(this.b.length);
    const down = [];
    for (let t = arriving.length - 1; t >= 0; t--) {
      const delta = times(tanhPrime(this.z[t]), add(arriving[t], carried));
      dH = addOuter(dH, delta, this.h[t]);
      dW = addOuter(dW, delta, this.inputs[t]);
      db = add(db, delta);
      carried = multiply(Ht, delta);
      down[t] = multiply(Wt, delta);
    }
    return [{ H: dH, W: dW, b: db }, down];
  }
}

class Output {
  constructor({ W, b }) {
    Object.assign(this, { W, b });
  }

  forward(inputs, y) {
    this.inputs = inputs;
    const probabilities = inputs.map((h) => softmax(add(multiply(this.W, h), this.b)));
    this.errors = probabilities.map((p, t) => p.map((value, k) => (value - (k === y[t])) / y.length));
    return probabilities.reduce((sum, p, t) => sum - Math.log(p[y[t]]) / y.length, 0);
  }

  backward() {
    const dW = this.errors.reduce((sum, delta, t) => addOuter(sum, delta, this.inputs[t]), zerosLike(this.W));
    return [{ W: dW, b: this.errors.reduce(add) }, this.errors.map((delta) => multiply(transpose(this.W), delta))];
  }
}

function backprop({ params, x, y }) {
  const layers = params.slice(0, -1).map((layer) => new Recurrent(layer));
  const output = new Output(params.at(-1));
  const loss = output.forward(layers.reduce((sequence, layer) => layer.forward(sequence), x), y);

  let [gradients, arriving] = output.backward();
  const grads = [gradients];
  for (const layer of layers.reverse()) {
    [gradients, arriving] = layer.backward(arriving);
    grads.unshift(gradients);
  }
  return { loss, grads };
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  console.log(JSON.stringify({ id: request.id, ...backprop(request) }));
}
